"""SendEmail, and SES's checks before it accepts a mail, for every operation that sends."""

from collections.abc import Iterable
from typing import Any

from mailstack_localcloud.ses import mime, options, raw_headers, rules
from mailstack_localcloud.ses.acceptance import Sender, accept, suppression
from mailstack_localcloud.ses.authorization import Sending, authorize
from mailstack_localcloud.ses.context import Context, Handler, Output, Parameters
from mailstack_localcloud.ses.envelopes import enveloped
from mailstack_localcloud.ses.errors import SesError, bad_request, not_found
from mailstack_localcloud.ses.rendering import Filled, data, renderer
from mailstack_localcloud.ses.state import Account, ConfigurationSet, Identity
from mailstack_localcloud.ses.subscriptions import defaults
from mailstack_localcloud.ses.verification import check, is_verified

_ACCOUNT_PAUSED = (
    "Sending paused for this account. For more information, please check the inbox of the email address associated "
    "with your AWS account."
)


async def send_email(context: Context, p: Parameters) -> Output:
    """SendEmail with a simple mail, a raw one or a template."""
    given = p["Content"]
    if len(given) != 1:
        raise bad_request("Content must have exactly one of Simple, Raw and Template.")
    if "Raw" in given:
        return {"MessageId": await send(context, *raw_mail(p, given["Raw"]["Data"]))}
    filled = _filled(context, given["Template"]) if "Template" in given else Filled(given)
    return {"MessageId": await send(context, p, filled)}


def raw_mail(p: Parameters, raw: bytes) -> tuple[Parameters, Filled]:
    """Options in a raw mail's SES headers, unless the parameters set them, and the mail without those headers."""
    asked = raw_headers.options(raw_headers.parsed(raw))
    given = {name: value for name, value in p.items() if value}
    return {**asked, **given}, Filled({"Raw": {"Data": raw_headers.without_options(raw)}})


def _filled(context: Context, template: dict[str, Any]) -> Filled:
    filler = renderer(context.state, template)
    replacements = data(template.get("TemplateData"))
    return filler.fill(replacements, template.get("Headers", ()), template.get("Attachments", ()))


async def send(context: Context, p: Parameters, filled: Filled, operation: str = "SendEmail") -> str:
    """Check one mail and accept it; return its message id.

    Args:
        context: The request's context.
        p: The parameters that `SendEmail` has, `Content` left out, and `MailFrom`, the sender of an envelope, who must
            be verified as those that the mail names.
        filled: The content, a simple or a raw mail.
        operation: As the tag `ses:operation` has it.

    Raises:
        SesError: SES would refuse it.
    """
    envelope = enveloped(p, filled.content)
    sending = Sending(p, operation, envelope.source, envelope.recipients, filled.template, "Raw" in filled.content)
    sender = await admit(context, sending)
    for named in filter(None, (*envelope.senders, envelope.mail_from)):
        await check_identities(context, named)
    return accept(context, sender, envelope, filled, p.get("EmailTags", ()))


async def admit(context: Context, sending: Sending) -> Sender:
    """The sender of a mail, once all checks passed.

    Raises:
        SesError: SES would refuse the request.
    """
    p, source = sending.parameters, sending.source
    await context.publisher.wait_for_capacity()
    configuration_set = check_sender(context, p, source)
    authorize(context, sending, configuration_set)
    check_tenant(context, sending, configuration_set)
    options.check(context, p)
    subscription = _subscription(context, p.get("ListManagementOptions"))
    # The recipients of a bulk call are checked one by one.
    identity = await check_identities(context, source, () if sending.action == "SendBulkEmail" else sending.recipients)
    return Sender(
        identity=identity,
        configuration_set=configuration_set,
        suppression=suppression(context, p.get("TenantName"), configuration_set),
        only_valid=rules.keeps_back(context.state.account, configuration_set),
        subscription=subscription,
        tags=_tags(context, sending, configuration_set),
        untracked=options.untracked(p),
        return_path=str(p.get("FeedbackForwardingEmailAddress") or ""),
    )


def _subscription(context: Context, asked: dict[str, str] | None) -> tuple[str, str] | None:
    if not asked:
        return None
    found, topic = context.contact_list(asked["ContactListName"]), asked.get("TopicName", "")
    if topic and topic not in defaults(found):
        raise not_found("Topic", topic)
    return found.name, topic


def check_sender(context: Context, p: Parameters, source: str) -> ConfigurationSet | None:
    """The mail's configuration set, after checking that account and set may send.

    Raises:
        SesError: The set does not exist, or sending is paused.
    """
    configuration_set = _configuration_set(context, p, source)
    _check_enabled(context.state.account, configuration_set)
    return configuration_set


def check_tenant(context: Context, sending: Sending, configuration_set: ConfigurationSet | None) -> None:
    """Check the tenant and the multi-region endpoint that a request names.

    Raises:
        SesError: One of them does not exist, the tenant is paused, or a resource is not associated with it.
    """
    p, source, template = sending.parameters, sending.source, sending.template
    endpoint = p.get("EndpointId")
    if endpoint and endpoint not in {known.endpoint_id for known in context.state.endpoints.values()}:
        raise not_found("Multi-region endpoint", endpoint)
    if not p.get("TenantName"):
        return
    name, state = str(p["TenantName"]), context.state
    if name not in state.tenants:
        raise SesError("NotFoundException", f"Tenant {name} for AwsAccountId {state.account_id} not found.")
    tenant = state.tenants[name]
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
        raise SesError("AccessDeniedException", f"Tenant not associated with resources [{', '.join(foreign)}].")


def _configuration_set(context: Context, p: Parameters, source: str) -> ConfigurationSet | None:
    named = p.get("ConfigurationSetName")
    if named:
        return context.configuration_set(p)
    identities = context.state.identities
    covering = rules.identities_of(mime.bare(source), identities)
    # The most specific of the verified ones decides, whether it has a set or not.
    deciding = next((i for i in covering if is_verified(i, identities)), covering[0] if covering else None)
    default = deciding and deciding.configuration_set
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


async def check_identities(context: Context, source: str, recipients: Iterable[str] = ()) -> Identity:
    """Check that the sender is verified, and in the sandbox the recipients; return the sender's identity.

    Raises:
        SesError: One of them is not verified.
    """
    state = context.state
    needed = [mime.bare(source)]
    if not state.account.production_access:
        needed += recipients
    unverified = rules.unverified(needed, state.identities)
    for identity in [i for address in unverified for i in rules.identities_of(address, state.identities)]:
        await check(identity, context.dns, state.region)
    unverified = rules.unverified(needed, state.identities)
    covering = rules.identities_of(needed[0], state.identities)
    sender = next((i for i in covering if is_verified(i, state.identities)), None)
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


def _tags(context: Context, sending: Sending, configuration_set: ConfigurationSet | None) -> dict[str, list[str]]:
    p, source = sending.parameters, mime.bare(sending.source)
    return {
        # Whatever it came over: SES itself is not to be had without.
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": [sending.operation],
        **({"ses:configuration-set": [configuration_set.name]} if configuration_set else {}),
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [source.rpartition("@")[2].lower()],
        "ses:caller-identity": [context.backend.access.caller(context.caller.access_key)],
        **({"ses:tenant-name": [p["TenantName"]]} if p.get("TenantName") else {}),
    }


HANDLERS: dict[str, Handler] = {"SendEmail": send_email}
