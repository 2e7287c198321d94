"""Which variables a template uses, and how: what the types of the class's fields follow from."""

import keyword
import re
from dataclasses import dataclass, field
from enum import StrEnum

from mailer.templates.base import RESERVED, EmailTemplate

_NOT_WORD = re.compile(r"\W+", re.ASCII)
# The names of items in loops inside each other, and names that Jinja2 has.
ITEMS = ("item", "inner", "third", "fourth", "fifth", "sixth")
_JINJA = frozenset({*ITEMS, "loop", "self", "true", "false", "none", "caller", "varargs", "kwargs"})
_OPENS = re.compile(r"\{(?=[{%#])")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Use(StrEnum):
    """How a variable is used."""

    PRINTED = "printed"
    LINK = "link"
    TESTED = "tested"
    LISTED = "listed"
    NUMBER = "number"


@dataclass
class Variable:
    """A variable, and those inside of it.

    Attributes:
        uses: How it is used.
        parts: Its attributes, or those of its items.
    """

    uses: set[Use] = field(default_factory=set[Use])
    parts: "dict[str, Variable]" = field(default_factory=dict[str, "Variable"])

    def part(self, name: str) -> "Variable":
        """The attribute of a name; it is created where there is none."""
        return self.parts.setdefault(name, Variable())


@dataclass(frozen=True)
class Problem:
    """Something that was not translated as it was.

    Attributes:
        line: In the old template.
        words: What, and what to do.
    """

    line: int
    words: str


def field_name(name: str) -> str:
    """A name in snake case that a field of a template may have.

    Example:
        >>> field_name("firstName"), field_name("subject"), field_name("order-id"), field_name("class")
        ('first_name', 'subject_', 'order_id', 'class_')
    """
    snake = _HUMP.sub("_", _NOT_WORD.sub("_", name)).lower().strip("_") or "field"
    if snake[0].isdigit():
        snake = f"field_{snake}"
    taken = keyword.iskeyword(snake) or snake in RESERVED or hasattr(EmailTemplate, snake) or snake in _JINJA
    return f"{snake}_" if taken else snake


def literal(text: str) -> str:
    """Text of the old template, so that Jinja2 does not take it for a tag: what opens one gets a space."""
    text = _OPENS.sub("{ ", text)
    return f"{text} " if text.endswith("{") else text
