"""Certificates: fetched within bounds, cached, and failures are not."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mailer.errors import CertificateUnavailable, SnsMessageRefused
from mailer.webhooks.certificates import MAX_BYTES, Certificates, _exchange
from mailer.webhooks.sns import SnsMessage, check_signature, parse_message, public_key
from mailer.wire.http import Destination
from tests.unit.mailer.webhooks.signing import Sns
from tests.unit.mailer.webhooks.test_webhook import body
from tests.waiting import PATIENCE

NOW = datetime.now(UTC)
PATH = "/SimpleNotificationService-" + "1" * 32 + ".pem"


@pytest.fixture
def message(sns: Sns) -> SnsMessage:
    return parse_message(body(sns.notification("Hello")))


@pytest.fixture
def elsewhere(sns: Sns) -> SnsMessage:
    """A message whose certificate is at a path that each test fills."""
    return parse_message(body(sns.notification("Hello") | {"SigningCertURL": sns.pages.endpoint + PATH}))


def test_key_is_fetched_once_by_many_threads(sns: Sns, message: SnsMessage):
    certificates = Certificates()
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: certificates.key_of(message), range(20)))
    assert len(set(map(id, keys))) == 1
    check_signature(message, keys[0])
    assert sns.pages.asked == [sns.signer.path]


def test_failure_is_not_cached(sns: Sns, elsewhere: SnsMessage):
    certificates = Certificates()
    sns.pages.answers[PATH] = (503, {}, b"")
    with pytest.raises(CertificateUnavailable):
        certificates.key_of(elsewhere)
    sns.pages.answers[PATH] = (200, {}, sns.signer.certificate)
    check_signature(elsewhere, certificates.key_of(elsewhere))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(sns: Sns, elsewhere: SnsMessage, status: int):
    sns.pages.answers[PATH] = (status, {"Location": sns.signer.path}, b"")
    with pytest.raises(SnsMessageRefused, match=f"status {status}"):
        Certificates().key_of(elsewhere)
    assert sns.pages.asked == [PATH]


@pytest.mark.parametrize("length", [True, False])
def test_oversized_certificate_is_not_read(sns: Sns, elsewhere: SnsMessage, length: bool):
    headers = {} if length else {"Content-Length": str(10**12)}
    sns.pages.answers[PATH] = (200, headers, b"x" * (MAX_BYTES + 1))
    with pytest.raises(CertificateUnavailable, match="more than"):
        Certificates().key_of(elsewhere)


def test_server_that_does_not_answer_is_left(sns: Sns, elsewhere: SnsMessage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.webhooks.certificates.SECONDS", 0.2)
    sns.pages.answers[PATH] = (200, {"Content-Length": "100"}, b"x")  # and never the other 99 bytes
    with pytest.raises(CertificateUnavailable, match="could not be fetched"):
        Certificates().key_of(elsewhere)


def test_unreachable_endpoint_is_temporary(message: SnsMessage, monkeypatch: pytest.MonkeyPatch):
    origin = "http://127.0.0.1:9"
    monkeypatch.setenv("AWS_ENDPOINT_URL", origin)
    with pytest.raises(CertificateUnavailable) as raised:
        Certificates().key_of(_at(message, origin + PATH))
    assert raised.value.status == 503


def test_endpoint_elsewhere_without_tls_serves_no_certificates(message: SnsMessage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://sns.example.com")
    for url in (f"http://sns.example.com{PATH}", f"https://sns.us-east-1.amazonaws.com{PATH}"):
        with pytest.raises(SnsMessageRefused):
            Certificates().key_of(_at(message, url))


def test_forged_urls_cause_few_fetches(sns: Sns, message: SnsMessage):
    certificates = Certificates()
    for number in range(40):
        url = f"{sns.pages.endpoint}/SimpleNotificationService-{number:032x}.pem"
        with pytest.raises(SnsMessageRefused):
            certificates.key_of(_at(message, url))
    assert len(sns.pages.asked) < 15


def test_expired_certificate_is_fetched_again(sns: Sns, message: SnsMessage):
    now = [NOW]
    certificates = Certificates(clock=lambda: now[0])
    certificates.key_of(message)
    now[0] += timedelta(days=4000)
    with pytest.raises(SnsMessageRefused, match="not valid now"):
        certificates.key_of(message)
    assert len(sns.pages.asked) == 2


def _at(message: SnsMessage, url: str) -> SnsMessage:
    from dataclasses import replace

    return replace(message, certificate_url=url)


def _certificate(key: "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey") -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


WRONG: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "HTML": lambda: b"<html></html>",
    "half": lambda: b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "elliptic curve": lambda: _certificate(ec.generate_private_key(ec.SECP256R1())),
    "short key": lambda: _certificate(rsa.generate_private_key(65537, 1024)),  # noqa: S505
}


@pytest.mark.parametrize("name", WRONG)
def test_certificate_that_cannot_be_sns_s_is_refused(name: str):
    with pytest.raises(SnsMessageRefused):
        public_key(WRONG[name](), NOW)


def test_certificate_from_an_untrusted_server_is_not_read(tmp_path: Path):
    """An https server whose own certificate no authority signed, in the place of AWS."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(private + _certificate(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                context.wrap_socket(listening.accept()[0], server_side=True)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        url = urlsplit(f"https://127.0.0.1:{listening.getsockname()[1]}{PATH}")
        with pytest.raises(CertificateUnavailable, match="could not be fetched"):
            _exchange(url, Destination(url, None, ssl.create_default_context()))
        thread.join(PATIENCE)
