"""IAM operations that ministack lacks: UpdateUser, updates and tags of OpenID Connect providers, the policy simulator.

Not for authorization (`access.py`).
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from mailstack_localcloud.backend import policy_simulator
from mailstack_localcloud.backend.credentials import ACCOUNT_ID
from mailstack_localcloud.backend.policy_simulator import members

_Parameters = Mapping[str, list[str]]
_Answer = tuple[int, dict[str, str], bytes]
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateOpenIDConnectProviderThumbprint.html
_THUMBPRINTS = 5
_THUMBPRINT_LENGTH = 40


@dataclass(frozen=True, slots=True)
class _Iam:
    """The parts of ministack's module that are of use here."""

    users: dict[str, dict[str, Any]]
    providers: dict[str, dict[str, Any]]
    answer: Callable[[int, str, str], _Answer]
    error: Callable[[int, str, str], _Answer]


_Handler = Callable[[_Iam, _Parameters], str]
"""Carries out an operation and returns the content of its result."""


def complete(module: Any) -> None:
    """Add the operations to ministack's table of them."""
    iam = _Iam(module._users, module._oidc_providers, module._xml, module._error)  # noqa: SLF001
    handlers = {name: functools.partial(_answered, iam, name, handler) for name, handler in _HANDLERS.items()}
    module._IAM_HANDLERS.update(handlers)  # noqa: SLF001


class _RefusedError(Exception):
    """IAM's answer to a request that it does not carry out: HTTP status, code, message."""


def _answered(iam: _Iam, operation: str, handler: _Handler, p: _Parameters) -> _Answer:
    try:
        inner = handler(iam, p)
    except _RefusedError as error:
        return iam.error(*error.args)
    result = f"<{operation}Result>{inner}</{operation}Result>" if inner else ""
    return iam.answer(200, f"{operation}Response", result)


def _one(p: _Parameters, name: str) -> str:
    return p.get(name, [""])[0]


# --- Users ---------------------------------------------------------------------------------------------------------


def _update_user(iam: _Iam, p: _Parameters) -> str:
    name, path = _one(p, "UserName"), _one(p, "NewPath")
    user = iam.users.get(name)
    if user is None:
        raise _RefusedError(404, "NoSuchEntity", f"The user with name {name} cannot be found.")
    if _one(p, "NewUserName") not in {"", name}:
        raise _RefusedError(501, "NotEmulated", "The local cloud changes the path of users; it cannot rename them.")
    if path:
        user["Arn"] = user["Arn"].replace(f":user{user['Path']}", f":user{path}", 1)
        user["Path"] = path
    return ""


# --- OpenID Connect providers --------------------------------------------------------------------------------------


def _provider(iam: _Iam, p: _Parameters) -> dict[str, Any]:
    arn = _one(p, "OpenIDConnectProviderArn")
    if arn not in iam.providers:
        raise _RefusedError(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return iam.providers[arn]


def _add_client(iam: _Iam, p: _Parameters) -> str:
    clients: list[str] = _provider(iam, p)["ClientIDList"]
    if _one(p, "ClientID") not in clients:
        clients.append(_one(p, "ClientID"))
    return ""


def _remove_client(iam: _Iam, p: _Parameters) -> str:
    provider = _provider(iam, p)
    provider["ClientIDList"] = [client for client in provider["ClientIDList"] if client != _one(p, "ClientID")]
    return ""


def _update_thumbprints(iam: _Iam, p: _Parameters) -> str:
    provider, thumbprints = _provider(iam, p), list(members(p, "ThumbprintList.member"))
    if len(thumbprints) > _THUMBPRINTS or any(len(thumbprint) != _THUMBPRINT_LENGTH for thumbprint in thumbprints):
        raise _RefusedError(400, "InvalidInput", f"At most {_THUMBPRINTS} thumbprints of {_THUMBPRINT_LENGTH} digits.")
    provider["ThumbprintList"] = thumbprints
    return ""


def _tag_provider(iam: _Iam, p: _Parameters) -> str:
    provider = _provider(iam, p)
    tags = {tag["Key"]: tag["Value"] for tag in provider["Tags"]}
    tags |= {key: _one(p, f"Tags.member.{n}.Value") for n, key in enumerate(members(p, "Tags.member", ".Key"), 1)}
    provider["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return ""


def _untag_provider(iam: _Iam, p: _Parameters) -> str:
    provider, removed = _provider(iam, p), set(members(p, "TagKeys.member"))
    provider["Tags"] = [tag for tag in provider["Tags"] if tag["Key"] not in removed]
    return ""


def _list_provider_tags(iam: _Iam, p: _Parameters) -> str:
    tags = "".join(
        f"<member><Key>{escape(tag['Key'])}</Key><Value>{escape(tag['Value'])}</Value></member>"
        for tag in _provider(iam, p)["Tags"]
    )
    return f"<Tags>{tags}</Tags><IsTruncated>false</IsTruncated>"


_HANDLERS: dict[str, _Handler] = {
    "UpdateUser": _update_user,
    "AddClientIDToOpenIDConnectProvider": _add_client,
    "RemoveClientIDFromOpenIDConnectProvider": _remove_client,
    "UpdateOpenIDConnectProviderThumbprint": _update_thumbprints,
    "TagOpenIDConnectProvider": _tag_provider,
    "UntagOpenIDConnectProvider": _untag_provider,
    "ListOpenIDConnectProviderTags": _list_provider_tags,
    "SimulateCustomPolicy": lambda _, p: policy_simulator.of_documents(p),
    "SimulatePrincipalPolicy": lambda _, p: policy_simulator.of_principal(p, ACCOUNT_ID),
}
