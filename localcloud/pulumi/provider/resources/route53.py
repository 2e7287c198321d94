"""Amazon Route 53. After internal/service/route53/record.go.

Unlike the official provider, a changed type makes a new record instead of swapping it in place.
"""

import re
from typing import Any, cast

from localcloud.pulumi.provider.cloud import Cloud
from localcloud.pulumi.provider.resource import Arg, Resource, as_set
from localcloud.pulumi.schema import Problem
from localcloud.pulumi.wire import Props

_ESCAPE = re.compile(r"\\([0-7]{3})")
# Here a change is in sync the second time that one looks.
_WAIT = {"Delay": 0.02, "MaxAttempts": 500}


def plain_name(name: object) -> str:
    r"""A name as we write it: lower case, no trailing dot, no octal escapes (`\052` is `*`)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), str(name or "")).rstrip(".").lower()


def _same_name(wanted: Any, actual: Any) -> bool:
    # A name may be given without that of its zone.
    return plain_name(actual) == plain_name(wanted) or plain_name(actual).startswith(f"{plain_name(wanted)}.")


_RECORD = {
    "zoneId": Arg(replaces=True),
    "name": Arg(replaces=True, same=_same_name),
    "type": Arg(replaces=True),
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
