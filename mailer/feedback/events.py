"""Typed events of SES about a mail: the ten events of a configuration set and the three older notifications.

Lenient about new and missing fields, strict about those that a decision depends on. Standard library only.
`policy.py` decides what an event means.

Fields: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (`eventType`) and
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html (`notificationType`).
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, cast

from mailer.address import mask
from mailer.errors import MalformedEvent
from mailer.feedback.recipients import Destination, Recipient, named_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.functions.envelope import JsonObject

# No event is older: SES began on 2011-01-25.
_EARLIEST = datetime(2011, 1, 25, tzinfo=UTC)


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """The mail that an event is about."""

    message_id: str
    timestamp: datetime | None = None
    source: str = ""
    destination: tuple[str, ...] = ()
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def configuration_set(self) -> str:
        """The configuration set that it was sent with; empty when SES does not say."""
        return next(iter(self.tags.get("ses:configuration-set", ())), "")

    def __repr__(self) -> str:
        return f"<Mail {self.message_id} to {', '.join(map(mask, self.destination))}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Event:
    """What all events have.

    Attributes:
        kind: SES's name of it, such as `Bounce`.
        mail: The mail.
        recipients: Whom it concerns: those who bounced or complained, else everyone that the mail went to. An address
            is listed twice if the report says different things about it.
        unreadable: Why further recipients of the report could not be read; no address in it.
        occurred_at: When it happened, not before the mail was sent and not after the event was received.
        distinction: What tells it from another event of its kind about the same mail and recipient: SES's feedback id
            or, failing that, its time.
        feedback_id: SES's id of a bounce or complaint.
    """

    kind: str
    mail: Mail
    recipients: tuple[Recipient, ...]
    occurred_at: datetime
    distinction: str
    feedback_id: str
    unreadable: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Nothing else: a link may be personal, and servers quote addresses in their replies.
        concerned = ", ".join(mask(recipient.address) for recipient in self.recipients)
        return f"<{type(self).__name__} of {self.mail.message_id}: {concerned}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bounce(Event):
    """A receiving server, or SES in its stead, would not take the mail.

    `reporting_mta` is the server that wrote the delivery report (RFC 3464 §2.2.2), or empty.
    """

    bounce_type: str
    sub_type: str
    reporting_mta: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Complaint(Event):
    """A recipient marked the mail as spam; `feedback_type` is a report type of RFC 5965 §7.3, or empty."""

    sub_type: str
    feedback_type: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Delivery(Event):
    """A receiving server took the mail; `remote_ip` is its address, or empty where SES does not name it."""

    smtp_response: str
    remote_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Send(Event):
    """SES accepted the mail and will try to deliver it."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reject(Event):
    """SES accepted the mail and then would not send it: it holds a virus."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Open(Event):
    """A mail program fetched the tracking image."""

    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Click(Event):
    """A tracked link was followed."""

    user_agent: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RenderingFailure(Event):
    """SES could not fill a template that is stored with it, so nothing was sent."""

    template: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeliveryDelay(Event):
    """SES could not deliver yet and keeps trying until `expires_at`."""

    delay_type: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Subscription(Event):
    """A recipient changed what they are subscribed to, in a contact list of SES."""

    contact_list: str
    source: str
    unsubscribed_from_all: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unknown(Event):
    """An event of a kind that SES did not have when this was written."""


def parse(data: "JsonObject", received: datetime) -> Event:
    """Read one event as SES published it.

    Args:
        data: What `mailer.functions.envelope.unwrap` gives.
        received: When it arrived; used if the event's own time is missing or impossible.

    Raises:
        MalformedEvent: It is not an SES event, lacks a required field, or none of its recipients can be parsed.
    """
    event = _Object(data, "event")
    named = event.text("eventType") or event.text("notificationType")
    if not named:
        raise MalformedEvent("The message is not an SES event: it has neither eventType nor notificationType.")
    kind, section, build = _KINDS.get(named.replace(" ", "").lower(), (named, "", _unknown))
    mail = event.child("mail", required=build is not _unknown)
    body = event.child(section)
    return build(_common(kind, mail, body, received), body)


def event_key(event: Event, recipient: Recipient) -> str:
    """The idempotency key of one recipient's part of an event: the same for every delivery, without the address.

    SES, SNS and SQS each deliver at least once, and an identity's notification may report the same bounce as a
    configuration set's event, so none of their message ids identifies the event.
    """
    parts = (event.mail.message_id, event.kind, recipient.address, event.distinction)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class _Common(TypedDict):
    kind: str
    mail: Mail
    recipients: tuple[Recipient, ...]
    occurred_at: datetime
    distinction: str
    feedback_id: str
    unreadable: tuple[str, ...]


class _Object:
    """A JSON object read by key; what is missing or of another type is empty unless it is required."""

    def __init__(self, data: "JsonObject", path: str) -> None:
        self._data, self.path = data, path

    def text(self, key: str, *, required: bool = False) -> str:
        value = self._data.get(key)
        if isinstance(value, str) and value:
            return _storable(value)
        if required:
            raise MalformedEvent(f"The SES event has no {self.path}.{key}.")
        return ""

    def child(self, key: str, *, required: bool = False) -> "_Object":
        value = self._data.get(key)
        if isinstance(value, dict):
            return _Object(cast("JsonObject", value), f"{self.path}.{key}")
        if required:
            raise MalformedEvent(f"The SES event has no {self.path}.{key}.")
        return _Object({}, f"{self.path}.{key}")

    def item(self, key: str, value: object) -> "_Object":
        """One entry of a list."""
        if not isinstance(value, dict):
            raise MalformedEvent(f"An entry of {self.path}.{key} is not an object.")
        return _Object(cast("JsonObject", value), f"{self.path}.{key}")

    def array(self, key: str) -> list[object]:
        value = self._data.get(key)
        return cast("list[object]", value) if isinstance(value, list) else []

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_storable(item) for item in self.array(key) if isinstance(item, str))

    def flag(self, key: str) -> bool:
        return self._data.get(key) is True

    def names(self) -> tuple[str, ...]:
        return tuple(self._data)

    def time(self, key: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(self.text(key))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):  # the second for 9999-12-31T23:59:59-01:00
            return None


def _storable(text: str) -> str:
    """Without halves of surrogate pairs: JSON can hold them, UTF-8 and so DynamoDB cannot."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _common(kind: str, mail: _Object, body: _Object, received: datetime) -> _Common:
    tags = mail.child("tags")
    sent = Mail(
        message_id=mail.text("messageId", required=kind in _NAMES),
        timestamp=mail.time("timestamp"),
        source=mail.text("source"),
        destination=mail.texts("destination"),
        tags={name: tags.texts(name) for name in tags.names()},
    )
    feedback_id = body.text("feedbackId")
    return {
        "kind": kind,
        "mail": sent,
        # An event without recipients would be lost.
        "recipients": _readable(sent.destination) or (Recipient(""),),
        "occurred_at": _occurred(body.time("timestamp"), sent.timestamp, received),
        "distinction": feedback_id or body.text("timestamp"),
        "feedback_id": feedback_id,
        "unreadable": (),
    }


