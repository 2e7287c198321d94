"""Amazon Route 53. After internal/service/route53/{zone,record}.go.

Unlike the official provider, a changed type makes a new record instead of swapping it in place.
"""

import re
import uuid
from typing import Any, cast

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, as_set, up_to
from mailstack_localcloud.pulumi.provider.resources._names import mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props

_ESCAPE = re.compile(r"\\([0-7]{3})")
# Here a change is in sync the second time that one looks.
_WAIT = {"Delay": 0.02, "MaxAttempts": 6000}


def plain_name(name: object) -> str:
    r"""A name as we write it: lower case, no trailing dot, no octal escapes (`\052` is `*`)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), str(name or "")).rstrip(".").lower()


def _same_zone(wanted: Any, actual: Any) -> bool:
    return plain_name(wanted) == plain_name(actual)


def _same_name(wanted: Any, actual: Any) -> bool:
    # A name may be given without that of its zone.
    return plain_name(actual) == plain_name(wanted) or plain_name(actual).startswith(f"{plain_name(wanted)}.")


# --- Zone ----------------------------------------------------------------------------------------------------------

_ZONE = {
    "name": Arg(replaces=True, same=_same_zone, allowed=up_to(1024, 1)),
    "comment": Arg(default="Managed by Pulumi", allowed=up_to(256)),
    "forceDestroy": Arg(default=False, write_only=True),
}
_KEPT_TYPES = ("NS", "SOA")  # a zone has them at its top for as long as it is there
_HOSTED_ZONE: Any = "hostedzone"


def _create_zone(cloud: Cloud, wanted: Props) -> str:
    made = cloud.route53.create_hosted_zone(
        Name=wanted["name"],
        CallerReference=f"pulumi-{uuid.uuid4()}",
        HostedZoneConfig={"Comment": wanted["comment"]},
    )
    zone = made["HostedZone"]["Id"].rsplit("/", 1)[-1]
    if wanted["tags"]:
        _ZONE_TAGS.add(cloud, {"id": zone}, wanted["tags"])
    return zone


def read_zone(cloud: Cloud, zone: str, _: Props) -> Props:
    """A hosted zone, as the resource and the data source both show it."""
    found = cast("Any", cloud.route53.get_hosted_zone(Id=zone))
    hosted, servers = found["HostedZone"], found.get("DelegationSet", {}).get("NameServers", [])
    return {
        "name": plain_name(hosted["Name"]),
        "arn": f"arn:aws:route53:::hostedzone/{zone}",
        "comment": hosted.get("Config", {}).get("Comment", ""),
        "nameServers": sorted(servers),
        "primaryNameServer": servers[0] if servers else "",
        "zoneId": zone,
    }


def _update_zone(cloud: Cloud, zone: str, wanted: Props, changed: frozenset[str]) -> None:
    if "comment" in changed:
        cloud.route53.update_hosted_zone_comment(Id=zone, Comment=wanted["comment"])


def _delete_zone(cloud: Cloud, zone: str, state: Props) -> None:
    if state.get("forceDestroy"):
        for page in cloud.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone):
            for record in page["ResourceRecordSets"]:
                if plain_name(record["Name"]) != state["name"] or record["Type"] not in _KEPT_TYPES:
                    _change(cloud, "DELETE", zone, record)
    cloud.route53.delete_hosted_zone(Id=zone)


def zone_tags(cloud: Cloud, zone: str) -> dict[str, str]:
    """The tags of a hosted zone."""
    found = cloud.route53.list_tags_for_resource(ResourceType=_HOSTED_ZONE, ResourceId=zone)
    return mapping(found["ResourceTagSet"]["Tags"])


_ZONE_TAGS = Tagging(
    read=lambda cloud, state: zone_tags(cloud, state["id"]),
    add=lambda cloud, state, tags: cloud.route53.change_tags_for_resource(
        ResourceType=_HOSTED_ZONE, ResourceId=state["id"], AddTags=cast("Any", pairs(tags))
    ),
    remove=lambda cloud, state, keys: cloud.route53.change_tags_for_resource(
        ResourceType=_HOSTED_ZONE, ResourceId=state["id"], RemoveTagKeys=keys
    ),
)

# --- Record --------------------------------------------------------------------------------------------------------

# https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
_TYPES = (
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB",
    "TLSA", "TXT",
)  # fmt: skip
_RECORD = {
    "zoneId": Arg(replaces=True),
    "name": Arg(replaces=True, same=_same_name),
    "type": Arg(replaces=True, allowed=_TYPES),
    "ttl": Arg(),
    "records": Arg(same=as_set),
    "allowOverwrite": Arg(default=False, write_only=True),
}


def _full_name(cloud: Cloud, zone: str, name: str) -> str:
    apex = plain_name(cloud.route53.get_hosted_zone(Id=zone)["HostedZone"]["Name"])
    name = plain_name(name)
    return name if name == apex or name.endswith(f".{apex}") else f"{name}.{apex}".lstrip(".")


def _written(kind: str, value: str) -> str:
    return f'"{value}"' if kind in ("TXT", "SPF") and not value.startswith('"') else value


def _as_given(kind: str, value: str) -> str:
    return value[1:-1] if kind in ("TXT", "SPF") and value.startswith('"') and value.endswith('"') else value


def _change(cloud: Cloud, action: Any, zone: str, record: Any) -> None:
    batch: Any = {"Comment": "Managed by Pulumi", "Changes": [{"Action": action, "ResourceRecordSet": record}]}
    change = cloud.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]
    if change["Status"] != "INSYNC":
        waiter = cloud.route53.get_waiter("resource_record_sets_changed")
        waiter.wait(Id=change["Id"], WaiterConfig=cast("Any", _WAIT))


def _put(cloud: Cloud, wanted: Props, action: str) -> str:
    name = _full_name(cloud, wanted["zoneId"], wanted["name"])
    values = [{"Value": _written(wanted["type"], value)} for value in wanted["records"]]
    record = {"Name": name, "Type": wanted["type"], "TTL": wanted["ttl"], "ResourceRecords": values}
    _change(cloud, action, wanted["zoneId"], record)
    return f"{wanted['zoneId']}_{name}_{wanted['type']}"


def _create(cloud: Cloud, wanted: Props) -> str:
    """Like the official provider: an existing record is an error, unless it may be overwritten."""
    return _put(cloud, wanted, "UPSERT" if wanted["allowOverwrite"] else "CREATE")


def _find(cloud: Cloud, identifier: str) -> tuple[str, Any]:
    zone, rest = identifier.split("_", 1)
    name, kind = rest.rsplit("_", 1)
    start: Any = {"StartRecordName": name, "StartRecordType": kind, "MaxItems": "1"}
    for record in cloud.route53.list_resource_record_sets(HostedZoneId=zone, **start)["ResourceRecordSets"]:
        if plain_name(record["Name"]) == name and record["Type"] == kind:
            return zone, record
    return zone, None


def _read(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    zone, record = _find(cloud, identifier)
    if record is None:
        return None
    name, kind = plain_name(record["Name"]), record["Type"]
    values = [_as_given(kind, value["Value"]) for value in record.get("ResourceRecords", [])]
    return {"zoneId": zone, "name": name, "fqdn": name, "type": kind, "ttl": record.get("TTL", 0), "records": values}


def _delete(cloud: Cloud, identifier: str, _: Props) -> None:
    zone, record = _find(cloud, identifier)
    if record is not None:
        _change(cloud, "DELETE", zone, record)


def _rules(inputs: Props) -> list[Problem]:
    return [
        Problem(name, "required: the local cloud's provider serves plain records, no aliases")
        for name in ("ttl", "records")
        if inputs.get(name) in (None, [])
    ]


RESOURCES = (
    Resource(
        kind="aws:route53/zone:Zone",
        args=_ZONE,
        create=_create_zone,
        read=read_zone,
        update=_update_zone,
        delete=_delete_zone,
        computed=("arn", "nameServers", "primaryNameServer", "zoneId"),
        auto_name="name",
        tags=_ZONE_TAGS,
    ),
    Resource(
        kind="aws:route53/record:Record",
        args=_RECORD,
        create=_create,
        read=_read,
        update=lambda cloud, _, wanted, __: _put(cloud, wanted, "UPSERT"),
        delete=_delete,
        computed=("fqdn",),
        identity=("zoneId", "name", "type"),
        rules=_rules,
    ),
)
