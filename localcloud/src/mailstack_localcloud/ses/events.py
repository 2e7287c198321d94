"""SES's own event JSON, for a mail and its occurrences. Pure; the fields are the ones that AWS documents.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import orjson

from mailstack_localcloud.ses import mime
from mailstack_localcloud.ses.link_tags import link_tags
from mailstack_localcloud.ses.state import Occurrence, StoredMessage

# kind → (event type of an event destination, CloudWatch metric, the event's own object)
KINDS: dict[str, tuple[str, str, str]] = {
    "Send": ("SEND", "Send", "send"),
    "Delivery": ("DELIVERY", "Delivery", "delivery"),
    "Bounce": ("BOUNCE", "Bounce", "bounce"),
    "Complaint": ("COMPLAINT", "Complaint", "complaint"),
    "Reject": ("REJECT", "Reject", "reject"),
    "DeliveryDelay": ("DELIVERY_DELAY", "DeliveryDelay", "deliveryDelay"),
    "Open": ("OPEN", "Open", "open"),
    "Click": ("CLICK", "Click", "click"),
    "Subscription": ("SUBSCRIPTION", "Subscription", "subscription"),
    "Rendering Failure": ("RENDERING_FAILURE", "RenderingFailure", "failure"),
}
_GUIDE = "https://docs.aws.amazon.com/ses/latest/DeveloperGuide"
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-bounce-types
# sub-type → (bounce type, status, diagnostic code)
BOUNCES: dict[str, tuple[str, str, str]] = {
    "General": ("Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "NoEmail": ("Permanent", "5.1.1", "smtp; 550 5.1.1 no such mailbox"),
    "MailboxFull": ("Transient", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
    "MessageTooLarge": ("Transient", "5.3.4", "smtp; 552 5.3.4 message size exceeds fixed limit"),
    "ContentRejected": ("Transient", "5.6.0", "smtp; 554 5.6.0 content not accepted"),
    "AttachmentRejected": ("Transient", "5.7.0", "smtp; 552 5.7.0 attachment not accepted"),
    "CustomTimeoutExceeded": ("Transient", "4.4.7", "smtp; 451 4.4.7 delivery time expired"),
    "TransientGeneral": ("Transient", "4.0.0", "smtp; 450 4.0.0 try again later"),
    "AutoReply": ("Transient", "", ""),
    "Undetermined": ("Undetermined", "", ""),
    "Suppressed": (
        "Permanent",
        "5.1.1",
        (
            "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an "
            "invalid address. For more information about how to remove an address from the suppression list, see the "
            f"Amazon SES Developer Guide: {_GUIDE}/remove-from-suppressionlist.html"
        ),
    ),
    "OnAccountSuppressionList": (
        "Permanent",
        "5.1.1",
        (
            "Amazon SES did not send the message to this address because it is on the suppression list for your "
            "account. For more information about removing addresses from the suppression list, see the Amazon SES "
            f"Developer Guide at {_GUIDE}/sending-email-suppression-list.html"
        ),
    ),
    "OnTenantSuppressionList": (
        "Permanent",
        "5.1.1",
        "Amazon SES did not send the message to this address because it is on the suppression list for your tenant.",
    ),
    "EmailValidationSuppressed": (
        "Permanent",
        "5.1.1",
        "Amazon SES did not send the message to this address because it did not meet your email validation threshold.",
    ),
    "UnsubscribedRecipient": (
        "Permanent",
        "5.1.1",
        "Amazon SES did not send the message to this address because the recipient unsubscribed from the contact list.",
    ),
}
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-complaint-types
FEEDBACK_TYPES = ("abuse", "auth-failure", "fraud", "not-spam", "other", "virus")
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-delivery-delay-object
# type → (status, diagnostic code); AWS shows those of one type, the others are what RFC 3463 has for them.
DELAYS: dict[str, tuple[str, str]] = {
    "TransientCommunicationFailure": ("4.4.1", "smtp; 421 4.4.1 Unable to connect to remote host"),
    "MailboxFull": ("4.2.2", "smtp; 452 4.2.2 mailbox full"),
    "SpamDetected": ("4.7.1", "smtp; 421 4.7.1 too much unsolicited mail from this sender"),
    "RecipientServerError": ("4.3.2", "smtp; 421 4.3.2 service not available"),
    "IPFailure": ("4.7.0", "smtp; 421 4.7.0 too many messages from this IP address"),
    "InternalFailure": ("4.3.0", "smtp; 451 4.3.0 internal failure"),
    "General": ("4.0.0", "smtp; 450 4.0.0 try again later"),
    "BYOIPHostNameLookupUnavailable": ("4.4.3", "smtp; 451 4.4.3 host name of the sending IP address not found"),
    "SendingDeferral": ("4.4.5", "smtp; 451 4.4.5 deferred"),
    "Undetermined": ("4.0.0", "smtp; 450 4.0.0 undetermined"),
}
# Sub-types that are more detailed here than in the events of SES.
_SHOWN_AS = {"TransientGeneral": "General", "AutoReply": "General"}
# A bounce without a delivery attempt does not count.
ON_A_LIST = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList"})
KEPT_BACK = ON_A_LIST | {"EmailValidationSuppressed", "UnsubscribedRecipient"}
HARD_BOUNCES = frozenset(
    name for name, (bounce_type, *_) in BOUNCES.items() if bounce_type == "Permanent" and name not in KEPT_BACK
)
# SES truncates headers of 10 KB and more.
_MAX_HEADERS = 10 * 1024
NEVER_TRIED = KEPT_BACK | {"Suppressed"}
_MTA, _OWN_MTA = "a8-70.smtp-out.amazonses.com", "amazonses.com"
_ON_THE_WAY = {"ses:outgoing-tls-version": ["TLSv1.3"], "ses:outgoing-ip": ["192.0.2.25"]}
_ON_THE_WAY_TEXT = orjson.dumps(_ON_THE_WAY).decode()[1:]
# SES gives up a delayed message after 14 hours at most.
_RETRY_FOR = timedelta(hours=14)
_MILLISECOND = timedelta(milliseconds=1)
_READER = {"ipAddress": "127.0.0.1", "userAgent": "Mozilla/5.0 (compatible; localcloud)"}


@dataclass(slots=True)
class Event:
    """One event as it reaches a destination: its JSON, and what is in there of the mail and of a link."""

    kind: str
    text: str
    mail: Mapping[str, Any]
    link_tags: Mapping[str, list[str]] | None = None


def event(message: StoredMessage, occurrence: Occurrence, *, source_arn: str, account_id: str) -> dict[str, Any]:
    """One event as an object."""
    mail = _mail(message, source_arn, account_id)
    return {
        "eventType": occurrence.kind,
        "mail": _delivered(mail) if occurrence.kind == "Delivery" else mail,
        KINDS[occurrence.kind][2]: _DETAILS[occurrence.kind](message, occurrence),
    }


def events(
    message: StoredMessage, occurrences: Iterable[Occurrence], *, source_arn: str, account_id: str
) -> Iterator[Event]:
    """The events of one mail; the mail, which is most of each, is written once."""
    mail = _mail(message, source_arn, account_id)
    text = _json(mail)
    for occurrence in occurrences:
        kind = occurrence.kind
        details = _DETAILS[kind](message, occurrence)
        about, mail_text = (_delivered(mail), _delivered_text(text, mail)) if kind == "Delivery" else (mail, text)
        written_out = f'{{"eventType":"{kind}","mail":{mail_text},"{KINDS[kind][2]}":{_json(details)}}}'
        yield Event(kind, written_out, about, details.get("linkTags"))


def _json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # half a character, which only a raw mail's headers and replacement data can hold
        return json.dumps(value)


@functools.lru_cache(maxsize=1000)
def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, as in every event.

    Example:
        >>> timestamp(datetime(2026, 1, 2, 3, 4, 5, 678901, UTC))
        '2026-01-02T03:04:05.678Z'
    """
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _mail(message: StoredMessage, source_arn: str, account_id: str) -> dict[str, Any]:
    headers = [] if _is_unwritten(message) else mime.headers(message)
    shown = _fitting(headers)
    return {
        "timestamp": timestamp(message.accepted_at),
        "source": message.mail_from or message.source,
        "sourceArn": source_arn,
        "sendingAccountId": account_id,
        "messageId": message.message_id,
        "destination": [mime.bare(recipient) for recipient in message.recipients],
        "headersTruncated": len(shown) < len(headers),
        **(_written(message, shown) if headers else {}),
        "tags": message.tags,
    }


