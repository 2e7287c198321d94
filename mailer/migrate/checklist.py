"""The check-list of a move: what a step is, and what came of looking. Not for looking (`steps`, `leftovers`)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mailer.doctor.check import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from mailer.doctor.check import Result
    from mailer.migrate.plan import Plan
    from mailer.migrate.sources import Sources
    from mailer.stack import StackOutputs


class State(StrEnum):
    """What came of a step. The set is closed."""

    DONE = "done"
    OPEN = "open"
    UNKNOWN = "unknown"
    """It could not be seen."""
    SKIPPED = "skipped"
    """It does not apply here, or not yet."""


class Look(NamedTuple):
    """What was seen.

    Attributes:
        state: What came of it.
        found: What was found, in a sentence.
        remedy: What to do next; empty where nothing is.
    """

    state: State
    found: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Scene:
    """Everything that a step may look at.

    Attributes:
        plan: Of the old settings, without what the command has written.
        sources: The files of the project, with what the command has written.
        folder: The project's.
        stack: The stack's name.
        outputs: The stack; None where it is not deployed.
        no_outputs: Why there are none.
        results: Of the checks of `mailer doctor`, by name.
        environ: Of this process.
        sent: Mails that left through SES in 24 hours; None where AWS did not say.
        missing: How many addresses of the old list are not suppressed, and of how many; None where no list is named.
    """

    plan: "Plan"
    sources: "Sources"
    folder: "Path"
    stack: str
    outputs: "StackOutputs | None"
    no_outputs: str
    results: "Mapping[str, Result]"
    environ: "Mapping[str, str]"
    sent: float | None = None
    missing: tuple[int, int] | None = None


class Step(NamedTuple):
    """A line of the check-list.

    Attributes:
        name: What it is known by.
        means: What is true when it is done.
        page: Where to read more.
        look: Looks at it.
    """

    name: str
    means: str
    page: str
    look: "Callable[[Scene], Look]"


class Ticked(NamedTuple):
    """A step, and what came of it."""

    step: Step
    look: Look


def ticked(steps: "Iterable[Step]", scene: Scene) -> list[Ticked]:
    """Look at every step."""
    return [Ticked(step, step.look(scene)) for step in steps]


def by_doctor(*names: str, strict: bool = False) -> "Callable[[Scene], Look]":
    """A step that checks of `mailer doctor` decide.

    Args:
        names: The checks.
        strict: Whether a warning leaves the step open, too.
    """
    wrong = {Verdict.FAILED, Verdict.WARNING} if strict else {Verdict.FAILED}

    def look(scene: Scene) -> Look:
        if scene.outputs is None:
            return Look(State.UNKNOWN, "It needs the stack's outputs.")
        results = [scene.results[name] for name in names if name in scene.results]
        for result in results:
            if result.verdict in wrong:
                return Look(State.OPEN, result.problems[0].found, result.problems[0].remedy)
        unseen = next((one for one in results if one.verdict is Verdict.UNKNOWN), None)
        skipped = [one for one in results if one.verdict is Verdict.SKIPPED]
        if unseen or (skipped and len(skipped) == len(results)):
            return Look(State.UNKNOWN, (unseen or skipped[0]).why, f"mailer doctor --stack {scene.stack}")
        return Look(State.DONE)

    return look
