"""Annotations of settings, for error messages and the reference."""

from dataclasses import dataclass

NAMESPACE = "mailstack"  # of the keys in the file


@dataclass(frozen=True)
class Allowed:
    """The allowed values of a setting, in words that follow "allowed: "."""

    words: str


@dataclass(frozen=True)
class Hidden:
    """Marks a setting that must be encrypted and never shown."""


@dataclass(frozen=True)
class Gone:
    """A removed setting, and what replaces it."""

    why: str
