"""SendEmail: what SES checks before it takes a mail, and what becomes of one that it took."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud.ses import ids, metrics, mime, options, raw_headers, rules, simulator
from localcloud.ses.authorization import SIGNER, authorize
from localcloud.ses.context import Context, Handler, Output, Parameters
from localcloud.ses.envelopes import Envelope, enveloped
from localcloud.ses.errors import SesError, bad_request, not_found
from localcloud.ses.rendering import Filled, data, renderer
from localcloud.ses.state import Account, ConfigurationSet, Happening, Identity, StoredMessage, Suppressed
from localcloud.ses.subscriptions import defaults, leave, wants, with_links
from localcloud.ses.verification import check

# The antivirus industry's harmless test file, in two halves so that no scanner takes this one for it.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_REASONS = {"Bounce": "BOUNCE", "Complaint": "COMPLAINT"}
_ACCOUNT_PAUSED = (
    "Sending paused for this account. For more information, please check the inbox of the email address associated "
    "with your AWS account."
)


@dataclass(slots=True)
class Sender:
    """Who may send with what, as it was found; the mails of a bulk call have it in common. `tags` are SES's own."""

    identity: Identity
    configuration_set: ConfigurationSet | None
    subscription: tuple[str, str] | None
    tags: dict[str, list[str]]
    untracked: list[str]
    return_path: str
    at: datetime = field(default_factory=functools.partial(datetime.now, UTC))


async def send_email(context: Context, p: Parameters) -> Output:
    """SendEmail with a simple mail, a raw one or a template."""
    given = p["Content"]
    if len(given) != 1:
        raise bad_request("Content has exactly one of Simple, Raw and Template.")
    if "Raw" in given:
        return {"MessageId": await send(context, *raw_mail(p, given["Raw"]["Data"]))}
    template = given.get("Template")
    return {"MessageId": await send(context, p, _filled(context, template) if template else Filled(given))}


def raw_mail(p: Parameters, raw: bytes) -> tuple[Parameters, Filled]:
    """What a raw mail asks for in SES's own headers, as far as the parameters leave it open; the mail without them."""
    asked = raw_headers.options(raw_headers.parsed(raw))
    given = {name: value for name, value in p.items() if value}
    return {**asked, **given}, Filled({"Raw": {"Data": raw_headers.without_options(raw)}})


def _filled(context: Context, template: dict[str, Any]) -> Filled:
    filler = renderer(context.state, template)
    replacements = data(template.get("TemplateData"))
    return filler.fill(replacements, template.get("Headers", ()), template.get("Attachments", ()))


async def send(context: Context, p: Parameters, filled: Filled, operation: str = "SendEmail") -> str:
    """Check one mail and take it; its message id.

    Args:
        context: Where.
        p: The parameters that `SendEmail` has, `Content` left out.
        filled: The content, a simple or a raw mail.
        operation: As the tag `ses:operation` has it.

    Raises:
        SesError: SES would not take it.
    """
    envelope = enveloped(p, filled.content)
    action = "SendRawEmail" if "Raw" in filled.content else operation
    sender = await admitted(context, p, (operation, action), (envelope.source, envelope.recipients), filled.template)
    for named in envelope.senders:
        await check_identities(context, named)
    return await accept(context, sender, envelope, filled, p.get("EmailTags", ()))


