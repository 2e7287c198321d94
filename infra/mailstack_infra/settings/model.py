"""What a deployment may be told: one frozen model of the `mailstack:` keys in `Pulumi.<stack>.yaml`.

Not for reading them or for wording what is wrong with them (`configuration.py`), nor for what follows from them.
"""

from email.utils import parseaddr
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WrapValidator, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.access import AccessSettings
from mailstack_infra.settings.account import Account
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.dns_access import DnsAccess
from mailstack_infra.settings.domain import Bimi, Dkim, Dmarc, MailFrom
from mailstack_infra.settings.marks import NAMESPACE, Allowed
from mailstack_infra.settings.message_log import MessageLog
from mailstack_infra.settings.pool import Pool
from mailstack_infra.settings.secret import kept
from mailstack_infra.settings.slack import Slack
from mailstack_infra.settings.stream import StreamSettings
from mailstack_infra.settings.tenant import Tenant

DEFAULT_STREAM = "transactional"
TEST_TLD = "test"  # RFC 6761 §6.2: no mail can be sent from there, so nobody needs to be paged about it.
_RECORD = r"^(dkim|dmarc|mail-from-mx|mail-from-spf|spf|bimi|tracking-.+|dmarc-report-.+)$"


class Settings(Group):
    """Everything that `Pulumi.<stack>.yaml` may say. Only `domain`, or `address`, and `page` must be there.

    A field's validators look at the fields above it, so that one reading finds every problem.

    Example:
        >>> Settings(domain="example.com", page=("oncall@example.com",)).sender
        'no-reply@example.com'
    """

    address: Annotated[
        str,
        AfterValidator(validators.address_or_nothing),
        Allowed("an address that you read, such as ada@example.com"),
        Field(
            description="Instead of `domain`, for development in the sandbox: the one address that mail is sent from. "
            "It needs no DNS; SES writes to it, and mail can be sent once the link in that mail was followed."
        ),
    ] = ""
    domain: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed(f"a domain name such as example.com; or {NAMESPACE}:address instead, a single one for development"),
        Field(description="The domain that mail is sent from; the SES identity. Required, unless `address` is given."),
    ] = ""
    page: Annotated[
        tuple[Annotated[str, AfterValidator(validators.page), WrapValidator(kept)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who is paged by alarms. At least one, unless the domain ends in .test."),
    ] = ()
    warn: Annotated[
        tuple[Annotated[str, AfterValidator(validators.page), WrapValidator(kept)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who receives warnings, and their recovery. The default is `page`."),
    ] = ()
    slack: Annotated[Slack, Allowed("workspace, page and warn")] = Slack()
    zone: Annotated[
        str,
        Allowed("the name of a zone that holds the domain, or its id at Route 53 (Z0123456789ABC) or Cloudflare"),
        Field(description="The public zone of the DNS records. The default is the zone named like the domain."),
    ] = ""
    dns: Annotated[
        Literal["route53", "cloudflare", "none"],
        Allowed("route53, cloudflare or none"),
        Field(
            description="Who publishes the DNS records: the stack, in Amazon Route 53 or Cloudflare (with the extra "
            "`cloudflare`), or you (`mailer dns` shows them)."
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
            description="Which of the stack's records are in the Route 53 zone already and are taken over. Other TXT "
            "values and what an SPF record allows stay; the record stays when the stack is destroyed."
        ),
    ] = ()
    sender: Annotated[
        str,
        Allowed("an address at the domain, with or without a name: Example <no-reply@example.com>"),
        Field(description="The From address of mail that names none; by default no-reply at the domain, or `address`."),
    ] = ""
    allowed_senders: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address_pattern)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses at the domain or below it, or patterns such as *@example.com or news-*@example.com"),
        Field(
            description="Which From addresses the sender policy lets the application use, letter case included: IAM "
            "compares case. The default is `sender` alone."
        ),
    ] = ()
    spf: Annotated[
        Switch,
        Field(
            description="Publish an SPF record at the domain itself. Off, because a name takes only one and yours may "
            "have it already; DMARC does not need it, for the MAIL FROM subdomain has its own."
        ),
    ] = False
    adopt: Annotated[
        Switch,
        Field(
            description="The domain's identity exists in this account: use it as it is, and never change or delete it. "
            "For a second stack on one domain."
        ),
    ] = False
    take_over: Annotated[
        tuple[Literal["mailFrom", "feedback", "records"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("mailFrom, feedback, records or several of them"),
        Field(
            description="What of an adopted identity the stack sets, and deletes when it is destroyed: its MAIL FROM "
            "domain, its feedback forwarding, its DNS records. Name only what no other stack owns."
        ),
    ] = ()
    feedback_forwarding: Annotated[
        Switch,
        Field(
            description="Whether SES also mails bounces and complaints to the sender. The stack hears of them anyway."
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
        Field(description="Each becomes a configuration set with alarms of its own."),
    ] = Field(default={DEFAULT_STREAM: StreamSettings()})
    pools: Annotated[
        dict[str, Pool],
        Allowed("pools by name; names of up to 20 lower-case letters, digits, hyphens"),
        Field(description="Pools of dedicated IP addresses that the stack makes. AWS bills them by the month."),
    ] = Field(default={})
    secondary_region: Annotated[
        str,
        Allowed("a region such as eu-west-1"),
        Field(
            pattern=r"^([a-z]{2,4}(-[a-z]+)+-\d)?$",
            description="Send through a multi-region endpoint over the stack's region and this one, where a stack with "
            "the same configuration sets must be deployed first. Off by default.",
        ),
    ] = ""
    tenants: Annotated[
        dict[str, Tenant],
        Allowed("tenants by name; names of up to 20 lower-case letters, digits, hyphens"),
        Field(description="On whose behalf mail is sent, each with its own reputation. None by default."),
    ] = Field(default={})
    owns_account: Annotated[
        Switch,
        Field(description="This stack sets what holds for the whole account. At most one stack of an account may."),
    ] = False
    account: Annotated[Account, Allowed("suppress and vdm")] = Account()
    allowed_recipients: Annotated[
        tuple[Annotated[str, AfterValidator(validators.address_pattern)], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("addresses or patterns such as *@example.com; an empty list allows everybody"),
        Field(description="Whom the sender policy lets the application write to. For environments without customers."),
    ] = ()
    access: Annotated[AccessSettings, Allowed("services, oidc, attachTo, templates, raw, bulk and smtp")] = (
        AccessSettings()
    )
    alarm_period_seconds: Annotated[
        int,
        AfterValidator(validators.alarm_period),
        Allowed("a multiple of 60 up to 86400"),
        Field(description="How long an alarm looks at a metric."),
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
            description="Watch the SES account, too: its rates, daily quota, standing with AWS. In an account with "
            "several stacks, one of them is enough."
        ),
    ] = True
    log_retention_days: Annotated[
        int,
        AfterValidator(validators.log_retention),
        Allowed(", ".join(map(str, validators.LOG_RETENTIONS))),
        Field(description="How long the Lambda functions' logs are kept."),
    ] = 30
    message_log: Annotated[MessageLog, Allowed("days")] = MessageLog()
    function_concurrency: Annotated[
        int | None,
        # Fewer than 2 no queue can be told: what Lambda holds back counts as tried, and would end in the DLQ.
        Allowed("a whole number from 2 to 1000"),
        Field(
            ge=2,
            le=1000,
            description="The most concurrent invocations of each function. The default is the account's limit. "
            "Nothing is reserved: AWS refuses that in an account whose limit is 10, as many new ones have.",
        ),
    ] = None
    encryption: Annotated[
        Literal["customer", "aws"],
        Allowed("customer or aws"),
        Field(
            description="Whose key topics, queues, the table and logs are encrypted with: one of your own, which costs "
            "a dollar a month and whose policy names who may use it, or AWS's."
        ),
    ] = "customer"
    protect: Annotated[
        Switch,
        Field(
            description="Refuse to destroy the stack, and to delete the identity with the records that it needs, the "
            "configuration sets, the key and the table."
        ),
    ] = True
    tags: Annotated[
        dict[str, str],
        Allowed(
            "names and values that AWS takes: letters, digits, blanks and _ . : / = + - @, not beginning with aws:"
        ),
        Field(description="Tags of every resource, beside the stack's own."),
    ] = Field(default={})

    @field_validator("domain")
    @classmethod
    def _mail_comes_from_one_identity(cls, domain: str, info: ValidationInfo) -> str:
        address: str | None = info.data.get("address")
        if domain and address:
            raise ValueError(f"{NAMESPACE}:address says {address}: a stack sends from one of the two")
        if not domain and address == "":
            raise ValueError("mail must come from somewhere")
        return domain

    @field_validator("dns_access", "overwrite_records", "spf", "mail_from", "dkim", "dmarc", "bimi")
    @classmethod
    def _an_address_has_no_dns(cls, value: object, info: ValidationInfo) -> object:
        default: object = cls.model_fields[str(info.field_name)].default
        if info.data.get("address") and value != default:
            raise ValueError("a single address has no DNS records: this is for a domain")
        return value

    @field_validator("take_over")
    @classmethod
    def _only_what_was_there_is_taken_over(cls, parts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if parts and not info.data.get("adopt"):
            raise ValueError("the stack's own identity is all its own: this is for an adopted one")
        if info.data.get("spf") and info.data.get("adopt") and "records" not in parts:
            raise ValueError("spf is on, and the records of an adopted identity are its owner's unless they stand here")
        return parts

    @field_validator("feedback_forwarding", "mail_from", "dmarc", "bimi")
    @classmethod
    def _the_owners_part_stays(cls, value: object, info: ValidationInfo) -> object:
        name = str(info.field_name)
        part = {"feedback_forwarding": "feedback", "mail_from": "mailFrom"}.get(name, "records")
        default: object = cls.model_fields[name].default
        if info.data.get("adopt") and part not in info.data.get("take_over", (part,)) and value != default:
            raise ValueError(f"an adopted identity keeps what it has: leave this out, or name {part} in takeOver")
        return value

    @field_validator("dkim")
    @classmethod
    def _an_adopted_identity_keeps_its_keys(cls, dkim: Dkim, info: ValidationInfo) -> Dkim:
        if info.data.get("adopt") and dkim != Dkim():
            raise ValueError("an adopted identity signs as it did before: leave this out")
        return dkim

    @field_validator("warn")
    @classmethod
    def _nobody_is_warned_twice(cls, warn: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(warn)) < len(warn):
            raise ValueError("it has a duplicate value")
        return warn

    @field_validator("page")
    @classmethod
    def _somebody_is_paged(cls, page: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not page and not validators.within(_domain(info), TEST_TLD):
            raise ValueError("nobody would be paged")
        if len(set(page)) < len(page):
            raise ValueError("it has a duplicate value")
        return page

    @field_validator("zone")
    @classmethod
    def _zone_holds_the_domain(cls, zone: str, info: ValidationInfo) -> str:
        domain: str = info.data.get("domain", "")
        if zone and info.data.get("address"):
            raise ValueError("a single address has no DNS records: this is for a domain")
        if not zone or validators.is_zone_id(zone) or validators.is_cloudflare_zone_id(zone):
            return zone or domain
        name = validators.domain(zone)
        if domain and not validators.within(domain, name):
            raise ValueError(f"it does not hold {domain}")
        return name

    @field_validator("dns")
    @classmethod
    def _the_zone_is_theirs(cls, dns: str, info: ValidationInfo) -> str:
        zone: str = info.data.get("zone", "")
        others = {"route53": validators.is_cloudflare_zone_id, "cloudflare": validators.is_zone_id}
        if dns in others and others[dns](zone):
            owner = "Cloudflare" if dns == "route53" else "Route 53"
            raise ValueError(f"{NAMESPACE}:zone {zone} is a zone id of {owner}")
        return dns

    @field_validator("dns_access")
    @classmethod
    def _only_route_53_is_reached_by_a_role(cls, access: DnsAccess, info: ValidationInfo) -> DnsAccess:
        dns: str = info.data.get("dns", "route53")
        if dns != "route53" and access != DnsAccess():
            raise ValueError(f"it is for Route 53, and {NAMESPACE}:dns is {dns}: leave one of the two out")
        return access

    @field_validator("overwrite_records")
    @classmethod
    def _only_route_53_overwrites(cls, overwrite: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if overwrite and info.data.get("dns") == "cloudflare":
            raise ValueError(
                "Cloudflare's provider takes over no records: delete them, or import them (docs/guides/dns.md)"
            )
        return overwrite

    @field_validator("sender")
    @classmethod
    def _sender_is_the_identitys(cls, sender: str, info: ValidationInfo) -> str:
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
    def _senders_are_the_identitys(cls, allowed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        address, domain = (str(info.data.get(name, "")) for name in ("address", "domain"))
        for pattern in allowed:
            if address and pattern != address:
                raise ValueError(f"{pattern} is not {address}")
            if domain and not validators.within(pattern.rpartition("@")[2], domain):
                raise ValueError(f"{pattern} is not at {domain} or below it")
        sender = parseaddr(str(info.data.get("sender", "")))[1]
        if allowed and sender and not any(validators.fits(sender, pattern) for pattern in allowed):
            raise ValueError(f"{sender}, from which mail is that names no sender, is none of them: add it")
        return allowed

    @field_validator("access")
    @classmethod
    def _bulk_mail_would_go_round_the_list(cls, access: AccessSettings, info: ValidationInfo) -> AccessSettings:
        if access.bulk and info.data.get("allowed_recipients"):
            raise ValueError("bulk is on, and SES holds bulk mail to no allowedRecipients: leave one of the two out")
        return access

    @field_validator("dmarc")
    @classmethod
    def _mail_can_pass(cls, dmarc: Dmarc, info: ValidationInfo) -> Dmarc:
        if not dmarc.publish and dmarc != Dmarc(publish=False):
            raise ValueError("with publish: false there is no record that anything else could stand in")
        sender = parseaddr(str(info.data.get("sender", "")))[1].rpartition("@")[2]
        strict = dmarc.dkim_alignment == dmarc.spf_alignment == "strict"
        # SES signs as the identity, and MAIL FROM is a subdomain of it (RFC 9989 §4.4).
        if strict and sender and sender != info.data.get("domain"):
            raise ValueError(f"with strict alignment of both, no mail from {sender} would pass")
        return dmarc

    @field_validator("bimi")
    @classmethod
    def _a_logo_needs_enforcement(cls, bimi: Bimi, info: ValidationInfo) -> Bimi:
        dmarc: Dmarc | None = info.data.get("dmarc")
        # draft-brand-indicators-for-message-identification §7.1; another's record is not known here.
        if bimi.logo and dmarc and dmarc.publish and not dmarc.enforced:
            raise ValueError(
                "mailboxes show no logo unless dmarc.policy is quarantine or reject, without testing, and "
                "dmarc.subdomainPolicy is not none"
            )
        if bimi.certificate and not bimi.logo:
            raise ValueError("a certificate vouches for a logo, and there is none")
        return bimi

    @field_validator("streams")
    @classmethod
    def _streams_have_good_names(cls, streams: dict[str, StreamSettings]) -> dict[str, StreamSettings]:
        validators.names(streams, "stream")
        if DEFAULT_STREAM not in streams:
            raise ValueError(f"there is no stream {DEFAULT_STREAM}")
        return streams

    @field_validator("streams")
    @classmethod
    def _tracking_leads_somewhere(
        cls, streams: dict[str, StreamSettings], info: ValidationInfo
    ) -> dict[str, StreamSettings]:
        domain: str = info.data.get("domain", "")
        for name, stream in streams.items():
            tracking = stream.tracking
            if tracking.events and not stream.tracks_for_somebody:
                raise ValueError(f"{name} tracks what nobody would hear of: give it eventBridge, firehose or metrics")
            if tracking.domain and not tracking.events:
                raise ValueError(f"{name} has a tracking domain and tracks nothing: give it tracking.events")
            if info.data.get("address") and tracking.domain:
                raise ValueError(f"{name} has a tracking domain, and a single address none to put it under")
            if domain and tracking.domain and not tracking.domain.endswith(f".{domain}"):
                raise ValueError(f"the tracking domain of {name} is not below {domain}")
        return streams

    @field_validator("streams")
    @classmethod
    def _a_tracking_domain_means_one_thing(
        cls, streams: dict[str, StreamSettings], info: ValidationInfo
    ) -> dict[str, StreamSettings]:
        """A CNAME stands alone under its name, and streams may share it."""
        mail_from: MailFrom | None = info.data.get("mail_from")
        taken = f"{mail_from.subdomain}.{info.data.get('domain')}" if mail_from else ""
        targets: dict[str, str] = {}
        for name, stream in streams.items():
            tracking = stream.tracking
            if tracking.domain and tracking.domain == taken:
                raise ValueError(
                    f"the tracking domain of {name} is the MAIL FROM domain, whose name holds nothing else"
                )
            if tracking.domain and targets.setdefault(tracking.domain, tracking.target) != tracking.target:
                raise ValueError(f"{name} shares its tracking domain with another stream, and has another target")
        return streams

    @field_validator("pools")
    @classmethod
    def _pools_have_good_names_and_a_stream(cls, pools: dict[str, Pool], info: ValidationInfo) -> dict[str, Pool]:
        validators.names(pools, "pool")
        streams: dict[str, StreamSettings] = info.data.get("streams", {})
        idle = set(pools) - {stream.dedicated_pool for stream in streams.values()}
        if streams and idle:
            raise ValueError(f"no stream's dedicatedPool is {', '.join(sorted(idle))}: it would be paid for and idle")
        return pools

    @field_validator("tenants")
    @classmethod
    def _tenants_have_good_names_and_streams(
        cls, tenants: dict[str, Tenant], info: ValidationInfo
    ) -> dict[str, Tenant]:
        validators.names(tenants, "tenant")
        known: dict[str, StreamSettings] = info.data.get("streams", {})
        for name, tenant in tenants.items():
            strange = set(tenant.streams) - set(known)
            if known and strange:
                raise ValueError(f"{name} names streams that there are not: {', '.join(sorted(strange))}")
        return tenants

    @field_validator("account")
    @classmethod
    def _the_account_has_one_owner(cls, account: Account, info: ValidationInfo) -> Account:
        if account != Account() and not info.data.get("owns_account"):
            raise ValueError("this stack does not own the account: set ownsAccount in the one stack that does")
        return account

    @field_validator("tags")
    @classmethod
    def _tags_are_ours_to_set(cls, tags: dict[str, str]) -> dict[str, str]:
        validators.tags(tags)
        return tags

    @field_validator("tags", mode="before")
    @classmethod
    def _switches_are_text(cls, tags: object) -> object:
        """YAML reads `critical: yes` as a switch."""
        if not isinstance(tags, dict):
            return tags
        given = cast("dict[str, object]", tags)
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}

    @property
    def identity(self) -> str:
        """The name of the SES identity."""
        return self.address or self.domain

    def owns(self, part: Literal["mailFrom", "feedback", "records"]) -> bool:
        """Whether the stack sets a part of the identity."""
        return not self.adopt or part in self.take_over

    @property
    def mail_from_domain(self) -> str:
        """The envelope sender's domain; none for a single address, whose mail has SES's own."""
        return f"{self.mail_from.subdomain}.{self.domain}" if self.domain else ""

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
        """Which From addresses the application may use: addresses, or patterns such as `*@example.com`."""
        return self.allowed_senders or (self.sender_address,)


def _domain(info: ValidationInfo) -> str:
    """Where mail comes from, as far as the fields above tell."""
    return str(info.data.get("domain") or info.data.get("address", "")).rpartition("@")[2]
