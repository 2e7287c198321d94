"""Searches the kept mails by words and by status. Pure."""

from collections.abc import Iterable, Iterator

from mailstack_localcloud.inbox.people import comparable, text
from mailstack_localcloud.ses.events import KINDS
from mailstack_localcloud.ses.state import StoredMessage

# What the filter is called → the kind of occurrence that a mail must have.
STATUSES: dict[str, str] = {
    KINDS[kind][1].lower(): kind for kind in KINDS if kind not in {"Send", "Rendering Failure", "Subscription"}
}


def matching(messages: Iterable[StoredMessage], words: str = "", status: str = "") -> Iterator[StoredMessage]:
    """The mails with every word and the status `status`.

    A word is looked for in names and addresses, subject, configuration set, tenant and tags (`name:value`), and as the
    beginning of the id.

    Args:
        messages: Where to look, in the order to keep.
        words: Any case, in any order.
        status: One of `STATUSES`; empty for all.
    """
    wanted = comparable(words).split()
    kind = STATUSES.get(status, status)
    for message in messages:
        if kind and all(occurrence.kind != kind for occurrence in message.occurrences):
            continue
        if not wanted or _holds(message, wanted):
            yield message


def _holds(message: StoredMessage, words: list[str]) -> bool:
    found = text(message)
    return all(word in found or message.message_id.startswith(word) for word in words)
