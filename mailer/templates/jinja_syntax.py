"""Whether Jinja2 understands a text, and where it does not. Nothing is rendered."""

from functools import cache
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError


class Misunderstood(NamedTuple):
    """What Jinja2 says, and where the line begins."""

    offset: int
    words: str


@cache
def _environment() -> Environment:
    return Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 - nothing is rendered


def misunderstood(text: str) -> Misunderstood | None:
    r"""What is wrong with a template's Jinja2; None if nothing is.

    Example:
        >>> misunderstood("a\n{% endif %}")
        Misunderstood(offset=2, words="Encountered unknown tag 'endif'.")
    """
    try:
        _environment().parse(text)
    except TemplateSyntaxError as error:
        lines = text.split("\n")[: error.lineno - 1]
        return Misunderstood(sum(len(line) + 1 for line in lines), str(error.message))
    return None
