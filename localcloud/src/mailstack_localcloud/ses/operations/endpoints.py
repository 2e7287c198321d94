"""Multi-region endpoints. One is ready as soon as it is created; no traffic leaves this region."""

import re
import uuid
from datetime import UTC, datetime

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict
from mailstack_localcloud.ses.errors import already_exists, bad_request, not_found
from mailstack_localcloud.ses.state import MultiRegionEndpoint

_NAME = re.compile(r"[\w\-]+")


def create(context: Context, p: Parameters) -> Output:
    """CreateMultiRegionEndpoint: this region and one other."""
    name, state = str(p["EndpointName"]), context.state
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid endpoint name <{name}>.")
    others = [str(route["Region"]) for route in p["Details"]["RoutesDetails"]]
    if len(others) != 1 or others[0] == state.region:
        raise bad_request("RoutesDetails must have exactly one region, other than this one.")
    if name in state.endpoints:
        raise already_exists("Multi-region endpoint", name)
    made = MultiRegionEndpoint(name, _id(), [state.region, *others], datetime.now(UTC), tag_dict(p.get("Tags", [])))
    state.endpoints[name] = made
    return {"Status": "READY", "EndpointId": made.endpoint_id}


def get(context: Context, p: Parameters) -> Output:
    """GetMultiRegionEndpoint."""
    found = _existing(context, p)
    return {**_summary(found), "Routes": [{"Region": region} for region in found.regions]}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteMultiRegionEndpoint."""
    del context.state.endpoints[_existing(context, p).name]
    return {"Status": "DELETING"}


def list_(context: Context, p: Parameters) -> Output:
    """ListMultiRegionEndpoints."""
    shown, token = page([*context.state.endpoints.values()], p)
    endpoints = [{**_summary(found), "Regions": found.regions} for found in shown]
    return {"MultiRegionEndpoints": endpoints, "NextToken": token}


def _id() -> str:
    digits = uuid.uuid4().hex
    return f"{digits[:10]}.{digits[10:13]}"


def _existing(context: Context, p: Parameters) -> MultiRegionEndpoint:
    name = str(p["EndpointName"])
    if name not in context.state.endpoints:
        raise not_found("Multi-region endpoint", name)
    return context.state.endpoints[name]


def _summary(found: MultiRegionEndpoint) -> Output:
    return {
        "EndpointName": found.name,
        "EndpointId": found.endpoint_id,
        "Status": "READY",
        "CreatedTimestamp": found.created_at,
        "LastUpdatedTimestamp": found.created_at,
    }


HANDLERS: dict[str, Handler] = {
    "CreateMultiRegionEndpoint": create,
    "GetMultiRegionEndpoint": get,
    "DeleteMultiRegionEndpoint": delete,
    "ListMultiRegionEndpoints": list_,
}
