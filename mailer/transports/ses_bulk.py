"""SES v2, up to 50 messages a request: `SendBulkEmail` with a template that passes rendered messages through.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html. SES replaces the template's variables and
does not escape their values (https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html).
Not for choosing between this and single requests: see `mailer.sending.engine`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json, to_json

from mailer.errors import OutcomeUnknown
from mailer.options import NO_OPTIONS
from mailer.results import RecipientResult, Status
from mailer.transports.ses_replies import Context, bulk_error
from mailer.wire.body import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailer.errors import TransportError
    from mailer.message import Message

OPERATION = "SendBulkEmail"
# Destinations of a request, and its bytes, of which the documentation says "1 MB":
# https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
MAX_ENTRIES, MAX_BYTES = 50, 1_000_000
# Characters: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ReplacementTemplate.html
MAX_DATA = 262_144
# What a request holds besides its entries: sender, reply addresses, names, the template.
_REST_BYTES = 20_000
_PARTS = (("Subject", "subject"), ("Text", "text"), ("Html", "html"))
_OPENS = "{{"
# On text with single braces, twice as fast as `in`.
_HAS_VARIABLE = re.compile(rb"\{\{").search


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BulkContent:
    """The values of the template's variables: a JSON object in a JSON string."""

    json: bytes

    @property
    def data(self) -> str:
        """The JSON object."""
        return cast("str", from_json(self.json))

    def __repr__(self) -> str:
        return "<BulkContent>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BulkEntry:
    """A message as a part of a bulk request.

    Attributes:
        message: The message.
        shared: What it must have in common with the other messages of the request.
        content: The values of the variables; the same object for the same text.
        parameters: The entry's parameters without the content.
        json: The same as JSON.
    """

    message: "Message"
    shared: tuple[object, ...]
    content: BulkContent
    parameters: "dict[str, Any]"
    json: bytes

    def __repr__(self) -> str:
        return f"<BulkEntry of {self.message!r}>"


