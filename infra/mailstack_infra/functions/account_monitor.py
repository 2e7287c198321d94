"""The account monitor: a scheduled function that publishes the status of the SES account as metrics.

It also pages SES's own events about the account, and mails the recipients of pages when none of them is subscribed.
Not for the alarms on the metrics: see `monitoring/definitions/account.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailer.functions.variables import CONFIGURATION_SET, PAGING_TOPIC_ARN, PEOPLE, SENDER, STACK
from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.functions import event_rules
from mailstack_infra.functions.worker import Job, Runtime, Worker
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.paging import AlarmTopic
from mailstack_infra.monitoring.plan import Plan
from mailstack_infra.settings.secret import protected

SCHEDULE = "rate(5 minutes)"
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html; the tenants' pages say Closed for Resolved.
SES_SAYS = (
    "Sending Status Disabled",
    "Sending Status Enabled",
    "Advisor Recommendation Status Open",
    "Advisor Recommendation Status Resolved",
    "Advisor Recommendation Status Closed",
)
RULES = (
    event_rules.Rule(
        name=inventory.MONITOR_CLOCK, description="The ticks of the account monitor's clock.", schedule=SCHEDULE
    ),
    event_rules.Rule(
        name=inventory.SES_EVENTS,
        description="What SES says about the account's sending.",
        pattern=json.dumps({"source": ["aws.ses"], "detail-type": SES_SAYS}),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The mail to people when nobody is subscribed to pages.

    Attributes:
        sender: The From header.
        sender_address: The bare address of the sender.
        configuration_set: The configuration set that the mail is sent with.
        recipients: Everybody who should be paged or warned; https URLs receive no mail.
    """

    sender: str
    sender_address: str
    configuration_set: str
    recipients: Sequence[str]

    @property
    def people(self) -> list[str]:
        """The e-mail addresses among the recipients."""
        return [one for one in dict.fromkeys(self.recipients) if not one.startswith("https://")]


class Monitor(pulumi.ComponentResource):
    """Clock, SES's events and the alarm about missing pagers → worker → metrics, pages, mail.

    Args:
        plan: The alarms of the stack.
        runtime: The settings that all functions share.
        paging: The topic to which it publishes pages, and whose subscriptions it counts.
        mail: The mail to people when nobody is subscribed to pages.

    Attributes:
        topic: The topic of the alarm about missing pagers.
    """

    def __init__(
        self,
        env: Environment,
        plan: Plan,
        *,
        runtime: Runtime,
        paging: aws.sns.Topic,
        mail: Mail,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:monitor:Monitor", inventory.MONITOR, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = AlarmTopic(inventory.PAGER_ALARMS, env, plan, opts=child).topic
        variables: Mapping[str, pulumi.Input[str]] = {
            STACK: env.stack,
            PAGING_TOPIC_ARN: paging.arn,
            SENDER: mail.sender,
            CONFIGURATION_SET: mail.configuration_set,
            PEOPLE: protected(json.dumps(mail.people), of=tuple(mail.recipients)),
        }
        worker = Worker(
            inventory.MONITOR,
            env,
            plan.inventory.workers[inventory.MONITOR],
            Job(source="account_monitor", variables=variables, permissions=permissions(env, mail)),
            runtime=runtime,
            topic=self.topic,
            opts=child,
        )
        for rule in RULES:
            event_rules.send(rule, env, worker, child)
        self.register_outputs({})


def permissions(env: Environment, mail: Mail) -> Sequence[statements.Statement]:
    """What the monitor may do: measure the account, page, and send the mail."""
    return (
        *statements.measure_account(),
        *statements.page(env.arn("sns", env.name(inventory.PAGING))),
        statements.send(
            [
                # In the sandbox SES also authorizes the recipients' identities.
                env.arn("ses", "identity/*"),
                env.arn("ses", f"configuration-set/{mail.configuration_set}"),
            ],
            senders=[mail.sender_address],
            recipients=(),
            actions=("ses:SendEmail",),
        ),
    )
