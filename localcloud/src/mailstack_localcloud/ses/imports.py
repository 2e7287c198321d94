"""Import jobs: reads the file and changes the suppression list or a contact list. No S3 here.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.ses import shapes
from mailstack_localcloud.ses.context import Context, Handler, Parameters
from mailstack_localcloud.ses.errors import SesError
from mailstack_localcloud.ses.operations import contacts, suppression

Record = dict[str, Any]
_TOPIC = "topicPreferences."
_SPACE = re.compile(r"\s*")


class UnreadableError(Exception):
    """A file is not what it should be; the message says why."""


def records(text: str, data_format: str, destination: Parameters) -> list[Record]:
    """The records of a file, with the members that its JSON form has.

    Raises:
        UnreadableError: It is not of that format, or has too many records.
    """
    kind, action = _aim(destination)
    read = _objects if data_format == "JSON" else _ROWS[kind]
    try:
        found = list(read(text))
    except (ValueError, csv.Error) as error:
        raise UnreadableError(f"The file is not {data_format}: {error}.") from error
    if len(found) > MOST[kind, action]:
        raise UnreadableError(f"The file has {len(found)} records; {MOST[kind, action]} are allowed.")
    return found


def apply(context: Context, destination: Parameters, record: Record) -> str:
    """Carry out one record; why it could not be, or nothing."""
    kind, action = _aim(destination)
    operation, handler = _OPERATIONS[kind, action]
    given = {"ContactListName": destination[kind].get("ContactListName"), **_members(record)}
    shape = service_model("sesv2").operation_model(operation).input_shape
    try:
        handler(context, shapes.read(cast("Any", shape), given))
    except (SesError, shapes.ShapeError) as error:
        return str(error)
    return ""


def _aim(destination: Parameters) -> tuple[str, str]:
    """The list that a job is for, and `PUT` or `DELETE`."""
    kind, given = next(iter(destination.items()))
    return kind, next(str(value) for name, value in given.items() if name.endswith("ImportAction"))


def _members(value: Any) -> Any:
    """The file's `emailAddress` as the API's `EmailAddress`, all the way down."""
    if isinstance(value, dict):
        return {f"{k[:1].upper()}{k[1:]}": _members(v) for k, v in cast("Record", value).items()}
    return [_members(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


def _objects(text: str) -> Iterator[Record]:
    """JSON objects one after the other, each on a line of its own or over several, as in SES's own example."""
    decoder, at = json.JSONDecoder(), _after_space(text, 0)
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        if not isinstance(value, dict):
            raise ValueError("every record must be an object")  # noqa: TRY004 - as the decoder does for invalid JSON
        yield cast("Record", value)
        at = _after_space(text, end)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _suppressed_rows(text: str) -> Iterator[Record]:
    """Rows of an address and, where it is put on the list, a reason; no header."""
    for row in csv.reader(text.splitlines()):
        if row:
            yield dict(zip(("emailAddress", "reason"), row, strict=False))


def _contact_rows(text: str) -> Iterator[Record]:
    """Rows under a header, in which every topic has a column of its own."""
    for row in csv.DictReader(text.splitlines()):
        cells = {name: value for name, value in row.items() if name and value}
        topics = {name.removeprefix(_TOPIC): value for name, value in cells.items() if name.startswith(_TOPIC)}
        record: Record = {name: value for name, value in cells.items() if not name.startswith(_TOPIC)}
        if "unsubscribeAll" in cells:
            record["unsubscribeAll"] = {"true": True, "false": False}.get(cells["unsubscribeAll"].lower(), "")
        preferences = [{"topicName": topic, "subscriptionStatus": value} for topic, value in topics.items()]
        yield {**record, "topicPreferences": preferences}


def _put_contact(context: Context, p: Parameters) -> object:
    known = str(p["EmailAddress"]).lower() in context.contact_list(str(p["ContactListName"])).contacts
    return contacts.update(context, p) if known else contacts.create(context, p)


_SUPPRESSION, _CONTACTS = "SuppressionListDestination", "ContactListDestination"
# So many records a file may have.
MOST = {
    (_SUPPRESSION, "PUT"): 100_000,
    (_SUPPRESSION, "DELETE"): 10_000,
    (_CONTACTS, "PUT"): 1_000_000,
    (_CONTACTS, "DELETE"): 1_000_000,
}
_ROWS: dict[str, Callable[[str], Iterator[Record]]] = {_SUPPRESSION: _suppressed_rows, _CONTACTS: _contact_rows}
# A record has the members that this operation takes.
_OPERATIONS: dict[tuple[str, str], tuple[str, Handler]] = {
    (_SUPPRESSION, "PUT"): ("PutSuppressedDestination", suppression.put),
    (_SUPPRESSION, "DELETE"): ("DeleteSuppressedDestination", suppression.delete),
    (_CONTACTS, "PUT"): ("CreateContact", cast("Handler", _put_contact)),
    (_CONTACTS, "DELETE"): ("DeleteContact", contacts.delete),
}
