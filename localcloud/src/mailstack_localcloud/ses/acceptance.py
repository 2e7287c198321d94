"""Accepts a mail: it is stored, delivered or bounced, counted, and its events are published."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mailstack_localcloud.ses import ids, metrics, mime, rules, simulator
from mailstack_localcloud.ses.context import Context
from mailstack_localcloud.ses.envelopes import Envelope
from mailstack_localcloud.ses.errors import SesError, bad_request
from mailstack_localcloud.ses.rendering import Filled
from mailstack_localcloud.ses.state import ConfigurationSet, Identity, Occurrence, StoredMessage, Suppressed
from mailstack_localcloud.ses.subscriptions import leave, wants, with_links

# The antivirus industry's harmless test file, in two halves so that no scanner takes this one for it.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_REASONS = {"Bounce": "BOUNCE", "Complaint": "COMPLAINT"}


@dataclass(slots=True)
class Suppression:
    """The list in force, the reasons for which it keeps mail back, and whether it is a tenant's."""

    reasons: list[str]
    listed: dict[str, Suppressed]
    of_tenant: bool


@dataclass(slots=True)
class Sender:
    """The checked sender of a mail; the mails of a bulk call share it. `tags` are SES's own."""

    identity: Identity
    configuration_set: ConfigurationSet | None
    suppression: Suppression
    only_valid: bool
    subscription: tuple[str, str] | None
    tags: dict[str, list[str]]
    untracked: list[str]
    return_path: str
    at: datetime = field(default_factory=functools.partial(datetime.now, UTC))


def accept(context: Context, sender: Sender, envelope: Envelope, filled: Filled, tags: Sequence[dict[str, str]]) -> str:
    """Accept a mail with all that follows from it; return its message id.

    Raises:
        SesError: The account's sending quota or rate is exceeded.
    """
    state = context.state
    refusal = context.meter.take(state.account, len(envelope.recipients), envelope.counted)
    if refusal:
        raise SesError("TooManyRequestsException", refusal)
    message = _stored(context, sender, envelope, filled.content, tags)
    state.messages.add(message)
    if sender.subscription:
        _add_links(context, message)
    if filled.failure:
        failed = _occurrence(context, sender.at, "Rendering Failure", filled.template, filled.failure)
        _apply(context, message, [failed])
    else:
        _apply(context, message, _occurrences(context, sender, message, envelope.recipients), sent=envelope.counted)
    return message.message_id


async def apply(context: Context, message: StoredMessage, occurrences: list[Occurrence]) -> None:
    """Apply what happened to a mail after it was sent: to reputation, suppression list and events."""
    await context.publisher.wait_for_capacity()
    _apply(context, message, occurrences)


async def unsubscribe(context: Context, message: StoredMessage) -> None:
    """Unsubscribe the recipient of a mail by the link in its List-Unsubscribe header.

    Raises:
        SesError: The mail has no such links, or its list is gone.
    """
    if message.subscription is None or len(message.recipients) != 1:
        raise bad_request("The mail was not sent to one recipient with ListManagementOptions.")
    name, topic = message.subscription
    recipient, now = mime.bare(message.recipients[0]), datetime.now(UTC)
    detail = leave(context.contact_list(name), recipient, topic, now)
    await apply(context, message, [_occurrence(context, now, "Subscription", recipient, detail)])


def suppression(context: Context, tenant_name: str | None, configuration_set: ConfigurationSet | None) -> Suppression:
    """The suppression list in force for a tenant, if any, and a configuration set."""
    state, tenant = context.state, context.state.tenants.get(tenant_name or "")
    reasons, of_tenant = rules.suppression(state.account, tenant, configuration_set)
    return Suppression(reasons, tenant.suppressed if tenant and of_tenant else state.suppressed, of_tenant)


def _stored(
    context: Context, sender: Sender, envelope: Envelope, content: dict[str, Any], tags: Sequence[dict[str, str]]
) -> StoredMessage:
    return StoredMessage(
        message_id=ids.message_id(context.state.region),
        accepted_at=sender.at,
        source=envelope.source,
        identity=sender.identity.name,
        to=envelope.to,
        cc=envelope.cc,
        bcc=envelope.bcc,
        reply_to=envelope.reply_to,
        subject=envelope.subject,
        content=content,
        configuration_set=sender.configuration_set and sender.configuration_set.name,
        tags={**sender.tags, **{tag["Name"]: [tag["Value"]] for tag in tags}} if tags else sender.tags,
        size=envelope.size,
        subscription=sender.subscription,
        untracked=sender.untracked,
        mail_from=envelope.mail_from,
        return_path=sender.return_path,
    )


