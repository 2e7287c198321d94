"""The steps of a drill: what was done, how long it took, what was found. Not for doing anything."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mailer.errors import CommandFailed
from mailer.redaction import mask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_Found = TypeVar("_Found")
# Seconds between two looks. SES limits every action but sending to one call a second:
# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
PAUSE = 1.0


def pause() -> None:
    """Wait between two looks."""
    time.sleep(PAUSE)


@dataclass(frozen=True)
class Step:
    """One step that has ended.

    Attributes:
        what: What was done or waited for.
        seconds: How long it took.
        found: What came of it; why it failed.
        ok: Whether it succeeded.
    """

    what: str
    seconds: float
    found: str = ""
    ok: bool = True


@dataclass
class Note:
    """What a step has found so far."""

    found: str = ""


@dataclass
class Course:
    """The steps of one drill, in their order.

    Attributes:
        limit: Seconds that one step waits at most.
        on_step: Called with each step that has ended.
    """

    limit: float
    on_step: "Callable[[Step], None]"
    steps: list[Step] = field(default_factory=list[Step])

    @contextmanager
    def step(self, what: str) -> "Generator[Note]":
        """Time a step. One that raises has failed, and the error goes on."""
        began, note = time.monotonic(), Note()
        try:
            yield note
        except (Exception, KeyboardInterrupt) as error:
            self._add(Step(what, time.monotonic() - began, _words(error), ok=False))
            raise
        self._add(Step(what, time.monotonic() - began, note.found))

    def until(self, look: "Callable[[], _Found | None]", otherwise: str, hint: str) -> "_Found":
        """Look again and again until there is something to see.

        Raises:
            CommandFailed: It did not come in time.
        """
        ends = time.monotonic() + self.limit
        while True:  # ends in time
            found = look()
            if found:
                return found
            if time.monotonic() >= ends:
                raise CommandFailed(f"{otherwise} within {self.limit:g} s.", hint=hint)
            pause()

    @property
    def passed(self) -> bool:
        """Whether every step succeeded."""
        return all(step.ok for step in self.steps)

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self.on_step(step)


def _words(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else mask_all(str(error))
