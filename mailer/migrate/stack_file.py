"""The settings of the stack as text of `Pulumi.<stack>.yaml`: a new file, or the lines that an old one lacks."""

import json
import re
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.migrate.plan import StackSetting

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 .@<>_-]*\Z")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_KEY = re.compile(r"(?P<indent> +)[\"']?(?P<key>[a-z]+:[A-Za-z]+)[\"']?:(?:\s|\Z)")
_HEAD = "# Written by `mailer migrate`. docs/reference/settings.md lists every key.\nconfig:\n"
# A policy of another kind could lose mail of the old servers.
_DMARC = (
    "mailstack:dmarc:",
    "  # The domain sends mail already: begin with none, and read the reports first (docs/guides/dns.md).",
    "  policy: none",
)


def new_file(settings: "Iterable[StackSetting]") -> str:
    """The text of a new file."""
    lines = [line for one in settings for line in _lines(one)]
    return _HEAD + "".join(f"  {line}\n" for line in [*lines, *_DMARC])


def completed(text: str, settings: "Iterable[StackSetting]", name: str) -> str:
    """A file's text with the keys that it lacks; what it has stays as it is.

    Raises:
        ConfigurationError: It has no `config:` that lines can be added to.
    """
    lines = text.splitlines(keepends=True)
    keys = {found["key"]: found["indent"] for line in lines if (found := _KEY.match(line))}
    missing = [one for one in settings if one.key not in keys and one.value]
    if not missing:
        return text
    start = next((number for number, line in enumerate(lines) if line.rstrip() == "config:"), None)
    if start is None:
        hint = f"Add these keys by hand: {', '.join(one.key for one in missing)}."
        raise ConfigurationError(f"{name} has no line `config:`.", hint=hint)
    indent = next(iter(keys.values()), "  ")
    end = "\r\n" if lines[start].endswith("\r\n") else "\n"
    if not lines[start].endswith("\n"):
        lines[start] += end
    added = [f"{indent}{line}{end}" for one in missing for line in _lines(one)]
    return "".join([*lines[: start + 1], *added, *lines[start + 1 :]])


def _lines(one: "StackSetting") -> "Iterator[str]":
    if not one.value:
        yield f"# {one.key}: fill in: {one.why}"
    elif isinstance(one.value, str):
        yield f"{one.key}: {_scalar(one.value)}"
    else:
        yield f"{one.key}:"
        for each in one.value:
            yield f"  - {_scalar(each)}"


def _scalar(text: str) -> str:
    """A text in YAML: as it is where that is read as text, else in quotes, as JSON has them.

    Example:
        >>> _scalar("eu-west-1"), _scalar("no"), _scalar("Shop: <a@example.com>")
        ('eu-west-1', '"no"', '"Shop: <a@example.com>"')
    """
    plain = bool(_PLAIN.match(text)) and text.lower() not in _WORDS and not text.endswith(" ")
    return text if plain else json.dumps(text)
