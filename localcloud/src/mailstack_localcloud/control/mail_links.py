"""The pages behind the links in mails, which SES serves in AWS: address verification, preferences on a contact list.

The token in a link is all that authorizes a request. Text of SES's customers, such as the names of topics, is escaped,
and the pages run no script.
"""

import html
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote

from mailstack_localcloud.backend.subscriptions import PATH as SUBSCRIPTIONS
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses import ids, mime
from mailstack_localcloud.ses.acceptance import apply
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.state import ContactList, Occurrence, StoredMessage
from mailstack_localcloud.ses.subscriptions import choose, chosen
from mailstack_localcloud.ses.verification_mails import PATH
from mailstack_localcloud.ses.verification_mails import follow as verify

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# What there is, for people.
LINKS = {
    f"GET {PATH}{{token}}": "The link in a verification mail: verifies the address.",
    f"GET {SUBSCRIPTIONS}{{token}}": "The link in a mail of SNS: confirms the address's subscription.",
    "GET /_localcloud/messages/{message_id}/unsubscribe": "A page with the topics that its recipient gets.",
    "POST /_localcloud/messages/{message_id}/preferences": "What that page posts: topic=name&topic=name, or leave=yes.",
}
_STYLE = "body{font:16px/1.5 system-ui;max-width:36em;margin:3em auto;padding:0 1em}label{display:block;margin:1em 0}"
_PREFERENCES = re.compile(r"/_localcloud/messages/([^/]+)/(?:unsubscribe|preferences)")


class MailLinks:
    """Serves the links in mails."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handler(self, method: str, path: str) -> Callable[[Request], Awaitable[Response]] | None:
        """The handler of a link; None for other paths. A one-click unsubscribe is a POST, which `routes` handles."""
        if path.startswith(PATH) and method == "GET":
            return self.verification
        if path.startswith(SUBSCRIPTIONS) and method == "GET":
            return self.subscription
        if _PREFERENCES.fullmatch(path) and (method == "GET" or (method == "POST" and path.endswith("/preferences"))):
            return self.preferences
        return None

    async def verification(self, request: Request) -> Response:
        """Verify the address that the link was sent to."""
        good, elsewhere = verify(self._context, unquote(request.path.removeprefix(PATH)))
        if elsewhere:
            return Response(302, headers={"location": elsewhere.encode("ascii", "ignore").decode()})
        if good:
            return _page("Congratulations!", "<p>You have verified an email address with Amazon SES.</p>")
        return _page("No longer valid", "<p>The link is older than 24 hours, or was never sent.</p>", 400)

    async def subscription(self, request: Request) -> Response:
        """Confirm the subscription of the address that the link was sent to."""
        if self._context.backend.subscriptions.confirm(unquote(request.path.removeprefix(SUBSCRIPTIONS))):
            return _page("Subscription confirmed!", "<p>You have subscribed to the topic.</p>")
        return _page("No longer valid", "<p>The link is older than 48 hours, was used, or was never sent.</p>", 400)

    async def preferences(self, request: Request) -> Response:
        """Show what a mail's recipient gets of its contact list, and change it."""
        found = _PREFERENCES.fullmatch(request.path)
        message = self._context.state.messages.get(unquote(found[1])) if found else None
        listed = self._contact_list(message) if message else None
        if message is None or listed is None:
            return _page("No such subscription", "<p>The mail had no such link, or its list is gone.</p>", 404)
        if request.method == "POST":
            await self._change(message, listed, parse_qs(request.body.decode("utf-8", "replace")))
        return _page("Your subscriptions", _form(listed, message, saved=request.method == "POST"))

    def _contact_list(self, message: StoredMessage) -> ContactList | None:
        alone = message.subscription is not None and len(message.recipients) == 1
        name = message.subscription[0] if message.subscription and alone else ""
        return self._context.state.contact_lists.get(name)

    async def _change(self, message: StoredMessage, listed: ContactList, fields: dict[str, list[str]]) -> None:
        recipient, now = mime.bare(message.recipients[0]), datetime.now(UTC)
        wanted = None if "leave" in fields else set(fields.get("topic", ()))
        detail = choose(listed, recipient, wanted, now)
        occurrence = Occurrence("Subscription", now, ids.message_id(self._context.state.region), recipient, detail)
        await apply(self._context, message, [occurrence])


def _form(listed: ContactList, message: StoredMessage, *, saved: bool) -> str:
    address = mime.bare(message.recipients[0])
    left, topics = chosen(listed, address)
    rows = "".join(_topic(topic, on=topic["TopicName"] in topics) for topic in listed.topics)
    notice = "<p role=status><strong>Saved.</strong></p>" if saved else ""
    gone = "<p>You get no mail of this list.</p>" if left else ""
    action = html.escape(f"/_localcloud/messages/{message.message_id}/preferences")
    return (
        f"{notice}<p>{html.escape(listed.description or listed.name)}, to {html.escape(address)}</p>{gone}"
        f'<form method=post action="{action}">{rows}<p><button>Save</button> '
        "<button name=leave value=yes>Unsubscribe from all</button></p></form>"
    )


def _topic(topic: dict[str, str], *, on: bool) -> str:
    name, shown = html.escape(topic["TopicName"]), html.escape(topic["DisplayName"])
    said = html.escape(topic.get("Description", ""))
    return f'<label><input type=checkbox name=topic value="{name}"{" checked" * on}> {shown}<br>{said}</label>'


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}</html>"
    )
    headers = {"content-security-policy": _POLICY, "referrer-policy": "same-origin", "cache-control": "no-store"}
    return Response(status, text.encode(), "text/html; charset=utf-8", headers)
