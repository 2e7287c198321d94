"""What each drill runs, by its name; apart, because it loads more than `mailer --help` needs."""

from typing import TYPE_CHECKING

from mailer.cli.drill.dead_letter import dead_letter
from mailer.cli.drill.feedback import bounce, complaint
from mailer.cli.drill.guard import guard
from mailer.cli.drill.paging import alarm
from mailer.cli.drill.restore import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.cli.drill.task import Task

RUNS: "dict[str, Callable[[Task], None]]" = {
    "bounce": bounce,
    "complaint": complaint,
    "alarm": alarm,
    "guard": guard,
    "dlq": dead_letter,
    "restore": restore,
}
