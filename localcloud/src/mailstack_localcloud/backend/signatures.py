"""Signatures of SNS deliveries, with a key of this process, and the certificate that verifies them.

AWS serves its certificates over https at sns.<region>.amazonaws.com, which is not possible here. A verifier must be
configured to take the certificate from the local cloud.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import datetime as dt
import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from mailstack_localcloud.http import App, Receive, Response, Scope, Send, respond

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED_FIELDS = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
VERSIONS = ("1", "2")
_BITS, _DAYS = 2048, 3650
_NAME = "sns.amazonaws.com"
_PATH = "/SimpleNotificationService-"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key and its certificate (PEM)."""

    key: "RSAPrivateKey"
    certificate: bytes


class Signer:
    """Signs with one key, which is made when it is first needed.

    Args:
        endpoint: Where the certificate is served.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()

    @property
    def path(self) -> str:
        """The URL of the certificate, as SNS forms it: each key has its own."""
        return f"{_PATH}{hashlib.sha256(self._pair.certificate).hexdigest()[:32]}.pem"

    @property
    def certificate(self) -> bytes:
        """The certificate (PEM)."""
        return self._pair.certificate

    def sign(self, envelope: str) -> str:
        """An envelope with a signature of the version that it names, and the certificate's address."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        whole = cast("dict[str, Any]", json.loads(envelope))
        digest = hashes.SHA256() if whole.get("SignatureVersion") == "2" else hashes.SHA1()  # noqa: S303 - version 1
        signature = self._pair.key.sign(canonical(whole), padding.PKCS1v15(), digest)
        signed = {"Signature": base64.b64encode(signature).decode(), "SigningCertURL": f"{self._endpoint}{self.path}"}
        return json.dumps({**whole, **signed})

    @property
    def _pair(self) -> _Pair:
        with self._lock:
            return self._made

    @cached_property
    def _made(self) -> _Pair:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return _Pair(key, certificate.public_bytes(serialization.Encoding.PEM))


def canonical(envelope: dict[str, Any]) -> bytes:
    """The signed text of an envelope: `key` and value, a line each, in the order that SNS documents."""
    fields = SIGNED_FIELDS[envelope["Type"]]
    return "".join(f"{name}\n{envelope[name]}\n" for name in fields if envelope.get(name) is not None).encode()


class Certificates:
    """An ASGI application in front of another, which serves the signer's certificate."""

    def __init__(self, app: App, signer: Signer) -> None:
        self._app, self._signer = app, signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if str(scope.get("path", "")).startswith(_PATH) and scope["path"] == self._signer.path:
            await respond(send, Response(200, self._signer.certificate, "application/x-pem-file"))
        else:
            await self._app(scope, receive, send)
