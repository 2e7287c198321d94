"""Every alarm of a stack and the topics that each publishes to, worked out once for a deployment."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailstack_infra import inventory as names
from mailstack_infra.environment import Environment
from mailstack_infra.inventory import Inventory
from mailstack_infra.monitoring.definitions import Alarm, Both, alarms, composites

if TYPE_CHECKING:
    from mailstack_infra.settings.monitoring import MonitoringSettings

# https://docs.aws.amazon.com/general/latest/gr/sns.html: a topic's policy, in bytes.
LONGEST_TOPIC_POLICY = 30_720
# The part of the policy that does not list alarms.
_REST_OF_TOPIC_POLICY = 1500


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The alarms of one stack. `MailStack` creates it once and passes it to the components.

    Attributes:
        inventory: The workers and topics that the alarms are about.
        streams: The names of the streams.
        alarms: Every alarm on a single metric.
        composites: Every composite alarm.
    """

    inventory: Inventory
    streams: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    composites: tuple[Both, ...]

    @classmethod
    def of(cls, env: Environment, settings: "MonitoringSettings") -> "Plan":
        """The plan of a stack with these settings."""
        inventory = Inventory.of(settings)
        return cls(
            inventory=inventory,
            streams=tuple(settings.streams),
            alarms=tuple(alarms(env, settings, inventory)),
            composites=tuple(composites(env, settings)),
        )

    @property
    def acting(self) -> tuple[Alarm | Both, ...]:
        """The alarms that people receive, composite ones first. The others are only parts of composite ones."""
        return tuple(alarm for alarm in (*self.composites, *self.alarms) if alarm.level)

    @property
    def pausable(self) -> frozenset[str]:
        """The configuration sets that the guard may pause."""
        return frozenset(alarm.pauses for alarm in self.composites if alarm.pauses)

    def people(self, alarm: Alarm | Both) -> tuple[str, ...]:
        """The topics, by name, on which people receive an alarm."""
        if not alarm.level:
            return ()
        paging, *apart = self.inventory.paging_topics
        if alarm.level == "warning" and apart:
            return tuple(apart)
        # If nobody is subscribed to pages, the readers of warnings must receive that.
        return (paging, *apart) if isinstance(alarm, Alarm) and alarm.pagers_missing else (paging,)

    def topics(self, alarm: Alarm | Both) -> tuple[str, ...]:
        """The topics, by name, that an alarm publishes to when it goes off: those of people and of functions."""
        match alarm:
            case Both(pauses=str(name)) if name:
                return (*self.people(alarm), names.GUARD_ALARMS)
            case Alarm(pagers_missing=True):
                return (*self.people(alarm), names.PAGER_ALARMS)
            case _:
                return self.people(alarm)

    def publishers(self, env: Environment, topic: str) -> list[str]:
        """The ARNs of the alarms that may publish to a topic, listed one by one while its policy has room.

        A pattern such as `mailstack-dev-*` would also let a stack named `dev-eu` publish to the topics of the stack
        `dev`. Only if the list is too long, each stream has a pattern, which also matches the alarms of a stack that is
        named after this stack and the stream, such as `prod-bulk`.
        """
        keys = [alarm.key for alarm in (*self.alarms, *self.composites) if topic in self.topics(alarm)]
        each = [_arn(env, key) for key in keys]
        if sum(len(arn) + 3 for arn in each) <= LONGEST_TOPIC_POLICY - _REST_OF_TOPIC_POLICY:
            return each
        prefixes = [f"{name}-" for name in self.streams]
        named = [prefix for prefix in prefixes if any(key.startswith(prefix) for key in keys)]
        return [
            *(_arn(env, f"{prefix}*") for prefix in named),
            *(_arn(env, key) for key in keys if not key.startswith(tuple(named))),
        ]


def _arn(env: Environment, key: str) -> str:
    return env.arn("cloudwatch", f"alarm:{env.name(key)}")
