"""The inbox page's routes. Server-rendered; a mail's own HTML never runs in this origin.

The HTML of a mail is a document of its own under a Content-Security-Policy that sandboxes it, shown in a sandboxed
iframe: no script, no form, no plugin, nothing loaded from elsewhere but data: images; its links open beside it. The
page keeps itself current by asking again with the ETag that it has, which costs nothing while nothing happens and holds
no connection.
"""

import functools
import hashlib
import html
import json
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, quote, unquote, urlencode

from localcloud.backend.credentials import environment
from localcloud.http import INBOX_PREFIX, Request, Response
from localcloud.inbox.feedback import COMMANDS, FeedbackError, bring_about
from localcloud.inbox.mail import Attachment, Mail
from localcloud.inbox.search import STATUSES, matching
from localcloud.ses.context import Context
from localcloud.ses.events import event
from localcloud.ses.mime import bare
from localcloud.ses.simulator import VARIANTS
from localcloud.ses.state import Happening, StoredMessage

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE_SIZE = 100
# More of a source than this is only to be had as a document of its own.
_SHOWN_SOURCE = 64 * 1024
# `cid:` of an inline image → our address of the attachment.
_CID = re.compile(r"(?<=[\"'(])cid:([^\"')\s]+)")
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# A mail's links open beside it. This stands at the mail's end, so that its own word comes first.
_OPENS_BESIDE = '<base target="_blank">'
_OWN_TAG = "ses:"
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
            tone=_tone, chips=_chips, when=_when, commands=COMMANDS, variants=VARIANTS, statuses=STATUSES
        )
        return environment

    async def handle(self, request: Request) -> Response:
        """Answer one request under `/inbox`."""
        parts = [unquote(part) for part in request.path.removeprefix(INBOX_PREFIX).strip("/").split("/") if part]
        if not parts:
            return self._list(request) if request.method in {"GET", "HEAD"} else _text(405, "Only GET is served here.")
        found = self._context.state.messages.get(parts[0])
        methods = _VIEWS.get(parts[1] if len(parts) > 1 else "")
        if found is None or methods is None:
            return _text(404, "There is no such mail, or it is no longer kept.")
        view = methods.get("GET" if request.method == "HEAD" else request.method)
        if view is None:
            return _text(405, f"Only {', '.join(methods)} is served here.")
        return await view(self, Mail(found, self._context.state.region), parts[2:], request)

    def _list(self, request: Request) -> Response:
        """The newest mails that are looked for, a page of them."""
        words, status = _last(request, "q"), _last(request, "status")
        number = int(_last(request, "page")) if _last(request, "page").isdigit() else 1
        messages = self._context.state.messages
        start = (max(number, 1) - 1) * PAGE_SIZE
        found = list(islice(matching(messages.newest(len(messages)), words, status), start, start + PAGE_SIZE + 1))
        mails, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
        looked_for = urlencode([(name, value) for name, value in (("q", words), ("status", status)) if value])
        version = [looked_for, len(messages), more, [(mail.message_id, len(mail.happenings)) for mail in mails]]
        values = {"words": words, "status": status, "looked_for": looked_for, "page": max(number, 1), "more": more}
        here = environment(f"http://{request.headers.get('host', '')}", self._context.state.region)
        return self._page(request, version, "list.html", mails=mails, total=len(messages), environment=here, **values)

    async def mail(self, mail: Mail, _: list[str], request: Request) -> Response:
        """One mail, everything about it."""
        state, message = self._context.state, mail.message
        newer, older = self._beside(message)
        version = [message.message_id, len(message.happenings), newer, older]
        arn = state.arn("identity", message.identity)
        events = [(h, event(message, h, source_arn=arn, account_id=state.account_id)) for h in message.happenings]
        return self._page(
            request,
            version,
            "mail.html",
            mail=mail,
            message=message,
            newer=newer,
            older=older,
            people=[bare(recipient) for recipient in message.recipients],
            tags={name: values[0] for name, values in message.tags.items() if not name.startswith(_OWN_TAG)},
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

    async def happen(self, mail: Mail, _: list[str], request: Request) -> Response:
        """A button was pressed: let it happen, and back to the mail."""
        form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        pressed, recipient, link = (form.get(name, "") for name in ("event", "recipient", "link"))
        try:
            event = form.get("variant", "") if pressed == "variant" else pressed
            await bring_about(self._context, mail.message, event, recipient, link)
        except FeedbackError as error:
            return _text(400, str(error))
        return Response(
            303, headers={"location": f"{INBOX_PREFIX}/{quote(mail.message.message_id)}", **_safe(_MAIL_POLICY)}
        )

    async def rendered(self, mail: Mail, _: list[str], __: Request) -> Response:
        """The mail's HTML, sandboxed."""
        attachments = f"{INBOX_PREFIX}/{quote(mail.message.message_id)}/attachments/cid:"
        markup = _CID.sub(lambda match: attachments + quote(html.unescape(match[1])), mail.html)
        return Response(200, f"{markup}{_OPENS_BESIDE}".encode(), "text/html; charset=utf-8", _safe(_MAIL_POLICY))

    async def raw(self, mail: Mail, _: list[str], __: Request) -> Response:
        """The MIME source as text."""
        return Response(200, mail.source, "text/plain; charset=utf-8", _safe(_MAIL_POLICY))

    async def attachment(self, mail: Mail, names: list[str], _: Request) -> Response:
        """One attachment, by number or content id: a download, unless it is an image of the mail's own HTML."""
        wanted = names[0] if names else ""
        cid = wanted.removeprefix("cid:") if wanted.startswith("cid:") else None
        for number, attachment in enumerate(mail.attachments):
            if (cid is not None and attachment.content_id == cid) or wanted == str(number):
                return _download(attachment, as_image=cid is not None)
        return _text(404, "There is no such attachment.")

    def _page(self, request: Request, version: Sequence[object], template: str, **values: object) -> Response:
        tag = f'"{hashlib.sha256(json.dumps(version).encode()).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers={"etag": tag})
        nonce = secrets.token_urlsafe()
        text = self._templates.get_template(template).render(nonce=nonce, tag=tag, **values)
        headers = {**_safe(_PAGE_POLICY.format(nonce=nonce)), "etag": tag}
        return Response(200, text.encode(), "text/html; charset=utf-8", headers)


def _download(attachment: Attachment, *, as_image: bool) -> Response:
    kind = attachment.content_type
    shown = as_image and kind.startswith("image/") and kind != "image/svg+xml"
    name = quote(attachment.name or "attachment", safe="")
    disposition = {} if shown else {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    content_type = kind if shown else "application/octet-stream"
    return Response(200, attachment.content, content_type, {**_safe(_MAIL_POLICY), **disposition})


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


def _tone(kind: str) -> str:
    return _TONES.get(kind, "plain")


def _chips(message: StoredMessage) -> dict[str, int]:
    """What happened after the send, and how many times."""
    return Counter(happening.kind for happening in message.happenings if happening.kind != "Send")


def _when(moment: datetime) -> str:
    """The time; with its date if that is not today."""
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now(UTC).date() else f"{moment:%d %b %H:%M}"


def _explain(happening: Happening, published: dict[str, object]) -> str:
    """What a reader of the timeline wants to know beside the kind."""
    if happening.kind != "Bounce":
        return happening.detail
    bounce = cast("dict[str, object]", published["bounce"])
    recipients = cast("list[dict[str, str]]", bounce["bouncedRecipients"])
    why = "; ".join(f"{r.get('status', '')}: {r.get('diagnosticCode', '')}" for r in recipients)
    return f"{bounce['bounceType']} / {bounce['bounceSubType']}, {why}"


_View = Callable[[Inbox, Mail, list[str], Request], Awaitable[Response]]
# What stands behind a mail's id in the path → method → the view.
_VIEWS: dict[str, dict[str, _View]] = {
    "": {"GET": Inbox.mail},
    "html": {"GET": Inbox.rendered},
    "source": {"GET": Inbox.raw},
    "attachments": {"GET": Inbox.attachment},
    "events": {"POST": Inbox.happen},
}
