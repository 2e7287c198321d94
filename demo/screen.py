"""What the demo prints: a line a step, with its elapsed time. Not for deciding whether a step was seen."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

GREEN, RED, DIM, BOLD, RESET = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
SECONDS_COLUMN = 72


class NotSeen(Exception):  # noqa: N818
    """A step was not seen; the message says what was seen instead."""


@dataclass
class Screen:
    """Prints steps as they happen and remembers how long they took."""

    colour: bool = field(default_factory=sys.stdout.isatty)
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str = "", style: str = "") -> None:
        """Print one line."""
        sys.stdout.write(f"{style}{text}{RESET}\n" if style and self.colour else f"{text}\n")
        sys.stdout.flush()

    @contextmanager
    def step(self, title: str) -> Generator[list[str]]:
        """Run one step: its title and time, then its details. Whatever it raises means that it was not seen."""
        begun, details = time.monotonic(), list[str]()
        try:
            yield details
        except Exception as error:
            self._line("✗", title, begun, RED)
            why = str(error) if isinstance(error, NotSeen) else f"{type(error).__name__}: {error}"
            raise NotSeen(f"{title}: {why}") from error
        else:
            self._line("✓", title, begun, GREEN)
        finally:
            for detail in details:
                self.say(f"    {detail}", DIM)

    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.started

    def _line(self, mark: str, title: str, begun: float, style: str) -> None:
        seconds = f"{time.monotonic() - begun:6.2f} s"
        self.say(f"{mark} {title:<{SECONDS_COLUMN}}{seconds}", style)
