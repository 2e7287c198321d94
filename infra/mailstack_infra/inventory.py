"""The workers, topics and EventBridge rules of a stack, by name. Policies, alarms and resources all read them here.

Pure; nothing is registered. AWS sees each name with the prefix `mailstack-<stack>-`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailstack_infra.settings.monitoring import MonitoringSettings

FEEDBACK, GUARD, MONITOR = "feedback", "sending-guard", "account-monitor"
# Topics.
EVENTS, PAGING, WARNINGS, GUARD_ALARMS, PAGER_ALARMS = "events", "paging", "warnings", "guard", "pagers"
# Rules: two clocks, and the events of SES about the account.
MONITOR_CLOCK, GUARD_CLOCK, SES_EVENTS = MONITOR, GUARD, "ses-events"
# The dead-letter queue of pages that SNS could not deliver.
PAGING_DLQ = "paging-dlq"
# Every dead-letter queue keeps messages for the longest time that SQS allows.
DLQ_RETENTION_SECONDS = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a worker's queue receives, and which service its function uses.

    Attributes:
        topic: The topic that the queue subscribes to.
        uses: The service whose encrypted resource the function reads or writes, by its endpoint name.
        rules: The EventBridge rules that send to the queue.
    """

    topic: str
    uses: str
    rules: tuple[str, ...] = ()

    @property
    def customer_key(self) -> bool:
        """Whether its queues can be encrypted with the stack's own key.

        EventBridge would need a grant on that key, and AWS documents no condition that limits such a grant to a rule
        or an account: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html (targets with KMS
        encryption). Rules send only ticks and account events, for which SQS's own key is enough.
        """
        return not self.rules

    @property
    def through(self) -> tuple[str, ...]:
        """The services that the function uses the stack's key through.

        Lambda decrypts the environment:
        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
        """
        return (self.uses, "lambda", *(("sqs",) if self.customer_key else ()))


@dataclass(frozen=True, slots=True)
class Inventory:
    """The workers and topics of one stack. `MailStack` creates it once and passes it to the components.

    Attributes:
        workers: Each function that works through a queue, by name, and what it listens to.
        paging_topics: The topics for people: the one that pages, and one for warnings only if others receive those.
    """

    workers: Mapping[str, Wiring]
    paging_topics: tuple[str, ...]

    @classmethod
    def of(cls, settings: "MonitoringSettings") -> "Inventory":
        """The inventory of a stack with these settings."""
        workers = {FEEDBACK: Wiring(EVENTS, "dynamodb")}
        if settings.watch_account:
            workers[MONITOR] = Wiring(PAGER_ALARMS, "sns", (MONITOR_CLOCK, SES_EVENTS))
        if settings.has_guard:
            workers[GUARD] = Wiring(GUARD_ALARMS, "sns", (GUARD_CLOCK,))
        return cls(workers, (PAGING, WARNINGS) if settings.separate_warnings else (PAGING,))

    @property
    def alarm_topics(self) -> tuple[str, ...]:
        """The topics that alarms publish to."""
        topics = (wiring.topic for wiring in self.workers.values())
        return (*self.paging_topics, *(topic for topic in topics if topic != EVENTS))

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic."""
        return (EVENTS, *self.alarm_topics)
