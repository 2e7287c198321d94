"""Everything that sending mail from one domain takes, wired together; each part is a component in its own file."""

from dataclasses import replace
from typing import Any

import pulumi
from pulumi import ResourceOptions

from mailstack_infra import dns
from mailstack_infra.access import Access
from mailstack_infra.account import AccountDefaults
from mailstack_infra.alarms import pausing
from mailstack_infra.counting import Counting
from mailstack_infra.dashboard import Dashboard
from mailstack_infra.dns_route53 import Zone
from mailstack_infra.environment import Environment
from mailstack_infra.feedback import Feedback
from mailstack_infra.guard import Guard
from mailstack_infra.identity import Identity
from mailstack_infra.keys import Keys
from mailstack_infra.monitor import Monitor, ses_rule_arn
from mailstack_infra.outputs import Outputs
from mailstack_infra.paging import Paging
from mailstack_infra.settings.model import DEFAULT_STREAM, Settings
from mailstack_infra.stream import MailStream
from mailstack_infra.watching import Watching


class MailStack(pulumi.ComponentResource):
    """One environment.

    Args:
        settings: What it is told; see docs/settings.md.
        zone: Where its DNS records go; see `dns_route53.find_zone`. None: nowhere.
        secret_pages: Whether the addresses of `page` or `warn` are encrypted in the configuration.

    Attributes:
        exports: What the program exports, by name.
    """

    def __init__(
        self,
        env: Environment,
        settings: Settings,
        *,
        zone: Zone | None,
        secret_pages: bool = False,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("mailstack:index:MailStack", "mailstack", None, opts)
        child = ResourceOptions(parent=self)
        set_arns = [env.arn("ses", f"configuration-set/{env.name(name)}") for name in settings.streams]

        if settings.encryption == "customer":
            keys = Keys(env, configuration_set_arns=set_arns, protect=settings.protect, opts=child)
            env = replace(env, key=keys.arn)
        if settings.owns_account:
            AccountDefaults(settings.account, opts=child)
        self.feedback = Feedback(env, settings, configuration_set_arns=set_arns, opts=child)
        self.streams = {
            name: MailStream(
                name,
                env,
                stream,
                topic=self.feedback.topic,
                topic_policy=self.feedback.policy,
                protect=settings.protect,
                opts=child,
            )
            for name, stream in settings.streams.items()
        }
        default = self.streams[DEFAULT_STREAM].configuration_set
        self.identity = Identity(env, settings, zone=zone, configuration_set=default.configuration_set_name, opts=child)
        rules = [ses_rule_arn(env)] if settings.watch_account else []
        self.paging = Paging("paging", env, pages=settings.page, secret=secret_pages, rules=rules, opts=child)
        warnings = (
            Paging("warnings", env, pages=settings.warn, secret=secret_pages, opts=child) if settings.warn else None
        )
        monitor = (
            Monitor(env, settings, paging=self.paging.topic, paging_policy=self.paging.policy, opts=child)
            if settings.watch_account
            else None
        )
        pauses = pausing(env, settings)
        self.guard = (
            Guard(env, settings, pausing=pauses, paging_topic=self.paging.topic, opts=child) if pauses else None
        )
        for name, stream in self.streams.items():
            Counting(name, stream.configuration_set, value=env.name(name), opts=child)
        watching = Watching(
            env,
            settings,
            paging={"warning": (warnings or self.paging).topic, "critical": self.paging.topic},
            guard=self.guard.topic if self.guard else None,
            opts=child,
        )
        Dashboard(env, settings, opts=child)
        self.access = Access(env, settings, configuration_set_arns=set_arns, opts=child)

        parts = [self.feedback, *self.streams.values(), self.identity, self.paging, warnings, monitor, self.guard]
        parts += [watching, self.access]
        ready: list[pulumi.Resource] = [part for part in parts if part]
        self.exports = Outputs(env, self._fields(settings, env.region), ready=ready, opts=child).exports
        self.register_outputs({})

    def _fields(self, settings: Settings, region: str) -> dict[str, pulumi.Input[Any]]:
        sets = {name: stream.configuration_set for name, stream in self.streams.items()}
        worker = self.feedback.worker
        return {
            "domain": settings.domain,
            "identity_arn": self.identity.identity.arn,
            "mail_from_domain": settings.mail_from_domain,
            "sender": settings.sender,
            "streams": {
                name: {"configuration_set": each.configuration_set_name, "configuration_set_arn": each.arn}
                for name, each in sets.items()
            },
            "default_stream": DEFAULT_STREAM,
            "table": self.feedback.table.name,
            "table_arn": self.feedback.table.arn,
            "events_topic_arn": self.feedback.topic.arn,
            "paging_topic_arn": self.paging.topic.arn,
            "feedback_queue_url": worker.queue.url,
            "feedback_dlq_url": worker.dlq.url,
            "feedback_function": worker.function.name,
            "guard_function": self.guard.worker.function.name if self.guard else "",
            "sender_policy_arn": self.access.sender_policy.arn,
            "dns_records": pulumi.Output.all(*self.identity.tokens).apply(
                lambda tokens: [record.model_dump() for record in dns.records(settings, region, tokens)]
            ),
        }
