"""The alarms of one stream: its rates, as fractions of SES's own "representative volume", and counts.

https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mailer.stack import critical_alarm
from mailstack_infra.monitoring.definitions.texts import Speaker, mails, percent
from mailstack_infra.monitoring.definitions.values import DAY, Alarm, Both, Level

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment
    from mailstack_infra.settings.rates import Rates
    from mailstack_infra.settings.stream import StreamSettings

SET_DIMENSION = "ses:configuration-set"
RATES_SECTION, UNSENT_SECTION = "bounce-or-complaint-rate", "rejects-and-rendering-failures"


def rates_of(stream: "StreamSettings") -> tuple[tuple[str, str, "Rates"], ...]:
    """Each rate of a stream: its kind, SES's metric, the levels."""
    if not stream.reputation_metrics:
        return ()
    return (
        ("bounce", "Reputation.BounceRate", stream.bounce_rate),
        ("complaint", "Reputation.ComplaintRate", stream.complaint_rate),
    )


def singles(env: "Environment", speaker: Speaker, name: str, stream: "StreamSettings") -> Iterator[Alarm]:
    """The alarms of a stream on a single metric."""
    dimensions = {SET_DIMENSION: stream.called(env.name(name))}
    if stream.reputation_metrics:
        yield from _rates(speaker, name, stream, dimensions)
        yield _enough(name, stream, dimensions)
    unsent = (
        ("rejects", "Reject", "Reject", "SES found a virus in a mail of stream {} and did not deliver it"),
        (
            "rendering-failures",
            "RenderingFailure",
            "Rendering Failure",
            "SES could not render a template for a mail of stream {} and did not deliver it",
        ),
    )
    for key, metric, kind, what in unsent:
        yield Alarm(
            key=f"{name}-{key}",
            does=speaker.says(
                f"{what.format(name)}, although the send call succeeded. The log names the message.",
                then=speaker.events(kind),
                section=UNSENT_SECTION,
            ),
            namespace="AWS/SES",
            metric=metric,
            dimensions=dimensions,
            statistic="Sum",
            threshold=0,
            missing="notBreaching",
        )


def criticals(env: "Environment", speaker: Speaker, name: str, stream: "StreamSettings") -> Iterator[Both]:
    """The composite alarms of a stream: a critical rate, measured over enough mail."""
    for kind, _, rates in rates_of(stream):
        guarded = (
            f"The guard pauses the stream, and SES refuses its mail. Remove the cause, then resume the stream: "
            f"{speaker.mailer(f'resume {name}')}"
            if stream.guard
            else "No guard pauses this stream: stop its mail before AWS pauses the whole account."
        )
        yield Both(
            key=critical_alarm(name, kind),
            does=speaker.says(
                f"The {kind} rate of stream {name} is {percent(rates.critical)} or more, and the stream sent at least "
                f"{mails(stream.minimum_sends)} in 24 hours. {guarded}",
                then=f"find the mail and the addresses: {speaker.events(kind.title())}",
                section="sending-paused-by-the-guard" if stream.guard else RATES_SECTION,
            ),
            parts=(f"{name}-{kind}-rate-reached-critical", f"{name}-sends-enough"),
            pauses=stream.called(env.name(name)) if stream.guard else "",
        )


def _rates(speaker: Speaker, name: str, stream: "StreamSettings", dimensions: Mapping[str, str]) -> Iterator[Alarm]:
    """Each rate of a stream at both levels."""
    for kind, metric, rates in rates_of(stream):
        levels: tuple[tuple[str, Level | None, float], ...] = (
            ("warning", "warning", rates.warning),
            ("reached-critical", None, rates.critical),
        )
        for which, level, threshold in levels:
            yield Alarm(
                key=f"{name}-{kind}-rate-{which}",
                does=speaker.says(
                    f"The {kind} rate of stream {name} is {percent(threshold)} or more, as SES counts it over recent "
                    f"mail. It is critical at {percent(rates.critical)}.",
                    then=f"find the mail and the addresses: {speaker.events(kind.title())}",
                    section=RATES_SECTION,
                ),
                namespace="AWS/SES",
                metric=metric,
                dimensions=dimensions,
                statistic="Average",
                comparison="GreaterThanOrEqualToThreshold",
                threshold=threshold,
                missing="ignore",
                level=level,
            )


def _enough(name: str, stream: "StreamSettings", dimensions: Mapping[str, str]) -> Alarm:
    return Alarm(
        key=f"{name}-sends-enough",
        does=f"Stream {name} sent at least {mails(stream.minimum_sends)} in 24 hours, so that its rates are "
        "meaningful. This is no problem by itself: a critical alarm needs it. It returns to OK within four days "
        "without mail.",
        namespace="AWS/SES",
        metric="Send",
        dimensions=dimensions,
        statistic="Sum",
        threshold=stream.minimum_sends - 1,
        missing="notBreaching",
        level=None,
        period=DAY,
    )
