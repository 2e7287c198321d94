"""Which alarms a stack has: values, each with what to do about it.

Not for registering them (`watching.py`). docs/guides/monitoring.md is the runbook, one section an alarm.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailstack_infra.monitoring.definitions import account, delivery, stream
from mailstack_infra.monitoring.definitions.stream import SET_DIMENSION
from mailstack_infra.monitoring.definitions.values import Alarm, Both, Level

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment
    from mailstack_infra.settings.model import Settings

__all__ = ["SET_DIMENSION", "Alarm", "Both", "Level", "alarms", "composites", "guarded", "pausing", "rule"]


def alarms(env: "Environment", settings: "Settings") -> Iterator[Alarm]:
    """Every alarm of a stack on a single metric."""
    for name, each in settings.streams.items():
        yield from stream.singles(env, settings, name, each)
    if settings.watch_account:
        yield from account.singles(env, settings)
    yield from delivery.singles(env, settings)


def composites(env: "Environment", settings: "Settings") -> Iterator[Both]:
    """Every composite alarm of a stack: a critical rate that enough mail stands behind."""
    if settings.watch_account:
        yield from account.criticals(env, settings)
    for name, each in settings.streams.items():
        yield from stream.criticals(env, settings, name, each)


def pausing(env: "Environment", settings: "Settings") -> dict[str, str]:
    """Which configuration set each pausing alarm is about, by the alarm's name.

    A composite alarm's notification names neither metric nor dimension, so that the guard could not tell.
    """
    return {env.name(alarm.key): alarm.pauses for alarm in composites(env, settings) if alarm.pauses}


def guarded(env: "Environment", settings: "Settings") -> str:
    """The streams that the guard may pause, as `mailer.functions.guard.pausing_alarms` reads them."""
    sets = {name: each.called(env.name(name)) for name, each in settings.streams.items() if each.guard}
    return ",".join(name if called == env.name(name) else f"{name}={called}" for name, called in sets.items())


def rule(env: "Environment", alarm: Both) -> str:
    """A composite alarm's rule.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    return " AND ".join(f'ALARM("{env.name(part)}")' for part in alarm.parts)
