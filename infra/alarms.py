"""Which alarms a stack has: values, each with what to do about it.

Not for registering them (`watching.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from infra.environment import Environment
    from infra.settings import Settings, StreamSettings


@dataclass(frozen=True)
class Alarm:
    """One CloudWatch alarm, over one period.

    Attributes:
        key: Its name behind `mailstack-<stack>-`.
        does: For whom it wakes: what happened, and what to do.
        missing: `ignore` for rates, which SES publishes seldom; `notBreaching` for counts, which are absent when zero.
        pauses: Whether the guard hears of it, too.
    """

    key: str
    does: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: Literal["Average", "Maximum", "Sum"]
    comparison: Literal["GreaterThanOrEqualToThreshold", "GreaterThanThreshold"]
    threshold: float
    missing: Literal["ignore", "notBreaching"]
    pauses: bool = False


def alarms(env: "Environment", settings: "Settings") -> Iterator[Alarm]:
    """Every alarm of a stack."""
    for name, stream in settings.streams.items():
        yield from _rates(env, name, stream)
    yield from _worker(env, "feedback", "Bounces and complaints are not recorded")
    if any(stream.guard for stream in settings.streams.values()):
        yield from _worker(env, "sending-guard", "Sending is not paused when it must be")


def _rates(env: "Environment", name: str, stream: "StreamSettings") -> Iterator[Alarm]:
    """Bounce and complaint rate of a stream at two levels; fractions, over SES's own "representative volume".

    https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
    """
    for kind, metric, rates in (
        ("bounce", "Reputation.BounceRate", stream.bounce_rate),
        ("complaint", "Reputation.ComplaintRate", stream.complaint_rate),
    ):
        for level, threshold in (("warning", rates.warning), ("critical", rates.critical)):
            pauses = level == "critical" and stream.guard
            then = "The guard pauses this stream. " if pauses else ""
            yield Alarm(
                key=f"{name}-{kind}-rate-{level}",
                does=f"{threshold:.2%} or more of the mail of stream {name} met a {kind}. {then}Find out which mail "
                "and which addresses, and stop it, before AWS pauses the account.",
                namespace="AWS/SES",
                metric=metric,
                dimensions={"ses:configuration-set": env.name(name)},
                statistic="Average",
                comparison="GreaterThanOrEqualToThreshold",
                threshold=threshold,
                missing="ignore",
                pauses=pauses,
            )


def _worker(env: "Environment", name: str, consequence: str) -> Iterator[Alarm]:
    """A worker's function that fails, and its DLQ that is not empty."""
    yield Alarm(
        key=f"{name}-errors",
        does=f"The function {env.name(name)} fails. {consequence}. Read its log; what failed is tried again.",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": env.name(name)},
        statistic="Sum",
        comparison="GreaterThanThreshold",
        threshold=0,
        missing="notBreaching",
    )
    yield Alarm(
        key=f"{name}-dlq-depth",
        does=f"Messages failed for good and wait in {env.name(f'{name}-dlq')}. {consequence}. Mend the cause, then "
        "start a redrive of the DLQ within 14 days.",
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": env.name(f"{name}-dlq")},
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=0,
        missing="notBreaching",
    )
