"""Settings of one stream of mail: the options of its configuration set."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from mailstack_infra.settings import validators
from mailstack_infra.settings.base import Group, Switch
from mailstack_infra.settings.marks import Allowed
from mailstack_infra.settings.metrics import Metrics
from mailstack_infra.settings.rates import BounceRates, ComplaintRates


class Tracking(Group):
    """Opens and clicks, which SES tracks by a picture and rewritten links. Off by default, for privacy."""

    events: Annotated[
        tuple[Literal["OPEN", "CLICK"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("OPEN, CLICK or both"),
        Field(description="The tracked events. `eventBridge`, `firehose` and `metrics` set their destinations."),
    ] = ()
    domain: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed("a domain below the identity's, such as links.example.com"),
        Field(
            description="The domain of tracked links. The default is SES's own. SES accepts it after the identity is "
            "verified: the first deployment of a new domain leaves it out with a warning, the next one sets it."
        ),
    ] = ""
    https: Annotated[
        Literal["OPTIONAL", "REQUIRE", "REQUIRE_OPEN_ONLY"],
        Allowed("OPTIONAL, REQUIRE or REQUIRE_OPEN_ONLY"),
        Field(description="Whether links use https. All but OPTIONAL need a certificate for the domain: `target`."),
    ] = "OPTIONAL"
    target: Annotated[
        str,
        AfterValidator(validators.domain_or_nothing),
        Allowed("a domain name such as d111111abcdef8.cloudfront.net"),
        Field(description="The target of the domain's CNAME: your CDN in front of SES. The default is SES itself."),
    ] = ""

    @field_validator("target")
    @classmethod
    def _check_https_target(cls, target: str, info: ValidationInfo) -> str:
        if info.data.get("https", "OPTIONAL") != "OPTIONAL" and info.data.get("domain") and not target:
            raise ValueError("SES has no certificate for your domain: https needs a CDN in front of SES, as target")
        return target


class Vdm(Group):
    """Virtual Deliverability Manager for one stream, if it differs from the account's setting."""

    engagement_metrics: Annotated[
        Literal["", "ENABLED", "DISABLED"],
        Allowed("ENABLED or DISABLED"),
        Field(
            description="Opens and clicks on VDM's dashboard, which tracks them. The default is the account's setting."
        ),
    ] = ""
    optimized_delivery: Annotated[
        Literal["", "ENABLED", "DISABLED"],
        Allowed("ENABLED or DISABLED"),
        Field(description="SES chooses among its shared IP addresses. The default is the account's setting."),
    ] = ""


class StreamSettings(Group):
    """One kind of mail with its own reputation: an SES configuration set."""

    configuration_set: Annotated[
        str,
        Allowed("letters, digits, _ and -"),
        Field(
            pattern=r"^[A-Za-z0-9_-]{0,64}$",
            description="The name in SES. The default is `mailstack-<stack>-<name>`. Set it if a stack in another "
            "region must use the same name.",
        ),
    ] = ""
    tls: Annotated[
        Literal["REQUIRE", "OPTIONAL"],
        Allowed("REQUIRE or OPTIONAL"),
        Field(description="Whether mail is delivered only over TLS."),
    ] = "REQUIRE"
    # Not empty: the provider can create an empty list but cannot change to one.
    suppress: Annotated[
        tuple[Literal["BOUNCE", "COMPLAINT"], ...],
        BeforeValidator(validators.one_or_many),
        Allowed("BOUNCE, COMPLAINT or both"),
        Field(min_length=1, description="The events that add an address to the account's own suppression list."),
    ] = ("BOUNCE", "COMPLAINT")
    max_delivery_seconds: Annotated[
        int | None,
        Allowed("a whole number from 300 to 50400"),
        Field(ge=300, le=50_400, description="How long SES tries to deliver. The default is SES's own, 14 hours."),
    ] = None
    dedicated_pool: Annotated[
        str,
        Allowed("the name of a pool"),
        Field(
            pattern=r"^[a-z0-9_-]{0,64}$",
            description="The dedicated IP pool to send from: one of `mailstack:pools`, or an existing one. The default "
            "is SES's shared addresses.",
        ),
    ] = ""
    vdm: Annotated[Vdm, Allowed("engagementMetrics and optimizedDelivery")] = Vdm()
    event_bridge: Annotated[
        Switch,
        Field(description="Also publish every event on the default EventBridge bus, which costs by the event."),
    ] = False
    firehose: Annotated[
        str,
        AfterValidator(validators.firehose),
        Allowed("the ARN of a Firehose stream"),
        Field(description="The Firehose stream that also receives every event. None by default."),
    ] = ""
    tracking: Annotated[Tracking, Allowed("events, domain, https and target")] = Tracking()
    metrics: Annotated[Metrics, Allowed("dimensions and events")] = Metrics()
    reputation_metrics: Annotated[
        Switch,
        Field(description="Whether SES publishes the stream's rates, which its alarms and the guard use."),
    ] = True
    bounce_rate: Annotated[BounceRates, Allowed("warning and critical")] = BounceRates()
    complaint_rate: Annotated[ComplaintRates, Allowed("warning and critical")] = ComplaintRates()
    minimum_sends: Annotated[
        int,
        Allowed("a whole number of at least 1"),
        Field(ge=1, description="Critical rates act only if at least this many mails were sent in a day."),
    ] = 100
    guard: Annotated[
        Switch, Field(description="Whether a critical rate pauses the stream, until a person resumes it.")
    ] = True

    @field_validator("guard")
    @classmethod
    def _check_guard(cls, guard: bool, info: ValidationInfo) -> bool:
        if guard and not info.data.get("reputation_metrics", True):
            raise ValueError("the guard needs rates: set reputationMetrics to true, or guard to false")
        return guard

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, metrics: Metrics, info: ValidationInfo) -> Metrics:
        tracking: Tracking | None = info.data.get("tracking")
        counted = {"OPEN", "CLICK"} & set(metrics.events)
        if tracking and counted - set(tracking.events):
            raise ValueError(f"counting {' and '.join(sorted(counted))} requires tracking: add them to tracking.events")
        return metrics

    def called(self, name: str) -> str:
        """Its name in SES; `name` unless the settings have another."""
        return self.configuration_set or name

    @property
    def tracking_has_destination(self) -> bool:
        """Whether tracked events have a destination."""
        counted = self.metrics.dimensions and set(self.tracking.events) <= set(self.metrics.events)
        return bool(self.event_bridge or self.firehose or counted)