async def admitted(
    context: Context,
    p: Parameters,
    asked: tuple[str, str],
    addresses: tuple[str, Sequence[str]],
    template: str,
) -> Sender:
    """Who sends, once it is known that they may.

    Args:
        context: Where.
        p: The parameters of the sending operation.
        asked: The operation, as the tag `ses:operation` has it, and the IAM action.
        addresses: The sender as it is written, and the bare addresses of the recipients.
        template: The name of a stored template, which may be empty.

    Raises:
        SesError: SES would not let them.
    """
    (operation, action), (source, recipients) = asked, addresses
    configuration_set = check_sender(context, p, source)
    authorize(context, p, action, addresses, (configuration_set, template))
    check_tenant(context, p, source, configuration_set, template)
    options.check(context, p)
    subscription = _subscription(context, p.get("ListManagementOptions"))
    # A bulk mail's recipients are judged one by one.
    identity = await check_identities(context, source, () if action == "SendBulkEmail" else recipients)
    tags = _tags(context, p, mime.bare(source), configuration_set, operation)
    return_path = str(p.get("FeedbackForwardingEmailAddress") or "")
    return Sender(identity, configuration_set, subscription, tags, options.untracked(p), return_path)


async def accept(
    context: Context, sender: Sender, envelope: Envelope, filled: Filled, tags: Sequence[dict[str, str]]
) -> str:
    """Take a mail and let happen what follows; its message id.

    Raises:
        SesError: It is more than the account may send.
    """
    state, meter = context.state, context.meter
    refusal = meter.refusal(state.account, envelope.recipients)
    if refusal:
        raise SesError("TooManyRequestsException", refusal)
    meter.add(envelope.recipients)
    message = _stored(context, sender, envelope, filled.content, tags)
    state.messages.add(message)
    if sender.subscription:
        _add_links(context, message)
    if filled.failure:
        failed = _happening(context, message.accepted_at, "Rendering Failure", filled.template, filled.failure)
        await follow(context, message, [failed])
    else:
        happenings = _happenings(context, message, envelope.recipients, sender.configuration_set)
        await follow(context, message, happenings, sent_to=envelope.recipients)
    return message.message_id


def _subscription(context: Context, asked: dict[str, str] | None) -> tuple[str, str] | None:
    if not asked:
        return None
    found, topic = context.contact_list(asked["ContactListName"]), asked.get("TopicName", "")
    if topic and topic not in defaults(found):
        raise not_found("Topic", topic)
    return found.name, topic


def _add_links(context: Context, message: StoredMessage) -> None:
    """As SES does it: only a mail to one recipient has links by which that one can leave."""
    if len(message.recipients) == 1:
        url = f"{context.backend.endpoint}/_localcloud/messages/{message.message_id}/unsubscribe"
        message.content = with_links(message.content, url)


async def unsubscribe(context: Context, message: StoredMessage) -> None:
    """What follows when the recipient of a mail with unsubscribe links uses the one in its header.

    Raises:
        SesError: The mail has no such links, or its list is gone.
    """
    if message.subscription is None or len(message.recipients) != 1:
        raise bad_request("The mail was not sent to one recipient with ListManagementOptions.")
    name, topic = message.subscription
    recipient, now = mime.bare(message.recipients[0]), datetime.now(UTC)
    detail = leave(context.contact_list(name), recipient, topic, now)
    await follow(context, message, [_happening(context, now, "Subscription", recipient, detail)])


def check_sender(context: Context, p: Parameters, source: str) -> ConfigurationSet | None:
    """The mail's configuration set, once it is known that the account and the set send.

    Raises:
        SesError: There is no such set, or sending is paused.
    """
    configuration_set = _configuration_set(context, p, source)
    _check_enabled(context.state.account, configuration_set)
    return configuration_set


def check_tenant(
    context: Context, p: Parameters, source: str, configuration_set: ConfigurationSet | None, template: str
) -> None:
    """See that the tenant and the multi-region endpoint that a request names may be used so.

    SES says that all resources must be the tenant's; with which error it refuses others, nobody here has seen.

    Raises:
        SesError: There is none such, the tenant is paused, or a resource is not associated with it.
    """
    endpoint = p.get("EndpointId")
    if endpoint and endpoint not in {known.endpoint_id for known in context.state.endpoints.values()}:
        raise not_found("Multi-region endpoint", endpoint)
    if not p.get("TenantName"):
        return
    tenant, state = context.tenant(str(p["TenantName"])), context.state
    if tenant.status == "DISABLED":
        raise SesError("SendingPausedException", f"Sending is paused for tenant {tenant.name}.")
    identities = [state.arn("identity", i.name) for i in rules.identities_of(mime.bare(source), state.identities)]
    needed = [
        *([] if any(arn in tenant.resources for arn in identities) else identities[:1]),
        *([state.arn("configuration-set", configuration_set.name)] if configuration_set else []),
        *([state.arn("template", template)] if template else []),
    ]
    foreign = [arn for arn in needed if arn not in tenant.resources]
    if foreign:
        raise bad_request(f"Not associated with tenant {tenant.name}: {', '.join(foreign)}.")


