"""The options of a configuration set in SES v1: switches and event destinations, one operation each."""

from typing import Any

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.operations import configuration_sets, event_destinations
from mailstack_localcloud.ses_v1.errors import QueryError, recoded
from mailstack_localcloud.ses_v1.operations.configuration_sets import EVENT_TYPES, SOURCES

_TYPES = {own: name for name, own in EVENT_TYPES.items()}
_SOURCES = {own: name for name, own in SOURCES.items()}
_INVALID = {
    "SNSDestination": "InvalidSNSDestination",
    "CloudWatchDestination": "InvalidCloudWatchDestination",
    "KinesisFirehoseDestination": "InvalidFirehoseDestination",
}
_V2 = configuration_sets.HANDLERS


def put_sending(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSetSendingEnabled."""
    return _put(context, p, "PutConfigurationSetSendingOptions", {"SendingEnabled": p["Enabled"]})


def put_reputation(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSetReputationMetricsEnabled."""
    return _put(context, p, "PutConfigurationSetReputationOptions", {"ReputationMetricsEnabled": p["Enabled"]})


def put_delivery(context: Context, p: Parameters) -> Output:
    """PutConfigurationSetDeliveryOptions: whether TLS is a must, or no word; what this API does not know stays."""
    policy = p.get("DeliveryOptions", {}).get("TlsPolicy")
    before = context.configuration_set(p).options.get("DeliveryOptions", {})
    kept = {name: value for name, value in before.items() if name != "TlsPolicy"}
    word = {"TlsPolicy": str(policy).upper()} if policy else {}
    return _put(context, p, "PutConfigurationSetDeliveryOptions", {**kept, **word})


async def create_tracking(context: Context, p: Parameters) -> Output:
    """CreateConfigurationSetTrackingOptions."""
    if _tracks(context, p):
        name = p["ConfigurationSetName"]
        problem = f"Configuration set <{name}> has tracking options already."
        raise QueryError("TrackingOptionsAlreadyExistsException", problem)
    return await _track(context, p)


async def update_tracking(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSetTrackingOptions."""
    _check_tracks(context, p)
    return await _track(context, p)


def delete_tracking(context: Context, p: Parameters) -> Output:
    """DeleteConfigurationSetTrackingOptions."""
    _check_tracks(context, p)
    del context.configuration_set(p).options["TrackingOptions"]
    return {}


def create_destination(context: Context, p: Parameters) -> Output:
    """CreateConfigurationSetEventDestination."""
    with recoded({"AlreadyExistsException": "EventDestinationAlreadyExists", **_invalid(p)}):
        return event_destinations.create(context, _destination(p))


def update_destination(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSetEventDestination."""
    with recoded(_invalid(p)):
        return event_destinations.update(context, _destination(p))


def delete_destination(context: Context, p: Parameters) -> Output:
    """DeleteConfigurationSetEventDestination."""
    return event_destinations.delete(context, p)


def _put(context: Context, p: Parameters, operation: str, options: dict[str, Any]) -> Output:
    _V2[operation](context, {"ConfigurationSetName": p["ConfigurationSetName"], **options})
    return {}


async def _track(context: Context, p: Parameters) -> Output:
    options = p["TrackingOptions"]
    with recoded({"BadRequestException": "InvalidTrackingOptions"}):
        await configuration_sets.check_redirect(context, options)
    context.configuration_set(p).options["TrackingOptions"] = options
    return {}


def _tracks(context: Context, p: Parameters) -> bool:
    return "TrackingOptions" in context.configuration_set(p).options


def _check_tracks(context: Context, p: Parameters) -> None:
    if not _tracks(context, p):
        problem = f"Configuration set <{p['ConfigurationSetName']}> has no tracking options."
        raise QueryError("TrackingOptionsDoesNotExistException", problem)


def _invalid(p: Parameters) -> dict[str, str]:
    code = next((code for kind, code in _INVALID.items() if kind in p["EventDestination"]), "InvalidParameterValue")
    return {"BadRequestException": code}


def _destination(p: Parameters) -> Parameters:
    given = p["EventDestination"]
    wanted: dict[str, Any] = {
        "Enabled": given.get("Enabled", False),
        "MatchingEventTypes": [_TYPES[kind] for kind in given["MatchingEventTypes"]],
    }
    if "SNSDestination" in given:
        wanted["SnsDestination"] = {"TopicArn": given["SNSDestination"]["TopicARN"]}
    if "CloudWatchDestination" in given:
        dimensions = given["CloudWatchDestination"]["DimensionConfigurations"]
        named = [{**one, "DimensionValueSource": _SOURCES[one["DimensionValueSource"]]} for one in dimensions]
        wanted["CloudWatchDestination"] = {"DimensionConfigurations": named}
    if "KinesisFirehoseDestination" in given:
        stream = given["KinesisFirehoseDestination"]
        arns = {"IamRoleArn": stream["IAMRoleARN"], "DeliveryStreamArn": stream["DeliveryStreamARN"]}
        wanted["KinesisFirehoseDestination"] = arns
    names = {"ConfigurationSetName": p["ConfigurationSetName"], "EventDestinationName": given["Name"]}
    return {**names, "EventDestination": wanted}


HANDLERS: dict[str, Handler] = {
    "UpdateConfigurationSetSendingEnabled": put_sending,
    "UpdateConfigurationSetReputationMetricsEnabled": put_reputation,
    "PutConfigurationSetDeliveryOptions": put_delivery,
    "CreateConfigurationSetTrackingOptions": create_tracking,
    "UpdateConfigurationSetTrackingOptions": update_tracking,
    "DeleteConfigurationSetTrackingOptions": delete_tracking,
    "CreateConfigurationSetEventDestination": create_destination,
    "UpdateConfigurationSetEventDestination": update_destination,
    "DeleteConfigurationSetEventDestination": delete_destination,
}
