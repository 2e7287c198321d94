"""Text of users in mails to others: titles and comments. One line, or a few; never control characters.

A mail must go out whatever its author wrote, so text that is too long is shortened, not refused.
"""

import re
import unicodedata

from mailer.text import as_text

MAX_TITLE, MAX_EXCERPT = 60, 600
_ELLIPSIS = "…"
_JOINERS = "\u200c\u200d"
_BLANK_LINES = re.compile(r"\n{3,}")


def shown_title(value: object) -> object:
    r"""A title on one line, shortened where it is long.

    Example:
        >>> shown_title(" A\tkettle\nBcc: eve@example.org ")
        'A kettle Bcc: eve@example.org'
    """
    return _shortened(" ".join(_visible(as_text(value, "A title")).split()), MAX_TITLE)


def shown_excerpt(value: object) -> object:
    r"""The beginning of a longer text. Line breaks stay.

    Example:
        >>> shown_excerpt("First.\r\n\r\n\r\n\r\nSecond.\x00")
        'First.\n\nSecond.'
    """
    lines = [" ".join(line.split()) for line in _visible(as_text(value, "A text")).splitlines()]
    return _shortened(_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip(), MAX_EXCERPT)


def _visible(text: str) -> str:
    """Without control and format characters: an override of the direction would show other words than were written."""
    text = text[: 4 * MAX_EXCERPT].replace("\r\n", "\n")
    return "".join(
        one
        for one in text
        if one in "\n\t\u2028\u2029" or one in _JOINERS or unicodedata.category(one) not in {"Cc", "Cf", "Cs"}
    )


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + _ELLIPSIS