def _configuration_set(context: Context, p: Parameters, source: str) -> ConfigurationSet | None:
    named = p.get("ConfigurationSetName")
    if named:
        return context.configuration_set(p)
    covering = rules.identities_of(mime.bare(source), context.state.identities)
    default = next((identity.configuration_set for identity in covering if identity.configuration_set), None)
    return context.configuration_set({"ConfigurationSetName": default}) if default else None


def _check_enabled(account: Account, configuration_set: ConfigurationSet | None) -> None:
    if account.enforcement_status == "SHUTDOWN":
        raise SesError(
            "AccountSuspendedException", "This account's ability to send email has been permanently restricted."
        )
    if not account.sending_enabled:
        raise SesError("SendingPausedException", _ACCOUNT_PAUSED)
    if configuration_set and not configuration_set.option("SendingOptions", "SendingEnabled", True):
        name = configuration_set.name
        raise SesError("SendingPausedException", f"Sending is paused for configuration set {name}.")


async def check_identities(context: Context, source: str, recipients: Sequence[str] = ()) -> Identity:
    """See that the sender is verified, and in the sandbox the recipients; the sender's identity.

    Raises:
        SesError: They are not.
    """
    state = context.state
    needed = [mime.bare(source)]
    if not state.account.production_access:
        needed += recipients
    unverified = rules.unverified(needed, state.identities)
    for identity in [i for address in unverified for i in rules.identities_of(address, state.identities)]:
        await check(identity, context.dns, state.region)
    unverified = rules.unverified(needed, state.identities)
    sender = next((i for i in rules.identities_of(needed[0], state.identities) if i.verified), None)
    if unverified or sender is None:
        raise SesError(
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region "
            f"{state.region.upper()}: {', '.join(dict.fromkeys(unverified or needed[:1]))}",
        )
    mail_from = sender.mail_from
    if mail_from and mail_from.behavior_on_mx_failure == "REJECT_MESSAGE" and mail_from.status != "SUCCESS":
        raise SesError("MailFromDomainNotVerifiedException", f"MAIL FROM domain <{mail_from.domain}> is not verified.")
    return sender


def _stored(
    context: Context,
    sender: Sender,
    envelope: Envelope,
    content: dict[str, Any],
    tags: Sequence[dict[str, str]],
) -> StoredMessage:
    state = context.state
    own = {tag["Name"]: [tag["Value"]] for tag in tags}
    return StoredMessage(
        message_id=ids.message_id(state.region),
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
        tags={**sender.tags, **own},
        size=envelope.size,
        subscription=sender.subscription,
        untracked=sender.untracked,
        return_path=sender.return_path,
    )


def _tags(
    context: Context, p: Parameters, source: str, configuration_set: ConfigurationSet | None, operation: str
) -> dict[str, list[str]]:
    return {
        # Whatever it came over: SES itself is not to be had without.
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": [operation],
        **({"ses:configuration-set": [configuration_set.name]} if configuration_set else {}),
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [source.rpartition("@")[2].lower()],
        "ses:caller-identity": [context.backend.caller(SIGNER.get())],
        **({"ses:tenant-name": [p["TenantName"]]} if p.get("TenantName") else {}),
    }


