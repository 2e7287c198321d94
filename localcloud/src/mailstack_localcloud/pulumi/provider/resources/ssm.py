"""AWS Systems Manager Parameter Store. After internal/service/ssm/parameter.go."""

from typing import Any

from mailstack_localcloud.pulumi.provider.cloud import Cloud
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, Tagging, exact, up_to
from mailstack_localcloud.pulumi.provider.resources._names import given, mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props

_PARAMETER = {
    "name": Arg(replaces=True, allowed=up_to(2048, 1)),
    "type": Arg("Type", allowed=("String", "StringList", "SecureString")),
    "value": Arg(),
    "insecureValue": Arg(),
    "allowedPattern": Arg("AllowedPattern", allowed=up_to(1024)),
    "dataType": Arg("DataType", keeps=True, replaces=True, allowed=("text", "aws:ec2:image", "aws:ssm:integration")),
    "description": Arg("Description", allowed=up_to(1024)),
    "keyId": Arg("KeyId", keeps=True),
    "overwrite": Arg(default=False, write_only=True),
    "tier": Arg(
        "Tier",
        keeps=True,
        allowed=("Standard", "Advanced", "Intelligent-Tiering"),
        # SSM chooses the tier of one that leaves it to SSM, and lets none go down.
        same=lambda wanted, actual: wanted == "Intelligent-Tiering" or exact(wanted, actual),
        replaces=lambda actual, wanted: (actual, wanted) == ("Advanced", "Standard"),
    ),
}
_KIND: Any = "Parameter"


def _request(wanted: Props) -> dict[str, Any]:
    own = {arg.api: wanted.get(name) for name, arg in _PARAMETER.items() if arg.api}
    value = wanted.get("value") or wanted.get("insecureValue")
    return given({"Name": wanted["name"], "Value": value, **own})


def _create(cloud: Cloud, wanted: Props) -> str:
    # SSM takes tags only for a parameter that is new.
    overwrite = wanted["overwrite"]
    tags = {} if overwrite else given({"Tags": pairs(wanted["tags"])})
    cloud.ssm.put_parameter(**_request(wanted), Overwrite=overwrite, **tags)
    if overwrite and wanted["tags"]:
        cloud.ssm.add_tags_to_resource(ResourceType=_KIND, ResourceId=wanted["name"], Tags=pairs(wanted["tags"]))
    return str(wanted["name"])


def _update(cloud: Cloud, _: str, wanted: Props, changed: frozenset[str]) -> None:
    # SSM keeps what is not sent: what was taken away is sent empty.
    emptied: Props = {_PARAMETER[name].api: "" for name in changed & {"description", "allowedPattern"}}
    cloud.ssm.put_parameter(**{**emptied, **_request(wanted)}, Overwrite=True)


def _read(cloud: Cloud, name: str, known: Props) -> Props | None:
    parameter = cloud.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    filters: Any = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = cloud.ssm.describe_parameters(ParameterFilters=filters)["Parameters"]
    if not described:
        return None
    metadata: Any = described[0]
    shown = "insecureValue" if known.get("insecureValue") is not None else "value"
    return {
        "name": name,
        "arn": parameter["ARN"],
        "type": parameter["Type"],
        shown: parameter["Value"],
        "version": parameter["Version"],
        "dataType": parameter.get("DataType", "text"),
        "description": metadata.get("Description", ""),
        "allowedPattern": metadata.get("AllowedPattern", ""),
        "keyId": metadata.get("KeyId", ""),
        "tier": metadata.get("Tier", "Standard"),
    }


def _rules(inputs: Props) -> list[Problem]:
    values = [name for name in ("value", "insecureValue") if inputs.get(name) is not None]
    if len(values) != 1:
        return [Problem("value", "exactly one of value and insecureValue must be given")]
    if values == ["insecureValue"] and inputs["type"] == "SecureString":
        return [Problem("insecureValue", "not for a SecureString: use value")]
    return []


RESOURCES = (
    Resource(
        kind="aws:ssm/parameter:Parameter",
        args=_PARAMETER,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda cloud, name, _: cloud.ssm.delete_parameter(Name=name),
        computed=("arn", "version"),
        volatile=("version",),
        auto_name="name",
        tags=Tagging(
            read=lambda cloud, state: mapping(
                cloud.ssm.list_tags_for_resource(ResourceType=_KIND, ResourceId=state["id"]).get("TagList", [])
            ),
            add=lambda cloud, state, tags: cloud.ssm.add_tags_to_resource(
                ResourceType=_KIND, ResourceId=state["id"], Tags=pairs(tags)
            ),
            remove=lambda cloud, state, keys: cloud.ssm.remove_tags_from_resource(
                ResourceType=_KIND, ResourceId=state["id"], TagKeys=keys
            ),
        ),
        rules=_rules,
    ),
)
