"""The account monitor: on a schedule, a function asks SES how the account stands and publishes it as metrics.

It also pages what SES itself says about the account, and mails the pagers when none of them is subscribed. Not for what
is alarming about the metrics: `alarms.py` says that.
"""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from mailstack_infra import inventory
from mailstack_infra.environment import Environment
from mailstack_infra.functions import event_rules
from mailstack_infra.functions.worker import Worker
from mailstack_infra.iam import statements
from mailstack_infra.monitoring.paging import AlarmTopic
from mailstack_infra.settings.model import DEFAULT_STREAM, Settings

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


class Monitor(pulumi.ComponentResource):
    """Clock, SES's events, the alarm about missing pagers → worker → metrics, pages, mail.

    Args:
        paging: Where it tells what SES says, and whose subscriptions it counts.
        secret: Whether the addresses of pagers must stay encrypted.

    Attributes:
        topic: What the alarm about missing pagers publishes to.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        paging: aws.sns.Topic,
        secret: bool,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:monitor:Monitor", inventory.MONITOR, None, opts)
        child = ResourceOptions(parent=self)
        self.topic = AlarmTopic(inventory.PAGER_ALARMS, env, settings, opts=child).topic
        addresses = json.dumps(people(settings))
        worker = Worker(
            inventory.MONITOR,
            env,
            settings,
            source="account_monitor",
            topic=self.topic,
            variables={
                "MAILSTACK_STACK": env.stack,
                "MAILSTACK_PAGING_TOPIC_ARN": paging.arn,
                "MAILSTACK_SENDER": settings.sender,
                "MAILSTACK_CONFIGURATION_SET": default_set(env, settings),
                "MAILSTACK_PEOPLE": pulumi.Output.secret(addresses) if secret else addresses,
            },
            permissions=self._permissions(env, settings),
            opts=child,
        )
        for rule in RULES:
            event_rules.send(rule, env, worker, child)
        self.register_outputs({})

    def _permissions(self, env: Environment, settings: Settings) -> Sequence[statements.Statement]:
        return (
            *statements.measure_account(),
            *statements.page(env.arn("sns", env.name(inventory.PAGING))),
            statements.send(
                [
                    # In the sandbox SES asks for the recipients' identities as well.
                    env.arn("ses", "identity/*"),
                    env.arn("ses", f"configuration-set/{default_set(env, settings)}"),
                ],
                senders=[settings.sender_address],
                recipients=(),
                actions=("ses:SendEmail",),
            ),
        )


def people(settings: Settings) -> list[str]:
    """The e-mail addresses of everybody who is paged or warned."""
    return [one for one in dict.fromkeys((*settings.page, *settings.warn)) if not one.startswith("https://")]


def default_set(env: Environment, settings: Settings) -> str:
    """The configuration set of the stream that every stack has."""
    return settings.streams[DEFAULT_STREAM].called(env.name(DEFAULT_STREAM))
