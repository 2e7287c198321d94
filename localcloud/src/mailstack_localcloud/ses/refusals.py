"""The sends that SES refused, for the inbox page and the control plane. Decides nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses import raw_headers
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.state import Refused, State

# The newest reasons are kept; a repeated one is counted.
KEPT = 50
_Members = Mapping[str, Any]
_LISTS = ("ToAddresses", "CcAddresses", "BccAddresses")


def record_refusal(state: State, operation: str, p: _Members, error: SesError) -> None:
    """Remember that a send was refused.

    Args:
        state: SES's state.
        operation: The operation of either API, or `SendSmtpEmail`.
        p: Its parameters; empty if they could not be read.
        error: What SES answered.
    """
    if not operation.startswith("Send"):
        return
    raw = _raw(p)
    found = raw_headers.parsed(raw) if raw else []
    source = str(p.get("FromEmailAddress") or p.get("Source") or next(iter(raw_headers.mailboxes(found, "from")), ""))
    recipients = _recipients(p) or [one for kind in ("to", "cc", "bcc") for one in raw_headers.mailboxes(found, kind)]
    subject = _subject(p) or raw_headers.decoded(next(iter(raw_headers.values(found, "subject")), ""))
    name = str(p.get("ConfigurationSetName") or "")
    refused = Refused(operation, error.code, error.message, source, recipients, subject, name, datetime.now(UTC))
    same = next((one for one in state.refused if _reason(one) == _reason(refused)), None)
    if same:
        refused.times += same.times
        state.refused.remove(same)
    state.refused.append(refused)
    del state.refused[:-KEPT]


def _reason(refused: Refused) -> tuple[str, ...]:
    return refused.operation, refused.code, refused.reason, refused.source, refused.configuration_set


def _raw(p: _Members) -> bytes:
    return bytes((_member(_member(p, "Content"), "Raw") or _member(p, "RawMessage")).get("Data") or b"")


def _subject(p: _Members) -> str:
    content = _member(_member(p, "Content"), "Simple") or _member(p, "Message")
    return str(_member(content, "Subject").get("Data") or "")


def _recipients(p: _Members) -> list[str]:
    """Of a single mail, or of all the entries of a bulk one."""
    entries: list[Any] = [*(p.get("BulkEmailEntries") or ()), *(p.get("Destinations") or ())]
    plain = [entry for entry in entries if isinstance(entry, str)]
    named = [_member(one, "Destination") for one in (p, *entries) if not isinstance(one, str)]
    return [*plain, *(str(address) for one in named for kind in _LISTS for address in one.get(kind) or ())]


def _member(members: _Members, name: str) -> _Members:
    return members.get(name) or {}
