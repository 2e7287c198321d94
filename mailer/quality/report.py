"""What was found out about a rendered mail: a list of checks, each passed, failed or skipped, with its details."""

from dataclasses import dataclass, field
from typing import Literal

State = Literal["pass", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: What was looked at.
        state: `fail` is wrong for some readers; `warn` may be on purpose; `skip` needs a program that is not here.
        summary: The result in one line.
        details: What is wrong, one thing a line.
    """

    name: str
    state: State
    summary: str
    details: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, problems: "list[str]", good: str, *, state: State = "fail") -> "Check":
        """A check that passes if there are no problems."""
        if not problems:
            return cls(name, "pass", good)
        first = problems[0] if len(problems) == 1 else f"{len(problems)} problems"
        return cls(name, state, first, tuple(problems) if len(problems) > 1 else ())


@dataclass(frozen=True, slots=True)
class Score:
    """All checks of a mail.

    Attributes:
        template: The template's name.
        checks: The checks, in the order of the report.
        clients: The share of what the mail uses that each mail client supports, 0 to 100.
    """

    template: str
    checks: tuple[Check, ...]
    clients: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(check.state != "fail" for check in self.checks)
