"""Where Jinja2's expressions, statements and comments are in a text that is not Jinja2 alone."""

import re

# Up to the end or to the next beginning, so that one without an end costs no more than its own length.
JINJA = re.compile(
    r"\{\{(?:[^{}]|\{(?!\{)|\}(?!\}))*\}\}|\{%(?:[^{%]|\{(?!%)|%(?!\}))*%\}|\{#(?:[^{#]|\{(?!#)|#(?!\}))*#\}"
)
_NOT_A_LINE_BREAK = re.compile(r"[^\n]")
_MASK = "\x1a"  # which no template holds: XML forbids it
_TOKEN = re.compile(r"jinja(\d+)end")


def masked(text: str) -> str:
    """The text with each mark overwritten, so that what remains can be read as XML. Offsets and lines stay."""
    return JINJA.sub(lambda found: _NOT_A_LINE_BREAK.sub(_MASK, found[0]), text)


def is_masked(text: str) -> bool:
    """Whether a part of a masked text has a mark."""
    return _MASK in text


def is_blank(text: str) -> bool:
    """Whether a part of a masked text has nothing but marks and white space."""
    return not text.replace(_MASK, " ").strip()


class Shelter:
    """Takes the marks out of a text, a plain word for each, and puts them back."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def take(self, text: str) -> str:
        """The text with words for its marks."""
        return JINJA.sub(self._word, text)

    def _word(self, found: re.Match[str]) -> str:
        self.kept.append(found[0])
        return f"jinja{len(self.kept) - 1}end"

    def give_back(self, text: str) -> str:
        """The text with the marks instead of their words."""
        return _TOKEN.sub(lambda token: self.kept[int(token[1])], text)

    def lost(self, before: str, after: str) -> list[str]:
        """The marks whose words are in one text and not in the other."""
        missing = set(_TOKEN.findall(before)) - set(_TOKEN.findall(after))
        return [self.kept[int(number)] for number in sorted(missing, key=int)]
