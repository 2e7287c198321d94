"""One stream of mail: everything that a configuration set of its own may be told."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed
from mailstack_infra.settings.metrics import Metrics
from mailstack_infra.settings.rates import BounceRates, ComplaintRates


class Tracking(Group):
    """Opens and clicks, which SES sees by a picture and rewritten links. Off: people did not ask to be watched."""

    events: Annotated[
        tuple[Literal["OPEN", "CLICK"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("OPEN, CLICK or both"),
        Field(description="What is tracked. It goes where `eventBridge`, `firehose` and `metrics` say."),
    ] = ()
    domain: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed("a domain below the identity's, such as links.example.com"),
        Field(
            description="The domain of tracked links; SES's own by default. SES takes it once the identity is "
            "verified: the first deployment of a new domain leaves it out and says so, the next one sets it."
        ),
    ] = ""
    https: Annotated[
        Literal["OPTIONAL", "REQUIRE", "REQUIRE_OPEN_ONLY"],
        Allowed("OPTIONAL, REQUIRE or REQUIRE_OPEN_ONLY"),
        Field(description="Whether links are https. All but OPTIONAL need a certificate for the domain: `target`."),
    ] = "OPTIONAL"
    target: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed("a domain name such as d111111abcdef8.cloudfront.net"),
        Field(description="What the domain is a CNAME of: your CDN before SES. The default is SES itself."),
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
        Field(description="Opens and clicks on VDM's dashboard, which tracks them. The account's setting by default."),
    ] = ""
    optimized_delivery: Annotated[
        Literal["", "ENABLED", "DISABLED"],
        Allowed("ENABLED or DISABLED"),
        Field(description="SES chooses among its shared IP addresses. The account's setting by default."),
    ] = ""


class StreamSettings(Group):
    """One kind of mail with a reputation of its own: an SES configuration set."""

    configuration_set: Annotated[
        str,
        Allowed("a name that SES takes: letters, digits, _ and -"),
        Field(
            pattern=r"^[A-Za-z0-9_-]{0,64}$",
            description="What SES calls it: `mailstack-<stack>-<name>`, unless it must be called as in another region.",
        ),
    ] = ""
    tls: Annotated[
        Literal["REQUIRE", "OPTIONAL"],
        Allowed("REQUIRE or OPTIONAL"),
        Field(description="Whether mail goes only to servers that speak TLS."),
    ] = "REQUIRE"
    # Not empty: the provider can create an empty list and not change to one.
    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="What puts an address on the account's own suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    max_delivery_seconds: Annotated[
        int | None,
        Allowed("a whole number from 300 to 50400"),
        Field(ge=300, le=50_400, description="How long SES tries to deliver. The default of SES is 14 hours."),
    ] = None
    dedicated_pool: Annotated[
        str,
        Allowed("the name of a pool"),
        Field(
            pattern=r"^[a-z0-9_-]{0,64}$",
            description="The dedicated IP pool to send from: one of `mailstack:pools`, or one that exists already. "
            "Shared addresses by default.",
        ),
    ] = ""
    vdm: Annotated[Vdm, Allowed("engagementMetrics and optimizedDelivery")] = Vdm()
    event_bridge: Annotated[
        Switch,
        Field(description="Publish every event on the default EventBridge bus too, which costs by the event."),
    ] = False
    firehose: Annotated[
        str,
        AfterValidator(validators.firehose),
        Allowed("the ARN of a Firehose stream"),
        Field(description="Where every event is stored, too. None by default."),
    ] = ""
    tracking: Annotated[Tracking, Allowed("events, domain, https and target")] = Tracking()
    metrics: Annotated[Metrics, Allowed("dimensions and events")] = Metrics()
    reputation_metrics: Annotated[
        Switch,
        Field(description="Whether SES publishes the stream's rates, which its alarms and the guard go by."),
    ] = True
    bounce_rate: Annotated[BounceRates, Allowed("warning and critical")] = BounceRates()
    complaint_rate: Annotated[ComplaintRates, Allowed("warning and critical")] = ComplaintRates()
    minimum_sends: Annotated[
        int,
        Allowed("a whole number of at least 1"),
        Field(ge=1, description="Critical rates act only once this many mails were sent within a day."),
    ] = 100
    guard: Annotated[Switch, Field(description="Whether a critical rate pauses the stream. It stays paused.")] = True

    @field_validator("guard")
    @classmethod
    def _a_guard_goes_by_rates(cls, guard: bool, info: ValidationInfo) -> bool:
        if guard and not info.data.get("reputation_metrics", True):
            raise ValueError("without reputationMetrics there are no rates to go by: switch one on or the other off")
        return guard

    @field_validator("metrics")
    @classmethod
    def _a_count_tracks_nobody(cls, metrics: Metrics, info: ValidationInfo) -> Metrics:
        tracking: Tracking | None = info.data.get("tracking")
        counted = {"OPEN", "CLICK"} & set(metrics.events)
        if tracking and counted - set(tracking.events):
            raise ValueError(
                f"to count {' and '.join(sorted(counted))} people must be tracked: say so in tracking.events"
            )
        return metrics

    def called(self, name: str) -> str:
        """What SES calls it, unless it was told: `name`."""
        return self.configuration_set or name

    @property
    def tracks_for_somebody(self) -> bool:
        """Whether what is tracked goes anywhere."""
        counted = self.metrics.dimensions and set(self.tracking.events) <= set(self.metrics.events)
        return bool(self.event_bridge or self.firehose or counted)
