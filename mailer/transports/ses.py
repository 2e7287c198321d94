"""SES v2, one message a request: `SendEmail` with parameters, so that SES builds the MIME. Many: `ses_bulk`.

One attempt: SES has no idempotency token, so a request that is made again after a lost answer sends the mail twice.
"""

import logging
import re
from datetime import UTC, datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from mailer.address import Address
from mailer.errors import ConfigurationError, InvalidMessage, OutcomeUnknown
from mailer.message import MAX_TAG
from mailer.message_id import ID_TAG, TEMPLATE_TAG
from mailer.options import NO_OPTIONS
from mailer.redaction import raise_masked
from mailer.results import RecipientResult, Status
from mailer.stack import tenant_name
from mailer.stores.rate import Standing
from mailer.transports.ses_bulk import OPERATION as BULK
from mailer.transports.ses_bulk import BulkEntries, BulkEntry, BulkRequest, bulk_outcomes, bulk_parameters
from mailer.transports.ses_replies import Context, classify
from mailer.wire.body import Body
from mailer.wire.boto import BotoApi
from mailer.wire.client import SES, WireApi, encoded
from mailer.wire.deadline import Limits
from mailer.wire.errors import CannotAsk, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import (
        AttachmentTypeDef,
        BodyTypeDef,
        EmailContentTypeDef,
        MessageHeaderTypeDef,
        MessageTypeDef,
        SendEmailRequestTypeDef,
        TemplateTypeDef,
        TrackingConfigurationOverridesTypeDef,
    )

    from mailer.errors import TransportError
    from mailer.message import Attachment, Message
    from mailer.stack import StackOutputs
    from mailer.wire.access import Access

# SES answers within a second; what a large message takes to be written comes on top.
LIMITS = Limits(connect=3.0, attempt=15.0)
_OVERRIDES = "ConfigurationOverrides"
log = logging.getLogger("mailer")


