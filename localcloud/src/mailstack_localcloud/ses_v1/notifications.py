"""Notifications of an identity to an SNS topic: the older way to receive bounces, complaints and deliveries.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
from typing import Any

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.events import NEVER_TRIED, event
from mailstack_localcloud.ses.publishing import may_publish
from mailstack_localcloud.ses.state import Identity, Occurrence, State, StoredMessage
from mailstack_localcloud.ses_v1.errors import QueryError

KINDS = ("Bounce", "Complaint", "Delivery")
# Unlike events, notifications have no subject.
_NO_SUBJECT = ""
_REMOTE_MTA_IP = "192.0.2.40"
_SUCCEEDED = "AmazonSnsSubscriptionSucceeded"
# What notifications do not carry of an event's mail, and what only they carry.
_NOT_THEIRS = frozenset({"tags"})
_HEADERS = frozenset({"headers", "commonHeaders", "headersTruncated"})


def attributes(identity: Identity) -> dict[str, Any]:
    """As GetIdentityNotificationAttributes shows them."""
    topics = {f"{kind}Topic": identity.notification_topics.get(kind, "") for kind in KINDS}
    headers = {f"HeadersIn{kind}NotificationsEnabled": kind in identity.headers_in_notifications for kind in KINDS}
    return {**topics, "ForwardingEnabled": identity.feedback_forwarding, **headers}


def subscribe(context: Context, identity: Identity, kind: str, topic: str) -> None:
    """Set the topic for an identity's bounces, complaints or deliveries; SES tests its permission at once.

    Raises:
        QueryError: SES may not publish there.
    """
    state, backend = context.state, context.backend
    with backend.scope(state.account_id, state.region):
        if topic.endswith(".fifo") or not may_publish(backend, topic, state.arn("identity", identity.name)):
            raise QueryError("InvalidParameterValue", f"Invalid SNS topic <{topic}>: SES may not publish to it.")
        text = (
            f"You have successfully subscribed your Amazon SNS topic '{topic}' to receive '{kind}' notifications from "
            f"Amazon SES for identity '{identity.name}'."
        )
        notice = {"notificationType": _SUCCEEDED, "message": text}
        backend.topics.notify(topic, _NO_SUBJECT, json.dumps(notice))
    identity.notification_topics[kind] = topic


def notify(backend: Backend, state: State, message: StoredMessage, occurrences: list[Occurrence]) -> None:
    """Publish occurrences to the topics of the mail's identity. Call in the account's scope."""
    identity = state.identities.get(message.identity)
    if identity is None or not identity.notification_topics:
        return
    for occurrence in occurrences:
        topic = identity.notification_topics.get(occurrence.kind)
        if topic and may_publish(backend, topic, state.arn("identity", identity.name)):
            body = notification(state, identity, message, occurrence)
            backend.topics.notify(topic, _NO_SUBJECT, json.dumps(body))


def notification(state: State, identity: Identity, message: StoredMessage, occurrence: Occurrence) -> dict[str, Any]:
    """One notification: an event under another name, with the caller, without tags, with headers only on demand."""
    source_arn = state.arn("identity", identity.name)
    body = event(message, occurrence, source_arn=source_arn, account_id=state.account_id)
    left_out = _NOT_THEIRS if occurrence.kind in identity.headers_in_notifications else _NOT_THEIRS | _HEADERS
    mail = {name: value for name, value in body.pop("mail").items() if name not in left_out}
    del body["eventType"]
    details = body.get("bounce", body.get("delivery"))
    if details is not None and occurrence.detail not in NEVER_TRIED:
        details["remoteMtaIp"] = _REMOTE_MTA_IP
    return {
        "notificationType": occurrence.kind,
        **body,
        "mail": {**mail, "sourceIp": "127.0.0.1", "callerIdentity": "root"},
    }
