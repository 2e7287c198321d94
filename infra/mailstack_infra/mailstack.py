"""The component of a whole stack: it creates every part and connects them. Each part is a component in its own file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pulumi
from pulumi import InvokeOptions, ResourceOptions

from mailer.stack import DnsRecord, StackOutputs
from mailstack_infra import inventory, limits, regions
from mailstack_infra.access.sender_policy import Access, Scope
from mailstack_infra.dns import records as dns
from mailstack_infra.dns.access import records_provider
from mailstack_infra.dns.zone import Zone, find_zone
from mailstack_infra.encryption import Keys
from mailstack_infra.environment import Environment
from mailstack_infra.functions.account_monitor import Mail, Monitor
from mailstack_infra.functions.feedback import Feedback
from mailstack_infra.functions.guard import Guard, guarded
from mailstack_infra.functions.worker import Runtime
from mailstack_infra.monitoring.alarms import Watching
from mailstack_infra.monitoring.dashboard import Dashboard, body
from mailstack_infra.monitoring.metrics import Counting
from mailstack_infra.monitoring.paging import Paging, Recipients
from mailstack_infra.monitoring.plan import Plan
from mailstack_infra.outputs import Expected, Outputs, check_size
from mailstack_infra.sending import dkim_rotation, identity_state
from mailstack_infra.sending.account import AccountDefaults
from mailstack_infra.sending.endpoint import Endpoint
from mailstack_infra.sending.identity import Identity
from mailstack_infra.sending.identity_state import IdentityState
from mailstack_infra.sending.pools import Pools
from mailstack_infra.sending.stream import MailStream
from mailstack_infra.sending.tenants import Tenants
from mailstack_infra.settings.loading import check_stack_name
from mailstack_infra.settings.model import DEFAULT_STREAM, Settings


class MailStack(pulumi.ComponentResource):
    """One environment: a domain that can send, the processing of its feedback, its alarms, and the library's outputs.

    A Pulumi stack has one MailStack, because the names of resources carry the stack's name. Account and region are
    those of the provider in `opts`; the program's own provider by default.

    Args:
        name: The component's name in the program; AWS does not see it.
        settings: The settings; see docs/reference/settings.md. Write `Secret("oncall@example.com")` for a text of
            `page`, `warn`, `allowed_recipients` or `dns_access` that must stay encrypted in the state.
        stack: The name that resources carry and that `Mailer.from_stack` takes. The default is the name of the Pulumi
            stack. Set it if another project of the account has a stack of that name.
        dns_provider: The provider that looks up the zone and publishes the DNS records, if the zone is in another
            account: an `aws.Provider`, or one of Cloudflare's with `dns="cloudflare"`. It replaces
            `Settings.dns_access`.
        opts: Options for the component and everything that it creates: `provider`, `protect`, `aliases` and so on.

    Attributes:
        outputs: The outputs that the library reads; unknown in a preview of a stack that is not deployed yet.
        outputs_json: The outputs as text, for an application's environment variable `MAILSTACK_OUTPUTS`.
        sender_policy_arn: The managed policy to attach to the role that your application runs as.
        identity_arn: The SES identity.
        configuration_sets: The name of each stream's configuration set, by the stream's name.
        table_name: The DynamoDB table of suppressions and processed events.
        events_topic_arn: The SNS topic that SES publishes events to.
        paging_topic_arn: The SNS topic of pages.
        dns_records: Every record that must exist, for a zone that the stack does not publish to.
        exports: The exports of a program, by name: `outputs`, and each of its fields.

    Raises:
        SettingsInvalid: The stack's name cannot be part of resource names, the zone does not exist, or the settings
            exceed a limit of AWS.
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

    _first: ClassVar[tuple[pulumi.Resource | None, str]] = (None, "")

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        stack: str | None = None,
        dns_provider: pulumi.ProviderResource | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        stack = stack or pulumi.get_stack()
        check_stack_name(stack)
        self._require_single_instance(name)
        super().__init__("mailstack:index:MailStack", name, None, opts)
        child = ResourceOptions(parent=self)
        # Invokes use the provider that creates the resources. All checks run before the first resource is registered.
        asked = InvokeOptions(parent=self)
        env = Environment.current(stack, settings.tags, asked)
        regions.check(env, second=settings.secondary_region, warn=bool(settings.domain))
        sets = {name: stream.called(env.name(name)) for name, stream in settings.streams.items()}
        check_size(env, _expected(settings, sets))
        limits.check_records(settings.identity, env.region)
        plan = Plan.of(env, settings.monitoring)
        dashboard = body(env, plan.acting, settings.streams, account=settings.watch_account)
        limits.check(
            env,
            guarded=guarded(env, settings.streams),
            sets=plan.pausable,
            dashboard=dashboard,
            streams=len(settings.streams),
        )
        publisher = records_provider(settings.published_in, env, dns_provider, child)
        zone = find_zone(settings.published_in, env, asked, publisher)
        before = identity_state.find(settings.identity, asked)
        dkim_rotation.check(settings.identity, before, zone)
        sendable = limits.sendable_sets(env, _named(settings), sets)

        first: list[pulumi.Resource] = []
        if settings.encryption == "customer":
            secrets = bool(settings.access.smtp.keys)
            keys = Keys(env, plan.inventory, secrets=secrets, protect=settings.protect, opts=child)
            env = replace(env, key=keys.arn)
            first.append(keys)
        if settings.owns_account:
            first.append(AccountDefaults(settings.account, opts=child))
        self._env, self._settings, self._plan, self._child = env, settings, plan, child
        self._runtime = Runtime(
            log_retention_days=settings.log_retention_days, concurrency=settings.function_concurrency
        )
        self.feedback = Feedback(
            env,
            plan.inventory.workers[inventory.FEEDBACK],
            runtime=self._runtime,
            configuration_set_arns=[env.arn("ses", f"configuration-set/{name}") for name in sets.values()],
            message_log_days=settings.message_log.days,
            protect=settings.protect,
            opts=child,
        )
        sends = list(self._send(zone, before))
        watches = list(self._watch(sets, dashboard))
        self.access = self._access(sendable)
        ready = [*first, self.feedback, *sends, *watches, self.access]
        outputs = Outputs(env, self._fields(before), ready=ready, protect=settings.protect, opts=child)
        self._set_attributes(outputs)
        self.register_outputs({"outputs": self.exports["outputs"]})

    def _send(self, zone: Zone | None, before: IdentityState) -> Iterator[pulumi.Resource]:
        """The parts that send: pools, streams, identity, tenants, endpoint."""
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
                logs=bool(settings.message_log.days),
                redirects=before.verified,
                protect=settings.protect,
                opts=child,
            )
            for name, stream in settings.streams.items()
        }
        default = self.streams[DEFAULT_STREAM].configuration_set.configuration_set_name
        self.identity = Identity(
            env, settings.identity, zone=zone, before=before, configuration_set=default, opts=child
        )
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

    def _watch(self, sets: Mapping[str, str], dashboard: str) -> Iterator[pulumi.Resource]:
        """The parts that notify people and pause streams: paging, monitor, guard, metrics, alarms, dashboard."""
        env, settings, plan, child = self._env, self._settings, self._plan, self._child
        recipients = Recipients(page=settings.page, warn=settings.warn, slack=settings.slack)
        self.paging = Paging(env, plan, recipients, opts=child)
        yield self.paging
        topics = dict(self.paging.topics)
        if settings.watch_account:
            monitor = self._monitor(sets[DEFAULT_STREAM])
            topics[inventory.PAGER_ALARMS] = monitor.topic
            yield monitor
        self.guard = None
        if plan.pausable:
            streams, topic = guarded(env, settings.streams), self.paging.topic
            self.guard = Guard(env, plan, runtime=self._runtime, guarded=streams, paging_topic=topic, opts=child)
            topics[inventory.GUARD_ALARMS] = self.guard.topic
            yield self.guard
        for name, stream in self.streams.items():
            counted = settings.streams[name].metrics
            yield Counting(name, counted, stream.configuration_set, value=sets[name], opts=child)
        yield Watching(env, plan, topics=topics, period_seconds=settings.alarm_period_seconds, opts=child)
        yield Dashboard(env, dashboard, opts=child)

    def _monitor(self, configuration_set: str) -> Monitor:
        settings = self._settings
        mail = Mail(
            sender=settings.sender,
            sender_address=settings.sender_address,
            configuration_set=configuration_set,
            recipients=(*settings.page, *settings.warn),
        )
        return Monitor(
            self._env, self._plan, runtime=self._runtime, paging=self.paging.topic, mail=mail, opts=self._child
        )

    def _access(self, configuration_set_arns: Sequence[str]) -> Access:
        settings = self._settings
        scope = Scope(
            identity=settings.identity.name,
            senders=settings.senders,
            recipients=settings.allowed_recipients,
            configuration_set_arns=configuration_set_arns,
            secondary_region=settings.secondary_region,
            message_log=bool(settings.message_log.days),
        )
        return Access(self._env, settings.access, scope=scope, protect=settings.protect, opts=self._child)

    def _set_attributes(self, outputs: Outputs) -> None:
        self.exports, self.outputs, self.outputs_json = outputs.exports, outputs.values, outputs.json
        self.sender_policy_arn, self.identity_arn = self.access.sender_policy.arn, self.identity.identity.arn
        self.configuration_sets = {
            name: stream.configuration_set.configuration_set_name for name, stream in self.streams.items()
        }
        self.table_name, self.events_topic_arn = self.feedback.table.name, self.feedback.topic.arn
        self.paging_topic_arn = self.paging.topic.arn
        self.dns_records = self.outputs.apply(lambda outputs: outputs.dns_records)

    @classmethod
    def _require_single_instance(cls, name: str) -> None:
        """Refuse a second MailStack below the same root resource, which every run of a program has one of.

        Under another parent its URNs would differ, and the deployment would fail half-way: AWS has the names already.
        """
        root, first = pulumi.runtime.get_root_resource(), cls._first[1]
        if root and root is cls._first[0]:
            raise pulumi.RunError(
                f"This program has two MailStacks, {first!r} and {name!r}, and their resources would have the same "
                "names. Give each a Pulumi stack of its own, or use one MailStack with several `streams`."
            )
        cls._first = (root, name)

    def _fields(self, before: IdentityState) -> dict[str, pulumi.Input[Any]]:
        settings, region = self._settings, self._env.region
        identity = settings.identity
        sets = {name: stream.configuration_set for name, stream in self.streams.items()}
        worker = self.feedback.worker
        return {
            "domain": settings.sender_domain if settings.address else settings.domain,
            "identity_arn": self.identity.identity.arn,
            "mail_from_domain": identity.mail_from_domain if identity.owns("mailFrom") else before.mail_from,
            "sender": settings.sender,
            "brand": settings.brand,
            "streams": {
                name: {"configuration_set": each.configuration_set_name, "configuration_set_arn": each.arn}
                for name, each in sets.items()
            },
            "default_stream": DEFAULT_STREAM,
            "endpoint_id": self.endpoint.id if self.endpoint else "",
            "table": self.feedback.table.name,
            "table_arn": self.feedback.table.arn,
            "message_log_days": settings.message_log.days,
            "warm_up": _warm_up(settings),
            "bulk": settings.access.bulk,
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
                lambda tokens: [record.model_dump() for record in dns.records(identity, region, tokens)]
            ),
        }


def _warm_up(settings: Settings) -> dict[str, str | float] | None:
    """The plan as the outputs have it; None without."""
    return settings.warm_up.model_dump() if settings.warm_up.starts else None


def _expected(settings: Settings, sets: Mapping[str, str]) -> Expected:
    return Expected(
        identity=settings.identity,
        sender=settings.sender,
        sender_domain=settings.sender_domain,
        sets=sets,
        roles=(*settings.access.services, *settings.access.oidc),
        endpoint=bool(settings.secondary_region),
        smtp=bool(settings.access.smtp.keys),
        message_log_days=settings.message_log.days,
        warm_up=_warm_up(settings),
        bulk=settings.access.bulk,
        brand=settings.brand,
    )


def _named(settings: Settings) -> limits.Named:
    return limits.Named(
        senders=settings.senders,
        recipients=settings.allowed_recipients,
        templates=settings.access.templates,
        bulk=settings.access.bulk,
        two_regions=bool(settings.secondary_region),
        message_log=bool(settings.message_log.days),
    )
