"""By which way mail leaves Amazon SES. After internal/service/sesv2/{dedicated_ip_pool,multi_region_endpoint}.go."""

from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, exact
from mailstack_localcloud.pulumi.provider.resources._names import from_api, given, pairs, to_api
from mailstack_localcloud.pulumi.provider.resources.ses import TAGS
from mailstack_localcloud.pulumi.wire import Props

# --- Pool of dedicated IP addresses --------------------------------------------------------------------------------

_POOL = {
    "poolName": Arg(replaces=True),
    "scalingMode": Arg(keeps=True, replaces=True, allowed=("STANDARD", "MANAGED")),
}


def _create_pool(cloud: Cloud, wanted: Props) -> str:
    mode = given({"ScalingMode": wanted.get("scalingMode")})
    cloud.ses.create_dedicated_ip_pool(PoolName=wanted["poolName"], Tags=pairs(wanted["tags"]), **mode)
    return str(wanted["poolName"])


def _read_pool(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.ses.get_dedicated_ip_pool(PoolName=name).get("DedicatedIpPool", {})
    return {
        "poolName": name,
        "arn": cloud.arn("ses", f"dedicated-ip-pool/{name}"),
        "scalingMode": found.get("ScalingMode", ""),
    }


# --- Multi-region endpoint -----------------------------------------------------------------------------------------

# Nothing of it changes in place, not even its tags.
_ENDPOINT = {
    "endpointName": Arg(replaces=True),
    "details": Arg(replaces=True),
    "tags": Arg(default={}, same=exact, replaces=True),
}


def _create_endpoint(cloud: Cloud, wanted: Props) -> str:
    routes = wanted.get("details", {}).get("routesDetails")
    details: Any = {"RoutesDetails": [to_api(routes)] if routes else []}
    name = wanted["endpointName"]
    cloud.ses.create_multi_region_endpoint(EndpointName=name, Details=details, Tags=pairs(wanted["tags"]))
    return str(name)


def _read_endpoint(cloud: Cloud, name: str, _: Props) -> Props:
    found = cloud.ses.get_multi_region_endpoint(EndpointName=name)
    routes = from_api(found.get("Routes", []))
    secondary = next((route for route in routes if route["region"] != cloud.region), None)
    return {
        "endpointName": name,
        "arn": cloud.arn("ses", f"multi-region-endpoint/{name}"),
        "details": {"routesDetails": secondary} if secondary else {},
        "endpointId": found.get("EndpointId", ""),
        "routes": routes,
    }


RESOURCES = (
    Resource(
        kind="aws:sesv2/dedicatedIpPool:DedicatedIpPool",
        args=_POOL,
        create=_create_pool,
        read=_read_pool,
        delete=lambda cloud, name, _: cloud.ses.delete_dedicated_ip_pool(PoolName=name),
        computed=("arn",),
        identity=("poolName",),
        tags=TAGS,
    ),
    Resource(
        kind="aws:sesv2/multiRegionEndpoint:MultiRegionEndpoint",
        args=_ENDPOINT,
        create=_create_endpoint,
        read=_read_endpoint,
        delete=lambda cloud, name, _: cloud.ses.delete_multi_region_endpoint(EndpointName=name),
        computed=("arn", "endpointId", "routes"),
        identity=("endpointName",),
        tags=TAGS,
    ),
)
