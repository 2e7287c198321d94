"""Everything that stands in the local cloud, so that a test can say that nothing was left behind.

Not for what AWS itself puts into every account: an inventory is compared with an earlier one, never read alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Service, operation, the list in its answer, and what of an item tells it from others (nothing: the item is a name).
# Made-up identifiers are left out: a thing put back as it was is the same thing.
LISTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("sesv2", "list_email_identities", "EmailIdentities", ("IdentityName",)),
    ("sesv2", "list_configuration_sets", "ConfigurationSets", ()),
    ("sns", "list_topics", "Topics", ("TopicArn",)),
    ("sns", "list_subscriptions", "Subscriptions", ("TopicArn", "Protocol", "Endpoint")),
    ("sqs", "list_queues", "QueueUrls", ()),
    ("lambda", "list_functions", "Functions", ("FunctionArn",)),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", ("EventSourceArn", "FunctionArn")),
    ("iam", "list_roles", "Roles", ("Arn",)),
    ("iam", "list_policies", "Policies", ("Arn",)),
    ("dynamodb", "list_tables", "TableNames", ()),
    ("cloudwatch", "describe_alarms", "MetricAlarms", ("AlarmArn",)),
    ("cloudwatch", "list_dashboards", "DashboardEntries", ("DashboardName",)),
    ("events", "list_rules", "Rules", ("Arn",)),
    ("logs", "describe_log_groups", "logGroups", ("arn",)),
    ("kms", "list_aliases", "Aliases", ("AliasArn",)),
    ("ssm", "describe_parameters", "Parameters", ("Name",)),
)
ONLY_OURS: Mapping[str, Mapping[str, str]] = {"list_policies": {"Scope": "Local"}}


def inventory(client: Callable[[str], Any]) -> dict[str, list[str]]:
    """The names of what stands in each service, by `service operation`; `client` gives a boto3 client by name."""
    found = {
        f"{service} {operation}": sorted(_names(client(service), operation, key, parts))
        for service, operation, key, parts in LISTS
    }
    return {**found, "route53 records": sorted(_records(client("route53")))}


def _names(client: Any, operation: str, key: str, parts: tuple[str, ...]) -> Iterable[str]:
    arguments = ONLY_OURS.get(operation, {})
    for page in _pages(client, operation, arguments):
        yield from (" ".join(item[part] for part in parts) if parts else item for item in page.get(key, []))


def _pages(client: Any, operation: str, arguments: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**arguments)
    answer = getattr(client, operation)(**arguments)
    assert not answer.get("NextToken"), f"{operation} has more than one page, and no paginator"
    return [answer]


def _records(client: Any) -> Iterable[str]:
    for zone in client.list_hosted_zones()["HostedZones"]:
        for record in client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            yield f"{zone['Name']} {record['Name']} {record['Type']}"