def _happenings(
    context: Context, message: StoredMessage, recipients: Sequence[str], configuration_set: ConfigurationSet | None
) -> list[Happening]:
    """What becomes of the mail."""
    state, now = context.state, message.accepted_at
    happenings = [_happening(context, now, "Send")]
    if _has_virus(message.content):
        return [*happenings, _happening(context, now, "Reject", detail="Bad content")]
    reasons, suppressed, of_tenant = _suppression(context, message, configuration_set)
    on_list = simulator.ON_TENANT_LIST if of_tenant else simulator.ON_ACCOUNT_LIST
    for recipient in recipients:
        listed = suppressed.get(recipient.lower())
        if listed is not None and listed.reason in reasons:
            outcome = on_list
        elif message.subscription and not _wants(context, message.subscription, recipient):
            outcome = simulator.UNSUBSCRIBED
        elif rules.keeps_back(state.account, configuration_set, recipient) and not simulator.seems_valid(
            recipient, state.outcomes
        ):
            outcome = simulator.NOT_VALID
        else:
            outcome = simulator.outcome(recipient, state.outcomes)
        happenings += [_happening(context, now, kind, recipient, detail) for kind, detail in outcome]
    return happenings


def _wants(context: Context, subscription: tuple[str, str], recipient: str) -> bool:
    name, topic = subscription
    return wants(context.contact_list(name), recipient, topic)


async def follow(
    context: Context, message: StoredMessage, happenings: list[Happening], *, sent_to: Sequence[str] = ()
) -> None:
    """All that follows from what happened to a mail, then or later: reputation, suppression, events."""
    state = context.state
    configuration_set = state.configuration_sets.get(message.configuration_set or "")
    reputations = [state.account.reputation, *([configuration_set.reputation] if configuration_set else [])]
    metrics.reckon(reputations, sent_to, happenings)
    _suppress(context, message, configuration_set, happenings)
    await context.publisher.publish(state, message, happenings)


def _happening(context: Context, now: datetime, kind: str, recipient: str = "", detail: str = "") -> Happening:
    feedback_id = ids.message_id(context.state.region) if kind in _REASONS else ""
    return Happening(kind, now, feedback_id, recipient, detail)


def _suppression(
    context: Context, message: StoredMessage, configuration_set: ConfigurationSet | None
) -> tuple[list[str], dict[str, Suppressed], bool]:
    """The reasons in force, the list in force, and whether that is the tenant's."""
    state, tenant = context.state, context.state.tenants.get(message.tenant or "")
    reasons, of_tenant = rules.suppression(state.account, tenant, configuration_set)
    return reasons, tenant.suppressed if tenant and of_tenant else state.suppressed, of_tenant


def _suppress(
    context: Context, message: StoredMessage, configuration_set: ConfigurationSet | None, happenings: list[Happening]
) -> None:
    """New hard bounces and complaints join the list in force, where their reason is; not-spam leaves a tenant's."""
    telling = [happening for happening in happenings if happening.kind in _REASONS]
    reasons, suppressed, of_tenant = _suppression(context, message, configuration_set) if telling else ([], {}, False)
    for happening in telling:
        key, reason = happening.recipient.lower(), _REASONS[happening.kind]
        counts = metrics.is_hard_bounce(happening) or metrics.is_complaint(happening)
        if counts and reason in reasons and not rules.is_simulator(key):
            suppressed[key] = Suppressed(
                happening.recipient, reason, happening.at, message.message_id, happening.feedback_id
            )
        listed = suppressed.get(key) if of_tenant and happening.detail == "not-spam" else None
        if listed and listed.reason == "COMPLAINT":
            del suppressed[key]


def _has_virus(content: dict[str, Any]) -> bool:
    if "Raw" in content:
        return _EICAR in content["Raw"]["Data"]
    return any(_EICAR in attachment["RawContent"] for attachment in content["Simple"].get("Attachments", ()))


HANDLERS: dict[str, Handler] = {"SendEmail": send_email}
