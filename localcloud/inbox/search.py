"""Which of the kept mails somebody looks for: by words, by what happened to them. Pure."""

from collections.abc import Iterable, Iterator

from localcloud.ses.events import KINDS
from localcloud.ses.state import StoredMessage

# What the filter is called → the kind of happening that a mail must have.
STATUSES: dict[str, str] = {
    KINDS[kind][1].lower(): kind for kind in KINDS if kind not in {"Send", "Rendering Failure", "Subscription"}
}


def matching(messages: Iterable[StoredMessage], words: str = "", status: str = "") -> Iterator[StoredMessage]:
    """The mails with every word, in addresses or subject or as their id's beginning, and to which `status` happened.

    Args:
        messages: Where to look, in the order to keep.
        words: Any case, in any order.
        status: One of `STATUSES`; empty for all.
    """
    wanted = words.lower().split()
    kind = STATUSES.get(status, status)
    for message in messages:
        if kind and all(happening.kind != kind for happening in message.happenings):
            continue
        if not wanted or _holds(message, wanted):
            yield message


def _holds(message: StoredMessage, words: list[str]) -> bool:
    text = "\n".join([message.source, *message.recipients, message.subject]).lower()
    return all(word in text or message.message_id.startswith(word) for word in words)
