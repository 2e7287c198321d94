"""What a deployment may be told: one frozen model of the `mailstack:` keys in `Pulumi.<stack>.yaml`.

Not for reading them or for wording what is wrong with them (`configuration.py`), nor for what follows from them.
"""

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from infra import checks, dkim_key

# At these rates AWS reviews an account, and may pause its sending.
# https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
BOUNCE_REVIEW, BOUNCE_PAUSE = 0.05, 0.10
COMPLAINT_REVIEW, COMPLAINT_PAUSE = 0.001, 0.005
# We want to hear of it before AWS does: the defaults are eight tenths of AWS's limits.
BOUNCE_WARNING, BOUNCE_CRITICAL = 0.04, 0.08
COMPLAINT_WARNING, COMPLAINT_CRITICAL = 0.0008, 0.004

DEFAULT_STREAM = "transactional"
DMARC_STEPS = ("none", "quarantine", "reject")  # from watching to refusing
TEST_TLD = "test"  # RFC 6761 §6.2: no mail can be sent from there, so nobody needs to be paged about it.


@dataclass(frozen=True)
class Allowed:
    """What a setting may hold, in words that follow "allowed: "; for messages and the reference."""

    words: str


@dataclass(frozen=True)
class Hidden:
    """Marks a setting that must be encrypted, and is shown in no message."""


class Group(BaseModel):
    """Settings that belong together. Keys are camelCase in the file, as Pulumi's own are."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, validate_default=True
    )


Switch = Annotated[bool, Allowed("true or false")]


class MailFrom(Group):
    """The envelope sender's domain, which makes SPF align with the From address."""

    subdomain: Annotated[
        str,
        AfterValidator(checks.label),
        Allowed("one label; nothing else may use that name"),
        Field(description="Stands before the domain: `bounce` gives `bounce.example.com`."),
    ] = "bounce"
    on_mx_failure: Annotated[
        Literal["USE_DEFAULT_VALUE", "REJECT_MESSAGE"],
        Allowed("USE_DEFAULT_VALUE or REJECT_MESSAGE"),
        Field(description="While its MX record cannot be found, SES sends from amazonses.com, or not at all."),
    ] = "USE_DEFAULT_VALUE"


class Dkim(Group):
    """Easy DKIM: SES holds the key and rotates it. Or a key of your own (BYODKIM), which you rotate."""

    key_length: Annotated[Literal[1024, 2048], Allowed("1024 or 2048"), Field(description="Bits of SES's RSA key.")] = (
        2048
    )
    selector: Annotated[
        str,
        AfterValidator(checks.label_or_nothing),
        Allowed("one label"),
        Field(description="Names your own key in DNS: `<selector>._domainkey.<domain>`. Only with `privateKey`."),
    ] = ""
    private_key: Annotated[
        str,
        Hidden(),
        Allowed("an RSA private key of 2048 bits, in PEM or base64, encrypted: pulumi config set --secret"),
        Field(repr=False, description="Your own key; SES's unless given. Encrypted, here and in the state."),
    ] = ""

    @field_validator("private_key")
    @classmethod
    def _it_is_a_key_with_a_name(cls, private_key: str, info: ValidationInfo) -> str:
        if bool(private_key) != bool(info.data.get("selector", private_key)):
            raise ValueError("selector and privateKey go together")
        if private_key:
            dkim_key.public_key(private_key)
        return private_key


