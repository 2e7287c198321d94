"""Who a browser belongs to: a session in a cookie, opened by a code of six digits that was sent to the address."""

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete
from starlette.responses import RedirectResponse, Response

from . import families
from .database import Member, SignedIn
from .families import NotPossibleError, hashed, now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker
    from starlette.requests import Request

    from mailer import Mailer
    from mailer.verification import Checked, Purpose

    from .rendering import Templates

SESSION, INVITATION = "session", "invitation"
SESSION_LIFETIME, INVITATION_SECONDS = timedelta(days=14), 3600


class SigningIn:
    """The two functions that the verification routes need, and the cookies."""

    def __init__(
        self, sessions: "sessionmaker[Session]", mailer: "Mailer", templates: "Templates", *, is_secure: bool
    ) -> None:
        self._sessions, self._mailer, self._templates, self._is_secure = sessions, mailer, templates, is_secure

    def account_of(self, request: "Request", purpose: "Purpose", address: str) -> str:
        """Everybody may sign in: an address without an account gets one."""
        del request, purpose
        return address

    def accepted(self, request: "Request", checked: "Checked") -> Response:
        """Open a session for the address, and accept the invitation that the browser came with, once."""
        token, expires_at = secrets.token_urlsafe(32), now() + SESSION_LIFETIME
        with self._sessions.begin() as session:
            session.add(SignedIn(token_hash=hashed(token), email=checked.address, expires_at=expires_at))
        answer = self._joined(request.cookies.get(INVITATION, ""), checked.address)
        self.set_cookie(answer, SESSION, token, int(SESSION_LIFETIME.total_seconds()))
        answer.delete_cookie(INVITATION)
        return answer

    def sign_out(self, request: "Request") -> Response:
        """Delete the session, so that a copy of its cookie is worth nothing, and the cookie."""
        with self._sessions.begin() as session:
            session.execute(delete(SignedIn).where(SignedIn.token_hash == hashed(request.cookies.get(SESSION, ""))))
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(SESSION)
        return answer

    def _joined(self, invitation: str, address: str) -> Response:
        try:
            with self._sessions.begin() as session:
                if invited := families.find(session, invitation):
                    families.accept(session, self._mailer, invited, address)
        except NotPossibleError as problem:
            return self._templates.page("message.html", 403, address=address, title="Not possible", text=str(problem))
        return RedirectResponse("/family", 303)

    def set_cookie(self, answer: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that scripts and other sites do not get."""
        answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=self._is_secure)

    def address_of(self, session: "Session", request: "Request") -> str:
        """The address of the person who is signed in; empty if nobody is."""
        found = session.get(SignedIn, hashed(request.cookies.get(SESSION, "")))
        return found.email if found and found.expires_at > now() else ""

    def member_of(self, session: "Session", request: "Request") -> Member | None:
        """The member who is signed in."""
        return session.get(Member, self.address_of(session, request))
