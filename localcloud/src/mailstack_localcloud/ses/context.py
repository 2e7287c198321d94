"""The context of a request, and what handlers share: lookups, tags, pagination."""

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.faults.rules import Faults
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses.errors import SesError, bad_request, not_found
from mailstack_localcloud.ses.files import Files
from mailstack_localcloud.ses.publishing import Publisher
from mailstack_localcloud.ses.quota import Meter
from mailstack_localcloud.ses.rules import identity_name
from mailstack_localcloud.ses.state import ConfigurationSet, ContactList, Identity, State, Tenant
from mailstack_localcloud.ses.verification import Dns

Parameters = dict[str, Any]
Output = dict[str, Any]
Handler = Callable[["Context", Parameters], Output | Awaitable[Output]]
# The allowed page sizes, unless AWS documents others; the default is the largest.
_PAGE_SIZES = range(1001)
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Tag.html
MAX_TAGS = 50
_MAX_KEY, _MAX_VALUE = 128, 256
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_TAG = re.compile(r"[\w\s.:/=+@-]*")
_TOO_MANY = (
    f"Maximum of {MAX_TAGS} user tags are allowed per resource, consider reducing the number of tags in the request"
)
_NO_TAG = "Tags can only contain letters, numbers, spaces, and the following special characters: _ . : / = + - @"
_AWS_TAG = "Caller is an end user and not allowed to mutate system tags"


@dataclass(frozen=True, slots=True)
class Caller:
    """The signer of a request, and the version of the API that it calls (the condition key `ses:ApiVersion`)."""

    access_key: str = ""
    api_version: str = "2"

    @classmethod
    def of(cls, request: Request, api_version: str) -> Self:
        """The caller of a request; the access key is empty if the request is not signed.

        Example:
            >>> signed = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/ses/aws4_request"
            >>> Caller.of(Request("POST", "/", {}, {"authorization": signed}, b""), "1").access_key
            'AKIAIOSFODNN7EXAMPLE'
        """
        found = _CREDENTIAL.search(request.headers.get("authorization", ""))
        return cls(found[1] if found else "", api_version)


@dataclass(slots=True)
class Context:
    """Everything that an operation may use: the account, the services around it, and who calls."""

    backend: Backend
    state: State
    meter: Meter
    dns: Dns
    publisher: Publisher
    files: Files
    faults: Faults
    # Held while jobs run: a request that waits for it finds them done.
    working: asyncio.Lock = field(default_factory=asyncio.Lock)
    caller: Caller = Caller()

    def called_by(self, caller: Caller) -> "Context":
        """The same context for one request."""
        return replace(self, caller=caller)

    def identity(self, parameters: Parameters) -> Identity:
        """The identity that the parameters name.

        Raises:
            SesError: It does not exist (404).
        """
        name = identity_name(str(parameters["EmailIdentity"]))
        if name not in self.state.identities:
            raise not_found("Email identity", name)
        return self.state.identities[name]

    def configuration_set(self, parameters: Parameters) -> ConfigurationSet:
        """The configuration set that the parameters name.

        Raises:
            SesError: It does not exist (404).
        """
        name = str(parameters["ConfigurationSetName"])
        if name not in self.state.configuration_sets:
            raise not_found("Configuration set", name)
        return self.state.configuration_sets[name]

    def tenant(self, name: str) -> Tenant:
        """The tenant of that name.

        Raises:
            SesError: It does not exist (404).
        """
        if name not in self.state.tenants:
            raise not_found("Tenant", name)
        return self.state.tenants[name]

    def ensure_deletable(self, kind: str, name: str) -> None:
        """Check that an identity, a configuration set or a template may be deleted.

        Raises:
            SesError: It is associated with a tenant (400).
        """
        arn = self.state.arn(kind, name)
        if any(arn in tenant.resources for tenant in self.state.tenants.values()):
            why = "it has tenant associations. Remove all tenant associations and try again."
            raise bad_request(f"Cannot delete <{arn}> because {why}")

    def contact_list(self, name: str) -> ContactList:
        """The contact list of that name.

        Raises:
            SesError: It does not exist (404).
        """
        if name not in self.state.contact_lists:
            raise SesError("NotFoundException", f"List with name: {name} doesn't exist.")
        return self.state.contact_lists[name]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as the API writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_dict(tags: list[dict[str, str]], there: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags as the state holds them, joined to those that are there.

    Raises:
        SesError: They are not as AWS allows them (400).
    """
    given = {tag["Key"]: tag["Value"] for tag in tags}
    joined = {**(there or {}), **given}
    long = [key for key, value in given.items() if not 0 < len(key) <= _MAX_KEY or len(value) > _MAX_VALUE]
    problems = (
        (len(joined) > MAX_TAGS, _TOO_MANY),
        (not all(_TAG.fullmatch(key + value) for key, value in given.items()), _NO_TAG),
        (any(key.lower().startswith("aws:") for key in given), _AWS_TAG),
        (
            bool(long),
            f"Invalid tag <{''.join(long[:1])}>: 1 to {_MAX_KEY} characters, a value of at most {_MAX_VALUE}.",
        ),
        (len(given) < len(tags), "Cannot provide multiple tags with the same key"),
    )
    for wrong, text in problems:
        if wrong:
            raise bad_request(text)
    return joined


def page(
    items: Sequence[Any], parameters: Parameters, refusal: str = "BadRequestException", sizes: range = _PAGE_SIZES
) -> tuple[list[Any], str | None]:
    """One page of a list and the token of the next, None on the last.

    Raises:
        SesError: The token is not one of ours (`refusal` is the code then), or the page's size is not allowed.
    """
    start = _offset(parameters.get("NextToken"), refusal)
    asked = parameters.get("PageSize")
    size = sizes[-1] if asked is None else int(asked)
    if size not in sizes:
        raise bad_request(f"PageSize is {size}; {sizes[0]} to {sizes[-1]} are allowed.")
    end = start + (size or sizes[-1])
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return list(items[start:end]), token


def _offset(token: str | None, refusal: str) -> int:
    try:
        return abs(int(base64.urlsafe_b64decode(token))) if token else 0
    except (ValueError, binascii.Error) as error:
        raise SesError(refusal, "The specified NextToken is invalid.") from error
