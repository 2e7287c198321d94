"""SNS's messages over HTTP: their form, the text that is signed, where the certificate may come from. Pure.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import SplitResult, urlsplit

from mailer.errors import SnsMessageRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]

# The signed fields of each type in their order; Subject where there is one.
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED_FIELDS: "Mapping[str, tuple[str, ...]]" = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_OPTIONAL = frozenset({"Subject"})
UNSIGNED_FIELDS = ("SignatureVersion", "Signature", "SigningCertURL")
VERSIONS = ("1", "2")
# Characters. AWS's own are far shorter; a message has 256 KB at most (API_Publish.html).
_MAX_FIELD = 4096
# The text that is signed has a line for each field, so that a line break in a value could pretend to be another field:
# a message id of two lines would be a new id for an old signature. Only the message itself has line breaks.
_LINE = re.compile(r"[^\x00-\x1f\x7f\x85\u2028\u2029]+")
_MESSAGE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOPIC = re.compile(r"arn:(?P<partition>aws[a-z-]*):sns:(?P<region>[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}):\d{12}:[\w-]{1,256}")
_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
# The DNS suffix of each partition, from botocore's partitions.json.
SUFFIXES: "Mapping[str, str]" = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-us-gov": "amazonaws.com",
}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# SNS retries an HTTP endpoint for an hour at most (sns-message-delivery-retries.html, custom policies); the rest is for
# an incident and for clocks. An id is remembered for longer than this, so that no message can be replayed.
MAX_AGE, MAX_AHEAD = timedelta(hours=24), timedelta(minutes=15)
_MIN_BITS = 2048


@dataclass(frozen=True, slots=True, repr=False)
class SnsMessage:
    """A message in SNS's form, not verified yet.

    Attributes:
        kind: `Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
        id: SNS's id, the same each time that SNS sends the message.
        topic: The topic's ARN.
        text: What was published; of the other types, a sentence.
        sent_at: When it was published.
        version: The version of the signature, `1` or `2`.
        signature: The signature.
        certificate_url: Where its certificate is.
        token: What confirms a subscription; empty in a notification.
        signed: The text that is signed.
    """

    kind: Kind
    id: str
    topic: str
    text: str
    sent_at: datetime
    version: str
    signature: bytes
    certificate_url: str
    token: str = ""
    signed: bytes = field(default=b"")

    def __repr__(self) -> str:
        return f"<SnsMessage {self.kind} {self.id} of {self.topic}>"

    @property
    def region(self) -> str:
        """The topic's region."""
        return self.topic.split(":")[3]


def parse_message(body: bytes) -> SnsMessage:
    """Read the body of a request.

    Raises:
        SnsMessageRefused: It is not in the form of an SNS message (status 400).
    """
    found = _object(body)
    kind = found.get("Type")
    if not isinstance(kind, str) or kind not in SIGNED_FIELDS:
        raise _malformed("The body has no Type that SNS sends.", "Turn off raw message delivery: it has no signature.")
    values = {name: text for name in SIGNED_FIELDS[kind] if (text := _field(found, name)) is not None}
    version, signature, url = (cast("str", _field(found, name)) for name in UNSIGNED_FIELDS)
    if not _MESSAGE_ID.fullmatch(values["MessageId"]):
        raise _malformed("MessageId is not an id of SNS.")
    if not _TOPIC.fullmatch(values["TopicArn"]):
        raise _malformed("TopicArn is not the ARN of a topic.")
    if version not in VERSIONS:
        raise _malformed(f"SignatureVersion is not one of {', '.join(VERSIONS)}.")
    return SnsMessage(
        kind=cast("Kind", kind),
        id=values["MessageId"],
        topic=values["TopicArn"],
        text=values["Message"],
        sent_at=_time(values["Timestamp"]),
        version=version,
        signature=_decoded(signature),
        certificate_url=url,
        token=values.get("Token", ""),
        signed=canonical(kind, values),
    )


def canonical(kind: str, values: "Mapping[str, str]") -> bytes:
    r"""The text that SNS signs: name and value, a line each, in the documented order.

    Example:
        >>> canonical("Notification", {"Message": "Hello", "MessageId": "1", "Type": "Notification"})
        b'Message\nHello\nMessageId\n1\nType\nNotification\n'
    """
    try:
        return "".join(f"{name}\n{values[name]}\n" for name in SIGNED_FIELDS[kind] if name in values).encode()
    except UnicodeEncodeError as error:
        raise _malformed("The message has half of a surrogate pair.") from error


def check_topic(message: SnsMessage, topics: "Iterable[str]") -> None:
    """Raise `SnsMessageRefused` unless the message is of an allowed topic.

    A valid signature proves that the message comes from AWS, where anybody has topics. This is the check that counts.
    """
    if message.topic not in topics:
        raise SnsMessageRefused(
            f"The topic {message.topic} is not one of the stack's.",
            hint="Subscribe the webhook to the stack's events topic only, or pass topics=[...].",
        )


def check_age(message: SnsMessage, now: datetime) -> None:
    """Raise `SnsMessageRefused` if the message is too old, or from the future."""
    if not now - MAX_AGE <= message.sent_at <= now + MAX_AHEAD:
        sent, hours = message.sent_at.isoformat(timespec="minutes"), MAX_AGE // timedelta(hours=1)
        words = f"The message was sent at {sent}, not within the last {hours} hours."
        raise SnsMessageRefused(words, hint="Check the clock of this machine.")


def check_certificate_url(message: SnsMessage, local_origin: str = "") -> SplitResult:
    """Where the certificate is, if SNS could have named it.

    It must be SNS's own host in the topic's region and partition. Anybody can store a file at other hosts of AWS.

    Args:
        message: The message.
        local_origin: The endpoint on this machine that replaces SNS, such as `http://127.0.0.1:4566`. AWS's own host
            does not count then.

    Raises:
        SnsMessageRefused: It is anywhere else.
    """
    try:
        url = urlsplit(message.certificate_url)
        origin = f"{url.scheme}://{url.netloc}"
    except ValueError as error:
        raise _elsewhere() from error
    partition = message.topic.split(":")[1]
    suffix = SUFFIXES.get(partition)
    expected = local_origin or (f"https://sns.{message.region}.{suffix}" if suffix else "")
    if origin != expected or not _PATH.fullmatch(url.path) or message.certificate_url != f"{origin}{url.path}":
        raise _elsewhere()
    return url


def is_loopback(origin: str) -> bool:
    """Whether a URL is of this machine."""
    try:
        return urlsplit(origin).hostname in _LOOPBACK
    except ValueError:
        return False


def check_signature(message: SnsMessage, key: "RSAPublicKey") -> None:
    """Raise `SnsMessageRefused` unless the key signed the message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    digest = hashes.SHA256() if message.version == "2" else hashes.SHA1()  # noqa: S303 - what version 1 is
    try:
        key.verify(message.signature, message.signed, padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise SnsMessageRefused("The signature does not belong to the message.") from error


def public_key(certificate: bytes, now: datetime) -> "tuple[RSAPublicKey, datetime]":
    """The key of a certificate in PEM, and when the certificate expires.

    Raises:
        SnsMessageRefused: It is not a valid certificate with an RSA key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        read = x509.load_pem_x509_certificate(certificate)
        key = read.public_key()
    except Exception as error:  # ValueError, UnsupportedAlgorithm, and what OpenSSL's parser may raise
        raise SnsMessageRefused("The signing certificate cannot be read.") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_BITS:
        raise SnsMessageRefused("The signing certificate has no RSA key of 2048 bits or more.")
    if not read.not_valid_before_utc <= now <= read.not_valid_after_utc:
        raise SnsMessageRefused("The signing certificate is not valid now.", hint="Check the clock of this machine.")
    return key, read.not_valid_after_utc


def _object(body: bytes) -> dict[str, object]:
    try:
        found: object = json.loads(body.decode())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise _malformed("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise _malformed("The body is not a JSON object.")
    return cast("dict[str, object]", found)


def _field(found: "Mapping[str, object]", name: str) -> str | None:
    value = found.get(name)
    if value is None and name in _OPTIONAL:
        return None
    if not isinstance(value, str):
        raise _malformed(f"{name} is missing, or is not text.")
    if name != "Message" and not (_LINE.fullmatch(value) and len(value) <= _MAX_FIELD):
        raise _malformed(f"{name} is empty, is too long or has a control character.")
    return value


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise _malformed("Timestamp has no time zone.")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _malformed("Timestamp is not a time.") from error


def _decoded(signature: str) -> bytes:
    try:
        decoded = base64.b64decode(signature, validate=True)
    except ValueError as error:  # binascii.Error is one
        raise _malformed("Signature is not base64.") from error
    if base64.b64encode(decoded).decode() != signature:
        raise _malformed("Signature is not base64 in its one form.")
    return decoded


def _malformed(words: str, hint: str = "") -> SnsMessageRefused:
    return SnsMessageRefused(words, hint=hint, status=400)


def _elsewhere() -> SnsMessageRefused:
    return SnsMessageRefused("SigningCertURL is not a certificate of SNS in the topic's region.")
