"""Pools of dedicated IP addresses. The account has no such address: AWS hands them out on request."""

import re

from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters, page, tag_dict
from mailstack_localcloud.ses.errors import SesError, already_exists, bad_request, not_found
from mailstack_localcloud.ses.state import IpPool

# https://docs.aws.amazon.com/ses/latest/dg/managing-ip-pools.html
MAX_POOLS = 50
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


def create(context: Context, p: Parameters) -> Output:
    """CreateDedicatedIpPool."""
    name, pools = str(p["PoolName"]), context.state.ip_pools
    if not _NAME.fullmatch(name):
        raise bad_request(f"Invalid pool name <{name}>: lower-case letters, digits, '_' and '-' are allowed.")
    if name in pools:
        raise already_exists("Dedicated IP pool", name)
    if len(pools) >= MAX_POOLS:
        raise SesError("LimitExceededException", "Maximum number of dedicated IP pools exceeded.")
    pools[name] = IpPool(name, p.get("ScalingMode", "STANDARD"), tag_dict(p.get("Tags", [])))
    return {}


def get(context: Context, p: Parameters) -> Output:
    """GetDedicatedIpPool."""
    pool = _pool(context, p)
    return {"DedicatedIpPool": {"PoolName": pool.name, "ScalingMode": pool.scaling_mode}}


def delete(context: Context, p: Parameters) -> Output:
    """DeleteDedicatedIpPool."""
    del context.state.ip_pools[_pool(context, p).name]
    return {}


def list_(context: Context, p: Parameters) -> Output:
    """ListDedicatedIpPools."""
    names, token = page(sorted(context.state.ip_pools), p)
    return {"DedicatedIpPools": names, "NextToken": token}


def put_scaling(context: Context, p: Parameters) -> Output:
    """PutDedicatedIpPoolScalingAttributes: a standard pool can become a managed one, not the other way round."""
    pool = _pool(context, p)
    if (pool.scaling_mode, p["ScalingMode"]) == ("MANAGED", "STANDARD"):
        raise bad_request("A managed pool cannot become a standard one.")
    pool.scaling_mode = str(p["ScalingMode"])
    return {}


def list_addresses(context: Context, p: Parameters) -> Output:
    """GetDedicatedIps: none."""
    if p.get("PoolName"):
        _pool(context, p)
    shown, token = page([], p)
    return {"DedicatedIps": shown, "NextToken": token}


def no_address(_: Context, p: Parameters) -> Output:
    """GetDedicatedIp, PutDedicatedIpInPool and PutDedicatedIpWarmupAttributes: there is no address to look at."""
    raise not_found("Dedicated IP", str(p["Ip"]))


def _pool(context: Context, p: Parameters) -> IpPool:
    name = str(p["PoolName"])
    if name not in context.state.ip_pools:
        raise not_found("Dedicated IP pool", name)
    return context.state.ip_pools[name]


HANDLERS: dict[str, Handler] = {
    "CreateDedicatedIpPool": create,
    "GetDedicatedIpPool": get,
    "DeleteDedicatedIpPool": delete,
    "ListDedicatedIpPools": list_,
    "PutDedicatedIpPoolScalingAttributes": put_scaling,
    "GetDedicatedIps": list_addresses,
    "GetDedicatedIp": no_address,
    "PutDedicatedIpInPool": no_address,
    "PutDedicatedIpWarmupAttributes": no_address,
}