def _add_links(context: Context, message: StoredMessage) -> None:
    """Add unsubscribe links; as in SES, only to a mail with a single recipient."""
    if len(message.recipients) == 1:
        url = f"{context.backend.endpoint}/_localcloud/messages/{message.message_id}/unsubscribe"
        message.content = with_links(message.content, url)


def _occurrences(
    context: Context, sender: Sender, message: StoredMessage, recipients: Sequence[str]
) -> list[Occurrence]:
    """The occurrences that follow from the send."""
    occurrences = [_occurrence(context, sender.at, "Send")]
    if _has_virus(message.content):
        return [*occurrences, _occurrence(context, sender.at, "Reject", detail="Bad content")]
    for recipient in recipients:
        for kind, detail in _outcome(context, sender, recipient):
            occurrences.append(_occurrence(context, sender.at, kind, recipient, detail))
    return occurrences


def _outcome(context: Context, sender: Sender, recipient: str) -> simulator.Outcome:
    state, suppressed = context.state, sender.suppression
    found = suppressed.listed.get(recipient.lower())
    if found and found.reason in suppressed.reasons:
        return simulator.ON_TENANT_LIST if suppressed.of_tenant else simulator.ON_ACCOUNT_LIST[found.reason]
    if sender.subscription and not _wants(context, sender.subscription, recipient):
        return simulator.UNSUBSCRIBED
    if sender.only_valid and not (rules.is_simulator(recipient) or simulator.seems_valid(recipient, state.outcomes)):
        return simulator.NOT_VALID
    return simulator.outcome(recipient, state.outcomes)


def _wants(context: Context, subscription: tuple[str, str], recipient: str) -> bool:
    name, topic = subscription
    return wants(context.contact_list(name), recipient, topic)


def _occurrence(context: Context, now: datetime, kind: str, recipient: str = "", detail: str = "") -> Occurrence:
    feedback_id = ids.message_id(context.state.region) if kind in _REASONS else ""
    return Occurrence(kind, now, feedback_id, recipient, detail)


def _has_virus(content: dict[str, Any]) -> bool:
    if "Raw" in content:
        return _EICAR in content["Raw"]["Data"]
    return any(_EICAR in attachment["RawContent"] for attachment in content["Simple"].get("Attachments", ()))


def _apply(context: Context, message: StoredMessage, occurrences: list[Occurrence], *, sent: int = 0) -> None:
    """`sent` are the recipients, where the mail is new."""
    state = context.state
    configuration_set = state.configuration_sets.get(message.configuration_set or "")
    reputations = [state.account.reputation, *([configuration_set.reputation] if configuration_set else [])]
    feedback = [occurrence for occurrence in occurrences if occurrence.kind in _REASONS]
    metrics.count_feedback(reputations, sent, feedback)
    if feedback:
        _suppress(message, suppression(context, message.tenant, configuration_set), feedback)
    context.publisher.publish(state, message, occurrences)


def _suppress(message: StoredMessage, suppressed: Suppression, feedback: Sequence[Occurrence]) -> None:
    """New hard bounces and complaints join the list in force, where their reason is; not-spam leaves a tenant's."""
    for occurrence in feedback:
        key, reason = occurrence.recipient.lower(), _REASONS[occurrence.kind]
        counts = metrics.is_hard_bounce(occurrence) or metrics.is_complaint(occurrence)
        if counts and reason in suppressed.reasons and not rules.is_simulator(key):
            suppressed.listed[key] = Suppressed(
                occurrence.recipient, reason, occurrence.at, message.message_id, occurrence.feedback_id
            )
        listed = suppressed.listed.get(key) if suppressed.of_tenant and occurrence.detail == "not-spam" else None
        if listed and listed.reason == "COMPLAINT":
            del suppressed.listed[key]
