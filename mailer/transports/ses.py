"""SES v2, one message a request: `SendEmail` with parameters, so that SES builds the MIME.

One attempt. boto3's own retries are off, because SES has no idempotency token: they would post the same message again
after a read timeout, and the recipient would get it twice.
"""

from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, InvalidMessage, OutcomeUnknown
from mailer.redaction import raise_masked
from mailer.results import RecipientResult, Status
from mailer.stack import tenant_name
from mailer.transports.ses_replies import Context, classify

if TYPE_CHECKING:
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

# Seconds. SES answers within one; a message of 40 MB takes a while to write.
CONNECT_TIMEOUT, READ_TIMEOUT = 3, 15
# One for each thread that sends at the same time, up to this.
POOL_CONNECTIONS = 50


def ses_client(region: str, *, read_timeout: float = READ_TIMEOUT) -> "SESV2Client":
    """A client that tries once, with timeouts; credentials and endpoint come from where boto3 finds them."""
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=POOL_CONNECTIONS,
    )
    # A session of its own: the default session is not to be shared between threads while clients are made.
    return Session().client("sesv2", region_name=region, config=config)


class SesTransport:
    """A `mailer.transports.base.Transport` over SES v2.

    Args:
        outputs: The stack whose region, configuration sets and policy are used.
        client: A boto3 SES v2 client with retries off and timeouts of its own; made on first use when left out.
    """

    def __init__(self, outputs: "StackOutputs", *, client: "SESV2Client | None" = None) -> None:
        self._outputs = outputs
        self._client = client
        self._lock = Lock()

    def send(self, message: "Message") -> tuple[RecipientResult, ...]:
        """See `Transport.send`. SES takes a message for all its recipients or for none."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        configuration_set = self._outputs.streams[message.stream].configuration_set
        tenant = tenant_name(self._outputs.stack, message.tenant) if message.tenant else ""
        endpoint = self._outputs.endpoint_id
        try:  # the request is no variable here: a traceback with locals would show the body
            message_id = (
                self._connected()
                .send_email(**send_email_request(message, configuration_set, tenant=tenant, endpoint=endpoint))
                .get("MessageId")
            )
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            where = Context(configuration_set, self._outputs.region, self._outputs.sender_policy_arn, tenant)
            raise_masked(classify(error, where), error)
        if not message_id:  # a proxy's own page, for example: botocore reads any 200 as an answer
            raise OutcomeUnknown("The answer is not SES's: it has no message id.", hint="Is a proxy on the way?")
        return tuple(RecipientResult(address, Status.SENT, message_id) for address in message.recipients)

    def _connected(self) -> "SESV2Client":
        if self._outputs.endpoint_id and not self._client and find_spec("awscrt") is None:
            raise ConfigurationError(
                "Mail through a multi-region endpoint is signed for all regions, and boto3 cannot do that by itself.",
                hint="pip install 'boto3[crt]'",
            )
        with self._lock:
            try:
                self._client = self._client or ses_client(self._outputs.region)
            except ValueError as error:  # an endpoint that is no URL
                raise ConfigurationError(
                    f"No client for SES could be made: {error}.", hint="Check AWS_ENDPOINT_URL."
                ) from error
        return self._client


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
        raise InvalidMessage("The message has no sender.", hint="Give it one, or send it through a Mailer.")
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