class BulkEntries:
    """Writes messages as entries. Messages with the same text share its JSON. Threads may share it."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, str, str], BulkContent | None] = (("", "", ""), None)

    def entry(self, message: "Message", tags: "Sequence[tuple[str, str]]") -> BulkEntry | None:
        """The message as an entry; None for a message that only a single request can carry.

        That is one with attachments, with options of a single request (a contact list, tracking decided for the
        message), one that SES or its author rendered, one that is too large, and one with `{{`, which SES could take
        for a variable.
        """
        content = self._content(message) if _can_be_entry(message) else None
        if content is None:
            return None
        parameters: dict[str, Any] = {
            "Destination": {
                "ToAddresses": [address.formatted() for address in message.to],
                "CcAddresses": [address.formatted() for address in message.cc],
                "BccAddresses": [address.formatted() for address in message.bcc],
            },
            "ReplacementTags": [{"Name": name, "Value": value} for name, value in tags],
        }
        if message.headers:
            parameters["ReplacementHeaders"] = [{"Name": name, "Value": value} for name, value in message.headers]
        return BulkEntry(message, _shared(message), content, parameters, to_json(parameters))

    def _content(self, message: "Message") -> BulkContent | None:
        """The content of the message; None if it is no content of an entry."""
        given, (last, content) = (message.subject, message.text, message.html), self._last
        if given == last:
            return content
        data = to_json({name: value for (_, name), value in zip(_PARTS, given, strict=True) if value})
        fits = len(data) <= MAX_DATA and not _HAS_VARIABLE(data)
        content = BulkContent(to_json(data)) if fits else None
        self._last = given, content
        return content


class BulkRequest(Mapping[str, object]):
    """The parameters of a request, with the JSON that was written to measure the entries.

    The same content for all is written once, as the template's default: "key-value pairs that will be used if the
    BulkEmailEntries object contains an empty JSON object, {}, in the ReplacementTemplateData property".
    https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
    """

    def __init__(self, shared: "dict[str, Any]", entries: "Sequence[BulkEntry]") -> None:
        first = entries[0].content
        is_same = all(entry.content is first for entry in entries)
        shared["DefaultContent"]["Template"]["TemplateData"] = (first if is_same else _EMPTY).data
        self._shared, self._entries = shared, entries
        self._contents = [_EMPTY if is_same else entry.content for entry in entries]

    @property
    def body(self) -> Body:
        """The request as JSON."""
        parts = [to_json(self._shared)[:-1] + b',"BulkEmailEntries":[' + _BEFORE]
        for entry, content in zip(self._entries, self._contents, strict=True):
            parts += content.json, b"}}," + entry.json[1:] + _BETWEEN
        parts[-1] = parts[-1].removesuffix(_BETWEEN) + b"]}"
        return Body(*parts)

    @cached_property
    def _parameters(self) -> "dict[str, Any]":
        """For botocore, which writes the JSON itself."""
        both = zip(self._entries, self._contents, strict=True)
        entries = [{**_replacement(content.data), **entry.parameters} for entry, content in both]
        return {**self._shared, "BulkEmailEntries": entries}

    def __getitem__(self, name: str) -> object:
        return self._parameters[name]

    def __iter__(self) -> "Iterator[str]":
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def __repr__(self) -> str:
        return "<BulkRequest>"


_EMPTY = BulkContent(b'"{}"')
_BEFORE = b'{"ReplacementEmailContent":{"ReplacementTemplate":{"ReplacementTemplateData":'
_BETWEEN = b"," + _BEFORE
# Bytes around the content and the rest of an entry.
_AROUND = len(_BEFORE) + 5


def _replacement(data: str) -> "dict[str, Any]":
    return {"ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}}}


def _can_be_entry(message: "Message") -> bool:
    options = message.options
    only_singly = (
        message.attachments or message.template or message.raw or message.secret or message.sender is None
        or options.contact_list or options.has_tracking
    )  # fmt: skip
    return not only_singly and not any(_OPENS in value for _, value in message.headers)


def _shared(message: "Message") -> tuple[object, ...]:
    options = message.options if message.options is not NO_OPTIONS else None
    has_parts = bool(message.text), bool(message.html)
    return message.stream, message.tenant, message.sender, message.reply_to, has_parts, options


def bulk_parameters(message: "Message", configuration_set: str, *, tenant: str, endpoint: str) -> "dict[str, Any]":
    """The parameters that all entries share, as those of this one."""
    assert message.sender is not None  # noqa: S101 - `bulk_entry` has looked
    content = {part: f"{{{{{name}}}}}" for part, name in _PARTS if getattr(message, name)}
    parameters: dict[str, Any] = {
        "FromEmailAddress": message.sender.formatted(),
        "ReplyToAddresses": [address.formatted() for address in message.reply_to],
        "DefaultContent": {"Template": {"TemplateContent": content}},
        "ConfigurationSetName": configuration_set,
    }
    options = message.options
    feedback = getattr(options.feedback_address, "email", "")
    optional = {
        "TenantName": tenant,
        "EndpointId": endpoint,
        "FeedbackForwardingEmailAddress": feedback,
        "FeedbackForwardingEmailAddressIdentityArn": options.feedback_identity_arn,
        "FromEmailAddressIdentityArn": options.identity_arn,
    }
    return {**parameters, **{name: value for name, value in optional.items() if value}}


class _Group:
    """The entries of a request, and its size."""

    def __init__(self) -> None:
        self.entries: list[BulkEntry] = []
        self._recipients = self._bytes = self._contents = 0
        self._is_same = True

    def add(self, entry: BulkEntry, most: int) -> bool:
        """Add an entry if the request has a place for it; the first one always has."""
        recipients = self._recipients + len(entry.message.recipients)
        size = self._bytes + len(entry.json) + _AROUND
        contents = self._contents + len(entry.content.json)
        is_same = self._is_same and (not self.entries or entry.content is self.entries[0].content)
        written = len(entry.content.json) if is_same else contents
        is_full = len(self.entries) == MAX_ENTRIES or recipients > most or size + written + _REST_BYTES > MAX_BYTES
        if self.entries and is_full:
            return False
        self._recipients, self._bytes, self._contents, self._is_same = recipients, size, contents, is_same
        self.entries.append(entry)
        return True


def split(entries: "Sequence[BulkEntry]", most: int) -> "list[list[BulkEntry]]":
    """The entries in requests: by what they share, by so many recipients, by bytes.

    Args:
        entries: The entries, in any order.
        most: Recipients of a request; an entry with more has a request of its own.
    """
    requests: list[_Group] = []
    last: dict[tuple[object, ...], _Group] = {}
    for entry in entries:
        group = last.get(entry.shared)
        if group is None or not group.add(entry, most):
            group = last[entry.shared] = _Group()
            group.add(entry, most)
            requests.append(group)
    return [group.entries for group in requests]


def bulk_outcomes(
    answer: "dict[str, object]",
    entries: "Sequence[BulkEntry]",
    where: Context,
    header: "Callable[[str], str]",
) -> "list[tuple[RecipientResult, ...] | TransportError]":
    """What became of each entry, in their order.

    Args:
        answer: SES's answer.
        entries: Of the request.
        where: What hints are filled in with.
        header: The `Message-ID` header of a message id.

    Raises:
        OutcomeUnknown: The answer has not one result for each entry.
    """
    found = answer.get("BulkEmailEntryResults")
    results = cast("list[object]", found) if isinstance(found, list) else []
    if len(results) != len(entries):
        raise OutcomeUnknown(
            f"The response has {len(results)} results for {len(entries)} messages.",
            hint="Check for a proxy that changes responses.",
        )
    return [_outcome(entry.message, result, where, header) for entry, result in zip(entries, results, strict=True)]


def _outcome(
    message: "Message", result: object, where: Context, header: "Callable[[str], str]"
) -> "tuple[RecipientResult, ...] | TransportError":
    facts = cast("dict[str, object]", result) if isinstance(result, dict) else {}
    status, message_id = str(facts.get("Status") or ""), facts.get("MessageId")
    if status != "SUCCESS":
        return bulk_error(status, str(facts.get("Error") or ""), where)
    if not message_id or not isinstance(message_id, str):
        return OutcomeUnknown("SES's result of the message has no message id.")
    shown = header(message_id)
    return tuple(
        RecipientResult(address, Status.SENT, message_id, message_id_header=shown) for address in message.recipients
    )