def _occurred(said: datetime | None, sent: datetime | None, received: datetime) -> datetime:
    """The event's time, kept between the mail's and the arrival.

    The time of a bounce is the receiving server's ("the time at which the notification was sent by the ISP",
    notification-contents.html), whose clock may be wrong by years. A removal by a person outranks what happened before
    it, so a wrong time would lose a suppression.
    """
    earliest = sent if sent and _EARLIEST <= sent <= received else _EARLIEST
    if said and said >= _EARLIEST:
        return min(max(said, earliest), received)
    return earliest if earliest > _EARLIEST else received


def _readable(fields: tuple[str, ...]) -> tuple[Recipient, ...]:
    return tuple(dict.fromkeys(map(Recipient, Destination(fields).keys)))


def _reported(common: _Common, body: _Object, key: str) -> None:
    """Add the recipients that a report names: each that can be parsed, even if others cannot."""
    destination = Destination(common["mail"].destination)
    recipients, unreadable = list[Recipient](), list[str]()
    for item in body.array(key):
        try:
            recipients.append(_recipient(body.item(key, item), destination))
        except MalformedEvent as error:
            unreadable.append(error.message)
    if not recipients:
        raise MalformedEvent(" ".join(unreadable) or f"The SES event has no recipient in {body.path}.{key}.")
    common["recipients"], common["unreadable"] = tuple(dict.fromkeys(recipients)), tuple(unreadable)


