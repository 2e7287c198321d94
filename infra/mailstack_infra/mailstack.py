"""Everything that sending mail from one identity takes, wired together; each part is a component in its own file."""

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pulumi
from pulumi import InvokeOptions, ResourceOptions

from mailer.stack import DnsRecord, StackOutputs
from mailstack_infra import inventory, limits, regions
from mailstack_infra.access.sender_policy import Access
from mailstack_infra.dns import records as dns
from mailstack_infra.dns.access import records_provider
from mailstack_infra.dns.zone import Zone, find_zone
from mailstack_infra.encryption import Keys
from mailstack_infra.environment import Environment
from mailstack_infra.functions.account_monitor import Monitor
from mailstack_infra.functions.feedback import Feedback
from mailstack_infra.functions.guard import Guard
from mailstack_infra.monitoring.alarms import Watching
from mailstack_infra.monitoring.dashboard import Dashboard
from mailstack_infra.monitoring.definitions import guarded, pausing
from mailstack_infra.monitoring.metrics import Counting
from mailstack_infra.monitoring.paging import Paging
from mailstack_infra.outputs import Outputs, check_size
from mailstack_infra.sending import dkim_rotation, identity_state
from mailstack_infra.sending.account import AccountDefaults
from mailstack_infra.sending.endpoint import Endpoint
from mailstack_infra.sending.identity import Identity
from mailstack_infra.sending.identity_state import Standing
from mailstack_infra.sending.pools import Pools
from mailstack_infra.sending.stream import MailStream
from mailstack_infra.sending.tenants import Tenants
from mailstack_infra.settings.loading import check_stack_name
from mailstack_infra.settings.model import DEFAULT_STREAM, Settings


