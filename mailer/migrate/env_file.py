"""Reads `.env` files in the dialects of python-dotenv, django-environ, decouple and Docker Compose. Never fails.

Comments, `export`, quotes, values of several lines, `${NAME}` and `${NAME:-default}`.
"""

import re

from mailer.migrate.setting import Setting

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,199})(?::?-([^{}]{0,1000}))?\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
# Of one value.
_MAX_VALUE, _MAX_LINES = 100_000, 1_000


def read_env(text: str, file: str) -> list[Setting]:
    r"""The variables of a file, in order; the last one of a name holds.

    Example:
        >>> [(one.name, one.value) for one in read_env('export A="b c" # d\nE=${A}!', ".env")]
        [('A', 'b c'), ('E', 'b c!')]
    """
    lines = text.removeprefix("\ufeff").splitlines()
    found: dict[str, Setting] = {}
    number = 0
    while number < len(lines):
        start = number
        name, rest = _split(lines[number])
        number += 1
        if not name:
            continue
        value, used, expands = _value(rest, lines, number)
        number += used
        if expands:
            value = _expanded(value, found)
        found.pop(name, None)
        found[name] = Setting(name, value, file, start + 1, name)
    return list(found.values())


def _split(line: str) -> tuple[str, str]:
    """The name, and what stands behind `=`; empty where the line assigns nothing."""
    line = line.strip()
    if line.startswith(("export ", "export\t")):
        line = line[7:].lstrip()
    found = _NAME.match(line)
    if not found:
        return "", ""
    rest = line[found.end() :].lstrip()
    if rest.startswith("="):
        return found[0], rest[1:].lstrip()
    return (found[0], rest[2:].lstrip()) if rest.startswith(": ") else ("", "")


def _value(rest: str, lines: list[str], following: int) -> tuple[str, int, bool]:
    """The value, how many of the following lines belong to it, and whether `${NAME}` is expanded in it."""
    quote = rest[:1]
    if quote not in {'"', "'", "`"}:
        return _unquoted(rest), 0, True
    closed = _quoted(rest[1:], quote)
    used = 0
    if closed is None:
        whole = "\n".join([rest[1:], *lines[following : following + _MAX_LINES]])[:_MAX_VALUE]
        closed = _quoted(whole, quote)
        used = closed[1] if closed else 0
    if closed is None:  # a quote that nothing closes is a character of one line
        return _unquoted(rest), 0, True
    return closed[0], used, quote != "'"


def _quoted(text: str, quote: str) -> tuple[str, int] | None:
    """The text up to the closing quote, without its escapes, and its line ends; None where nothing closes it."""
    kept: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == quote:
            return "".join(kept), text.count("\n", 0, position)
        if character == "\\" and position + 1 < len(text):
            following = text[position + 1]
            if following in {quote, "\\"}:
                kept.append(following)
            elif quote == '"' and following in _ESCAPES:
                kept.append(_ESCAPES[following])
            else:
                kept.append(character + following)
            position += 2
            continue
        kept.append(character)
        position += 1
    return None


def _unquoted(text: str) -> str:
    """The value without a comment, which begins with `#` after a space."""
    if text.startswith("#"):
        return ""
    for mark in (" #", "\t#"):
        text = text.partition(mark)[0]
    return text.strip()


def _expanded(value: str, found: dict[str, Setting]) -> str:
    """The value with the variables above it in the place of their references, once."""

    def replaced(reference: "re.Match[str]") -> str:
        known = found.get(reference[1])
        return str(known.value) if known else (reference[2] or "")

    expanded = _REFERENCE.sub(replaced, value)
    return expanded if len(expanded) <= _MAX_VALUE else value
