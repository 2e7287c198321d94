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
    from mailstack_infra.settings.monitoring import MonitoringSettings

__all__ = ["SET_DIMENSION", "Alarm", "Both", "Level", "alarms", "composites", "rule"]


def alarms(env: "Environment", settings: "MonitoringSettings", inventory: "Inventory") -> Iterator[Alarm]:
    """Every alarm of a stack on a single metric."""
    speaker = Speaker(env, settings.runbook)
    for name, each in settings.streams.items():
        yield from stream.singles(env, speaker, name, each)
    if settings.watch_account:
        yield from account.singles(env, speaker, least_sends=settings.least_sends, paged=settings.has_pagers)
    yield from delivery.singles(env, speaker, inventory)


def composites(env: "Environment", settings: "MonitoringSettings") -> Iterator[Both]:
    """Every composite alarm of a stack: a critical rate, measured over enough mail."""
    speaker = Speaker(env, settings.runbook)
    if settings.watch_account:
        yield from account.criticals(env, speaker, least_sends=settings.least_sends)
    for name, each in settings.streams.items():
        yield from stream.criticals(env, speaker, name, each)


def rule(env: "Environment", alarm: Both) -> str:
    """A composite alarm's rule.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    return " AND ".join(f'ALARM("{env.name(part)}")' for part in alarm.parts)
