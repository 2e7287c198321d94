"""Which workers, topics and EventBridge rules a stack has, by name: pure, so that policies and alarms agree with it.

Not for registering them. A name here stands behind `mailstack-<stack>-` in AWS.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailstack_infra.settings.model import Settings

FEEDBACK, GUARD, MONITOR = "feedback", "sending-guard", "account-monitor"
# Topics.
EVENTS, PAGING, WARNINGS, GUARD_ALARMS, PAGER_ALARMS = "events", "paging", "warnings", "guard", "pagers"
# Rules: two clocks, and what SES says of itself.
MONITOR_CLOCK, GUARD_CLOCK, SES_EVENTS = MONITOR, GUARD, "ses-events"
# Where pages end that SNS could not deliver.
PAGING_DLQ = "paging-dlq"
# Of every dead-letter queue: as long as SQS keeps a message.
DLQ_RETENTION_SECONDS = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a worker's queue hears, and what its function works with.

    Attributes:
        topic: A topic.
        uses: The service whose encrypted resource the function reads or writes, as endpoints call it.
        rules: EventBridge rules.
    """

    topic: str
    uses: str
    rules: tuple[str, ...] = ()

    @property
    def customer_key(self) -> bool:
        """Whether its queues can be encrypted with the stack's own key.

        EventBridge would need a grant on that key, and AWS documents none that is bound to a rule or an account:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html (targets with KMS encryption).
        What rules send is ticks and the account's standing: SQS's own key is enough for those.
        """
        return not self.rules

    @property
    def through(self) -> tuple[str, ...]:
        """The services that the function uses the stack's key through.

        Lambda decrypts the environment:
        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        """
        return (self.uses, "lambda", *(("sqs",) if self.customer_key else ()))


def guards(settings: "Settings") -> bool:
    """Whether some stream is paused at a critical rate."""
    return any(stream.guard for stream in settings.streams.values())


def workers(settings: "Settings") -> dict[str, Wiring]:
    """The functions that work through a queue, and what each hears."""
    return {
        FEEDBACK: Wiring(EVENTS, "dynamodb"),
        **({MONITOR: Wiring(PAGER_ALARMS, "sns", (MONITOR_CLOCK, SES_EVENTS))} if settings.watch_account else {}),
        **({GUARD: Wiring(GUARD_ALARMS, "sns", (GUARD_CLOCK,))} if guards(settings) else {}),
    }


def paging_topics(settings: "Settings") -> tuple[str, ...]:
    """The topics that people hear: warnings have one of their own only where they go to others."""
    apart = settings.warn or settings.slack.warns_elsewhere
    return (PAGING, WARNINGS) if apart else (PAGING,)


def alarm_topics(settings: "Settings") -> tuple[str, ...]:
    """The topics that alarms publish to."""
    heard = (wiring.topic for wiring in workers(settings).values())
    return (*paging_topics(settings), *(topic for topic in heard if topic != EVENTS))


def topics(settings: "Settings") -> tuple[str, ...]:
    """Every topic."""
    return (EVENTS, *alarm_topics(settings))


def rules(settings: "Settings") -> tuple[str, ...]:
    """Every EventBridge rule."""
    return tuple(rule for wiring in workers(settings).values() for rule in wiring.rules)
