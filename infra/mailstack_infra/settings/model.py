"""The settings of a stack: one frozen model of the `mailstack:` keys in `Pulumi.<stack>.yaml`.

Not for reading the file (`loading.py`) or for wording problems (`problems.py`).
"""

from email.utils import parseaddr
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WrapValidator, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.access import AccessSettings
from mailstack_infra.settings.account import Account
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.brand import brand_fields
from mailstack_infra.settings.dns_access import DnsAccess
from mailstack_infra.settings.domain import Bimi, Dkim, Dmarc, MailFrom
from mailstack_infra.settings.identity import IdentitySettings, Part, ZoneSettings
from mailstack_infra.settings.marks import NAMESPACE, Allowed
from mailstack_infra.settings.message_log import MessageLog
from mailstack_infra.settings.monitoring import MonitoringSettings
from mailstack_infra.settings.pool import Pool
from mailstack_infra.settings.secret import kept
from mailstack_infra.settings.slack import Slack
from mailstack_infra.settings.stream import StreamSettings
from mailstack_infra.settings.tenant import Tenant
from mailstack_infra.settings.warm_up import WarmUp

DEFAULT_STREAM = "transactional"
TEST_TLD = "test"  # RFC 6761 §6.2: no real mail comes from there, so paging is optional.
_RECORD = r"^(dkim|dmarc|mail-from-mx|mail-from-spf|spf|bimi|tracking-.+|dmarc-report-.+)$"


