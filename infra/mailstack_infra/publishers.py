"""Who of the stack publishes where, by ARN and one by one.

A pattern such as `mailstack-dev-*` would let a stack named `dev-eu` publish to the topics of the stack `dev`.
"""

from collections.abc import Collection

from mailstack_infra.alarms import Level, alarms, composites, pausing
from mailstack_infra.environment import Environment
from mailstack_infra.monitor import NAME as MONITOR
from mailstack_infra.monitor import rule_arn, ses_rule_arn
from mailstack_infra.settings.model import Settings

LEVELS: tuple[Level, ...] = ("warning", "critical")


def paging_alarms(env: Environment, settings: Settings, levels: Collection[Level] = LEVELS) -> list[str]:
    """The alarms that page at these levels."""
    keys = [alarm.key for alarm in (*alarms(env, settings), *composites(env, settings)) if alarm.level in levels]
    return [_alarm_arn(env, env.name(key)) for key in keys]


def pausing_alarms(env: Environment, settings: Settings) -> list[str]:
    """The alarms that the guard hears of."""
    return [_alarm_arn(env, name) for name in pausing(env, settings)]


def rules(env: Environment, settings: Settings) -> list[str]:
    """The EventBridge rules that publish to topics."""
    return [rule_arn(env, MONITOR), ses_rule_arn(env)] if settings.watch_account else []


def workers(env: Environment, settings: Settings) -> dict[str, str]:
    """The functions that work through a queue, and the topic that each hears, by name."""
    return {
        "feedback": "events",
        **({MONITOR: "ticks"} if settings.watch_account else {}),
        **({"sending-guard": "guard"} if pausing(env, settings) else {}),
    }


def _alarm_arn(env: Environment, name: str) -> str:
    return env.arn("cloudwatch", f"alarm:{name}")