class SesTransport:
    """A `mailer.transports.base.Transport` over SES v2.

    Args:
        outputs: The stack, whose region, configuration sets and policy are used.
        client: A boto3 SES v2 client to use instead of connections of our own. Set its time-outs, and disable its
            retries (`total_max_attempts=1`): boto3 sends a message again after a read time-out.
        access: A boto3 session, a role, or both. Default: what boto3 finds by itself.
        limits: The time-outs of an attempt. Default: `LIMITS`. Not for a `client`, which has its own.

    Attributes:
        reports_events: SES publishes an event of each message (`mailer.transports.reporting`).
    """

    reports_events = True

    name = "ses"

    def __init__(
        self,
        outputs: "StackOutputs",
        *,
        client: "SESV2Client | None" = None,
        access: "Access | None" = None,
        limits: Limits | None = None,
    ) -> None:
        self._outputs, self._entries = outputs, BulkEntries()
        self._api = BotoApi(client) if client else _wire(outputs, limits or LIMITS, access)

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`. SES takes a message for all its recipients or for none."""
        configuration_set = self._outputs.streams[message.stream].configuration_set
        tenant = tenant_name(self._outputs.stack, message.tenant) if message.tenant else ""
        endpoint = self._outputs.endpoint_id
        try:  # the request is no variable here: a traceback with locals would show the body
            message_id = self._call(
                {**send_email_request(message, configuration_set, tenant=tenant, endpoint=endpoint)},
                can_be_tracked=message.secret and not message.options.has_tracking,
            ).get("MessageId")
        except WireError as error:
            raise_masked(classify(error, self._where(message)), error)
        if not message_id or not isinstance(message_id, str):
            raise OutcomeUnknown(
                "The response is not from SES: it has no message id.", hint="Check for a proxy that changes responses."
            )
        # Through a multi-region endpoint, the region that accepted the message is not known.
        header = "" if endpoint else message_id_header(message_id, self._outputs.region)
        return tuple(
            RecipientResult(address, Status.SENT, message_id, message_id_header=header)
            for address in message.recipients
        )

    def bulk_entry(self, message: "Message") -> BulkEntry | None:
        """See `BulkTransport.bulk_entry`."""
        return self._entries.entry(message, sent_tags(message))

    def send_bulk(self, entries: "Sequence[BulkEntry]") -> "list[tuple[RecipientResult, ...] | TransportError]":
        """See `BulkTransport.send_bulk`."""
        message, endpoint = entries[0].message, self._outputs.endpoint_id
        where = self._where(message)
        shared = bulk_parameters(message, where.configuration_set, tenant=where.tenant, endpoint=endpoint)
        try:
            answer = self._api.call(BULK, BulkRequest(shared, entries))
        except WireError as error:
            raise_masked(classify(error, where), error)
        region = self._outputs.region
        return bulk_outcomes(answer, entries, where, lambda id_: "" if endpoint else message_id_header(id_, region))

    def _where(self, message: "Message") -> Context:
        outputs = self._outputs
        configuration_set = outputs.streams[message.stream].configuration_set
        tenant = tenant_name(outputs.stack, message.tenant) if message.tenant else ""
        return Context(configuration_set, outputs.region, outputs.sender_policy_arn, tenant)

    def _call(self, request: "dict[str, Any]", *, can_be_tracked: bool) -> "dict[str, object]":
        """Send it. An older botocore knows no `ConfigurationOverrides` and refuses the request before it is written.

        Args:
            request: The parameters.
            can_be_tracked: Whether to send it without the override then, rather than not at all.
        """
        try:
            return self._api.call("SendEmail", request)
        except CannotAsk as error:
            if _OVERRIDES not in str(error):
                raise
        if not can_be_tracked:
            raise ConfigurationError(
                f"This boto3 cannot set track_opens and track_clicks: its SendEmail has no {_OVERRIDES}.",
                hint="pip install --upgrade boto3",
            )
        log.warning("Opens and clicks of a message with a secret may be tracked: upgrade boto3.")
        return self._api.call("SendEmail", {name: value for name, value in request.items() if name != _OVERRIDES})

    def close(self) -> None:
        """Close the open connections, but not those of a `client` that was passed in."""
        if isinstance(self._api, WireApi):
            self._api.close()


def account_standing(region: str, access: "Access | None" = None) -> Standing:
    """Ask SES for the account's sending rate and quota. SES allows one such request a second.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html

    Raises:
        WireError: It was not answered.
    """
    api = WireApi(SES, region, Limits(connect=2.0, attempt=5.0), access)
    try:
        quota = cast("dict[str, float]", api.call("GetAccount", {})["SendQuota"])
    finally:
        api.close()
    return Standing.of(quota["MaxSendRate"], quota["Max24HourSend"], quota["SentLast24Hours"], datetime.now(UTC))


def _wire(outputs: "StackOutputs", limits: Limits, access: "Access | None") -> WireApi:
    if outputs.endpoint_id and find_spec("awscrt") is None:
        raise ConfigurationError(
            "A multi-region endpoint needs Signature Version 4A, which boto3 supports with the AWS CRT only.",
            hint="pip install 'boto3[crt]'",
        )
    through_botocore = bool(outputs.endpoint_id)
    return WireApi(SES, outputs.region, limits, access, encode=_encoded, through_botocore=through_botocore)


def _encoded(request: "Mapping[str, Any]") -> Body:
    """The request as JSON, by pydantic's encoder: a whole mail takes it half the time that Python's own needs."""
    if isinstance(request, BulkRequest):
        return request.body
    (content,) = request["Content"].values()
    if "Attachments" in content or "Data" in content:  # bytes, for which pydantic has another alphabet of base64
        return Body(encoded(request))
    return Body(to_json(request))


def send_email_request(
    message: "Message", configuration_set: str, *, tenant: str = "", endpoint: str = ""
) -> "SendEmailRequestTypeDef":
    """The request's parameters: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.

    Args:
        message: The message.
        configuration_set: Its name in SES.
        tenant: For whom it is sent, by the name in SES.
        endpoint: The id of the multi-region endpoint that it goes through.

    Raises:
        InvalidMessage: The message names no sender.
    """
    if message.sender is None:
        raise InvalidMessage("The message has no sender.", hint="Set `sender`, or send it through a Mailer.")
    request: SendEmailRequestTypeDef = {
        "Destination": {
            "ToAddresses": [address.formatted() for address in message.to],
            "CcAddresses": [address.formatted() for address in message.cc],
            "BccAddresses": [address.formatted() for address in message.bcc],
        },
        "Content": _content(message),
        "EmailTags": [{"Name": name, "Value": value} for name, value in sent_tags(message)],
        "ConfigurationSetName": configuration_set,
    }
    if not message.raw:  # which has both in its headers
        request["FromEmailAddress"] = message.sender.formatted()
        request["ReplyToAddresses"] = [address.formatted() for address in message.reply_to]
    if tenant:
        request["TenantName"] = tenant
    if endpoint:
        request["EndpointId"] = endpoint
    if message.secret or message.options is not NO_OPTIONS:
        _add_options(request, message)
    return request


def _content(message: "Message") -> "EmailContentTypeDef":
    if message.raw:
        return {"Raw": {"Data": message.raw.data}}
    simple: MessageTypeDef = {"Subject": {"Data": message.subject, "Charset": "UTF-8"}, "Body": _body(message)}
    stored: TemplateTypeDef = {}
    part: MessageTypeDef | TemplateTypeDef = stored if message.template else simple
    if message.headers:
        headers: list[MessageHeaderTypeDef] = [{"Name": name, "Value": value} for name, value in message.headers]
        part["Headers"] = headers
    if message.attachments:
        part["Attachments"] = [_attachment(attachment) for attachment in message.attachments]
    if not message.template:
        return {"Simple": simple}
    stored["TemplateData"] = message.template.json
    if message.template.arn:
        stored["TemplateArn"] = message.template.arn
    else:
        stored["TemplateName"] = message.template.name
    return {"Template": stored}


def _body(message: "Message") -> "BodyTypeDef":
    body: BodyTypeDef = {}
    if message.text:
        body["Text"] = {"Data": message.text, "Charset": "UTF-8"}
    if message.html:
        body["Html"] = {"Data": message.html, "Charset": "UTF-8"}
    return body


def _add_options(request: "SendEmailRequestTypeDef", message: "Message") -> None:
    options = message.options
    if isinstance(options.feedback_address, Address):
        request["FeedbackForwardingEmailAddress"] = options.feedback_address.email
    if options.feedback_identity_arn:
        request["FeedbackForwardingEmailAddressIdentityArn"] = options.feedback_identity_arn
    if options.identity_arn:
        request["FromEmailAddressIdentityArn"] = options.identity_arn
    if options.contact_list:
        request["ListManagementOptions"] = {"ContactListName": options.contact_list}
        if options.topic:
            request["ListManagementOptions"]["TopicName"] = options.topic
    tracking = _tracking(message)
    if tracking:
        request["ConfigurationOverrides"] = {"Tracking": tracking}


def _tracking(message: "Message") -> "TrackingConfigurationOverridesTypeDef":
    """What is decided for this message. A secret one is not tracked: SES would keep its links, and open them up."""
    default = False if message.secret else None
    opens, clicks = message.options.track_opens, message.options.track_clicks
    opens, clicks = default if opens is None else opens, default if clicks is None else clicks
    tracking: TrackingConfigurationOverridesTypeDef = {}
    if opens is not None:
        tracking["OpenTrackingEnabled"] = "ENABLED" if opens else "DISABLED"
    if clicks is not None:
        tracking["ClickTrackingEnabled"] = "ENABLED" if clicks else "DISABLED"
    return tracking


def sent_tags(message: "Message") -> list[tuple[str, str]]:
    """The message's tags, and those that this library adds: id and template, and the parts of Gmail's Feedback-ID.

    Gmail's Postmaster Tools reports spam rates by each part of the Feedback-ID. A tag of the message's own wins.
    https://docs.aws.amazon.com/ses/latest/dg/feedback-id.html, https://support.google.com/a/answer/6254652
    """
    given = {name for name, _ in message.tags}
    template = message.template_name or (message.template.name if message.template else "")
    ours = (
        (ID_TAG, message.id),
        (TEMPLATE_TAG, _feedback_part(template)),
        ("ses:feedback-id-a", _feedback_part(template)),
        ("ses:feedback-id-b", _feedback_part(message.stream)),
    )
    return [*message.tags, *((name, value) for name, value in ours if value and name not in given)]


@lru_cache(maxsize=256)
def _feedback_part(name: str) -> str:
    """A name in the characters and the length that SES allows in a tag."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:MAX_TAG]


def message_id_header(message_id: str, region: str) -> str:
    """The RFC 5322 `Message-ID` that SES writes into a message: its own id, in a domain of the region.

    SES replaces a Message-ID (https://docs.aws.amazon.com/ses/latest/dg/header-fields.html); its form is documented
    nowhere, and seen in mail from us-east-1 (`email.amazonses.com`) and other regions.

    Example:
        >>> message_id_header("0100-example", "eu-west-1")
        '<0100-example@eu-west-1.amazonses.com>'
    """
    domain = "email" if region == "us-east-1" else region
    return f"<{message_id}@{domain}.amazonses.com>"


def _attachment(attachment: "Attachment") -> "AttachmentTypeDef":
    described: AttachmentTypeDef = {
        "FileName": attachment.filename,
        "RawContent": attachment.content,
        "ContentType": attachment.content_type,
        "ContentDisposition": attachment.chosen_disposition,
        "ContentTransferEncoding": attachment.chosen_encoding,
    }
    if attachment.content_id:
        described["ContentId"] = attachment.content_id
    if attachment.description:
        described["ContentDescription"] = attachment.description
    return described
