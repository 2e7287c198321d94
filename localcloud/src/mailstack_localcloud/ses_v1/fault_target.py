"""The fault target of a request for SES v1: its operation and its recipients. Pure."""

from typing import Any, cast

from mailstack_localcloud.faults.target import Target
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses.fault_target import recipients
from mailstack_localcloud.ses_v1 import query
from mailstack_localcloud.ses_v1.errors import QueryError

_Members = dict[str, Any]


def target(request: Request) -> Target:
    """The target of a request. A request that cannot be read has no recipients: SES will refuse it."""
    form = query.read_form(request)
    name = form.get("Action", "")
    try:
        parameters = query.parse(query.find(form), form) if name.startswith("Send") else {}
    except QueryError:
        return Target(name)
    return Target(name, recipients(_as_v2(parameters)))


def _as_v2(parameters: _Members) -> _Members:
    """The recipients of the first API's parameters under the second's names."""
    listed = cast("list[Any]", parameters.get("Destinations", []))
    if listed and isinstance(listed[0], str):
        return {"Destination": {"ToAddresses": listed}}
    return {**parameters, "BulkEmailEntries": listed, "Content": {"Raw": parameters.get("RawMessage")}}
