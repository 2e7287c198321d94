"""The marks that a setting may carry, for error messages and the reference."""

from dataclasses import dataclass

NAMESPACE = "mailstack"  # of the keys in the file


@dataclass(frozen=True)
class Allowed:
    """What a setting may hold, in words that follow "allowed: "; for messages and the reference."""

    words: str


@dataclass(frozen=True)
class Hidden:
    """Marks a setting that must be encrypted, and is shown in no message."""


@dataclass(frozen=True)
class Gone:
    """A setting that people look for and that is not there."""

    why: str
