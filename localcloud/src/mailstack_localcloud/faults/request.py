"""What a request for SES asks: its operation and whom it is for, as far as faults need to know. Pure."""

import fnmatch
from dataclasses import dataclass
from typing import Any, cast

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses import mime, protocol, raw_headers
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses_v1 import query
from mailstack_localcloud.ses_v1.errors import QueryError

# A mail that came over SMTP, as SES's events call it.
SMTP_OPERATION = "SendSmtpEmail"
_ADDRESS_LISTS = ("ToAddresses", "CcAddresses", "BccAddresses")
_Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, and the bare addresses of everybody that it is to reach."""

    operation: str
    recipients: tuple[str, ...] = ()


def asked(request: Request) -> Asked:
    """What a request asks, of either API. What cannot be read has no recipients: SES will say what is wrong with it."""
    return _of_v2(request) if request.path.startswith(protocol.PREFIX) else _of_v1(request)


def _of_v2(request: Request) -> Asked:
    found = protocol.find(request.method, request.path)
    if found is None or not found[0].name.startswith("Send"):
        return Asked(found[0].name if found else "")
    try:
        parameters = protocol.parse(*found, request)
    except SesError:
        return Asked(found[0].name)
    return Asked(found[0].name, tuple(mime.bare(address) for address in _recipients(parameters)))


def _of_v1(request: Request) -> Asked:
    form = query.read_form(request)
    name = form.get("Action", "")
    try:
        parameters = query.parse(query.find(form), form) if name.startswith("Send") else {}
    except QueryError:
        return Asked(name)
    return Asked(name, tuple(mime.bare(address) for address in _recipients(_as_v2(parameters))))


def _as_v2(parameters: _Members) -> _Members:
    """The recipients of the first API's parameters under the second's names."""
    listed = cast("list[Any]", parameters.get("Destinations", []))
    if listed and isinstance(listed[0], str):
        return {"Destination": {"ToAddresses": listed}}
    return {**parameters, "BulkEmailEntries": listed, "Content": {"Raw": parameters.get("RawMessage")}}


def known_operation(pattern: str) -> bool:
    """Whether SES has an operation that the pattern fits: a misspelt one would never strike."""
    names = (name for service in ("sesv2", "ses") for name in service_model(service).operation_names)
    return bool(fnmatch.filter([*names, SMTP_OPERATION], pattern))


def _recipients(parameters: _Members) -> list[str]:
    """Those that a single or a bulk send names, else those in a raw mail's headers."""
    entries = [parameters, *cast("list[_Members]", parameters.get("BulkEmailEntries", []))]
    destinations = [cast("_Members", entry.get("Destination", {})) for entry in entries]
    named = [str(address) for one in destinations for kind in _ADDRESS_LISTS for address in one.get(kind, [])]
    raw = cast("_Members", parameters.get("Content", {})).get("Raw")
    if named or not raw:
        return named
    found = raw_headers.parsed(raw["Data"])
    return [address for kind in ("to", "cc", "bcc") for address in raw_headers.mailboxes(found, kind)]
