"""What a drill gets: the stack, its steps, and what the person chose. Not for running one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.cli.drill.course import Course
    from mailer.doctor.site import Site


@dataclass(frozen=True)
class Task:
    """One run of a drill.

    Attributes:
        site: The stack in AWS.
        course: Its steps.
        mark: Names everything that the drill creates.
        actor: Who runs it.
        stream: The stream; the default one where none was named.
        alarm: The alarm's name without the stack's prefix; empty for one that the drill chooses.
        redrives: Whether the dead letter is also moved back once.
        rows: How many rows are compared at most.
    """

    site: "Site"
    course: "Course"
    mark: str
    actor: str
    stream: str
    alarm: str = ""
    redrives: bool = False
    rows: int = 0

    @property
    def name(self) -> str:
        """A name for what the drill creates, which says whose it is."""
        return f"mailstack-{self.site.outputs.stack}-drill-{self.mark}"
