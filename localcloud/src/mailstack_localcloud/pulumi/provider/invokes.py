"""The functions (data sources) that the provider serves."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from botocore.loaders import Loader

from mailstack_localcloud.pulumi.provider import policy_document
from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError, translate_errors
from mailstack_localcloud.pulumi.provider.resources import RESOURCES, iam_oidc, ses
from mailstack_localcloud.pulumi.provider.resources.route53 import plain_name, read_zone, zone_tags
from mailstack_localcloud.pulumi.wire import Props, obj


@cache
def _partition() -> Any:
    partitions = Loader().load_data("endpoints")["partitions"]
    return next(partition for partition in partitions if partition["partition"] == "aws")


def _get_caller_identity(cloud: Cloud, _: Props) -> Props:
    found = cloud.sts.get_caller_identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "id": found["Account"], "userId": found["UserId"]}


def _get_region(cloud: Cloud, args: Props) -> Props:
    region = args.get("region") or args.get("name") or cloud.region
    known = _partition()["regions"]
    if region not in known:
        raise ProviderError(f"{region} is not an AWS region. Check aws:region and AWS_REGION.")
    described = {"description": known[region]["description"], "endpoint": f"ec2.{region}.amazonaws.com"}
    return {**described, "id": region, "name": region, "region": region}


def _get_partition(_: Cloud, __: Props) -> Props:
    suffix = _partition()["dnsSuffix"]
    reverse = ".".join(reversed(suffix.split(".")))
    return {"dnsSuffix": suffix, "id": "aws", "partition": "aws", "reverseDnsPrefix": reverse}


def _get_zone(cloud: Cloud, args: Props) -> Props:
    zone = _zone_id(cloud, args)
    hosted = cast("Any", cloud.route53.get_hosted_zone(Id=zone))["HostedZone"]
    return {
        **read_zone(cloud, zone, {}),
        "callerReference": hosted["CallerReference"],
        "id": zone,
        "privateZone": hosted.get("Config", {}).get("PrivateZone", False),
        "resourceRecordSetCount": hosted.get("ResourceRecordSetCount", 0),
        "tags": zone_tags(cloud, zone),
    }


def _zone_id(cloud: Cloud, args: Props) -> str:
    if args.get("zoneId"):
        return str(args["zoneId"]).rsplit("/", 1)[-1]
    name, private = plain_name(args.get("name")), bool(args.get("privateZone"))
    if not name:
        raise ProviderError("getZone needs name or zoneId.")
    found = [
        zone["Id"].rsplit("/", 1)[-1]
        for page in cloud.route53.get_paginator("list_hosted_zones").paginate()
        for zone in page["HostedZones"]
        if plain_name(zone["Name"]) == name and zone.get("Config", {}).get("PrivateZone", False) == private
    ]
    if len(found) != 1:
        what = "no hosted zone" if not found else f"{len(found)} hosted zones"
        raise ProviderError(f"There is {what} named {name}. Create it first, or give zoneId.")
    return found[0]


def _get_records(cloud: Cloud, args: Props) -> Props:
    """After internal/service/route53/records_data_source.go: names and values as Route 53 has them."""
    zone, wanted = str(args["zoneId"]), re.compile(str(args.get("nameRegex") or ""))
    pages = cloud.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    found = [record for page in pages for record in page["ResourceRecordSets"] if wanted.search(record["Name"])]
    sets = [
        {
            "name": record["Name"],
            "type": record["Type"],
            "ttl": record.get("TTL", 0),
            "resourceRecords": [{"value": value["Value"]} for value in record.get("ResourceRecords", [])],
        }
        for record in found
    ]
    return {"id": zone, "zoneId": zone, "nameRegex": args.get("nameRegex"), "resourceRecordSets": sets}


_DKIM = (
    *("currentSigningKeyLength", "domainSigningPrivateKey", "domainSigningSelector", "lastKeyGenerationTimestamp"),
    *("nextSigningKeyLength", "signingAttributesOrigin", "status"),
)


def _get_email_identity(cloud: Cloud, args: Props) -> Props:
    there, name = cloud.in_region(args.get("region")), args["emailIdentity"]
    found = ses.read_identity(there, name, {})
    dkim = {**dict.fromkeys(_DKIM, ""), **found["dkimSigningAttributes"]}
    tags = ses.TAGS.read(there, found)
    return {**found, "dkimSigningAttributes": [dkim], "id": name, "region": there.region, "tags": tags}


def _of_ses(kind: str, name: str) -> tuple[Callable[[Cloud, Props], Props], frozenset[str]]:
    """A data source that shows what a resource shows; a block in it is a list of one."""
    resource = RESOURCES[kind]

    def read(cloud: Cloud, args: Props) -> Props:
        there, identifier = cloud.in_region(args.get("region")), str(args[name])
        found = resource.read(there, identifier, {})
        if found is None:
            raise ProviderError(f"There is no {identifier}. Create it first.")
        tags = {"tags": resource.tags.read(there, found)} if resource.tags else {}
        shown: Props = {key: [obj(value)] if isinstance(value, dict) else value for key, value in found.items()}
        return {**shown, "id": identifier, "region": there.region, **tags}

    return read, frozenset({name, "region"})


INVOKES: Mapping[str, tuple[Callable[[Cloud, Props], Props], frozenset[str]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": (_get_caller_identity, frozenset()),
    "aws:index/getRegion:getRegion": (_get_region, frozenset({"region", "name", "id", "endpoint"})),
    "aws:index/getPartition:getPartition": (_get_partition, frozenset()),
    "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": (iam_oidc.get_provider, frozenset({"arn", "url"})),
    "aws:iam/getPolicyDocument:getPolicyDocument": (policy_document.compose, policy_document.ARGUMENTS),
    "aws:route53/getZone:getZone": (_get_zone, frozenset({"name", "zoneId", "privateZone"})),
    "aws:route53/getRecords:getRecords": (_get_records, frozenset({"zoneId", "nameRegex"})),
    "aws:sesv2/getConfigurationSet:getConfigurationSet": _of_ses(
        "aws:sesv2/configurationSet:ConfigurationSet", "configurationSetName"
    ),
    "aws:sesv2/getEmailIdentity:getEmailIdentity": (_get_email_identity, frozenset({"emailIdentity", "region"})),
    "aws:sesv2/getEmailIdentityMailFromAttributes:getEmailIdentityMailFromAttributes": _of_ses(
        "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes", "emailIdentity"
    ),
}
"""By token: the function, and the arguments that it takes."""


def invoke(token: str, args: Props, cloud: Cloud) -> Props:
    """Call a function.

    Raises:
        ProviderError: It is not served, an argument is not, or the service refused.
    """
    if token not in INVOKES:
        raise ProviderError(f"The local cloud's provider does not serve {token}; it serves {', '.join(INVOKES)}.")
    function, served = INVOKES[token]
    unserved = [name for name, value in args.items() if value is not None and name not in served]
    if unserved:
        raise ProviderError(f"{token}: the local cloud's provider does not serve the argument {', '.join(unserved)}.")
    with translate_errors(f"calling {token}"):
        return function(cloud, args)
