"""Which alarms a stack has: values, each with what to do about it.

Not for registering them (`watching.py`). docs/watching.md is the runbook, one section an alarm.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mailstack_infra.policies import MONITOR_NAMESPACE
from mailstack_infra.settings.rates import BOUNCE_CRITICAL, BOUNCE_WARNING, COMPLAINT_CRITICAL, COMPLAINT_WARNING

if TYPE_CHECKING:
    from mailstack_infra.environment import Environment
    from mailstack_infra.settings.model import Settings
    from mailstack_infra.settings.rates import Rates
    from mailstack_infra.settings.stream import StreamSettings

SET_DIMENSION = "ses:configuration-set"
DAY = 86_400
# A queue that a function drains is empty within seconds; this old, its worker has stopped or cannot keep up.
OLDEST_MESSAGE_SECONDS = 900

# Three ticks of the account monitor: one may come late.
HEARTBEAT_SECONDS = 900
_REACHES = "GreaterThanOrEqualToThreshold"
_ENFORCED = (
    "AWS has the account under review (1) or has shut it down (2). Read AWS's mail to the account's owner and the "
    "Reputation page of the SES console, mend the cause, and answer the case."
)
_DISABLED = (
    "Nobody in the account can send: AWS or somebody here disabled it. Find out who and why before "
    "`aws sesv2 put-account-sending-attributes --sending-enabled`."
)

Level = Literal["warning", "critical"]
Comparison = Literal["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold"]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One CloudWatch alarm on one metric, over one period.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: For whom it wakes: what happened, and what to do.
        metric: Its name; `namespace` and `dimensions` go with it.
        missing: What no data means: `ignore` for rates, which SES publishes seldom; `notBreaching` for counts, which
            are absent when zero; `breaching` for a heartbeat.
        level: Whom it pages; None for one that acts only through a `Both`.
        period: Seconds that it looks at; None for the stack's own.
    """

    key: str
    does: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: Literal["Average", "Maximum", "SampleCount", "Sum"]
    threshold: float
    missing: Literal["ignore", "notBreaching", "breaching"]
    comparison: Comparison = "GreaterThanThreshold"
    level: Level | None = "warning"
    period: int | None = None


@dataclass(frozen=True, kw_only=True)
class Both:
    """A composite alarm: goes off while all of its parts do.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: For whom it wakes.
        parts: The keys of the alarms that it is made of.
        pauses: The configuration set that the guard pauses, if any.
    """

    key: str
    does: str
    parts: tuple[str, ...]
    pauses: str = ""
    level: Level = "critical"


class _Watched(NamedTuple):
    namespace: str
    metric: str
    dimension: str
    statistic: Literal["Maximum", "Sum"]
    threshold: float
    level: Level


