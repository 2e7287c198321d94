"""Event destinations of configuration sets. SES tests its permission to publish when one is created or updated."""

import re
from typing import Any

from mailstack_localcloud.backend.policies import SES, Source
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_emulated
from mailstack_localcloud.ses.publishing import EMULATED_DESTINATIONS, VALIDATION, stream_problem
from mailstack_localcloud.ses.state import ConfigurationSet

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_DESTINATIONS = 10
MAX_DIMENSIONS = 10
# https://docs.aws.amazon.com/ses/latest/APIReference/API_EventDestination.html
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CloudWatchDimensionConfiguration.html; it forgets the colon
# in the names of SES's own tags, such as `ses:configuration-set`.
_DIMENSION = re.compile(r"[A-Za-z0-9_:-]{1,255}")
_DIMENSION_VALUE = re.compile(r"[A-Za-z0-9_.@-]{1,255}")
_KINDS = EMULATED_DESTINATIONS | {"PinpointDestination"}
# Unlike the events that follow, SES's first message to a topic has none.
_NO_SUBJECT = ""


def create(context: Context, p: Parameters) -> Output:
    """CreateConfigurationSetEventDestination."""
    found = context.configuration_set(p)
    name = str(p["EventDestinationName"])
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid event destination name <{name}>: 1 to 64 letters, digits, '_' and '-' are allowed.")
    if name in found.destinations:
        raise already_exists("Event destination", name)
    if len(found.destinations) >= MAX_DESTINATIONS:
        raise SesError("LimitExceededException", "Maximum number of event destinations exceeded.")
    found.destinations[name] = _checked(context, found, p["EventDestination"])
    return {}


def update(context: Context, p: Parameters) -> Output:
    """UpdateConfigurationSetEventDestination: replaces the whole destination."""
    found = context.configuration_set(p)
    found.destinations[_existing(found, p)] = _checked(context, found, p["EventDestination"])
    return {}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteConfigurationSetEventDestination."""
    found = context.configuration_set(p)
    del found.destinations[_existing(found, p)]
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetConfigurationSetEventDestinations."""
    found = context.configuration_set(p)
    return {"EventDestinations": [{"Name": name, **rest} for name, rest in found.destinations.items()]}


def _existing(found: ConfigurationSet, p: Parameters) -> str:
    name = str(p["EventDestinationName"])
    if name not in found.destinations:
        raise SesError("NotFoundException", f"No EventDestination found for {found.name}")
    return name


def _checked(context: Context, found: ConfigurationSet, given: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in given if kind in _KINDS]
    if len(kinds) != 1:
        raise bad_request("An event destination must have exactly one of the destination types.")
    if not given.get("MatchingEventTypes"):
        raise bad_request("An event destination needs at least one matching event type.")
    if kinds[0] not in EMULATED_DESTINATIONS:
        raise not_emulated(f"An event destination of type {kinds[0]}")
    if "CloudWatchDestination" in given:
        _check_dimensions(given["CloudWatchDestination"]["DimensionConfigurations"])
    if "EventBridgeDestination" in given:
        _check_bus(context, str(given["EventBridgeDestination"]["EventBusArn"]))
    if "SnsDestination" in given:
        _try_topic(context, found, str(given["SnsDestination"]["TopicArn"]))
    if "KinesisFirehoseDestination" in given:
        _try_stream(context, found, given["KinesisFirehoseDestination"])
    # Left out, `Enabled` is false: the destination exists and publishes nothing.
    return {"Enabled": False, **given}


def _check_dimensions(dimensions: list[dict[str, str]]) -> None:
    if not 0 < len(dimensions) <= MAX_DIMENSIONS:
        raise bad_request(f"A CloudWatch destination has 1 to {MAX_DIMENSIONS} dimensions.")
    for one in dimensions:
        name, value = one["DimensionName"], one["DefaultDimensionValue"]
        if not _DIMENSION.fullmatch(name) or not _DIMENSION_VALUE.fullmatch(value):
            raise bad_request(f"Invalid CloudWatch dimension <{name}> or default value <{value}>.")


def _check_bus(context: Context, arn: str) -> None:
    state = context.state
    default = f"arn:aws:events:{state.region}:{state.account_id}:event-bus/default"
    if arn != default:
        raise bad_request(f"Only the default event bus is supported: <{default}>, not <{arn}>.")


def _try_topic(context: Context, found: ConfigurationSet, arn: str) -> None:
    state, backend = context.state, context.backend
    set_arn = state.arn("configuration-set", found.name)
    if arn.endswith(".fifo"):
        raise bad_request(f"Could not publish message to SNS topic <{arn}>. FIFO topics are not supported.")
    with backend.scope(state.account_id, state.region):
        if not backend.topics.has(arn):
            raise bad_request(f"SNS topic <{arn}> not found.")
        problem = backend.grants.publish(arn, Source(SES, set_arn))
        if problem:
            raise bad_request(f"Could not publish message to SNS topic <{arn}>: {problem}.")
        backend.topics.notify(arn, _NO_SUBJECT, VALIDATION)


def _try_stream(context: Context, found: ConfigurationSet, given: dict[str, str]) -> None:
    state, backend = context.state, context.backend
    stream, set_arn = given["DeliveryStreamArn"], state.arn("configuration-set", found.name)
    with backend.scope(state.account_id, state.region):
        problem = stream_problem(backend, stream, given["IamRoleArn"], set_arn)
    if problem:
        raise bad_request(f"Could not put records on delivery stream <{stream}>: {problem}")


HANDLERS: dict[str, Handler] = {
    "CreateConfigurationSetEventDestination": create,
    "UpdateConfigurationSetEventDestination": update,
    "DeleteConfigurationSetEventDestination": delete,
    "GetConfigurationSetEventDestinations": get,
}
