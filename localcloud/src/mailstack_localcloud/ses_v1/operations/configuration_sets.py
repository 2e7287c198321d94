"""Configuration sets in the first API: create, delete, list, describe."""

from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.operations import configuration_sets as v2
from mailstack_localcloud.ses_v1.errors import QueryError

# The first API's names of what it knows; it does not know the event types that came later.
EVENT_TYPES = {
    "SEND": "send",
    "REJECT": "reject",
    "BOUNCE": "bounce",
    "COMPLAINT": "complaint",
    "DELIVERY": "delivery",
    "OPEN": "open",
    "CLICK": "click",
    "RENDERING_FAILURE": "renderingFailure",
}
SOURCES = {"MESSAGE_TAG": "messageTag", "EMAIL_HEADER": "emailHeader", "LINK_TAG": "linkTag"}


async def create(context: Context, p: Parameters) -> Output:
    """CreateConfigurationSet."""
    name = p["ConfigurationSet"]["Name"]
    try:
        return await v2.create(context, {"ConfigurationSetName": name})
    except SesError as error:
        codes = {
            "AlreadyExistsException": "ConfigurationSetAlreadyExists",
            "BadRequestException": "InvalidConfigurationSet",
        }
        raise QueryError(codes.get(error.code, error.code), error.message) from error


def delete(context: Context, p: Parameters) -> Output:
    """DeleteConfigurationSet."""
    return v2.delete(context, p)


def list_(context: Context, p: Parameters) -> Output:
    """ListConfigurationSets."""
    found = v2.list_(context, {"NextToken": p.get("NextToken"), "PageSize": p.get("MaxItems")})
    named = [{"Name": name} for name in found["ConfigurationSets"]]
    return {"ConfigurationSets": named, "NextToken": found["NextToken"]}


def describe(context: Context, p: Parameters) -> Output:
    """DescribeConfigurationSet, with what is asked for beside the name."""
    found = context.configuration_set(p)
    wanted = set(p.get("ConfigurationSetAttributeNames", ()))
    redirect = found.option("TrackingOptions", "CustomRedirectDomain", None)
    tls = found.option("DeliveryOptions", "TlsPolicy", None)
    reputation = {
        "SendingEnabled": found.option("SendingOptions", "SendingEnabled", True),
        "ReputationMetricsEnabled": found.option("ReputationOptions", "ReputationMetricsEnabled", False),
        "LastFreshStart": found.option("ReputationOptions", "LastFreshStart", None),
    }
    groups: dict[str, tuple[str, object]] = {
        "eventDestinations": ("EventDestinations", [_destination(n, d) for n, d in found.destinations.items()]),
        "trackingOptions": ("TrackingOptions", {"CustomRedirectDomain": redirect} if redirect else None),
        "deliveryOptions": ("DeliveryOptions", {"TlsPolicy": str(tls).capitalize()} if tls else None),
        "reputationOptions": ("ReputationOptions", reputation),
    }
    shown = {member: value for name, (member, value) in groups.items() if name in wanted}
    return {"ConfigurationSet": {"Name": found.name}, **shown}


def _destination(name: str, given: dict[str, Any]) -> dict[str, Any]:
    known = [EVENT_TYPES[kind] for kind in given["MatchingEventTypes"] if kind in EVENT_TYPES]
    shown: dict[str, Any] = {"Name": name, "Enabled": given["Enabled"], "MatchingEventTypes": known}
    if "SnsDestination" in given:
        shown["SNSDestination"] = {"TopicARN": given["SnsDestination"]["TopicArn"]}
    if "CloudWatchDestination" in given:
        dimensions = given["CloudWatchDestination"]["DimensionConfigurations"]
        shown["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**d, "DimensionValueSource": SOURCES[d["DimensionValueSource"]]} for d in dimensions
            ]
        }
    if "KinesisFirehoseDestination" in given:
        firehose = given["KinesisFirehoseDestination"]
        shown["KinesisFirehoseDestination"] = {
            "IAMRoleARN": firehose["IamRoleArn"],
            "DeliveryStreamARN": firehose["DeliveryStreamArn"],
        }
    return shown


HANDLERS: dict[str, Handler] = {
    "CreateConfigurationSet": create,
    "DeleteConfigurationSet": delete,
    "ListConfigurationSets": list_,
    "DescribeConfigurationSet": describe,
}
