"""What differs between a template's mail and the one that the last commit gives: subject, text, headers and HTML."""

import re
from datetime import UTC, datetime
from difflib import SequenceMatcher
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

from mailer.errors import MailerError
from mailer.preview.views import message_of
from mailer.transports.mime import mime

if TYPE_CHECKING:
    from mailer.message import Message
    from mailer.preview.collection import Collection
    from mailer.preview.views import Choice

# A part of a text: "same", "gone" or "new", and its words.
Marked = list[tuple[str, str]]

_WORD = re.compile(r"\S+|\s+")
# Comparing takes time that grows with the square of the words.
_MOST_WORDS, _MOST_CHARACTERS = 20_000, 100_000
_CONTEXT = 160  # characters of equal text that are shown around a change
_WHEN, _ID = datetime(2026, 3, 9, tzinfo=UTC), "<id@example.com>"


def comparison(collection: "Collection", name: str, choice: "Choice") -> dict[str, object]:
    """The parts of the mail that differ from those of the last commit, or why they cannot be compared."""
    kind = collection.kinds.get(name)
    try:
        past = collection.committed.past(kind, collection.brand) if kind else None
        now = _parts(message_of(collection, name, choice))
    except MailerError as error:
        return {"problem": f"{error.message} {error.hint}".strip()}
    if past is None:
        return {"problem": f"There is no template {name!r}."}
    about = {"commit": past.commit.id, "label": past.commit.label}
    try:
        before = _parts(message_of(collection, name, choice.of_last_commit()))
    except MailerError as error:
        words = "The files of the last commit cannot be rendered with today's class"
        return {**about, "problem": f"{words}: {error.message} {error.hint}".strip()}
    changed = {part: marked(before[part], text) for part, text in now.items() if before[part] != text}
    return {**about, "problem": "", "parts": changed}


def last_commit_of(collection: "Collection", name: str) -> str:
    """The hash of the commit that a template is compared with; empty where there is none."""
    kind = collection.kinds.get(name)
    try:
        return collection.committed.commit(kind, collection.brand).id if kind else ""
    except MailerError:  # which the comparison itself shows
        return ""


def _parts(message: "Message") -> dict[str, str]:
    written = message_from_bytes(mime(message, date=_WHEN, identifier=_ID), policy=default)
    headers = [f"{key}: {value}" for key, value in written.items() if key not in {"Subject", "Content-Type"}]
    return {
        "Subject": str(message.subject),
        "Plain text": str(message.text),
        "Headers": "\n".join(headers),
        "HTML": str(message.html),
    }


def marked(before: str, now: str) -> Marked:
    """Both texts in one, by words; long parts that are equal are shortened.

    Example:
        >>> marked("Your parcel", "Your big parcel")
        [('same', 'Your '), ('new', 'big '), ('same', 'parcel')]
    """
    old, new = _WORD.findall(before), _WORD.findall(now)
    if max(len(old), len(new)) > _MOST_WORDS:
        return [("gone", before[:_MOST_CHARACTERS]), ("new", now[:_MOST_CHARACTERS])]
    parts: Marked = []
    for change, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if change == "equal":
            parts.append(("same", _shortened("".join(old[start:end]))))
        else:
            parts += [("gone", "".join(old[start:end])), ("new", "".join(new[first:last]))]
    return [(state, words[:_MOST_CHARACTERS]) for state, words in parts if words]


def _shortened(text: str) -> str:
    return text if len(text) <= 3 * _CONTEXT else f"{text[:_CONTEXT]} […] {text[-_CONTEXT:]}"
