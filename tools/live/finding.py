"""What a step of the live check is, and what comes of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.live.site import Site


class Outcome(StrEnum):
    """What came of a step or a claim.

    `REFUTED`: AWS does something else than claimed. `OPEN`: the run could not tell; the words say why.
    """

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True)
class Finding:
    """An outcome, and what was seen, in a sentence."""

    outcome: Outcome
    words: str


@dataclass(frozen=True)
class Step:
    """One look at AWS.

    Attributes:
        name: What reports and claims know it by.
        means: What it confirms, in one sentence.
        look: Looks, and says what it saw. `Refused` and AWS's errors are findings.
        needs: Names of steps that must have been confirmed before.
    """

    name: str
    means: str
    look: "Callable[[Site], Finding]"
    needs: tuple[str, ...] = ("deploy",)


def confirmed(words: str) -> Finding:
    """AWS does what is claimed."""
    return Finding(Outcome.CONFIRMED, words)


def refuted(words: str) -> Finding:
    """AWS does something else."""
    return Finding(Outcome.REFUTED, words)


def unsettled(words: str) -> Finding:
    """The run cannot tell."""
    return Finding(Outcome.OPEN, words)


def judged(met: bool, words: str) -> Finding:
    """Confirmed if met, else refuted."""
    return confirmed(words) if met else refuted(words)
