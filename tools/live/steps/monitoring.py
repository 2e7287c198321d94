"""Steps about monitoring: pages, the guard, encryption, missing data, the doctor."""

import os
import time
from datetime import UTC, datetime
from typing import Any

from mailer.cli.resume import run as resume
from mailer.doctor.check import Verdict
from mailer.doctor.checks import CHECKS
from mailer.doctor.run import examine
from mailer.doctor.site import Site as DoctorSite
from mailer.stack import VARIABLE, critical_alarm
from tools.live.finding import Finding, Step, confirmed, judged, refuted
from tools.live.site import NotSeen, Site

NAMESPACE = "mailstack/live-check"
# Seconds: the shortest period of an alarm on a metric of high resolution.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html
PERIOD = 10
# Seconds: an alarm is judged once a minute.
_FILL_PERIOD, _FILL_PATIENCE = 60, 600.0
# How many periods further back than the evaluated ones the evaluation range of an alarm reaches.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarms-and-missing-data
EXTRA_PERIODS = 2
# What a stack that nobody uses yet, in an account in the sandbox, with a pager that nobody confirms, may be found to
# have; and the environment of the person who runs this, which is not the stack's.
EXPECTED = {"sandbox", "pagers", "environment", "reputation", "recommendations", "ringing", "domain", "quota"}
# Seconds for all checks of the doctor together.
_DOCTOR = 120.0


def _page(site: Site) -> Finding:
    name = f"{site.options.prefix}-{critical_alarm(site.outputs.default_stream, 'bounce')}"
    site.witness.listen(0)
    reason = "A drill of the live check."
    site.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)

    def look() -> dict[str, Any] | None:
        site.witness.listen()
        pages = (one for one in site.witness.messages if one.get("AlarmName") == name)
        return next((one for one in pages if one.get("NewStateValue") == "ALARM"), None)

    site.wait(look, f"no page of {name}")
    topics = (site.outputs.events_topic_arn, site.outputs.paging_topic_arn)
    found = [site.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"] for topic in topics]
    keys = [one for one in found if one.get("KmsMasterKeyId")]
    words = f"SES and CloudWatch published to {len(keys)} topics that the stack's key encrypts."
    return judged(len(keys) == len(topics), words)


def _sends(site: Site) -> bool:
    name = site.outputs.default_configuration_set
    return bool(
        site.client("sesv2").get_configuration_set(ConfigurationSetName=name)["SendingOptions"]["SendingEnabled"]
    )


def _guard(site: Site) -> Finding:
    site.wait(lambda: not _sends(site), "the guard has not paused the stream")
    _resume(site)
    site.wait(lambda: _sends(site), "the stream was not resumed")
    return confirmed("The guard paused the stream after the alarm, and `mailer resume` resumed it.")


def _resume(site: Site) -> None:
    from argparse import Namespace

    given = Namespace(
        stream=site.outputs.default_stream, stack=site.options.stack, why="Live check", actor="live-check", yes=True
    )
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = site.outputs.to_json()
    try:
        resume(given)
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def _function_key(site: Site) -> Finding:
    found = site.client("lambda").get_function_configuration(FunctionName=site.outputs.feedback_function)
    key, state = found.get("KMSKeyArn", ""), found.get("State", "Active")
    if not key:
        return refuted("Lambda does not use the stack's key for the environment of the feedback function.")
    return judged(state == "Active", f"The feedback function is {state}, ran, and its environment has the stack's key.")


def _email_dlq(site: Site) -> Finding:
    arn = site.stack.resource("aws:sns/topicSubscription:TopicSubscription", protocol="email")["arn"]
    found = site.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return judged("RedrivePolicy" in found, "A subscription by e-mail was created, with a dead-letter queue.")


def _evaluation_range(site: Site) -> Finding:
    cloudwatch, name = site.client("cloudwatch"), f"{site.options.prefix}-evaluation-range"
    site.at_end.append(lambda: cloudwatch.delete_alarms(AlarmNames=[name]))
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=NAMESPACE,
        MetricName=site.options.stack,
        Statistic="Maximum",
        Period=PERIOD,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    at = datetime.now(UTC)
    datum = {"MetricName": site.options.stack, "Timestamp": at, "Value": 1.0, "StorageResolution": 1}
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    def changed(state: str) -> datetime | None:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateUpdatedTimestamp"] if alarm["StateValue"] == state else None

    site.wait(lambda: changed("ALARM"), "the alarm did not go off")
    ended = site.wait(lambda: changed("OK"), "the alarm did not end without data")
    cloudwatch.delete_alarms(AlarmNames=[name])
    over = datetime.fromtimestamp((at.timestamp() // PERIOD + 1) * PERIOD, UTC)
    periods = (ended - over).total_seconds() / PERIOD
    return judged(
        periods >= EXTRA_PERIODS, f"The alarm ended {periods:.1f} periods after the period of its last datapoint."
    )


def _fill_without_data(site: Site) -> Finding:
    """An alarm on a metric that never had data, filled with a value that breaches."""
    cloudwatch, name = site.client("cloudwatch"), f"{site.options.prefix}-fill"
    site.at_end.append(lambda: cloudwatch.delete_alarms(AlarmNames=[name]))
    metric = {"Namespace": NAMESPACE, "MetricName": f"{site.options.stack}-none"}
    stat = {"Metric": metric, "Period": _FILL_PERIOD, "Stat": "Sum"}
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Metrics=[
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
            {"Id": "filled", "Expression": "FILL(m, 1)", "ReturnData": True},
        ],
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="missing",
    )

    def rings() -> bool:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"] == "ALARM"

    try:
        site.wait(rings, "the alarm has insufficient data", _FILL_PATIENCE)
    except NotSeen:
        return refuted(f"FILL gave no value for a metric without data in {_FILL_PATIENCE:.0f} s.")
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])
    return confirmed("FILL gave a value for a metric that never had data.")


