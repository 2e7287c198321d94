"""SES v2, one message a request: `SendEmail` with parameters, so that SES builds the MIME.

One attempt: SES has no idempotency token, so a request that is made again after a lost answer sends the mail twice.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from mailer.errors import ConfigurationError, InvalidMessage, OutcomeUnknown
from mailer.redaction import raise_masked
from mailer.results import RecipientResult, Status
from mailer.stack import tenant_name
from mailer.transports.ses_replies import Context, classify
from mailer.wire.boto import BotoApi
from mailer.wire.client import SES, WireApi, encoded
from mailer.wire.deadline import Limits
from mailer.wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import (
        AttachmentTypeDef,
        BodyTypeDef,
        EmailContentTypeDef,
        MessageTagTypeDef,
        MessageTypeDef,
        SendEmailRequestTypeDef,
    )

    from mailer.message import Attachment, Message
    from mailer.stack import StackOutputs
    from mailer.wire.access import Access

# SES answers within a second; what a large message takes to be written comes on top.
LIMITS = Limits(connect=3.0, attempt=15.0)


class SesTransport:
    """A `mailer.transports.base.Transport` over SES v2.

    Args:
        outputs: The stack, whose region, configuration sets and policy are used.
        client: A boto3 SES v2 client to use instead of connections of our own. Set its time-outs, and disable its
            retries (`total_max_attempts=1`): boto3 sends a message again after a read time-out.
        access: A boto3 session, a role, or both. Default: what boto3 finds by itself.
        limits: The time-outs of an attempt. Default: `LIMITS`. Not for a `client`, which has its own.
    """

    def __init__(
        self,
        outputs: "StackOutputs",
        *,
        client: "SESV2Client | None" = None,
        access: "Access | None" = None,
        limits: Limits | None = None,
    ) -> None:
        self._outputs = outputs
        self._api = BotoApi(client) if client else _wire(outputs, limits or LIMITS, access)

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`. SES takes a message for all its recipients or for none."""
        configuration_set = self._outputs.streams[message.stream].configuration_set
        tenant = tenant_name(self._outputs.stack, message.tenant) if message.tenant else ""
        endpoint = self._outputs.endpoint_id
        try:  # the request is no variable here: a traceback with locals would show the body
            message_id = self._api.call(
                "SendEmail", {**send_email_request(message, configuration_set, tenant=tenant, endpoint=endpoint)}
            ).get("MessageId")
        except WireError as error:
            where = Context(configuration_set, self._outputs.region, self._outputs.sender_policy_arn, tenant)
            raise_masked(classify(error, where), error)
        if not message_id or not isinstance(message_id, str):
            raise OutcomeUnknown(
                "The response is not from SES: it has no message id.", hint="Check for a proxy that changes responses."
            )
        return tuple(RecipientResult(address, Status.SENT, message_id) for address in message.recipients)

    def close(self) -> None:
        """Close the open connections, but not those of a `client` that was passed in."""
        if isinstance(self._api, WireApi):
            self._api.close()


def _wire(outputs: "StackOutputs", limits: Limits, access: "Access | None") -> WireApi:
    if outputs.endpoint_id and find_spec("awscrt") is None:
        raise ConfigurationError(
            "A multi-region endpoint needs Signature Version 4A, which boto3 supports with the AWS CRT only.",
            hint="pip install 'boto3[crt]'",
        )
    through_botocore = bool(outputs.endpoint_id)
    return WireApi(SES, outputs.region, limits, access, encode=_encoded, through_botocore=through_botocore)


def _encoded(request: "Mapping[str, Any]") -> bytes:
    """The request as JSON, by pydantic's encoder: a whole mail takes it half the time that Python's own needs."""
    if "Attachments" in request["Content"]["Simple"]:  # bytes, for which pydantic has another alphabet of base64
        return encoded(request)
    return to_json(request)


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
    body: BodyTypeDef = {}
    if message.text:
        body["Text"] = {"Data": message.text, "Charset": "UTF-8"}
    if message.html:
        body["Html"] = {"Data": message.html, "Charset": "UTF-8"}
    simple: MessageTypeDef = {"Subject": {"Data": message.subject, "Charset": "UTF-8"}, "Body": body}
    if message.headers:
        simple["Headers"] = [{"Name": name, "Value": value} for name, value in message.headers]
    if message.attachments:
        simple["Attachments"] = [_attachment(attachment) for attachment in message.attachments]
    content: EmailContentTypeDef = {"Simple": simple}
    tags: list[MessageTagTypeDef] = [{"Name": name, "Value": value} for name, value in message.tags]
    request: SendEmailRequestTypeDef = {
        "FromEmailAddress": message.sender.formatted(),
        "Destination": {
            "ToAddresses": [address.formatted() for address in message.to],
            "CcAddresses": [address.formatted() for address in message.cc],
            "BccAddresses": [address.formatted() for address in message.bcc],
        },
        "ReplyToAddresses": [address.formatted() for address in message.reply_to],
        "Content": content,
        "EmailTags": tags,
        "ConfigurationSetName": configuration_set,
    }
    if tenant:
        request["TenantName"] = tenant
    if endpoint:
        request["EndpointId"] = endpoint
    return request


def _attachment(attachment: "Attachment") -> "AttachmentTypeDef":
    described: AttachmentTypeDef = {
        "FileName": attachment.filename,
        "RawContent": attachment.content,
        "ContentType": attachment.content_type,
        "ContentDisposition": "INLINE" if attachment.content_id else "ATTACHMENT",
        # SES's own default is SEVEN_BIT, which breaks anything that is not ASCII.
        "ContentTransferEncoding": attachment.transfer_encoding,
    }
    if attachment.content_id:
        described["ContentId"] = attachment.content_id
    return described
