"""The pages. GET changes nothing; every form is a POST of this site."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic import StringConstraints
from sqlalchemy.orm import Session, sessionmaker
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from mailer import InvalidAddress
from mailer.asgi import MailerDep

from . import families
from .database import Member
from .families import NotPossibleError
from .rendering import FOLDER, Templates
from .signing_in import INVITATION, INVITATION_SECONDS, SigningIn

SIGN_IN_PATH = "/verify/sign-in"
# A name is one line: no control characters, no separators of lines, none that turn the text around it backwards.
_LINE = r"^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+$"
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_LINE),
    Form(),
]
Email = Annotated[str, Form(max_length=320)]


def check_site(request: Request) -> None:
    """Refuse forms that another site sends, which browsers say: https://www.w3.org/TR/fetch-metadata/."""
    if request.method == "POST" and request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise HTTPException(403, "This form was sent by another site.")


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


class Site:
    """The pages. Each method is an endpoint.

    Args:
        sessions: Opens sessions of the database.
        templates: The HTML.
        signing_in: Who a browser belongs to.
        url: Where people reach the application.
    """

    def __init__(
        self, sessions: sessionmaker[Session], templates: Templates, signing_in: SigningIn, *, url: str
    ) -> None:
        self._sessions, self._templates, self._signing_in, self._url = sessions, templates, signing_in, url

    def router(self) -> APIRouter:
        """The router of the pages."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(check_site)])
        for path, page in (
            ("/", self.home),
            ("/style.css", self.style),
            ("/family", self.family),
            ("/invitation/{token}", self.look),
        ):
            router.add_api_route(path, page, methods=["GET"])
        for path, action in (
            ("/family", self.start),
            ("/invitations", self.invite),
            ("/news", self.news),
            ("/sign-out", self.sign_out),
            ("/invitation/{token}/accept", self.accept),
            ("/invitation/{token}/decline", self.decline),
        ):
            router.add_api_route(path, action, methods=["POST"])
        return router

    async def explain_form(self, request: Request, error: Exception) -> Response:
        """Say what is wrong with a form as a page; a program gets FastAPI's answer."""
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        if not _is_browser(request):
            return await request_validation_exception_handler(request, error)
        text = "A field is empty, too long, or has characters that are no text. Go back and change it."
        return await run_in_threadpool(self._message, request, 422, title="Not possible", text=text)

    async def explain(self, request: Request, error: Exception) -> Response:
        """Say as a page that there is none, or that it is not for this request."""
        assert isinstance(error, AnyHTTPException)  # noqa: S101 - registered for it
        if not _is_browser(request):
            return await http_exception_handler(request, error)
        status = error.status_code
        return await run_in_threadpool(self._message, request, status, title="Not possible", text=error.detail)

    def home(self, request: Request) -> Response:
        """What this is."""
        return self._templates.page("home.html", address=self._address(request))

    def style(self) -> Response:
        """The style sheet."""
        return FileResponse(FOLDER / "style.css", media_type="text/css")

    def family(self, request: Request) -> Response:
        """The family of the person who is signed in."""
        with self._sessions() as session:
            if member := self._signing_in.member_of(session, request):
                return self._shown(member)
            if address := self._signing_in.address_of(session, request):
                return self._templates.page("start.html", address=address)
        return RedirectResponse(SIGN_IN_PATH, 303)

    def start(self, request: Request, name: Name, family: Name) -> Response:
        """Start a family."""
        with self._sessions() as session:
            if not (address := self._signing_in.address_of(session, request)):
                return RedirectResponse(SIGN_IN_PATH, 303)
            try:
                families.start(session, address, name=name, family=family)
            except NotPossibleError as problem:
                return self._templates.page(
                    "message.html", 409, address=address, title="Not possible", text=str(problem)
                )
            session.commit()
        return RedirectResponse("/family", 303)

    def invite(self, request: Request, mail: MailerDep, name: Name, email: Email) -> Response:
        """Invite a parent."""
        with self._sessions() as session:
            if not (member := self._signing_in.member_of(session, request)):
                return RedirectResponse(SIGN_IN_PATH, 303)
            try:
                families.invite(session, mail, member, name=name, email=email, url=self._url)
            except InvalidAddress:
                return self._shown(member, 422, error="This is not an email address.")
            except NotPossibleError as problem:
                return self._shown(member, 409, error=str(problem))
            session.commit()  # the invitation and its mail
        return RedirectResponse("/family", 303)

    def news(self, request: Request, mail: MailerDep) -> Response:
        """Send the week's news."""
        with self._sessions() as session:
            if not (member := self._signing_in.member_of(session, request)):
                return RedirectResponse(SIGN_IN_PATH, 303)
            count = families.send_news(session, mail, member, url=self._url)
            session.commit()
            return self._shown(member, notice=f"The news is on its way. Parents: {count}.")

    def sign_out(self, request: Request) -> Response:
        """Sign out."""
        return self._signing_in.sign_out(request)

    def look(self, request: Request, token: str) -> Response:
        """Show an invitation with its two buttons; mail scanners open links, so that nothing is changed."""
        with self._sessions() as session:
            if invited := families.find(session, token):
                address = self._signing_in.address_of(session, request)
                return self._templates.page("invitation.html", address=address, invited=invited, token=token)
        return self._gone(request)

    def accept(self, request: Request, token: str) -> Response:
        """Go on to the code, which proves that the address is theirs. `SigningIn.accepted` accepts."""
        with self._sessions() as session:
            if not families.find(session, token):
                return self._gone(request)
        answer = RedirectResponse(SIGN_IN_PATH, 303)
        self._signing_in.set_cookie(answer, INVITATION, token, INVITATION_SECONDS)
        return answer

    def decline(self, request: Request, token: str, mail: MailerDep) -> Response:
        """Decline an invitation."""
        with self._sessions() as session:
            if invited := families.find(session, token):
                families.decline(session, mail, invited)
                session.commit()
        if invited is None:
            return self._gone(request)
        return self._message(request, title="You declined", text="Nobody will ask you again.")

    def _shown(self, member: Member, status: int = 200, *, error: str = "", notice: str = "") -> Response:
        return self._templates.page(
            "family.html", status, address=member.email, family=member.family, error=error, notice=notice
        )

    def _gone(self, request: Request) -> Response:
        text = "It was answered, is too old, or never existed."
        return self._message(request, 404, title="This invitation is over", text=text)

    def _message(self, request: Request, status: int = 200, *, title: str, text: str) -> Response:
        return self._templates.page("message.html", status, address=self._address(request), title=title, text=text)

    def _address(self, request: Request) -> str:
        with self._sessions() as session:
            return self._signing_in.address_of(session, request)
