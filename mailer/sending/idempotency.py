"""Idempotent sends: a key is spent by one message, whichever worker sends it and however often.

The key is recorded before the message is sent. A process that dies in between leaves the outcome unknown, and no
second message. Not for what a store keeps: see `mailer.stores.idempotency`.
"""

import json
import logging
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from mailer.errors import IdempotencyConflict, InvalidMessage, OutcomeUnknown, StoreError
from mailer.results import RecipientResult, SendResult, Status
from mailer.stores.base import utcnow
from mailer.stores.idempotency import RETENTION, IdempotencyRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mailer.address import Address
    from mailer.message import Message
    from mailer.stores.idempotency import IdempotencyStore

MAX_KEY = 255
# How often the record of a concurrent send is read: after 0.05, 0.1, ... 1 s.
_FIRST_PAUSE, _MAX_PAUSE = 0.05, 1.0
# The message may be with its recipients. Any other status means that it is not, so the key can be used again.
_SPENT = frozenset({Status.SENT, Status.QUEUED, Status.UNKNOWN})

log = logging.getLogger("mailer")


@dataclass(frozen=True, slots=True)
class Once:
    """Sends a message unless its key is spent.

    Attributes:
        store: Where keys are recorded.
        send: Sends a message, with one result for each recipient.
        busy: How long a send can take. After that, a sender that recorded no result is taken for dead.
        clock: The time now, with a zone.
        sleep: Waits for so many seconds.
    """

    store: "IdempotencyStore"
    send: "Callable[[Message], list[RecipientResult]]"
    busy: timedelta
    clock: "Callable[[], datetime]" = utcnow
    sleep: "Callable[[float], None]" = time.sleep

    def deliver(self, message: "Message", key: str) -> SendResult:
        """Send the message, or return the result of the message that was sent with the key.

        Raises:
            IdempotencyConflict: The key was used for another message.
            InvalidMessage: The key is empty or too long.
        """
        record = self._record(message, key)
        try:
            earlier = self._begin(record)
        except StoreError as error:
            return self._not_recorded(message, record, error)
        if earlier:
            return _result_of(earlier, message)
        result = SendResult.ordered(message, self.send(message))
        self.settle(record, result)
        return result

    def reserve(self, message: "Message", key: str) -> IdempotencyRecord | SendResult | None:
        """The first half of `deliver`, for a caller that sends the message itself and then calls `settle`.

        Returns:
            The record to settle; the result if the store is down; None if the key was used before, so that `deliver`
            must decide.

        Raises:
            InvalidMessage: The key is empty or too long.
        """
        record = self._record(message, key)
        try:
            return None if self.store.begin(record) else record
        except StoreError as error:
            return self._not_recorded(message, record, error)

    def settle(self, record: IdempotencyRecord, result: SendResult) -> None:
        """Record the result; a message that no recipient got does not use the key up."""
        if _SPENT.isdisjoint(one.status for one in result):
            self._release(record)
        else:
            self._complete(replace(record, results=_dumped(result)))

    def _record(self, message: "Message", key: str) -> IdempotencyRecord:
        now = self.clock()
        return IdempotencyRecord(digest(key), fingerprint(message), message.id, now + self.busy, now + RETENTION)

    def _not_recorded(self, message: "Message", record: IdempotencyRecord, error: StoreError) -> SendResult:
        """It is not known whether the key is spent, so nothing is sent."""
        self._release(record)
        return SendResult(tuple(RecipientResult.of_error(one, error) for one in message.recipients), message.id)

    def _begin(self, record: IdempotencyRecord) -> IdempotencyRecord | None:
        """The record of an earlier send that has ended or must have ended; None if this one may go ahead."""
        pause, there = _FIRST_PAUSE, self.store.begin(record)
        while there:  # ends: the time of the other sender is bounded, and so is the time that this one waits
            if there.fingerprint != record.fingerprint:
                raise IdempotencyConflict(
                    f"The idempotency key was used for another message, with the id {there.id}.",
                    hint="Use one key for one message: put what differs into the key, such as the order's number.",
                )
            if there.results or self.clock() >= min(there.busy_until, record.busy_until):
                break
            self.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)
            there = self.store.get(record.key) or self.store.begin(record)
        return there

    def _complete(self, record: IdempotencyRecord) -> None:
        try:
            self.store.complete(record)
        except StoreError as error:
            log.warning("A result was not recorded; a send with the same idempotency key returns unknown: %s", error)

    def _release(self, record: IdempotencyRecord) -> None:
        try:
            self.store.release(record)
        except StoreError as error:
            log.warning("A message was not sent, and its idempotency key stays spent until it expires: %s", error)


def digest(key: str) -> str:
    """What is stored in place of a key, which may name a person.

    Raises:
        InvalidMessage: The key is empty, too long or no text.
    """
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY:  # pyright: ignore[reportUnnecessaryIsInstance] - not every program is checked
        raise InvalidMessage(
            f"The idempotency key is not text of 1 to {MAX_KEY} characters.",
            hint='Name the event that the mail is about: idempotency_key="order-1042-shipped".',
        )
    return sha256(key.encode(errors="surrogatepass")).hexdigest()


def fingerprint(message: "Message") -> str:
    """What tells one message from another: the SHA-256 of everything that its recipients or SES would see."""
    template, raw, options = message.template, message.raw, message.options
    facts = (
        *(message.subject, message.text, message.html, message.stream, message.tenant, str(message.sender)),
        *([str(one) for one in part] for part in (message.to, message.cc, message.bcc, message.reply_to)),
        *(message.headers, message.tags, message.secret),
        [[*_facts_of(one, "content"), sha256(one.content).hexdigest()] for one in message.attachments],
        [template.name, template.arn, template.json] if template else [],
        sha256(raw.data).hexdigest() if raw else "",
        _facts_of(options),
    )
    return sha256(json.dumps(facts).encode()).hexdigest()


def _facts_of(value: object, *without: str) -> tuple[str, ...]:
    names = cast("Iterable[str]", getattr(type(value), "__dataclass_fields__"))  # noqa: B009 - no attribute of `object`
    return tuple(f"{name}={getattr(value, name)}" for name in names if name not in without)


def _dumped(results: SendResult) -> str:
    """Without addresses: the same message has the same recipients, in the same order."""
    return json.dumps(
        [[one.status, one.message_id, one.reason, one.message_id_header, one.transport] for one in results]
    )


def _result_of(record: IdempotencyRecord, message: "Message") -> SendResult:
    if not record.results:
        error = OutcomeUnknown(
            "Another process began to send a message with this idempotency key and recorded no result.",
            hint="It may have been sent. Search SES's events for the tag mailstack-id; send again with a new key.",
        )
        recipients = tuple(RecipientResult.of_error(one, error) for one in message.recipients)
    else:
        rows = cast("list[list[str]]", json.loads(record.results))
        recipients = tuple(_replayed(one, *row) for one, row in zip(message.recipients, rows, strict=True))
    return SendResult(recipients, record.id, replayed=True)


def _replayed(
    address: "Address", status: str, message_id: str, reason: str, header: str, transport: str = ""
) -> RecipientResult:
    error = OutcomeUnknown(reason) if status == Status.UNKNOWN else None
    return RecipientResult(address, Status(status), message_id, error, reason, header, transport)
