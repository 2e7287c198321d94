"""The inbox page's routes. Server-rendered; a mail's own HTML never runs in this origin.

The HTML of a mail is a document of its own under a Content-Security-Policy that sandboxes it, shown in a sandboxed
iframe: no script, no form, no plugin, nothing loaded from elsewhere but data: images; its links open beside it. The
page keeps itself current by asking again with the ETag that it has, which costs nothing while nothing happens and holds
no connection.
"""

import functools
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, quote, unquote, urlencode

from mailstack_localcloud.backend.credentials import environment
from mailstack_localcloud.http import INBOX_PREFIX, Request, Response
from mailstack_localcloud.inbox.feedback import COMMANDS, FeedbackError, trigger
from mailstack_localcloud.inbox.mail import Attachment, Mail
from mailstack_localcloud.inbox.people import person, subject, tags
from mailstack_localcloud.inbox.search import STATUSES, matching
from mailstack_localcloud.inbox.standing import StandingError, end, is_suppressed, standing
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.events import event
from mailstack_localcloud.ses.mime import bare
from mailstack_localcloud.ses.simulator import VARIANTS
from mailstack_localcloud.ses.state import Occurrence, StoredMessage

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_SIZE = 100
# More of a source than this is only to be had as a document of its own.
_SHOWN_SOURCE = 64 * 1024
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# A mail's links open in a new tab. This comes last, so that the mail's own <base> takes precedence.
_OPENS_BESIDE = '<base target="_blank">'
# Where the page's forms that concern no single mail are posted to.
_STATE = "state"
_TONES = {
    "Delivery": "good",
    "Open": "good",
    "Click": "good",
    "Bounce": "bad",
    "Complaint": "bad",
    "Reject": "bad",
    "DeliveryDelay": "warn",
}


class Inbox:
    """The page over the mails that are kept."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @functools.cached_property
    def _templates(self) -> "Environment":
        from jinja2 import Environment, FileSystemLoader  # who only sends mail does not wait for it

        environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
        cast("dict[str, object]", environment.globals).update(
            tone=_tone,
            chips=_chips,
            when=_when,
            person=person,
            subject=subject,
            tags=tags,
            digest=_digest,
            commands=COMMANDS,
            variants=VARIANTS,
            statuses=STATUSES,
        )
        cast("dict[str, object]", environment.filters)["person"] = person
        return environment

    async def handle(self, request: Request) -> Response:
        """Answer one request for `/` or under `/inbox`."""
        if request.path == "/":
            return self._start(request)
        parts = [unquote(part) for part in request.path.removeprefix(INBOX_PREFIX).strip("/").split("/") if part]
        if not parts:
            return self._list(request) if request.method in {"GET", "HEAD"} else _text(405, "Only GET is served here.")
        if parts == [_STATE]:
            return await self._end(request) if request.method == "POST" else _text(405, "Only POST is served here.")
        found = self._context.state.messages.get(parts[0])
        methods = _VIEWS.get(parts[1] if len(parts) > 1 else "")
        if found is None or methods is None:
            return _text(404, "The mail does not exist, or is no longer kept.")
        view = methods.get("GET" if request.method == "HEAD" else request.method)
        if view is None:
            return _text(405, f"Only {', '.join(methods)} is served here.")
        return await view(self, Mail(found, self._context.state.region), parts[2:], request)

    def _start(self, request: Request) -> Response:
        """The bare address: what is here."""
        state = self._context.state
        values = {"environment": self._environment(request), "region": state.region, "account": state.account_id}
        return self._page(request, ["start", len(state.messages)], "start.html", total=len(state.messages), **values)

    async def _end(self, request: Request) -> Response:
        """A button of the line of state was pressed: do it, and back to the list."""
        form = _form(request)
        try:
            await end(self._context, *(form.get(name, "") for name in ("action", "target", "tenant")))
        except StandingError as error:
            return _text(400, str(error))
        return _see(INBOX_PREFIX)

    def _environment(self, request: Request) -> dict[str, str]:
        return environment(f"http://{request.headers.get('host', '')}", self._context.state.region)

    def _list(self, request: Request) -> Response:
        """The newest mails that are looked for, a page of them."""
        words, status = _last(request, "q"), _last(request, "status")
        number = int(_last(request, "page")) if _last(request, "page").isdigit() else 1
        messages = self._context.state.messages
        start = (max(number, 1) - 1) * PAGE_SIZE
        found = list(islice(matching(messages.newest(len(messages)), words, status), start, start + PAGE_SIZE + 1))
        mails, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
        looked_for = urlencode([(name, value) for name, value in (("q", words), ("status", status)) if value])
        version = [looked_for, len(messages), more, [(mail.message_id, len(mail.occurrences)) for mail in mails]]
        values = {"words": words, "status": status, "looked_for": looked_for, "page": max(number, 1), "more": more}
        here = self._environment(request)
        return self._page(request, version, "list.html", mails=mails, total=len(messages), environment=here, **values)

    async def mail(self, mail: Mail, _: list[str], request: Request) -> Response:
        """One mail, everything about it."""
        state, message = self._context.state, mail.message
        newer, older = self._beside(message)
        addresses = {bare(recipient) for recipient in message.recipients}
        suppressed = sorted(one for one in addresses if is_suppressed(self._context, message, one))
        version = [message.message_id, len(message.occurrences), newer, older, suppressed]
        arn = state.arn("identity", message.identity)
        events = [(h, event(message, h, source_arn=arn, account_id=state.account_id)) for h in message.occurrences]
        return self._page(
            request,
            version,
            "mail.html",
            mail=mail,
            message=message,
            newer=newer,
            older=older,
            people=[person(recipient) for recipient in message.recipients],
            suppressed=suppressed,
            timeline=[(h, _explain(h, e), json.dumps(e, indent=2)) for h, e in events],
            shown_source=mail.source[:_SHOWN_SOURCE].decode("utf-8", "replace"),
            source_is_cut=len(mail.source) > _SHOWN_SOURCE,
        )

    def _beside(self, message: StoredMessage) -> tuple[str, str]:
        """The ids of the next newer and the next older mail; empty where there is none."""
        kept = self._context.state.messages
        ids = ["", *(one.message_id for one in kept.newest(len(kept))), ""]
        at = ids.index(message.message_id)
        return ids[at - 1], ids[at + 1]

    async def trigger_event(self, mail: Mail, _: list[str], request: Request) -> Response:
        """A button was pressed: trigger the event and show the mail again."""
        form = _form(request)
        pressed, recipient, link = (form.get(name, "") for name in ("event", "recipient", "link"))
        try:
            event = form.get("variant", "") if pressed == "variant" else pressed
            await trigger(self._context, mail.message, event, recipient, link)
        except FeedbackError as error:
            return _text(400, str(error))
        return _see(f"{INBOX_PREFIX}/{quote(mail.message.message_id)}")

    async def rendered(self, mail: Mail, _: list[str], __: Request) -> Response:
        """The mail's HTML, sandboxed."""
        markup = f"{mail.shown_html}{_OPENS_BESIDE}".encode("utf-8", "replace")
        return Response(200, markup, "text/html; charset=utf-8", _safe(_MAIL_POLICY))

    async def raw(self, mail: Mail, _: list[str], __: Request) -> Response:
        """The MIME source as text."""
        return Response(200, mail.source, "text/plain; charset=utf-8", _safe(_MAIL_POLICY))

    async def attachment(self, mail: Mail, names: list[str], _: Request) -> Response:
        """One attachment, by number, as a download."""
        found = next((one for number, one in enumerate(mail.attachments) if names == [str(number)]), None)
        return _download(found) if found else _text(404, "The attachment does not exist.")

    def _page(self, request: Request, version: Sequence[object], template: str, **values: object) -> Response:
        now = standing(self._context)
        tag = f'"{_digest([*version, now])}"'
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers={"etag": tag})
        nonce = secrets.token_urlsafe()
        text = self._templates.get_template(template).render(nonce=nonce, tag=tag, standing=now, **values)
        # Who opened the page from elsewhere has no hold of its window.
        headers = {**_safe(_PAGE_POLICY.format(nonce=nonce)), "etag": tag, "cross-origin-opener-policy": "same-origin"}
        return Response(200, text.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)