def _doctor(site: Site) -> Finding:
    """Once the monitors had the time to look: until nothing unexpected is found."""
    seen = "no check ran"

    def look() -> str:
        nonlocal seen
        doctor = DoctorSite(site.outputs, site.options.resolver, {})
        results = examine(doctor, CHECKS, _DOCTOR)
        wrong = [one for one in results if one.verdict in {Verdict.FAILED, Verdict.WARNING, Verdict.UNKNOWN}]
        bad = [one for one in wrong if one.check.name not in EXPECTED]
        seen = "; ".join(f"{one.check.name}: {one.problems[0].found if one.problems else one.why}" for one in bad)
        names = ", ".join(one.check.name for one in wrong)
        return "" if bad else f"{len(results)} checks ran. Expected in such a stack: {names or 'nothing'}."

    deadline = time.monotonic() + _DOCTOR_PATIENCE
    while not (words := look()):
        if time.monotonic() > deadline:
            return refuted(seen)
        time.sleep(PERIOD)
    return confirmed(words)


# Seconds: alarms and clocks begin within minutes of a deployment.
_DOCTOR_PATIENCE = 600.0

STEPS = (
    Step("function-key", "Functions run with an environment that the stack's key encrypts.", _function_key),
    Step("email-dlq", "A subscription by e-mail has a dead-letter queue.", _email_dlq),
    Step("fill-without-data", "FILL fills a metric that never had data.", _fill_without_data),
    Step("evaluation-range", "An alarm keeps its state for three periods.", _evaluation_range),
    Step("page", "A critical alarm pages through encrypted topics.", _page, needs=("feedback",)),
    Step("guard", "The guard pauses the stream, and it can be resumed.", _guard, needs=("page",)),
    Step("doctor", "`mailer doctor` finds nothing wrong.", _doctor, needs=("verified",)),
)
