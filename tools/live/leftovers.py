"""What is left of a stack in the account, by its names: independent of what Pulumi's state says."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.live.site import Site

# Service, operation, the list in its answer, and the member with the name; empty: the item is the name.
_LISTS = (
    ("sesv2", "list_configuration_sets", "ConfigurationSets", ""),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_policies", "Policies", "PolicyName"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("events", "list_rules", "Rules", "Name"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
)
_ARGUMENTS = {"list_policies": {"Scope": "Local"}, "describe_alarms": {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}}


def leftovers(site: "Site") -> Iterator[str]:
    """What has the stack's name, each as `service name`."""
    prefix = site.options.prefix
    for service, operation, members, name in _LISTS:
        client = site.client(service, recorded=False)
        for item in _items(client, operation, members):
            found = item[name] if name else item
            if prefix in found:
                yield f"{service} {found.rpartition('/')[2].rpartition(':')[2]}"
    parameter = f"/mailstack/{site.options.stack}/outputs"
    if site.client("ssm", recorded=False).get_parameters(Names=[parameter])["Parameters"]:
        yield f"ssm {parameter}"


def _items(client: Any, operation: str, members: str) -> "Iterator[Any]":
    arguments = _ARGUMENTS.get(operation, {})
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(members, [])
        return
    token: dict[str, str] = {}
    while True:
        answer = getattr(client, operation)(**arguments, **token)
        yield from answer.get(members, [])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
