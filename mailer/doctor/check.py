"""What a check is, and what comes of it. Not for looking at anything."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailer.doctor.site import Site


class Verdict(StrEnum):
    """What came of a check.

    `UNKNOWN`: AWS or the DNS did not answer the question. `SKIPPED`: it does not apply here, or another check has
    failed that it depends on.
    """

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        found: What was found.
        remedy: What to do next: a command where there is one.
        warning: Mail still flows, and feedback and pages arrive.
    """

    found: str
    remedy: str
    warning: bool = False


@dataclass(frozen=True)
class Check:
    """One question about the site.

    Attributes:
        name: What `--only` knows it by.
        means: Why it matters, in one sentence.
        page: Where to read more, from the root of the repository.
        look: Yields the problems; none where all is well.
        needs: What it asks: `aws`, `dns`, or nothing but this machine.
    """

    name: str
    means: str
    page: str
    look: "Callable[[Site], Iterable[Problem]]"
    needs: str = "aws"


@dataclass(frozen=True)
class Result:
    """A check and its outcome.

    Attributes:
        problems: What is wrong; empty unless the verdict is `WARNING` or `FAILED`.
        why: Why the verdict is `UNKNOWN` or `SKIPPED`; empty otherwise.
    """

    check: Check
    verdict: Verdict
    problems: tuple[Problem, ...] = ()
    why: str = ""