def _recipient(item: _Object, destination: Destination) -> Recipient:
    address, attribution = destination.attribute(named_address(item.text("emailAddress", required=True)))
    return Recipient(
        address,
        status=item.text("status"),
        diagnostic=item.text("diagnosticCode"),
        action=item.text("action").strip().lower() or "failed",
        attribution=attribution,
    )


def _bounce(common: _Common, body: _Object) -> Bounce:
    # SES reports an automatic answer as an Undetermined bounce of nobody: it is about everyone that the mail went to.
    if body.array("bouncedRecipients") or body.text("bounceType") != "Undetermined":
        _reported(common, body, "bouncedRecipients")
    return Bounce(
        **common,
        bounce_type=body.text("bounceType", required=True),
        sub_type=body.text("bounceSubType"),
        reporting_mta=body.text("reportingMTA"),
    )


def _complaint(common: _Common, body: _Object) -> Complaint:
    _reported(common, body, "complainedRecipients")
    feedback_type = body.text("complaintFeedbackType").strip().lower()
    return Complaint(**common, sub_type=body.text("complaintSubType"), feedback_type=feedback_type)


def _delivery(common: _Common, body: _Object) -> Delivery:
    if recipients := body.texts("recipients"):
        common["recipients"] = _readable(recipients) or common["recipients"]
    return Delivery(**common, smtp_response=body.text("smtpResponse"), remote_ip=body.text("remoteMtaIp"))


def _send(common: _Common, _: _Object) -> Send:
    return Send(**common)


def _reject(common: _Common, body: _Object) -> Reject:
    return Reject(**common, reason=body.text("reason"))


def _open(common: _Common, body: _Object) -> Open:
    return Open(**common, user_agent=body.text("userAgent"))


def _click(common: _Common, body: _Object) -> Click:
    return Click(**common, user_agent=body.text("userAgent"), link=body.text("link"))


def _rendering_failure(common: _Common, body: _Object) -> RenderingFailure:
    return RenderingFailure(**common, template=body.text("templateName"), error=body.text("errorMessage"))


def _delivery_delay(common: _Common, body: _Object) -> DeliveryDelay:
    # No decision hangs on a delay: without its own list, it is about everybody that the mail went to.
    if body.array("delayedRecipients"):
        _reported(common, body, "delayedRecipients")
    return DeliveryDelay(**common, delay_type=body.text("delayType"), expires_at=body.time("expirationTime"))


def _subscription(common: _Common, body: _Object) -> Subscription:
    return Subscription(
        **common,
        contact_list=body.text("contactList"),
        source=body.text("source"),
        unsubscribed_from_all=body.child("newTopicPreferences").flag("unsubscribeAll"),
    )


def _unknown(common: _Common, _: _Object) -> Unknown:
    return Unknown(**common)


# By name without case and spaces: SES's spelling, the section that tells of it, and how that is read.
_KINDS: "dict[str, tuple[str, str, Callable[[_Common, _Object], Event]]]" = {
    "bounce": ("Bounce", "bounce", _bounce),
    "complaint": ("Complaint", "complaint", _complaint),
    "delivery": ("Delivery", "delivery", _delivery),
    "send": ("Send", "send", _send),
    "reject": ("Reject", "reject", _reject),
    "open": ("Open", "open", _open),
    "click": ("Click", "click", _click),
    "renderingfailure": ("Rendering Failure", "failure", _rendering_failure),
    "deliverydelay": ("DeliveryDelay", "deliveryDelay", _delivery_delay),
    "subscription": ("Subscription", "subscription", _subscription),
}
_NAMES = frozenset(name for name, _, _ in _KINDS.values())
