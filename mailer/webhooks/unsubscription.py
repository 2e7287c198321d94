"""`/unsubscribe/TOKEN`: one-click unsubscribe by POST (RFC 8058), and a page that asks on GET and changes nothing."""

import html
import logging
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from mailer.address import mask
from mailer.errors import InvalidUnsubscribeToken, StoreError
from mailer.stores.base import Suppression
from mailer.unsubscribe import ONE_CLICK
from mailer.webhooks.http import BAD_REQUEST, NOT_FOUND, OK, UNAVAILABLE, Answer, Request, page_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mailer.stores.base import SuppressionStore
    from mailer.unsubscribe import Unsubscribe, Unsubscription
    from mailer.webhooks.hooks import FeedbackHook

log = logging.getLogger("mailer")
_FIELD, _, _VALUE = ONE_CLICK.partition("=")
_ACTOR, _DETAIL = "recipient", "one-click unsubscribe"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_FORM = """<p>{who} will get no more {stream} mail. Other mail, such as receipts and password resets, still arrives.</p>
<form method="post">
<button name="{field}" value="{value}">Unsubscribe</button>
</form>"""


class UnsubscribeHandler:
    """Answers people, mail programs and mailbox providers. No cookies, no redirects.

    Args:
        unsubscribe: Reads the links.
        suppressions: Where the suppression of the stream is written.
        hooks: Their `on_unsubscribe` is called.
        clock: The time now, with a zone.
    """

    def __init__(
        self,
        unsubscribe: "Unsubscribe",
        suppressions: "SuppressionStore",
        hooks: "Sequence[FeedbackHook]",
        clock: "Callable[[], datetime]",
    ) -> None:
        self._unsubscribe, self._suppressions = unsubscribe, suppressions
        self._hooks, self._clock = hooks, clock

    def __call__(self, request: Request) -> Answer:
        """See `Handler`."""
        try:
            wish = self._unsubscribe.read(request.token)
        except InvalidUnsubscribeToken as error:
            return _page(NOT_FOUND, "This link is not valid", f"<p>{html.escape(error.hint)}</p>")
        if request.method != "POST":
            return _question(wish)
        if not is_one_click(request):
            return _question(wish, BAD_REQUEST)
        try:
            self._suppressions.put(self._suppression(wish))
        except StoreError as error:
            log.error("An unsubscription could not be stored: %s", error)  # noqa: TRY400 - the words suffice
            return _page(UNAVAILABLE, "Please try again", "<p>Your wish could not be recorded. Try again later.</p>")
        log.info("%s unsubscribed from %s", mask(wish.address), wish.stream)
        self._call_hooks(wish)
        who, stream = html.escape(mask(wish.address)), html.escape(wish.stream)
        return _page(OK, "You are unsubscribed", f"<p>{who} gets no more {stream} mail.</p>")

    def _suppression(self, wish: "Unsubscription") -> Suppression:
        return Suppression(
            wish.address,
            "unsubscribe",
            detail=_DETAIL,
            created_at=self._clock(),
            scope=f"stream:{wish.stream}",
            actor=_ACTOR,
        )

    def _call_hooks(self, wish: "Unsubscription") -> None:
        """Call the hooks. The suppression is written, which is what counts, so that a failure is only logged."""
        for hook in self._hooks:
            try:
                hook.on_unsubscribe(wish)
            except Exception as error:  # noqa: BLE001 - see above
                log.error("%s.on_unsubscribe raised %s", type(hook).__name__, type(error).__name__)  # noqa: TRY400


def is_one_click(request: Request) -> bool:
    """Whether the form says `List-Unsubscribe=One-Click`, in either encoding of RFC 8058 §3.2.

    Example:
        >>> kind = "application/x-www-form-urlencoded"
        >>> is_one_click(Request("POST", b"List-Unsubscribe=One-Click", kind))
        True
    """
    kind = request.content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            return _VALUE in parse_qs(request.body.decode("latin-1"), max_num_fields=10).get(_FIELD, ())
        except ValueError:
            return False
    return kind == "multipart/form-data" and _multipart(request).get(_FIELD) == _VALUE


def _multipart(request: Request) -> dict[str, str]:
    """The fields of a multipart form (RFC 7578)."""
    head = f"content-type: {request.content_type}\r\n\r\n".encode("latin-1", "replace")
    try:
        form = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + request.body)
        return {
            str(part.get_param("name", header="content-disposition")): str(part.get_payload()).strip()
            for part in form.iter_parts()
        }
    except Exception:  # noqa: BLE001 - the parser raises errors of many kinds about hostile forms
        return {}


def _question(wish: "Unsubscription", status: int = OK) -> Answer:
    who, stream = html.escape(mask(wish.address)), html.escape(wish.stream)
    return _page(status, "Unsubscribe?", _FORM.format(who=who, stream=stream, field=_FIELD, value=_VALUE))


def _page(status: int, title: str, body: str) -> Answer:
    return page_answer(status, _PAGE.format(title=title, body=body))