def _written(message: StoredMessage, headers: list[tuple[str, str]]) -> dict[str, Any]:
    named = [{"name": name, "value": value} for name, value in headers]
    return {"headers": named, "commonHeaders": mime.common_headers(message)}


def _is_unwritten(message: StoredMessage) -> bool:
    """Whether its template could not be rendered, so that there are no headers to report."""
    return any(occurrence.kind == "Rendering Failure" for occurrence in message.occurrences[:1])


def _fitting(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers as far as an event has room for them."""
    if sum([len(name) + len(value) for name, value in headers]) < _MAX_HEADERS:
        return headers
    ends = accumulate(len(name) + len(value) for name, value in headers)
    return [header for header, end in zip(headers, ends, strict=True) if end < _MAX_HEADERS]


def _delivered(mail: dict[str, Any]) -> dict[str, Any]:
    return {**mail, "tags": {**mail["tags"], **_ON_THE_WAY}}


def _delivered_text(text: str, mail: Mapping[str, Any]) -> str:
    """The same in a mail's JSON, which ends with its tags."""
    return f"{text[:-2]}{',' if mail['tags'] else ''}{_ON_THE_WAY_TEXT}}}"


def _delivery(message: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "timestamp": timestamp(occurrence.at),
        "processingTimeMillis": (occurrence.at - message.accepted_at) // _MILLISECOND,
        "recipients": [occurrence.recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": _MTA,
    }


def sub_type(detail: str) -> str:
    """The sub-type of a bounce, as SES calls it."""
    return _SHOWN_AS.get(detail, detail)


def _bounce(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    bounce_type, status, diagnostic = BOUNCES[occurrence.detail]
    # Only a bounce with a delivery status notification tells more than whose it is.
    noted = {"action": "failed", "status": status, "diagnosticCode": diagnostic} if status else {}
    reporter = {"reportingMTA": f"dns; {_OWN_MTA if occurrence.detail in NEVER_TRIED else _MTA}"} if status else {}
    return {
        "feedbackId": occurrence.feedback_id,
        "bounceType": bounce_type,
        "bounceSubType": sub_type(occurrence.detail),
        "bouncedRecipients": [{"emailAddress": occurrence.recipient, **noted}],
        "timestamp": timestamp(occurrence.at),
        **reporter,
    }


def _complaint(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    # If SES suppressed the mail because of an earlier complaint, there is no feedback report.
    kept_back = occurrence.detail in ON_A_LIST
    report = {
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": occurrence.detail,
        "arrivalDate": timestamp(occurrence.at),
    }
    return {
        "feedbackId": occurrence.feedback_id,
        "complaintSubType": occurrence.detail if kept_back else None,
        "complainedRecipients": [{"emailAddress": occurrence.recipient}],
        "timestamp": timestamp(occurrence.at),
        **({} if kept_back else report),
    }


def _delay(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    status, diagnostic = DELAYS[occurrence.detail]
    return {
        "timestamp": timestamp(occurrence.at),
        "delayType": occurrence.detail,
        "expirationTime": timestamp(occurrence.at + _RETRY_FOR),
        "delayedRecipients": [
            {"emailAddress": occurrence.recipient, "status": status, "diagnosticCode": diagnostic},
        ],
        "reportingMTA": _MTA,
    }


def _open(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    return {"timestamp": timestamp(occurrence.at), **_READER}


def _click(message: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    tags = link_tags(message, occurrence.detail) or None
    return {"timestamp": timestamp(occurrence.at), **_READER, "link": occurrence.detail, "linkTags": tags}


def _subscription(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    return {"timestamp": timestamp(occurrence.at), **json.loads(occurrence.detail)}


def _rendering_failure(_: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    return {"errorMessage": occurrence.detail, "templateName": occurrence.recipient}


_DETAILS: dict[str, Callable[[StoredMessage, Occurrence], dict[str, Any]]] = {
    "Send": lambda _, __: {},
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Reject": lambda _, occurrence: {"reason": occurrence.detail},
    "DeliveryDelay": _delay,
    "Open": _open,
    "Click": _click,
    "Subscription": _subscription,
    "Rendering Failure": _rendering_failure,
}
