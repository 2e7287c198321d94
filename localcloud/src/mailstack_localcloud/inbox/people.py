"""Senders and recipients as people read them: names decoded, domains in Unicode. Pure."""

import functools
import unicodedata
from typing import NamedTuple

from mailstack_localcloud.ses import mime, raw_headers
from mailstack_localcloud.ses.state import StoredMessage

_WORD = "=?"
# How a label that is not ASCII begins, and how long one may be: RFC 5890 section 2.3.2.1, RFC 1035 section 2.3.4.
_ACE, _MAX_LABEL = "xn--", 63
# SES's own tags; these two are the sender's all the same.
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html
_OF_SES, _FEEDBACK_IDS = "ses:", "ses:feedback-id-"


class Person(NamedTuple):
    """One mailbox: its name, which may be empty, its address, and the address with its domain in Unicode."""

    name: str
    address: str
    shown: str

    def __str__(self) -> str:
        return f"{self.name} <{self.shown}>" if self.name else self.shown


# Senders and recipients come again and again.
@functools.lru_cache(maxsize=20_000)
def person(written: str) -> Person:
    """A mailbox as the API or a header has it. Words are decoded after the address is parsed: they may hold commas.

    Example:
        >>> str(person("=?utf-8?q?J=C3=BCrgen?= <juergen@xn--bcher-kva.example>"))
        'Jürgen <juergen@bücher.example>'
    """
    name, address = mime.named(written)
    address = address or written
    local, at, domain = address.rpartition("@")
    return Person(readable(name), address, f"{local}{at}{'.'.join(map(_label, domain.split('.')))}")


def readable(text: str) -> str:
    """A header's text with its encoded words (RFC 2047) decoded, on one line."""
    return " ".join((raw_headers.decoded(text) if _WORD in text else text).split())


def subject(message: StoredMessage) -> str:
    """The subject as its reader sees it. A raw mail's is decoded already, and not a second time."""
    return message.subject if "Raw" in message.content else readable(message.subject)


def tags(message: StoredMessage) -> dict[str, str]:
    """The sender's own tags."""
    own = (name for name in message.tags if not name.startswith(_OF_SES) or name.startswith(_FEEDBACK_IDS))
    return {name: message.tags[name][0] for name in own}


def text(message: StoredMessage) -> str:
    """All that a search looks at, ready to be compared with `comparable` words."""
    known = [part for written in (message.source, *message.recipients) for part in _parts(written)]
    stream = message.configuration_set or ""
    pairs = [f"{name}:{value}" for name, value in tags(message).items()]
    return comparable("\n".join([*known, subject(message), stream, message.tenant or "", *pairs]))


def _parts(written: str) -> tuple[str, ...]:
    """A mailbox as it is written and as it is shown. To decode takes a hundred times as long as to look."""
    is_encoded = _WORD in written or _ACE in written.lower()
    return tuple(person(written)) if is_encoded else (written,)


def comparable(written: str) -> str:
    """Text without what two ways of writing the same differ in: case, and how letters with accents are composed."""
    return written.lower() if written.isascii() else unicodedata.normalize("NFKC", written).casefold()


def _label(label: str) -> str:
    """One label of a domain in Unicode (RFC 3492), where that can be read; whether it is a valid one is not checked."""
    if not label.lower().startswith(_ACE) or len(label) > _MAX_LABEL:
        return label
    try:
        decoded = label[len(_ACE) :].lower().encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return label if decoded.isascii() or not decoded.isprintable() else decoded
