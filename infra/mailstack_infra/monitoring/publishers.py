"""Which alarms publish to which topic, by ARN and one by one as long as a topic's policy has room for that.

A pattern such as `mailstack-dev-*` would let a stack named `dev-eu` publish to the topics of the stack `dev`.
"""

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.monitoring.definitions import Alarm, Both, alarms, composites
from mailstack_infra.settings.model import Settings

# https://docs.aws.amazon.com/general/latest/gr/sns.html: a topic's policy, in bytes.
LONGEST_TOPIC_POLICY = 30_720
# What it says besides alarms.
_REST_OF_TOPIC_POLICY = 1500


def people_told(settings: Settings, alarm: Alarm | Both) -> tuple[str, ...]:
    """The topics, by name, at which people hear of an alarm."""
    if not alarm.level:
        return ()
    paging, *apart = inventory.paging_topics(settings)
    if alarm.level == "warning" and apart:
        return tuple(apart)
    # Where nobody is paged, those who hear of warnings must.
    return (paging, *apart) if isinstance(alarm, Alarm) and alarm.pagers_missing else (paging,)


def told(settings: Settings, alarm: Alarm | Both) -> tuple[str, ...]:
    """The topics, by name, that an alarm publishes to when it goes off: those of people, and of functions that act."""
    match alarm:
        case Both(pauses=str(name)) if name:
            return (*people_told(settings, alarm), inventory.GUARD_ALARMS)
        case Alarm(pagers_missing=True):
            return (*people_told(settings, alarm), inventory.PAGER_ALARMS)
        case _:
            return people_told(settings, alarm)


def publishing(env: Environment, settings: Settings, topic: str) -> list[str]:
    """The ARNs of the alarms that publish to a topic; where there are too many, a pattern for each stream's.

    The pattern also holds for the alarms of a stack that is called after this stack and the stream: `prod-bulk`.
    """
    found = (*alarms(env, settings), *composites(env, settings))
    keys = [alarm.key for alarm in found if topic in told(settings, alarm)]
    each = [_arn(env, key) for key in keys]
    if sum(len(arn) + 3 for arn in each) <= LONGEST_TOPIC_POLICY - _REST_OF_TOPIC_POLICY:
        return each
    streams = [f"{name}-" for name in settings.streams]
    named = [stream for stream in streams if any(key.startswith(stream) for key in keys)]
    return [
        *(_arn(env, f"{stream}*") for stream in named),
        *(_arn(env, key) for key in keys if not key.startswith(tuple(named))),
    ]


def _arn(env: Environment, key: str) -> str:
    return env.arn("cloudwatch", f"alarm:{env.name(key)}")
