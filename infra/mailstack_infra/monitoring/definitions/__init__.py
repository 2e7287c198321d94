"""The alarms of a stack as values, each with the next step for its reader. Pure.

Not for registering them (`monitoring/alarms.py`), nor for who receives them (`monitoring/plan.py`).
docs/guides/monitoring.md is the runbook, with one section for each alarm.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailstack_infra.monitoring.definitions import account, delivery, stream
from mailstack_infra.monitoring.definitions.stream import SET_DIMENSION
from mailstack_infra.monitoring.definitions.texts import Speaker
from mailstack_infra.monitoring.definitions.values import Alarm, Both, Level

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment
    from mailstack_infra.inventory import Inventory
    from mailstack_infra.settings.model import Settings

__all__ = ["SET_DIMENSION", "Alarm", "Both", "Level", "alarms", "composites", "rule"]


def alarms(env: "Environment", settings: "Settings", inventory: "Inventory") -> Iterator[Alarm]:
    """Every alarm of a stack on a single metric."""
    speaker = Speaker(env, settings.runbook)
    for name, each in settings.streams.items():
        yield from stream.singles(env, speaker, name, each)
    if settings.watch_account:
        paged = bool(settings.page or settings.slack.page)
        yield from account.singles(env, speaker, least_sends=_least_sends(settings), paged=paged)
    yield from delivery.singles(env, speaker, inventory)


def composites(env: "Environment", settings: "Settings") -> Iterator[Both]:
    """Every composite alarm of a stack: a critical rate, measured over enough mail."""
    speaker = Speaker(env, settings.runbook)
    if settings.watch_account:
        yield from account.criticals(env, speaker, least_sends=_least_sends(settings))
    for name, each in settings.streams.items():
        yield from stream.criticals(env, speaker, name, each)


def rule(env: "Environment", alarm: Both) -> str:
    """A composite alarm's rule.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    return " AND ".join(f'ALARM("{env.name(part)}")' for part in alarm.parts)


def _least_sends(settings: "Settings") -> int:
    """How many sends make a rate of the account meaningful: the smallest minimum among the streams."""
    return min(stream.minimum_sends for stream in settings.streams.values())