class MailStack(pulumi.ComponentResource):
    """One environment: a domain that can send, what comes back of it, who is told, and what the library reads.

    A Pulumi stack has one, for the names of its resources carry the stack's. Account and region are those of the
    provider in `opts`, or of the program's own.

    Args:
        name: What the program calls it; AWS does not see it.
        settings: What it is told; see docs/reference/settings.md.
        stack: What the names of its resources carry, and what `Mailer.from_stack` is asked for: the Pulumi stack's name
            unless given. Give one where another project of the account has a stack of that name.
        secret_pages: Whether the addresses of `page` and `warn` stay encrypted in the state.
        dns_provider: Who looks up the zone and publishes the DNS records, where the zone is in another account: an
            `aws.Provider`, or one of Cloudflare's with `dns="cloudflare"`. Instead of `Settings.dns_access`.
        opts: Options for it and for all that it makes: `provider`, `protect`, `aliases` and so on.

    Attributes:
        outputs: What the library reads; unknown in a preview of what is not deployed yet.
        outputs_json: The same as text, for an application's environment variable `MAILSTACK_OUTPUTS`.
        sender_policy_arn: The managed policy to attach to the role that your application runs as.
        identity_arn: The SES identity.
        configuration_sets: The name of each stream's configuration set, by the stream's name.
        table_name: The DynamoDB table of suppressions and processed events.
        events_topic_arn: The SNS topic that SES publishes events to.
        paging_topic_arn: The SNS topic that pages.
        dns_records: Every record that must exist, for a zone that is not in Route 53.
        exports: What a program exports, by name: `outputs`, and each field of it.

    Raises:
        SettingsInvalid: The stack's name cannot be part of the names of resources, or there is no such zone.
        pulumi.RunError: The program has a MailStack already.

    Example:
        mail = MailStack("mail", Settings(domain="example.com", page=("oncall@example.com",)))
        pulumi.export("sender_policy", mail.sender_policy_arn)
    """

    outputs: pulumi.Output[StackOutputs]
    outputs_json: pulumi.Output[str]
    sender_policy_arn: pulumi.Output[str]
    identity_arn: pulumi.Output[str]
    configuration_sets: Mapping[str, pulumi.Output[str]]
    table_name: pulumi.Output[str]
    events_topic_arn: pulumi.Output[str]
    paging_topic_arn: pulumi.Output[str]
    dns_records: pulumi.Output[tuple[DnsRecord, ...]]
    exports: Mapping[str, pulumi.Output[Any]]

    _last: "ClassVar[tuple[weakref.ref[object], str] | None]" = None

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        stack: str | None = None,
        secret_pages: bool = False,
        dns_provider: pulumi.ProviderResource | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        stack = stack or pulumi.get_stack()
        check_stack_name(stack)
        self._be_the_only_one(name)
        super().__init__("mailstack:index:MailStack", name, None, opts)
        child = ResourceOptions(parent=self)
        # Asked of the provider that makes the resources, before anything is made.
        asked = InvokeOptions(parent=self)
        env = Environment.current(stack, settings.tags, asked)
        regions.check(env, settings)
        check_size(env, settings)
        limits.check_records(settings, env.region)
        limits.check(env, settings)
        zone = find_zone(settings, env, asked, records_provider(settings, env, dns_provider, child))
        before = identity_state.find(settings, asked)
        dkim_rotation.check(settings, before, zone)
        sets = {name: stream.called(env.name(name)) for name, stream in settings.streams.items()}
        sendable = limits.sendable_sets(env, settings, sets)
        set_arns = [env.arn("ses", f"configuration-set/{name}") for name in sets.values()]

        first: list[pulumi.Resource] = []
        if settings.encryption == "customer":
            keys = Keys(env, settings, opts=child)
            env = replace(env, key=keys.arn)
            first.append(keys)
        if settings.owns_account:
            first.append(AccountDefaults(settings.account, opts=child))
        self._env, self._settings, self._child = env, settings, child
        self.feedback = Feedback(env, settings, configuration_set_arns=set_arns, opts=child)
        sends = list(self._send(zone, before))
        watches = list(self._watch(sets, secret=secret_pages))
        self.access = Access(env, settings, configuration_set_arns=sendable, opts=child)
        ready = [*first, self.feedback, *sends, *watches, self.access]
        told = Outputs(env, self._fields(before), ready=ready, protect=settings.protect, opts=child)
        self._tell(told)
        self.register_outputs({"outputs": self.exports["outputs"]})

    def _send(self, zone: Zone | None, before: Standing) -> Iterator[pulumi.Resource]:
        """What mail is sent with and where from: pools, streams, identity, tenants, endpoint."""
        env, settings, child = self._env, self._settings, self._child
        pools = Pools(env, settings.pools, protect=settings.protect, opts=child).names if settings.pools else {}
        self.streams = {
            name: MailStream(
                name,
                env,
                stream,
                topic=self.feedback.topic,
                topic_policy=self.feedback.policy,
                pool=pools.get(stream.dedicated_pool) or stream.dedicated_pool or None,
                redirects=before.verified,
                protect=settings.protect,
                opts=child,
            )
            for name, stream in settings.streams.items()
        }
        default = self.streams[DEFAULT_STREAM].configuration_set.configuration_set_name
        self.identity = Identity(env, settings, zone=zone, before=before, configuration_set=default, opts=child)
        yield from (*self.streams.values(), self.identity)
        if settings.tenants:
            yield Tenants(
                env,
                settings.tenants,
                identity=self.identity.identity.arn,
                configuration_sets={name: stream.configuration_set.arn for name, stream in self.streams.items()},
                protect=settings.protect,
                opts=child,
            )
        self.endpoint = Endpoint(env, settings.secondary_region, opts=child) if settings.secondary_region else None
        yield from [self.endpoint] if self.endpoint else []

    def _watch(self, sets: Mapping[str, str], *, secret: bool) -> Iterator[pulumi.Resource]:
        """Who hears of what goes wrong, and what pauses a stream: paging, monitor, guard, alarms, dashboard."""
        env, settings, child = self._env, self._settings, self._child
        self.paging = Paging(env, settings, secret=secret, opts=child)
        yield self.paging
        topics = dict(self.paging.topics)
        if settings.watch_account:
            monitor = Monitor(env, settings, paging=self.paging.topic, secret=secret, opts=child)
            topics[inventory.PAGER_ALARMS] = monitor.topic
            yield monitor
        self.guard = None
        if pauses := set(pausing(env, settings).values()):
            told, topic = guarded(env, settings), self.paging.topic
            self.guard = Guard(env, settings, guarded=told, sets=pauses, paging_topic=topic, opts=child)
        if self.guard:
            topics[inventory.GUARD_ALARMS] = self.guard.topic
            yield self.guard
        for name, stream in self.streams.items():
            counted = settings.streams[name].metrics
            yield Counting(name, counted, stream.configuration_set, value=sets[name], opts=child)
        yield Watching(env, settings, topics=topics, opts=child)
        yield Dashboard(env, settings, opts=child)

    def _tell(self, told: Outputs) -> None:
        self.exports, self.outputs, self.outputs_json = told.exports, told.values, told.json
        self.sender_policy_arn, self.identity_arn = self.access.sender_policy.arn, self.identity.identity.arn
        self.configuration_sets = {
            name: stream.configuration_set.configuration_set_name for name, stream in self.streams.items()
        }
        self.table_name, self.events_topic_arn = self.feedback.table.name, self.feedback.topic.arn
        self.paging_topic_arn = self.paging.topic.arn
        self.dns_records = self.outputs.apply(lambda outputs: outputs.dns_records)

    @classmethod
    def _be_the_only_one(cls, name: str) -> None:
        """Refuse a second one in a run of the program, with words where the engine would speak of duplicate URNs."""
        run: object = pulumi.runtime.settings.get_monitor()
        if cls._last and cls._last[0]() is run:
            raise pulumi.RunError(
                f"This program has a second MailStack, {name!r} beside {cls._last[1]!r}. Their resources would have "
                "the same names: give each a Pulumi stack of its own, or have one with several `streams`."
            )
        cls._last = (weakref.ref(run), name)

    def _fields(self, before: Standing) -> dict[str, pulumi.Input[Any]]:
        settings, region = self._settings, self._env.region
        sets = {name: stream.configuration_set for name, stream in self.streams.items()}
        worker = self.feedback.worker
        return {
            "domain": settings.sender_domain if settings.address else settings.domain,
            "identity_arn": self.identity.identity.arn,
            "mail_from_domain": settings.mail_from_domain if settings.owns("mailFrom") else before.mail_from,
            "sender": settings.sender,
            "streams": {
                name: {"configuration_set": each.configuration_set_name, "configuration_set_arn": each.arn}
                for name, each in sets.items()
            },
            "default_stream": DEFAULT_STREAM,
            "endpoint_id": self.endpoint.id if self.endpoint else "",
            "table": self.feedback.table.name,
            "table_arn": self.feedback.table.arn,
            "events_topic_arn": self.feedback.topic.arn,
            "paging_topic_arn": self.paging.topic.arn,
            "feedback_queue_url": worker.queue.url,
            "feedback_dlq_url": worker.dlq.url,
            "feedback_function": worker.function.name,
            "guard_function": self.guard.worker.function.name if self.guard else "",
            "sender_policy_arn": self.access.sender_policy.arn,
            "roles": {name: role.arn for name, role in self.access.roles.items()},
            "smtp_secret": self.access.smtp.secret.name if self.access.smtp else "",
            "dns_records": pulumi.Output.all(*self.identity.tokens).apply(
                lambda tokens: [record.model_dump() for record in dns.records(settings, region, tokens)]
            ),
        }
