"""AWS IAM's OpenID Connect providers. After internal/service/iam/openid_connect_provider*.go."""

from typing import Any
from urllib.parse import urlsplit

from mailstack_localcloud.pulumi.provider.cloud import Cloud, ProviderError
from mailstack_localcloud.pulumi.provider.resource import Arg, Resource, as_set
from mailstack_localcloud.pulumi.provider.resources._iam import tagging
from mailstack_localcloud.pulumi.provider.resources._names import given, mapping, pairs
from mailstack_localcloud.pulumi.schema import Problem
from mailstack_localcloud.pulumi.wire import Props, is_unknown

_SCHEME = "https://"
_THUMBPRINT_LENGTH = 40


def _same_url(wanted: Any, actual: Any) -> bool:
    """IAM leaves out the scheme when it tells the URL."""
    return str(wanted or "").removeprefix(_SCHEME) == str(actual or "").removeprefix(_SCHEME)


_ARGS = {
    "url": Arg(replaces=True, same=_same_url),
    "clientIdLists": Arg(same=as_set),
    "thumbprintLists": Arg(keeps=True),
}


def _create(cloud: Cloud, wanted: Props) -> str:
    thumbprints = given({"ThumbprintList": wanted.get("thumbprintLists")})
    made = cloud.iam.create_open_id_connect_provider(
        Url=wanted["url"], ClientIDList=wanted["clientIdLists"], Tags=pairs(wanted["tags"]), **thumbprints
    )
    return made["OpenIDConnectProviderArn"]


def _read(cloud: Cloud, arn: str, _: Props) -> Props:
    found = cloud.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {
        "arn": arn,
        "url": found["Url"],
        "clientIdLists": found["ClientIDList"],
        "thumbprintLists": found["ThumbprintList"],
    }


def _update(cloud: Cloud, arn: str, wanted: Props, changed: frozenset[str]) -> None:
    if "thumbprintLists" in changed:
        cloud.iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=arn, ThumbprintList=wanted["thumbprintLists"]
        )
    if "clientIdLists" in changed:
        before, after = set(_read(cloud, arn, {})["clientIdLists"]), set(wanted["clientIdLists"])
        for client in sorted(after - before):
            cloud.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=client)
        for client in sorted(before - after):
            cloud.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=client)


def _rules(inputs: Props) -> list[Problem]:
    found: list[Problem] = []
    url = inputs["url"]
    parts = urlsplit(str(url))
    if not is_unknown(url) and (parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment):
        found.append(Problem("url", "begins with https:// and has no query"))
    thumbprints: list[str] = inputs.get("thumbprintLists") or []
    if not is_unknown(thumbprints) and any(len(thumbprint) != _THUMBPRINT_LENGTH for thumbprint in thumbprints):
        found.append(Problem("thumbprintLists", f"each is the SHA-1 of a certificate: {_THUMBPRINT_LENGTH} digits"))
    return found


def get_provider(cloud: Cloud, args: Props) -> Props:
    """The data source: a provider by its ARN or by its URL.

    Raises:
        ProviderError: Neither or both are given, or there is none.
    """
    arn, url = str(args.get("arn") or ""), str(args.get("url") or "")
    if bool(arn) == bool(url):
        raise ProviderError("getOpenIdConnectProvider needs exactly one of arn and url.")
    if url:
        arns = [one.get("Arn", "") for one in cloud.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        arn = next((one for one in arns if one.partition("/")[2] == url.removeprefix(_SCHEME)), "")
        if not arn:
            raise ProviderError(f"There is no OpenID Connect provider for {url}. Create it first, or give its arn.")
    tags = mapping(cloud.iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"])
    return {**_read(cloud, arn, {}), "id": arn, "tags": tags}


RESOURCES = (
    Resource(
        kind="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        args=_ARGS,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda cloud, arn, _: cloud.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn),
        computed=("arn",),
        identity=("url",),
        tags=tagging("open_id_connect_provider", "OpenIDConnectProviderArn"),
        rules=_rules,
    ),
)