class Dmarc(Group):
    """What receivers are asked to do with mail that fails SPF and DKIM (RFC 7489). Raise it in steps."""

    policy: Annotated[
        Literal["none", "quarantine", "reject"],
        Allowed("none, quarantine or reject"),
        Field(description="`none` watches only; go on when the reports show that all of your mail passes."),
    ] = "none"
    percent: Annotated[
        int,
        Allowed("a whole number from 1 to 100"),
        Field(ge=1, le=100, description="The share of failing mail that the policy applies to, in per cent."),
    ] = 100
    confirmed: Annotated[
        Literal["", "none", "quarantine", "reject"],
        Allowed("none, quarantine or reject: the strictest policy whose reports showed that all of your mail passes"),
        Field(description="The step that was taken before. `quarantine` needs `none` here, `reject` `quarantine`."),
    ] = ""
    reports: Annotated[
        tuple[Annotated[str, AfterValidator(checks.address)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets the aggregate reports (`rua`). An outside mailbox's domain must agree in its DNS."),
    ] = ()
    failure_reports: Annotated[
        tuple[Annotated[str, AfterValidator(checks.address)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("addresses such as dmarc@example.com"),
        Field(description="Who gets reports about single messages (`ruf`). Few receivers send them."),
    ] = ()

    @field_validator("confirmed")
    @classmethod
    def _no_step_is_left_out(cls, confirmed: str, info: ValidationInfo) -> str:
        """A slip of the pen cannot reject everybody's mail: each step names the one before it."""
        policy: str = info.data.get("policy", "none")
        needed = DMARC_STEPS[: DMARC_STEPS.index(policy)][-1:]
        if needed and confirmed not in DMARC_STEPS[DMARC_STEPS.index(needed[0]) :]:
            raise ValueError(
                f"policy {policy} comes after {needed[0]}: publish that first, read its reports, and confirm it here"
            )
        return confirmed


class Bimi(Group):
    """The logo that mailboxes show beside mail (BIMI). They do only where DMARC is enforced for all mail."""

    logo: Annotated[
        str,
        AfterValidator(checks.https_or_nothing),
        Allowed("an https URL of an SVG Tiny PS file"),
        Field(description="Publishes a BIMI record. None unless given."),
    ] = ""
    certificate: Annotated[
        str,
        AfterValidator(checks.https_or_nothing),
        Allowed("an https URL of a PEM file"),
        Field(description="The mark certificate (VMC or CMC), which Gmail and Apple Mail ask for."),
    ] = ""


class Rates(Group):
    """Two levels of a rate, as fractions: 0.05 is 5 %."""

    warning: float
    critical: float

    @field_validator("critical")
    @classmethod
    def _above_the_warning(cls, critical: float, info: ValidationInfo) -> float:
        warning = info.data.get("warning")
        if warning is not None and critical <= warning:
            raise ValueError(f"it must be above the warning, which is {warning:g}")
        return critical


class BounceRates(Rates):
    """When the share of hard bounces pages. AWS reviews an account at 0.05 and may pause it at 0.1."""

    warning: Annotated[
        float,
        Allowed(f"a fraction above 0 and below {BOUNCE_PAUSE}"),
        Field(gt=0, lt=BOUNCE_PAUSE, description="Pages."),
    ] = BOUNCE_WARNING
    critical: Annotated[
        float,
        Allowed(f"a fraction above the warning, at most {BOUNCE_PAUSE}, where AWS may pause the account"),
        Field(gt=0, le=BOUNCE_PAUSE, description="Pages, and the guard pauses the stream."),
    ] = BOUNCE_CRITICAL


class ComplaintRates(Rates):
    """When the share of complaints pages. AWS reviews an account at 0.001 and may pause it at 0.005."""

    warning: Annotated[
        float,
        Allowed(f"a fraction above 0 and below {COMPLAINT_PAUSE}"),
        Field(gt=0, lt=COMPLAINT_PAUSE, description="Pages."),
    ] = COMPLAINT_WARNING
    critical: Annotated[
        float,
        Allowed(f"a fraction above the warning, at most {COMPLAINT_PAUSE}, where AWS may pause the account"),
        Field(gt=0, le=COMPLAINT_PAUSE, description="Pages, and the guard pauses the stream."),
    ] = COMPLAINT_CRITICAL


class Tracking(Group):
    """Opens and clicks, which SES sees by a picture and rewritten links. Off: people did not ask to be watched."""

    events: Annotated[
        tuple[Literal["OPEN", "CLICK"], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("OPEN, CLICK or both"),
        Field(description="What is tracked. It goes where `eventBridge` and `firehose` say."),
    ] = ()
    domain: Annotated[
        str,
        AfterValidator(checks.domain_or_nothing),
        Allowed("a domain below the identity's, such as links.example.com"),
        Field(description="Whose links people see; SES's own unless given."),
    ] = ""
    https: Annotated[
        Literal["OPTIONAL", "REQUIRE", "REQUIRE_OPEN_ONLY"],
        Allowed("OPTIONAL, REQUIRE or REQUIRE_OPEN_ONLY"),
        Field(description="Whether links are https. All but OPTIONAL need a certificate for the domain: `target`."),
    ] = "OPTIONAL"
    target: Annotated[
        str,
        AfterValidator(checks.domain_or_nothing),
        Allowed("a domain name such as d111111abcdef8.cloudfront.net"),
        Field(description="What the domain is a CNAME of: your CDN before SES; SES itself unless given."),
    ] = ""

    @field_validator("target")
    @classmethod
    def _https_needs_a_certificate(cls, target: str, info: ValidationInfo) -> str:
        if info.data.get("https", "OPTIONAL") != "OPTIONAL" and info.data.get("domain") and not target:
            raise ValueError(
                "SES holds no certificate for your domain: https needs a CDN that does, with SES behind it"
            )
        return target


class Vdm(Group):
    """Virtual Deliverability Manager for one stream, where it is not as the account has it."""

    engagement_metrics: Annotated[
        Literal["", "ENABLED", "DISABLED"],
        Allowed("ENABLED or DISABLED"),
        Field(
            description="Opens and clicks on VDM's dashboard, which tracks them. As the account has it unless given."
        ),
    ] = ""
    optimized_delivery: Annotated[
        Literal["", "ENABLED", "DISABLED"],
        Allowed("ENABLED or DISABLED"),
        Field(description="SES chooses among its shared IP addresses. As the account has it unless given."),
    ] = ""


class StreamSettings(Group):
    """One kind of mail with a reputation of its own: an SES configuration set."""

    tls: Annotated[
        Literal["REQUIRE", "OPTIONAL"],
        Allowed("REQUIRE or OPTIONAL"),
        Field(description="Whether mail goes only to servers that speak TLS."),
    ] = "REQUIRE"
    # Not empty: the provider can create an empty list and not change to one.
    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="What puts an address on the account's own suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    max_delivery_seconds: Annotated[
        int | None,
        Allowed("a whole number from 300 to 50400"),
        Field(ge=300, le=50_400, description="How long SES tries to deliver. SES's own 14 hours unless given."),
    ] = None
    dedicated_pool: Annotated[
        str,
        Allowed("the name of a pool"),
        Field(pattern=r"^[a-z0-9_-]{0,64}$", description="The dedicated IP pool to send from. Shared unless given."),
    ] = ""
    vdm: Annotated[Vdm, Allowed("engagementMetrics and optimizedDelivery")] = Vdm()
    event_bridge: Annotated[
        Switch,
        Field(description="Publish every event on the default EventBridge bus too, which costs by the event."),
    ] = False
    firehose: Annotated[
        str,
        AfterValidator(checks.firehose),
        Allowed("the ARN of a Firehose stream"),
        Field(description="Where every event goes too, to be kept. Nowhere unless given."),
    ] = ""
    tracking: Annotated[Tracking, Allowed("events, domain, https and target")] = Tracking()
    bounce_rate: Annotated[BounceRates, Allowed("warning and critical")] = BounceRates()
    complaint_rate: Annotated[ComplaintRates, Allowed("warning and critical")] = ComplaintRates()
    minimum_sends: Annotated[
        int,
        Allowed("a whole number of at least 1"),
        Field(ge=1, description="Critical rates act only once this many mails were sent within a day."),
    ] = 100
    guard: Annotated[Switch, Field(description="Whether a critical rate pauses the stream. It stays paused.")] = True


class Account(Group):
    """What holds for every stream of the account. One stack may own it: two would undo each other's."""

    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="What puts an address on the account's suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    vdm: Annotated[
        Switch,
        Field(description="Virtual Deliverability Manager, which costs by the mail. Taking it away switches it off."),
    ] = False


class Settings(Group):
    """Everything that `Pulumi.<stack>.yaml` may say. Only `domain` and `page` must be there.

    A field's validators look at the fields above it, so that one reading finds every problem.

    Example:
        >>> Settings(domain="example.com", page=("oncall@example.com",)).sender
        'no-reply@example.com'
    """

    domain: Annotated[
        str,
        AfterValidator(checks.domain),
        Allowed("a domain name such as example.com"),
        Field(description="The domain that mail is sent from; the SES identity."),
    ]
    page: Annotated[
        tuple[Annotated[str, AfterValidator(checks.page)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who is paged by alarms. At least one, unless the domain ends in .test."),
    ] = ()
    warn: Annotated[
        tuple[Annotated[str, AfterValidator(checks.page)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("an e-mail address, an https URL, or a list of them"),
        Field(description="Who hears of warnings, and of their end; whoever is paged, unless given."),
    ] = ()
    zone: Annotated[
        str,
        Allowed("the name of a zone that holds the domain, or a Route 53 zone id such as Z0123456789ABC"),
        Field(description="The public Route 53 zone that the records go to; the domain's own unless told otherwise."),
    ] = ""
    dns: Annotated[
        Literal["route53", "none"],
        Allowed("route53 or none"),
        Field(description="Who publishes the DNS records: the stack, or you (`mailer dns` shows them)."),
    ] = "route53"
    overwrite_records: Annotated[
        Switch,
        Field(description="Take over records of the same name and type that are in the zone already; off: an error."),
    ] = False
    sender: Annotated[
        str,
        Allowed("an address at the domain, with or without a name: Example <no-reply@example.com>"),
        Field(description="The From address of mail that names none; no-reply at the domain unless told otherwise."),
    ] = ""
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
            description="The domain's identity exists in this account: use it, and neither change its DKIM, default "
            "configuration set and tags nor ever delete it. MAIL FROM, feedback and DNS are the stack's all the same."
        ),
    ] = False
    feedback_forwarding: Annotated[
        Switch,
        Field(
            description="Whether SES also mails bounces and complaints to the sender. The stack hears of them anyway."
        ),
    ] = False
    mail_from: Annotated[MailFrom, Allowed("subdomain and onMxFailure")] = MailFrom()
    dkim: Annotated[Dkim, Allowed("keyLength, or selector and privateKey")] = Dkim()
    dmarc: Annotated[Dmarc, Allowed("policy, percent, confirmed, reports and failureReports")] = Dmarc()
    bimi: Annotated[Bimi, Allowed("logo and certificate")] = Bimi()
    streams: Annotated[
        dict[str, StreamSettings],
        Allowed(
            f"streams by name, {DEFAULT_STREAM} one of them; names of up to 20 lower-case letters, digits, hyphens"
        ),
        Field(description="Each becomes a configuration set with alarms of its own."),
    ] = {DEFAULT_STREAM: StreamSettings()}
    owns_account: Annotated[
        Switch,
        Field(description="This stack sets what holds for the whole account. At most one stack of an account may."),
    ] = False
    account: Annotated[Account, Allowed("suppress and vdm")] = Account()
    allowed_recipients: Annotated[
        tuple[Annotated[str, AfterValidator(checks.recipients)], ...],
        BeforeValidator(checks.one_or_many),
        Allowed("addresses or patterns such as *@example.com; an empty list allows everybody"),
        Field(description="Whom the sender policy lets the application write to. For environments without customers."),
    ] = ()
    alarm_period_seconds: Annotated[
        int,
        AfterValidator(checks.alarm_period),
        Allowed("a multiple of 60 up to 86400"),
        Field(description="How long an alarm looks at a metric."),
    ] = 300
    watch_account: Annotated[
        Switch,
        Field(
            description="Watch the SES account, too: its rates, daily quota, standing with AWS. In an account with "
            "several stacks, one of them is enough."
        ),
    ] = True
    log_retention_days: Annotated[
        int,
        AfterValidator(checks.log_retention),
        Allowed(", ".join(map(str, checks.LOG_RETENTIONS))),
        Field(description="How long the Lambda functions' logs are kept."),
    ] = 30
    function_concurrency: Annotated[
        int | None,
        Allowed("a whole number of at least 1"),
        Field(ge=1, description="How many of each function may run at once, reserved; unlimited unless given."),
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
        Field(description="Refuse to delete the identity, the configuration sets, the key and the table."),
    ] = True
    tags: Annotated[
        dict[str, str],
        Allowed("names and values, none of them beginning with aws:"),
        Field(description="Tags of every resource, beside the stack's own."),
    ] = {}

    @field_validator("warn")
    @classmethod
    def _nobody_is_warned_twice(cls, warn: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(warn)) < len(warn):
            raise ValueError("one of them stands there twice")
        return warn

    @field_validator("page")
    @classmethod
    def _somebody_is_paged(cls, page: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        domain: str = info.data.get("domain", "")
        if not page and not checks.within(domain, TEST_TLD):
            raise ValueError("nobody would be paged")
        if len(set(page)) < len(page):
            raise ValueError("one of them stands there twice")
        return page

    @field_validator("zone")
    @classmethod
    def _zone_holds_the_domain(cls, zone: str, info: ValidationInfo) -> str:
        domain: str = info.data.get("domain", "")
        if not zone or checks.is_zone_id(zone):
            return zone or domain
        name = checks.domain(zone)
        if domain and not checks.within(domain, name):
            raise ValueError(f"it does not hold {domain}")
        return name

    @field_validator("sender")
    @classmethod
    def _sender_is_at_the_domain(cls, sender: str, info: ValidationInfo) -> str:
        domain: str = info.data.get("domain", "")
        if not sender:
            return f"no-reply@{domain}" if domain else ""
        checked = checks.mailbox(sender)
        if domain and not checks.within(parseaddr(checked)[1].rpartition("@")[2], domain):
            raise ValueError(f"it is not at {domain}")
        return checked

    @field_validator("bimi")
    @classmethod
    def _a_logo_needs_enforcement(cls, bimi: Bimi, info: ValidationInfo) -> Bimi:
        dmarc: Dmarc | None = info.data.get("dmarc")
        if bimi.logo and dmarc and (dmarc.policy == "none" or dmarc.percent < 100):  # noqa: PLR2004 - per cent
            raise ValueError("mailboxes show no logo unless dmarc.policy is quarantine or reject, at 100 per cent")
        if bimi.certificate and not bimi.logo:
            raise ValueError("a certificate vouches for a logo, and there is none")
        return bimi

    @field_validator("streams")
    @classmethod
    def _streams_have_good_names(cls, streams: dict[str, StreamSettings]) -> dict[str, StreamSettings]:
        for name in streams:
            checks.stream_name(name)
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
            if tracking.events and not (stream.event_bridge or stream.firehose):
                raise ValueError(f"{name} tracks what nobody would hear of: give it eventBridge or firehose")
            if tracking.domain and not tracking.events:
                raise ValueError(f"{name} has a tracking domain and tracks nothing: give it tracking.events")
            if domain and tracking.domain and not tracking.domain.endswith(f".{domain}"):
                raise ValueError(f"the tracking domain of {name} is not below {domain}")
        return streams

    @field_validator("account")
    @classmethod
    def _the_account_has_one_owner(cls, account: Account, info: ValidationInfo) -> Account:
        if account != Account() and not info.data.get("owns_account"):
            raise ValueError("this stack does not own the account: set ownsAccount in the one stack that does")
        return account

    @field_validator("tags")
    @classmethod
    def _tags_are_ours_to_set(cls, tags: dict[str, str]) -> dict[str, str]:
        if any(name.lower().startswith("aws:") for name in tags):
            raise ValueError("AWS keeps names that begin with aws: for itself")
        return tags

    @property
    def mail_from_domain(self) -> str:
        """The envelope sender's domain."""
        return f"{self.mail_from.subdomain}.{self.domain}"

    @property
    def sender_domain(self) -> str:
        """The domain of the default From address: the identity's or one below it."""
        return parseaddr(self.sender)[1].rpartition("@")[2]
