"""Alarms on the whole SES account: its rates, quota and review by AWS, and the account monitor itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mailer.functions.metrics import ACCOUNT_DIMENSION, ACCOUNT_NAMESPACE
from mailstack_infra import inventory
from mailstack_infra.monitoring.definitions.stream import RATES_SECTION
from mailstack_infra.monitoring.definitions.texts import Speaker, mails, minutes, percent
from mailstack_infra.monitoring.definitions.values import MINUTE, Alarm, Both, Comparison, Level
from mailstack_infra.settings.rates import (
    BOUNCE_CRITICAL,
    BOUNCE_PAUSE,
    BOUNCE_WARNING,
    COMPLAINT_CRITICAL,
    COMPLAINT_PAUSE,
    COMPLAINT_WARNING,
)

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment

# The monitor's clock ticks once a period. One tick may come late, so three periods in a row must be empty.
TICK, SILENT_TICKS = 5 * MINUTE, 3
QUOTA_WARNING, QUOTA_CRITICAL = 0.8, 0.9
# AWS judges the rates of the whole account in this region.
RATES = (
    ("bounce", "Reputation.BounceRate", BOUNCE_WARNING, BOUNCE_CRITICAL, BOUNCE_PAUSE),
    ("complaint", "Reputation.ComplaintRate", COMPLAINT_WARNING, COMPLAINT_CRITICAL, COMPLAINT_PAUSE),
)
_REACHES: Comparison = "GreaterThanOrEqualToThreshold"


def singles(env: "Environment", speaker: Speaker, *, least_sends: int, paged: bool) -> Iterator[Alarm]:
    """The alarms of the account on a single metric.

    Args:
        env: The stack's environment.
        speaker: Composes the texts.
        least_sends: How many sends make a rate of the account meaningful.
        paged: Whether anybody should be subscribed to pages.
    """
    yield from _rates(env, speaker)
    yield _measured(
        env,
        "account-sends-enough",
        f"The account sent at least {mails(least_sends)} in 24 hours, counted by recipient, so that its "
        "rates are meaningful. This is no problem by itself: a critical alarm needs it.",
        "SentLast24Hours",
        least_sends,
        _REACHES,
        None,
    )
    yield from _status(env, speaker)
    if paged:
        yield _pagers(env, speaker)


def criticals(env: "Environment", speaker: Speaker, *, least_sends: int) -> Iterator[Both]:
    """The composite alarms of the account: a critical rate, measured over enough mail."""
    for kind, _, _, critical, pause in RATES:
        yield Both(
            key=f"account-{kind}-rate-critical",
            does=speaker.says(
                f"The {kind} rate of the whole SES account in {env.region} is {percent(critical)} or more, and the "
                f"account sent at least {mails(least_sends)} in 24 hours. AWS may pause all sending of the "
                f"account at {percent(pause)}. {_dashboard(env)}",
                then=speaker.aws("sesv2 get-account"),
                section=RATES_SECTION,
            ),
            parts=(f"account-{kind}-rate-reached-critical", "account-sends-enough"),
        )


def _dashboard(env: "Environment") -> str:
    return (
        f"The CloudWatch dashboard mailstack-{env.stack} shows whether a stream of this stack causes it; if not, find "
        "out what else sends in the account."
    )


def _rates(env: "Environment", speaker: Speaker) -> Iterator[Alarm]:
    for kind, metric, warning, critical, pause in RATES:
        levels: tuple[tuple[str, Level | None, float], ...] = (
            ("warning", "warning", warning),
            ("reached-critical", None, critical),
        )
        for name, level, threshold in levels:
            yield Alarm(
                key=f"account-{kind}-rate-{name}",
                does=speaker.says(
                    f"The {kind} rate of the whole SES account in {env.region} is {percent(threshold)} or more, as SES "
                    f"counts it over recent mail. AWS may pause all sending of the account at {percent(pause)}. "
                    f"{_dashboard(env)}",
                    then=speaker.aws("sesv2 get-account"),
                    section=RATES_SECTION,
                ),
                namespace="AWS/SES",
                metric=metric,
                dimensions={},
                statistic="Average",
                comparison=_REACHES,
                threshold=threshold,
                missing="ignore",
                level=level,
            )


def _measured(
    env: "Environment",
    key: str,
    does: str,
    metric: str,
    threshold: float,
    comparison: Comparison,
    level: Level | None,
) -> Alarm:
    """An alarm on what the account monitor measures. When that stops, the state stays, and the heartbeat pages."""
    return Alarm(
        key=key,
        does=does,
        namespace=ACCOUNT_NAMESPACE,
        metric=metric,
        dimensions={ACCOUNT_DIMENSION: env.stack},
        statistic="Maximum",
        comparison=comparison,
        threshold=threshold,
        missing="ignore",
        level=level,
    )


def _status(env: "Environment", speaker: Speaker) -> Iterator[Alarm]:
    """Quota and enforcement status, and a heartbeat: without measurements they are unknown."""
    quotas: tuple[tuple[Level, float], ...] = (("warning", QUOTA_WARNING), ("critical", QUOTA_CRITICAL))
    for level, used in quotas:
        what = (
            f"The SES account in {env.region} has used {percent(used)} or more of its daily quota: the recipients in "
            "24 hours of everything that sends in the account. At 100 % SES refuses further mail. Find out what sends, "
            "and request a higher quota now."
        )
        does = speaker.says(what, then=speaker.aws("sesv2 get-account"), section="quota")
        yield _measured(env, f"account-quota-{level}", does, "QuotaUsed", used, _REACHES, level)
    under_review = (
        f"AWS has put the SES account in {env.region} under review (1) or has shut down its sending (2). Read AWS's "
        "message to the account's owner, remove the cause, and answer the case."
    )
    disabled = (
        f"Sending is disabled for the whole SES account in {env.region}: AWS or a person disabled it, and all mail is "
        "refused. Find out who did it, and why, before you enable it again."
    )
    for key, metric, what, shown in (
        ("enforcement", "Enforcement", under_review, "Details.ReviewDetails"),
        ("sending-disabled", "SendingDisabled", disabled, "SendingEnabled"),
    ):
        then = speaker.aws(f"sesv2 get-account --query '[EnforcementStatus,{shown}]'")
        does = speaker.says(what, then=then, section="enforcement-sending-disabled-sess-own-events")
        yield _measured(env, f"account-{key}", does, metric, 0, "GreaterThanThreshold", "critical")
    yield Alarm(
        key="account-monitor-silent",
        does=speaker.says(
            f"The function {env.name(inventory.MONITOR)} has measured nothing for {minutes(SILENT_TICKS * TICK)}. "
            "Until it measures again, no alarm watches the account's quota, its review by AWS, and whether anybody is "
            "subscribed to pages.",
            then=speaker.log(inventory.MONITOR),
            section="account-monitor-silent",
        ),
        namespace=ACCOUNT_NAMESPACE,
        metric="QuotaUsed",
        dimensions={ACCOUNT_DIMENSION: env.stack},
        statistic="SampleCount",
        comparison="LessThanThreshold",
        threshold=1,
        missing="breaching",
        level="critical",
        period=TICK,
        periods=SILENT_TICKS,
        fill=0,
    )


def _pagers(env: "Environment", speaker: Speaker) -> Alarm:
    topic = env.arn("sns", env.name(inventory.PAGING))
    does = speaker.says(
        f"Nobody is subscribed to the pages of the stack {env.stack}: no subscription of the topic is confirmed. SNS "
        "deletes a subscription by e-mail that is not confirmed within 48 hours, and link scanners may unsubscribe one "
        "that is. `pulumi up --refresh` subscribes again; then follow the link in the mail from SNS.",
        then=speaker.aws(f"sns list-subscriptions-by-topic --topic-arn {topic}"),
        section="pagers-missing",
    )
    key, metric = "account-pagers-missing", "ConfirmedPagers"
    measured = _measured(env, key, does, metric, 1, "LessThanThreshold", "critical")
    return replace(measured, statistic="Minimum", pagers_missing=True)