class Settings(Group):
    """All settings of a stack. Only `domain` (or `address`) and `page` are required.

    A field's validators read only the fields above it, so that one validation finds every problem.

    Example:
        >>> Settings(domain="example.com", page=("oncall@example.com",)).sender
        'no-reply@example.com'
    """

    address: Annotated[
        str,
        AfterValidator(validators.address_or_nothing),
        Allowed("an address that you read, such as ada@example.com"),
        Field(
            description="Instead of `domain`, for development in the sandbox: the only address that mail is sent from. "
            "It needs no DNS. SES sends a mail to it; sending works after you follow the link in that mail."
        ),
    ] = ""
    domain: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed(f"a domain name such as example.com; or {NAMESPACE}:address instead, a single one for development"),
        Field(description="The domain that mail is sent from: the SES identity. Required unless `address` is set."),
    ] = ""
    page: Annotated[
        tuple[Annotated[str, AfterValidator(validators.page), WrapValidator(kept)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who receives critical alarms. At least one recipient, unless the domain ends in .test."),
    ] = ()
    warn: Annotated[
        tuple[Annotated[str, AfterValidator(validators.page), WrapValidator(kept)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who receives warnings and their recovery. The default is `page`."),
    ] = ()
    slack: Annotated[Slack, Allowed("workspace, page and warn")] = Slack()
    zone: Annotated[
        str,
        Allowed("the name of a zone that holds the domain, or its id at Route 53 (Z0123456789ABC) or Cloudflare"),
        Field(description="The public zone for the DNS records. The default is the zone with the domain's name."),
    ] = ""
    dns: Annotated[
        Literal["route53", "cloudflare", "none"],
        Allowed("route53, cloudflare or none"),
        Field(
            description="Who publishes the DNS records: the stack, in Amazon Route 53 or in Cloudflare (with the extra "
            "`cloudflare`), or you (`mailer dns` prints them)."
        ),
    ] = "route53"
    dns_access: Annotated[DnsAccess, Allowed("role, externalId and sessionName, or profile")] = DnsAccess()
    overwrite_records: Annotated[
        tuple[Annotated[str, Field(pattern=_RECORD)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed(
            "dkim, dmarc, mail-from-mx, mail-from-spf, spf, bimi, tracking-<stream>, dmarc-report-<domain> or several"
        ),
        Field(
            description="The records that already exist in the Route 53 zone and that the stack takes over. Other TXT "
            "values and the sources that an SPF record allows are kept. The record is kept when the stack is destroyed."
        ),
    ] = ()
    sender: Annotated[
        str,
        Allowed("an address at the domain, with or without a name: Example <no-reply@example.com>"),
        Field(description="The From address of mail without one. The default is no-reply at the domain, or `address`."),
    ] = ""
    brand: Annotated[
        dict[str, Any],
        BeforeValidator(brand_fields),
        Allowed("the fields of a brand (docs/guides/templates.md#brand), or the path of a TOML file with them"),
        Field(description="The name, logo, colours and addresses of mails, for programs that give `Mailer` no brand."),
    ] = Field(default={})
    allowed_senders: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address_pattern)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses at the domain or below it, or patterns such as *@example.com or news-*@example.com"),
        Field(
            description="The From addresses that the sender policy allows. IAM compares letter case. The default is "
            "`sender` only."
        ),
    ] = ()
    spf: Annotated[
        Switch,
        Field(
            description="Publish an SPF record at the domain itself. Off by default: a name can have only one, and "
            "yours may have it already. DMARC does not need it, because the MAIL FROM subdomain has its own."
        ),
    ] = False
    adopt: Annotated[
        Switch,
        Field(
            description="Use an identity that exists in this account as it is, and never change or delete it. For a "
            "second stack on one domain."
        ),
    ] = False
    take_over: Annotated[
        tuple[Part, ...],
        BeforeValidator(validators.one_or_many),
        Allowed("mailFrom, feedback, records or several of them"),
        Field(
            description="The parts of an adopted identity that the stack sets, and deletes when it is destroyed: MAIL "
            "FROM domain, feedback forwarding, DNS records. Name only parts that no other stack owns."
        ),
    ] = ()
    feedback_forwarding: Annotated[
        Switch,
        Field(
            description="Whether SES also mails bounces and complaints to the sender. The stack receives them anyway."
        ),
    ] = False
    mail_from: Annotated[MailFrom, Allowed("subdomain and onMxFailure")] = MailFrom()
    dkim: Annotated[Dkim, Allowed("keyLength, or selector and privateKey")] = Dkim()
    dmarc: Annotated[Dmarc, Allowed("publish, policy, testing, confirmed, reports and others: see below")] = Dmarc()
    bimi: Annotated[Bimi, Allowed("logo and certificate")] = Bimi()
    streams: Annotated[
        dict[str, StreamSettings],
        Allowed(
            f"streams by name, {DEFAULT_STREAM} one of them; names of up to 20 lower-case letters, digits, hyphens"
        ),
        Field(description="Each stream is a configuration set with its own alarms."),
    ] = Field(default={DEFAULT_STREAM: StreamSettings()})
    pools: Annotated[
        dict[str, Pool],
        Allowed("pools by name; names of up to 20 lower-case letters, digits, hyphens"),
        Field(description="Pools of dedicated IP addresses that the stack creates. AWS bills them by the month."),
    ] = Field(default={})
    secondary_region: Annotated[
        str,
        Allowed("a region such as eu-west-1"),
        Field(
            pattern=r"^([a-z]{2,4}(-[a-z]+)+-\d)?$",
            description="The second region of a multi-region endpoint. First deploy a stack with the same "
            "configuration sets there. Off by default.",
        ),
    ] = ""
    tenants: Annotated[
        dict[str, Tenant],
        Allowed("tenants by name; names of up to 20 lower-case letters, digits, hyphens"),
        Field(description="The tenants that mail is sent for, each with its own reputation. None by default."),
    ] = Field(default={})
    owns_account: Annotated[
        Switch,
        Field(description="This stack sets the options of the whole account. Only one stack of an account may."),
    ] = False
    account: Annotated[Account, Allowed("suppress and vdm")] = Account()
    allowed_recipients: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address_pattern), WrapValidator(kept)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses or patterns such as *@example.com; an empty list allows everybody"),
        Field(description="The recipients that the sender policy allows. For environments without customers."),
    ] = ()
    access: Annotated[AccessSettings, Allowed("services, oidc, attachTo, templates, raw, bulk and smtp")] = (
        AccessSettings()
    )
    alarm_period_seconds: Annotated[
        int,
        AfterValidator(validators.alarm_period),
        Allowed("a multiple of 60 up to 86400"),
        Field(description="The period over which an alarm evaluates a metric."),
    ] = 300
    runbook: Annotated[
        str,
        AfterValidator(validators.https_or_nothing),
        Allowed("an https URL"),
        Field(
            description="The URL of docs/guides/monitoring.md: each alarm's text links to its section there. The "
            "default is the path of that file."
        ),
    ] = ""
    watch_account: Annotated[
        Switch,
        Field(
            description="Also watch the SES account: its rates, daily quota, and review by AWS. In an account with "
            "several stacks, enable it in one of them."
        ),
    ] = True
    log_retention_days: Annotated[
        int,
        AfterValidator(validators.log_retention),
        Allowed(", ".join(map(str, validators.LOG_RETENTIONS))),
        Field(description="How long the logs of the Lambda functions are kept."),
    ] = 30
    message_log: Annotated[MessageLog, Allowed("days")] = MessageLog()
    warm_up: Annotated[WarmUp, Allowed("starts, first, growth, target")] = WarmUp()
    function_concurrency: Annotated[
        int | None,
        # The minimum of an event source mapping. Messages that Lambda throttles count as received, and may reach a DLQ.
        Allowed("a whole number from 2 to 1000"),
        Field(
            ge=2,
            le=1000,
            description="The maximum of concurrent invocations of each function. The default is the account's limit. "
            "No concurrency is reserved: AWS refuses that in accounts whose limit is 10, as many new ones have.",
        ),
    ] = None
    encryption: Annotated[
        Literal["customer", "aws"],
        Allowed("customer or aws"),
        Field(
            description="The key that encrypts topics, queues, the table and logs: a customer key, which costs a "
            "dollar a month and whose policy names who may use it, or AWS's own keys."
        ),
    ] = "customer"
    protect: Annotated[
        Switch,
        Field(
            description="Refuse to destroy the stack and to delete the identity with the records that it needs, the "
            "configuration sets, the key and the table."
        ),
    ] = True
    tags: Annotated[
        dict[str, str],
        Allowed("names and values of letters, digits, spaces and _ . : / = + - @; names that do not begin with aws:"),
        Field(description="Tags of every resource, in addition to the stack's own."),
    ] = Field(default={})

    @field_validator("domain")
    @classmethod
    def _check_one_identity(cls, domain: str, info: ValidationInfo) -> str:
        address: str | None = info.data.get("address")
        if domain and address:
            raise ValueError(f"{NAMESPACE}:address is {address}: set only one of the two")
        if not domain and address == "":
            raise ValueError("a stack needs a domain or an address to send from")
        return domain

    @field_validator("dns_access", "overwrite_records", "spf", "mail_from", "dkim", "dmarc", "bimi")
    @classmethod
    def _check_address_has_no_dns(cls, value: object, info: ValidationInfo) -> object:
        default: object = cls.model_fields[str(info.field_name)].default
        if info.data.get("address") and value != default:
            raise ValueError("a single address has no DNS records: set it only for a domain")
        return value

    @field_validator("take_over")
    @classmethod
    def _check_take_over(cls, parts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if parts and not info.data.get("adopt"):
            raise ValueError("the stack owns its identity completely: set it only with adopt")
        if info.data.get("spf") and info.data.get("adopt") and "records" not in parts:
            raise ValueError(
                "spf is on, and an adopted identity's records belong to its owner: add records, or remove spf"
            )
        return parts

    @field_validator("feedback_forwarding", "mail_from", "dmarc", "bimi")
    @classmethod
    def _check_parts_of_the_owner(cls, value: object, info: ValidationInfo) -> object:
        name = str(info.field_name)
        part = {"feedback_forwarding": "feedback", "mail_from": "mailFrom"}.get(name, "records")
        default: object = cls.model_fields[name].default
        if info.data.get("adopt") and part not in info.data.get("take_over", (part,)) and value != default:
            raise ValueError(f"the owner of an adopted identity sets it: remove it, or add {part} to takeOver")
        return value

    @field_validator("dkim")
    @classmethod
    def _check_adopted_dkim(cls, dkim: Dkim, info: ValidationInfo) -> Dkim:
        if info.data.get("adopt") and dkim != Dkim():
            raise ValueError("the owner of an adopted identity sets its DKIM keys: remove it")
        return dkim

    @field_validator("warn")
    @classmethod
    def _check_warn_duplicates(cls, warn: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(warn)) < len(warn):
            raise ValueError("it has a duplicate value")
        return warn

    @field_validator("page")
    @classmethod
    def _check_page(cls, page: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not page and not validators.within(_domain(info), TEST_TLD):
            raise ValueError("a stack needs at least one recipient of pages")
        if len(set(page)) < len(page):
            raise ValueError("it has a duplicate value")
        return page

    @field_validator("zone")
    @classmethod
    def _checked_zone(cls, zone: str, info: ValidationInfo) -> str:
        domain: str = info.data.get("domain", "")
        if zone and info.data.get("address"):
            raise ValueError("a single address has no DNS records: set it only for a domain")
        zone = zone.removeprefix("/hostedzone/")  # as `aws route53 list-hosted-zones` prints ids
        if not zone or validators.is_zone_id(zone) or validators.is_cloudflare_zone_id(zone):
            return zone or domain
        name = validators.domain(zone)
        if domain and not validators.within(domain, name):
            raise ValueError(f"it does not hold {domain}")
        return name

    @field_validator("dns")
    @classmethod
    def _check_zone_id(cls, dns: str, info: ValidationInfo) -> str:
        zone: str = info.data.get("zone", "")
        others = {"route53": validators.is_cloudflare_zone_id, "cloudflare": validators.is_zone_id}
        if dns in others and others[dns](zone):
            owner = "Cloudflare" if dns == "route53" else "Route 53"
            raise ValueError(f"{NAMESPACE}:zone {zone} is a zone id of {owner}")
        return dns

    @field_validator("dns_access")
    @classmethod
    def _check_dns_access(cls, access: DnsAccess, info: ValidationInfo) -> DnsAccess:
        dns: str = info.data.get("dns", "route53")
        if dns != "route53" and access != DnsAccess():
            raise ValueError(f"it applies to Route 53, and {NAMESPACE}:dns is {dns}: remove one of the two")
        return access

    @field_validator("overwrite_records")
    @classmethod
    def _check_overwrite_records(cls, overwrite: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if overwrite and info.data.get("dns") == "cloudflare":
            raise ValueError(
                "Cloudflare's provider cannot take over records: delete them, or import them (docs/guides/dns.md)"
            )
        return overwrite

    @field_validator("sender")
    @classmethod
    def _checked_sender(cls, sender: str, info: ValidationInfo) -> str:
        domain, address = (str(info.data.get(name, "")) for name in ("domain", "address"))
        if not sender:
            return address or (f"no-reply@{domain}" if domain else "")
        checked = validators.mailbox(sender)
        bare = parseaddr(checked)[1]
        if address and bare != address:
            raise ValueError(f"it is not {address}")
        if domain and not validators.within(bare.rpartition("@")[2], domain):
            raise ValueError(f"it is not at {domain}")
        return checked

    @field_validator("allowed_senders")
    @classmethod
    def _check_allowed_senders(cls, allowed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        address, domain = (str(info.data.get(name, "")) for name in ("address", "domain"))
        for pattern in allowed:
            if address and pattern != address:
                raise ValueError(f"{pattern} is not {address}")
            if domain and not validators.within(pattern.rpartition("@")[2], domain):
                raise ValueError(f"{pattern} is not at {domain} or below it")
        sender = parseaddr(str(info.data.get("sender", "")))[1]
        if allowed and sender and not any(validators.fits(sender, pattern) for pattern in allowed):
            raise ValueError(f"it does not include {sender}, the stack's own sender: add it")
        return allowed

    @field_validator("access")
    @classmethod
    def _check_bulk(cls, access: AccessSettings, info: ValidationInfo) -> AccessSettings:
        if access.bulk and info.data.get("allowed_recipients"):
            raise ValueError("bulk is on, and SES does not apply allowedRecipients to bulk mail: remove one of the two")
        return access

    @field_validator("dmarc")
    @classmethod
    def _check_dmarc(cls, dmarc: Dmarc, info: ValidationInfo) -> Dmarc:
        if not dmarc.publish and dmarc != Dmarc(publish=False):
            raise ValueError("with publish: false there is no record: remove its other settings")
        sender = parseaddr(str(info.data.get("sender", "")))[1].rpartition("@")[2]
        strict = dmarc.dkim_alignment == dmarc.spf_alignment == "strict"
        # SES signs as the identity, and MAIL FROM is a subdomain of it (RFC 9989 §4.4).
        if strict and sender and sender != info.data.get("domain"):
            raise ValueError(f"with strict alignment of both DKIM and SPF, mail from {sender} would fail DMARC")
        return dmarc

    @field_validator("bimi")
    @classmethod
    def _check_bimi(cls, bimi: Bimi, info: ValidationInfo) -> Bimi:
        dmarc: Dmarc | None = info.data.get("dmarc")
        # draft-brand-indicators-for-message-identification §7.1. The policy in others' record is unknown here.
        if bimi.logo and dmarc and dmarc.publish and not dmarc.enforced:
            raise ValueError(
                "mailbox providers show a logo only if dmarc.policy is quarantine or reject, dmarc.testing is off, and "
                "dmarc.subdomainPolicy is not none"
            )
        if bimi.certificate and not bimi.logo:
            raise ValueError("a certificate needs a logo: set bimi.logo")
        return bimi

    @field_validator("streams")
    @classmethod
    def _check_stream_names(cls, streams: dict[str, StreamSettings]) -> dict[str, StreamSettings]:
        validators.names(streams, "stream")
        if DEFAULT_STREAM not in streams:
            raise ValueError(f"the stream {DEFAULT_STREAM} is missing")
        return streams

    @field_validator("streams")
    @classmethod
    def _check_tracking(cls, streams: dict[str, StreamSettings], info: ValidationInfo) -> dict[str, StreamSettings]:
        domain: str = info.data.get("domain", "")
        for name, stream in streams.items():
            tracking = stream.tracking
            if tracking.events and not stream.tracking_has_destination:
                raise ValueError(f"the tracked events of {name} go nowhere: set its eventBridge, firehose or metrics")
            if tracking.domain and not tracking.events:
                raise ValueError(f"{name} has a tracking domain and tracks no events: set its tracking.events")
            if info.data.get("address") and tracking.domain:
                raise ValueError(f"{name} has a tracking domain, which a stack of a single address cannot have")
            if domain and tracking.domain and not tracking.domain.endswith(f".{domain}"):
                raise ValueError(f"the tracking domain of {name} is not below {domain}")
        return streams

    @field_validator("streams")
    @classmethod
    def _check_tracking_domains(
        cls, streams: dict[str, StreamSettings], info: ValidationInfo
    ) -> dict[str, StreamSettings]:
        """A name with a CNAME has no other record. Streams may share one."""
        mail_from: MailFrom | None = info.data.get("mail_from")
        taken = f"{mail_from.subdomain}.{info.data.get('domain')}" if mail_from else ""
        targets: dict[str, str] = {}
        for name, stream in streams.items():
            tracking = stream.tracking
            if tracking.domain and tracking.domain == taken:
                raise ValueError(
                    f"the tracking domain of {name} is the MAIL FROM domain, which cannot hold a CNAME as well"
                )
            if tracking.domain and targets.setdefault(tracking.domain, tracking.target) != tracking.target:
                raise ValueError(f"{name} shares its tracking domain with a stream that has another target")
        return streams

    @field_validator("pools")
    @classmethod
    def _check_pools(cls, pools: dict[str, Pool], info: ValidationInfo) -> dict[str, Pool]:
        validators.names(pools, "pool")
        streams: dict[str, StreamSettings] = info.data.get("streams", {})
        idle = set(pools) - {stream.dedicated_pool for stream in streams.values()}
        if streams and idle:
            raise ValueError(
                f"no stream uses {', '.join(sorted(idle))}: set dedicatedPool of a stream, or remove the pool"
            )
        return pools

    @field_validator("tenants")
    @classmethod
    def _check_tenants(cls, tenants: dict[str, Tenant], info: ValidationInfo) -> dict[str, Tenant]:
        validators.names(tenants, "tenant")
        known: dict[str, StreamSettings] = info.data.get("streams", {})
        for name, tenant in tenants.items():
            strange = set(tenant.streams) - set(known)
            if known and strange:
                raise ValueError(f"{name} names streams that do not exist: {', '.join(sorted(strange))}")
        return tenants

    @field_validator("account")
    @classmethod
    def _check_account_owner(cls, account: Account, info: ValidationInfo) -> Account:
        if account != Account() and not info.data.get("owns_account"):
            raise ValueError("this stack does not own the account: set ownsAccount, in one stack of the account only")
        return account

    @field_validator("tags")
    @classmethod
    def _check_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        validators.tags(tags)
        return tags

    @field_validator("tags", mode="before")
    @classmethod
    def _booleans_as_text(cls, tags: object) -> object:
        """YAML reads `critical: yes` as a boolean."""
        if not isinstance(tags, dict):
            return tags
        given = cast("dict[str, object]", tags)
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}

    @property
    def identity(self) -> IdentitySettings:
        """The settings of the SES identity and of its DNS records."""
        return IdentitySettings(
            domain=self.domain,
            address=self.address,
            zone=self.zone,
            adopt=self.adopt,
            take_over=self.take_over,
            feedback_forwarding=self.feedback_forwarding,
            mail_from=self.mail_from,
            dkim=self.dkim,
            dmarc=self.dmarc,
            bimi=self.bimi,
            spf=self.spf,
            tracking={name: stream.tracking for name, stream in self.streams.items()},
            protect=self.protect,
        )

    @property
    def monitoring(self) -> MonitoringSettings:
        """The settings of alarms and of their recipients."""
        return MonitoringSettings(
            streams=self.streams,
            watch_account=self.watch_account,
            runbook=self.runbook,
            page=self.page,
            warn=self.warn,
            slack=self.slack,
        )

    @property
    def published_in(self) -> ZoneSettings:
        """The settings of the DNS zone."""
        return ZoneSettings(
            dns=self.dns,
            zone=self.zone,
            access=self.dns_access,
            overwrite=self.overwrite_records,
            identity=self.identity,
        )

    @property
    def sender_address(self) -> str:
        """The default From address without its name."""
        return parseaddr(self.sender)[1]

    @property
    def sender_domain(self) -> str:
        """The domain of the default From address: the identity's or one below it."""
        return self.sender_address.rpartition("@")[2]

    @property
    def senders(self) -> tuple[str, ...]:
        """The From addresses that the application may use, or patterns such as `*@example.com`."""
        return self.allowed_senders or (self.sender_address,)


def _domain(info: ValidationInfo) -> str:
    """The domain of the identity, as far as the fields above are valid."""
    return str(info.data.get("domain") or info.data.get("address", "")).rpartition("@")[2]