def _download(attachment: Attachment) -> Response:
    name = quote(attachment.name or "attachment", safe="")
    disposition = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(200, attachment.content, "application/octet-stream", {**_safe(_MAIL_POLICY), **disposition})


def _form(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _see(path: str) -> Response:
    """The redirect after a form, to the page that shows its effect."""
    return Response(303, headers={"location": path, **_safe(_MAIL_POLICY)})


def _safe(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
    }


def _text(status: int, text: str) -> Response:
    return Response(status, text.encode(), "text/plain; charset=utf-8", _safe(_MAIL_POLICY))


def _last(request: Request, name: str) -> str:
    return request.query.get(name, [""])[-1]


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "replace")).hexdigest()[:32]


def _tone(kind: str) -> str:
    return _TONES.get(kind, "plain")


def _chips(message: StoredMessage) -> dict[str, int]:
    """The occurrences after the send, with their number."""
    return Counter(occurrence.kind for occurrence in message.occurrences if occurrence.kind != "Send")


def _when(moment: datetime) -> str:
    """The time; with its date if that is not today."""
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now(UTC).date() else f"{moment:%d %b %H:%M}"


def _explain(occurrence: Occurrence, published: dict[str, object]) -> str:
    """The details of an entry in the timeline."""
    if occurrence.kind != "Bounce":
        return occurrence.detail
    bounce = cast("dict[str, object]", published["bounce"])
    recipients = cast("list[dict[str, str]]", bounce["bouncedRecipients"])
    why = "; ".join(f"{r.get('status', '')}: {r.get('diagnosticCode', '')}" for r in recipients)
    return f"{bounce['bounceType']} / {bounce['bounceSubType']}, {why}"


_View = Callable[[Inbox, Mail, list[str], Request], Awaitable[Response]]
# The path after a mail's id → method → the view.
_VIEWS: dict[str, dict[str, _View]] = {
    "": {"GET": Inbox.mail},
    "html": {"GET": Inbox.rendered},
    "source": {"GET": Inbox.raw},
    "attachments": {"GET": Inbox.attachment},
    "events": {"POST": Inbox.trigger_event},
}
