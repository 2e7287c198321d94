"""The fault target of a request for SES v2: its operation and its recipients. Pure."""

import fnmatch
from typing import Any, cast

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.faults.target import Target
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses import mime, protocol, raw_headers
from mailstack_localcloud.ses.errors import SesError

# SES's events call a mail that came over SMTP so.
SMTP_OPERATION = "SendSmtpEmail"
_ADDRESS_LISTS = ("ToAddresses", "CcAddresses", "BccAddresses")
_Members = dict[str, Any]


def target(request: Request) -> Target:
    """The target of a request for SES v2. A request that cannot be read has no recipients: SES will refuse it."""
    found = protocol.find(request.method, request.path)
    if found is None or not found[0].name.startswith("Send"):
        return Target(found[0].name if found else "")
    try:
        parameters = protocol.parse(*found, request)
    except SesError:
        return Target(found[0].name)
    return Target(found[0].name, recipients(parameters))


def is_operation(pattern: str) -> bool:
    """Whether the pattern matches an operation of SES: a fault with a misspelt operation would never strike."""
    names = (name for service in ("sesv2", "ses") for name in service_model(service).operation_names)
    return bool(fnmatch.filter([*names, SMTP_OPERATION], pattern))


def recipients(parameters: _Members) -> tuple[str, ...]:
    """The bare addresses that a single or a bulk send names; if it names none, those in a raw mail's headers."""
    entries = [parameters, *cast("list[_Members]", parameters.get("BulkEmailEntries", []))]
    destinations = [cast("_Members", entry.get("Destination", {})) for entry in entries]
    named = [str(address) for one in destinations for kind in _ADDRESS_LISTS for address in one.get(kind, [])]
    raw = cast("_Members", parameters.get("Content", {})).get("Raw")
    if raw and not named:
        found = raw_headers.parsed(raw["Data"])
        named = [address for kind in ("to", "cc", "bcc") for address in raw_headers.mailboxes(found, kind)]
    return tuple(mime.bare(address) for address in named)