# What of a worker is watched; its queue and its function have one name, its DLQ another.
_WORKER = {
    "errors": _Watched("AWS/Lambda", "Errors", "FunctionName", "Sum", 0, "warning"),
    "throttles": _Watched("AWS/Lambda", "Throttles", "FunctionName", "Sum", 0, "warning"),
    "queue-age": _Watched(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum", OLDEST_MESSAGE_SECONDS, "warning"
    ),
    "dlq-depth": _Watched("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "Maximum", 0, "critical"),
}


def alarms(env: "Environment", settings: "Settings") -> Iterator[Alarm]:
    """Every alarm of a stack on a single metric."""
    for name, stream in settings.streams.items():
        yield from _stream(env, name, stream)
    if settings.watch_account:
        yield from _account(env, _least_sends(settings))
        yield from _standing(env)
        yield from _worker(env, "account-monitor", "The account's quota and standing are not watched")
    yield from _worker(env, "feedback", "Bounces and complaints are not recorded")
    if any(stream.guard for stream in settings.streams.values()):
        yield from _worker(env, "sending-guard", "Sending is not paused when it must be")


def composites(env: "Environment", settings: "Settings") -> Iterator[Both]:
    """Every composite alarm of a stack: a critical rate that enough mail stands behind."""
    if settings.watch_account:
        for kind, metric, _, critical in _ACCOUNT_RATES:
            yield Both(
                key=f"account-{kind}-rate-critical",
                does=f"{metric} of the account in this region is critical: {critical:.2%} or more, with at least "
                f"{_least_sends(settings)} recipients in a day. If no stream of this stack is to blame, something else "
                "in the account sends: find it before AWS pauses them all.",
                parts=(f"account-{kind}-rate-reached-critical", "account-sends-enough"),
            )
    for name, stream in settings.streams.items():
        for kind, metric, rates in _rates(stream):
            then = "The guard pauses this stream. " if stream.guard else ""
            yield Both(
                key=f"{name}-{kind}-rate-critical",
                does=f"{metric} of stream {name} is critical: {rates.critical:.2%} or more of at least "
                f"{stream.minimum_sends} mails in a day. {then}Find out which mail and which addresses, and stop it, "
                "before AWS pauses the account.",
                parts=(f"{name}-{kind}-rate-reached-critical", f"{name}-sends-enough"),
                pauses=stream.called(env.name(name)) if stream.guard else "",
            )


def pausing(env: "Environment", settings: "Settings") -> dict[str, str]:
    """Which configuration set each pausing alarm is about, by the alarm's name.

    A composite alarm's notification names neither metric nor dimension, so that the guard could not tell.
    """
    return {env.name(alarm.key): alarm.pauses for alarm in composites(env, settings) if alarm.pauses}


def rule(env: "Environment", alarm: Both) -> str:
    """A composite alarm's rule.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    return " AND ".join(f'ALARM("{env.name(part)}")' for part in alarm.parts)


def _rates(stream: "StreamSettings") -> tuple[tuple[str, str, "Rates"], ...]:
    if not stream.reputation_metrics:
        return ()
    return (
        ("bounce", "Reputation.BounceRate", stream.bounce_rate),
        ("complaint", "Reputation.ComplaintRate", stream.complaint_rate),
    )


def _stream(env: "Environment", name: str, stream: "StreamSettings") -> Iterator[Alarm]:
    """What one stream is watched for: rates as fractions, over SES's own "representative volume", and counts.

    https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
    """
    dimensions = {SET_DIMENSION: stream.called(env.name(name))}
    if stream.reputation_metrics:
        yield from _stream_rates(name, stream, dimensions)
    yield _count(
        f"{name}-rejects",
        "Reject",
        dimensions,
        f"SES found a virus in mail of stream {name} and did not send it. Find out who attached what.",
    )
    yield _count(
        f"{name}-rendering-failures",
        "RenderingFailure",
        dimensions,
        f"SES could not fill in a template for mail of stream {name}, which was accepted and not sent. Read the "
        "feedback function's log: each names the template and what is missing.",
    )


def _stream_rates(name: str, stream: "StreamSettings", dimensions: Mapping[str, str]) -> Iterator[Alarm]:
    """Each rate of a stream at both levels, and whether enough was sent for them to mean something."""
    for kind, metric, rates in _rates(stream):
        levels: tuple[tuple[str, Level | None, float], ...] = (
            (f"{name}-{kind}-rate-warning", "warning", rates.warning),
            (f"{name}-{kind}-rate-reached-critical", None, rates.critical),
        )
        for key, level, threshold in levels:
            yield Alarm(
                key=key,
                does=f"{threshold:.2%} or more of the mail of stream {name} met a {kind}. Find out which mail and "
                "which addresses, and stop it, before AWS reviews the account.",
                namespace="AWS/SES",
                metric=metric,
                dimensions=dimensions,
                statistic="Average",
                comparison="GreaterThanOrEqualToThreshold",
                threshold=threshold,
                missing="ignore",
                level=level,
            )
    yield _count(
        f"{name}-sends-enough",
        "Send",
        dimensions,
        f"Stream {name} sent {stream.minimum_sends} mails or more in a day: its rates mean something.",
        threshold=stream.minimum_sends - 1,
        level=None,
        period=DAY,
    )


def _count(
    key: str,
    metric: str,
    dimensions: Mapping[str, str],
    does: str,
    *,
    threshold: float = 0,
    level: Level | None = "warning",
    period: int | None = None,
) -> Alarm:
    return Alarm(
        key=key,
        does=does,
        namespace="AWS/SES",
        metric=metric,
        dimensions=dimensions,
        statistic="Sum",
        threshold=threshold,
        missing="notBreaching",
        level=level,
        period=period,
    )


# What AWS itself judges: the rates of the whole account in this region.
_ACCOUNT_RATES = (
    ("bounce", "Reputation.BounceRate", BOUNCE_WARNING, BOUNCE_CRITICAL),
    ("complaint", "Reputation.ComplaintRate", COMPLAINT_WARNING, COMPLAINT_CRITICAL),
)


def _least_sends(settings: "Settings") -> int:
    """How much mail a rate of the whole account needs behind it: what the most watchful stream asks for."""
    return min(stream.minimum_sends for stream in settings.streams.values())


def _account(env: "Environment", least_sends: int) -> Iterator[Alarm]:
    """The rates that AWS itself judges, whoever in the account sends, and whether they mean something."""
    for kind, metric, warning, critical in _ACCOUNT_RATES:
        levels: tuple[tuple[str, Level | None, float], ...] = (
            ("warning", "warning", warning),
            ("reached-critical", None, critical),
        )
        for name, level, threshold in levels:
            yield Alarm(
                key=f"account-{kind}-rate-{name}",
                does=f"{threshold:.2%} or more of all mail of this account in this region met a {kind}. If no stream "
                "of this stack is to blame, something else in the account sends: find it before AWS pauses them all.",
                namespace="AWS/SES",
                metric=metric,
                dimensions={},
                statistic="Average",
                comparison="GreaterThanOrEqualToThreshold",
                threshold=threshold,
                missing="ignore",
                level=level,
            )
    yield Alarm(
        key="account-sends-enough",
        does=f"The account sent to {least_sends} recipients or more in a day: its rates mean something.",
        namespace=MONITOR_NAMESPACE,
        metric="SentLast24Hours",
        dimensions={"Stack": env.stack},
        statistic="Maximum",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=least_sends,
        missing="ignore",
        level=None,
    )


def _standing(env: "Environment") -> Iterator[Alarm]:
    """What the account monitor measures, and a heartbeat: when it is silent, all of this is unknown."""
    quota = (
        "of the recipients that the account may write to in 24 hours are used up. At 100 % SES refuses mail: see who "
    )
    texts: tuple[tuple[str, str, Level, Comparison, float, str], ...] = (
        ("quota-warning", "QuotaUsed", "warning", _REACHES, 0.8, f"80 % {quota}see who sends; ask for more."),
        ("quota-critical", "QuotaUsed", "critical", _REACHES, 0.9, f"90 % {quota}see who sends; ask for more."),
        ("enforcement", "Enforcement", "critical", "GreaterThanThreshold", 0, _ENFORCED),
        ("sending-disabled", "SendingDisabled", "critical", "GreaterThanThreshold", 0, _DISABLED),
    )
    for key, metric, level, comparison, threshold, does in texts:
        yield Alarm(
            key=f"account-{key}",
            does=does,
            namespace=MONITOR_NAMESPACE,
            metric=metric,
            dimensions={"Stack": env.stack},
            statistic="Maximum",
            comparison=comparison,
            threshold=threshold,
            missing="ignore",
            level=level,
        )
    yield Alarm(
        key="account-monitor-silent",
        does=f"The function {env.name('account-monitor')} has measured nothing for {HEARTBEAT_SECONDS // 60} minutes: "
        "quota and standing of the account are not watched. Read its log.",
        namespace=MONITOR_NAMESPACE,
        metric="QuotaUsed",
        dimensions={"Stack": env.stack},
        statistic="SampleCount",
        comparison="LessThanThreshold",
        threshold=1,
        missing="breaching",
        level="critical",
        period=HEARTBEAT_SECONDS,
    )


def _worker(env: "Environment", name: str, consequence: str) -> Iterator[Alarm]:
    """A worker's function that fails or is held back, its queue that stands still, its DLQ that is not empty."""
    function, dlq = env.name(name), env.name(f"{name}-dlq")
    texts = {
        "errors": f"The function {function} fails. {consequence}. Read its log; what failed is tried again.",
        "throttles": f"Lambda holds the function {function} back: its own or the account's concurrency is used up. "
        "What waits is tried again. Raise functionConcurrency, or the account's limit.",
        "queue-age": f"A message has waited in {function} for more than {OLDEST_MESSAGE_SECONDS // 60} minutes. "
        f"{consequence}. See whether the function runs, fails, or is throttled.",
        "dlq-depth": f"Messages failed for good and wait in {dlq}. {consequence}. Mend the cause, then start a redrive "
        "of the DLQ within 14 days.",
    }
    for key, watched in _WORKER.items():
        yield Alarm(
            key=f"{name}-{key}",
            does=texts[key],
            namespace=watched.namespace,
            metric=watched.metric,
            dimensions={watched.dimension: dlq if key == "dlq-depth" else function},
            statistic=watched.statistic,
            threshold=watched.threshold,
            missing="notBreaching",
            level=watched.level,
        )
