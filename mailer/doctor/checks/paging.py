"""Who is woken, by what, and who pauses a stream."""

from typing import TYPE_CHECKING, Any

from mailer.doctor.check import Check, Problem
from mailer.doctor.inconclusive import NotApplicable
from mailer.stack import critical_alarm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.doctor.site import Site

_PAGE = "docs/guides/monitoring.md"
KINDS = ("bounce", "complaint")
# https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
UNCONFIRMED = frozenset({"PendingConfirmation", "Deleted"})
_SHOWN = 5
# Alarms on what another check looks at: `dead-letters`.
_LOOKED_AT = frozenset({"feedback-dlq"})


def _again(site: "Site") -> str:
    return f"pulumi up --stack {site.outputs.stack} --refresh"


def alarms_found(site: "Site") -> dict[str, dict[str, Any]]:
    """The stack's alarms by name, without its prefix."""
    prefix = f"mailstack-{site.outputs.stack}-"
    kinds = ["MetricAlarm", "CompositeAlarm"]
    found = [
        alarm
        for part in ("MetricAlarms", "CompositeAlarms")
        for alarm in site.pages("cloudwatch", "describe_alarms", part, AlarmNamePrefix=prefix, AlarmTypes=kinds)
    ]
    return {alarm["AlarmName"].removeprefix(prefix): alarm for alarm in found}


def _alarms(site: "Site") -> "Iterator[Problem]":
    found = alarms_found(site)
    wanted = [critical_alarm(stream, kind) for stream in site.outputs.streams for kind in KINDS]
    if missing := [name for name in wanted if name not in found]:
        yield Problem(f"Alarms do not exist: {_some(missing)}.", _again(site))
    silent = [name for name, alarm in found.items() if not alarm["ActionsEnabled"]]
    if silent:
        yield Problem(
            f"Alarms are muted: {_some(silent)}.",
            f"aws cloudwatch enable-alarm-actions --region {site.outputs.region} --alarm-names "
            + " ".join(found[name]["AlarmName"] for name in silent[:_SHOWN]),
        )
    for name in wanted:
        if name in found and not found[name]["AlarmActions"]:
            yield Problem(f"The alarm {name} does nothing.", _again(site))


def _ringing(site: "Site") -> "Iterator[Problem]":
    for name, alarm in alarms_found(site).items():
        if alarm["StateValue"] == "ALARM" and alarm["AlarmActions"] and name not in _LOOKED_AT:
            first, _, rest = alarm.get("AlarmDescription", "").partition("\n")
            remedy = rest.removeprefix("Next: ").partition("\n")[0]
            yield Problem(f"{name} is in ALARM. {first}", remedy or f"{_PAGE}#runbook")


def _topic(site: "Site") -> None:
    arn = site.outputs.paging_topic_arn
    site.owned("pagers", f"The topic {arn}", "sns", "get_topic_attributes", TopicArn=arn)


def _pagers(site: "Site") -> "Iterator[Problem]":
    _topic(site)
    found = site.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=site.outputs.paging_topic_arn)
    waiting = [one for one in found if one["SubscriptionArn"] in UNCONFIRMED]
    if not any(one["SubscriptionArn"] not in UNCONFIRMED for one in found):
        yield Problem(
            "Nobody is paged: the paging topic has no confirmed subscription.",
            "follow the link in the mail from no-reply@sns.amazonaws.com; SNS deletes subscriptions that are not "
            f"confirmed within 48 hours: {_again(site)}",
        )
    elif waiting:
        yield Problem(
            f"{len(waiting)} of {len(found)} subscriptions of the paging topic are not confirmed.",
            "follow the link in the mail from no-reply@sns.amazonaws.com",
            warning=True,
        )


def _guard(site: "Site") -> "Iterator[Problem]":
    name = site.outputs.guard_function
    if not name:
        raise NotApplicable("the stack has no guard")
    found = site.owned("guard", f"The function {name}", "lambda", "get_function_configuration", FunctionName=name)
    if found.get("State", "Active") not in {"Active", "Inactive"}:
        yield Problem(f"The function {name} is {found['State']}: {found.get('StateReason', '')}", _again(site))
    mappings = site.read("lambda", "list_event_source_mappings", FunctionName=name)["EventSourceMappings"]
    if not any(one["State"] in {"Enabled", "Enabling", "Creating", "Updating"} for one in mappings):
        yield Problem(f"The guard {name} does not read its queue: no stream is paused.", _again(site))


def _clocks(site: "Site") -> "Iterator[Problem]":
    """The rules that wake the account monitor and the guard every few minutes."""
    rules = site.read("events", "list_rules", NamePrefix=f"mailstack-{site.outputs.stack}-")["Rules"]
    for rule in rules:
        if rule["State"] == "DISABLED":
            yield Problem(
                f"The rule {rule['Name']} is disabled.",
                f"aws events enable-rule --name {rule['Name']} --region {site.outputs.region}",
            )
    if not any("ScheduleExpression" in rule for rule in rules):
        yield Problem("No rule wakes the account monitor.", _again(site))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


CHECKS = (
    Check("alarms", "They notify people of problems.", _PAGE, _alarms),
    Check("ringing", "An alarm that rings has a cause.", f"{_PAGE}#runbook", _ringing),
    Check("pagers", "A page without subscribers is lost.", _PAGE, _pagers),
    Check("guard", "It pauses a stream before AWS pauses the account.", _PAGE, _guard),
    Check("clocks", "The account monitor and the guard look every few minutes.", _PAGE, _clocks),
)
