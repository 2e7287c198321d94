"""Reads the headers of a raw mail: sender and recipients, duplicates, SES's own headers. Pure.

https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
"""

import re
from collections.abc import Collection, Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from typing import Any

from mailstack_localcloud.ses.errors import bad_request

# Names and values in their order; values unfolded.
Headers = Sequence[tuple[str, str]]

_FOLD = re.compile(r"(?<![\r\n])[\r\n]+(?=[ \t])")
_ATOMS = re.compile(r"[^()<>\[\]:;@\\,.\"]*")
_ESCAPED = re.compile(r"[\\\"]")
_BLANK_LINE = re.compile(rb"\r?\n(?=\r?\n)")
# What SES takes from a mail's headers and leaves out of what it sends:
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html
_OWN = re.compile(rb"^X-SES-[^\r\n]*(\r?\n[ \t][^\r\n]*)*\r?\n", re.IGNORECASE | re.MULTILINE)
_TOPIC = re.compile(r"topic(?:Name)?\s*=\s*(\S+)", re.IGNORECASE)
# Such a header → SendEmail's parameter.
_PARAMETERS = {
    "x-ses-configuration-set": "ConfigurationSetName",
    "x-ses-tenant": "TenantName",
    "x-ses-from-arn": "FromEmailAddressIdentityArn",
    "x-ses-return-path-arn": "FeedbackForwardingEmailAddressIdentityArn",
}
_ONCE = re.compile(
    "accept-language|acceptlanguage|archived-at|auto-submitted|bounces-to|comments|content-alternative|"
    "content-base|content-class|content-description|content-disposition|content-duration|content-id|"
    "content-language|content-length|content-location|content-md5|content-transfer-encoding|content-type|date|"
    "delivered-to|disposition-notification-options|disposition-notification-to|dkim-signature|domainkey-signature|"
    "errors-to|from|importance|in-reply-to|keywords|list-archive|list-help|list-id|list-owner|list-post|"
    "list-subscribe|list-unsubscribe|list-unsubscribe-post|message-context|message-id|mime-version|organization|"
    "original-from|original-message-id|original-recipient|original-subject|precedence|priority|references|"
    "reply-to|return-path|return-receipt-to|sender|solicitation|sensitivity|subject|thread-index|thread-topic|"
    "user-agent|vbr-info",
    re.IGNORECASE,
)


def parsed(raw: bytes) -> list[tuple[str, str]]:
    """The headers of a raw mail. Bytes beyond ASCII are read as UTF-8, else as Latin-1."""
    return [(name, _text(value)) for name, value in BytesHeaderParser().parsebytes(_split(raw)[0]).raw_items()]


def _split(raw: bytes) -> tuple[bytes, bytes]:
    blank = _BLANK_LINE.search(raw)
    return (raw[: blank.end()], raw[blank.end() :]) if blank else (raw, b"")


def _text(value: object) -> str:
    unfolded = _FOLD.sub("", str(value)).strip()
    if unfolded.isascii():
        return unfolded
    octets = unfolded.encode("ascii", "surrogateescape")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def values(headers: Headers, name: str) -> list[str]:
    """The values of a header, as often as it is there."""
    return [value for one, value in headers if one.lower() == name]


def mailboxes(headers: Headers, name: str) -> list[str]:
    """The addresses in a header, with their names: quoted where they must be."""
    return [_mailbox(shown, address) for shown, address in getaddresses(values(headers, name)) if address]


def _mailbox(shown: str, address: str) -> str:
    if not shown:
        return address
    quoted = shown if _ATOMS.fullmatch(shown) else '"' + _ESCAPED.sub(r"\\\g<0>", shown) + '"'
    return f"{quoted} <{address}>"


def decoded(value: str) -> str:
    """Words encoded by RFC 2047 as people read them; what cannot be decoded stays as it is."""
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, HeaderParseError):
        return value


def twice(names: Collection[str]) -> str:
    """The first of the headers' names that is there more often than SES lets it be; empty if there is none."""
    seen = set[str]()
    for name in names:
        key = name.lower()
        if key in seen and _ONCE.fullmatch(name):
            return name
        seen.add(key)
    return ""


def options(headers: Headers) -> dict[str, Any]:
    """The options in a mail's SES headers, as parameters of SendEmail.

    Raises:
        SesError: One of them cannot be read.
    """
    given = {name.lower(): " ".join(value.split()) for name, value in headers if name.lower().startswith("x-ses-")}
    asked: dict[str, Any] = {_PARAMETERS[name]: value for name, value in given.items() if value and name in _PARAMETERS}
    if given.get("x-ses-source-arn"):
        asked.setdefault("FromEmailAddressIdentityArn", given["x-ses-source-arn"])
    if given.get("x-ses-message-tags"):
        asked["EmailTags"] = _tags(given["x-ses-message-tags"])
    if given.get("x-ses-list-management-options"):
        contact_list, _, rest = given["x-ses-list-management-options"].partition(";")
        topic = _TOPIC.search(rest)
        named = {"TopicName": topic[1]} if topic else {}
        asked["ListManagementOptions"] = {"ContactListName": contact_list.strip(), **named}
    return asked


def _tags(written: str) -> list[dict[str, str]]:
    pairs = [pair.strip().partition("=") for pair in written.split(",") if pair.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise bad_request(f"Invalid X-SES-MESSAGE-TAGS <{written}>.")
    return [{"Name": name.strip(), "Value": value.strip()} for name, _, value in pairs]


def without_options(raw: bytes) -> bytes:
    """The mail without SES's own headers."""
    head, body = _split(raw)
    return _OWN.sub(b"", head) + body
