"""Fetches the certificates that verify SNS messages, and caches them. A failure is not cached.

Not for deciding which URL may be fetched: `sns.check_certificate_url` does.
"""

from threading import Lock
from typing import TYPE_CHECKING, NoReturn

from mailer.errors import CertificateUnavailable, SnsMessageRefused
from mailer.redaction import raise_masked
from mailer.stores.base import utcnow
from mailer.webhooks.rate import Bucket
from mailer.webhooks.sns import check_certificate_url, is_loopback, public_key
from mailer.wire.access import Access
from mailer.wire.deadline import Deadline
from mailer.wire.errors import WireError
from mailer.wire.forks import belongs_to_process
from mailer.wire.http import Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from urllib.parse import SplitResult

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from mailer.webhooks.sns import SnsMessage
    from mailer.wire.http import Answer, Destination

# Bytes: a certificate of SNS has two thousand. Seconds for a whole fetch: SNS waits 15 for the answer to a message.
MAX_BYTES, SECONDS = 32 * 1024, 5.0
# SNS uses one certificate a region at a time, and a new one about once a year.
_KEPT = 16
# Fetches a second, and at once: a forged message may name a certificate that does not exist.
_FETCHES, _AT_ONCE = 0.5, 10
_OK, _TOO_MANY, _UNAVAILABLE, _SERVER_ERROR = 200, 429, 503, 500


class Certificates:
    """The keys of SNS, by the URL of their certificate. Threads share it.

    Args:
        access: Whose endpoint, proxy and CA bundle are used. An endpoint on this machine (`AWS_ENDPOINT_URL` with
            127.0.0.1, as for the local cloud) may serve certificates, too.
        clock: The time now, with a zone.
    """

    def __init__(self, access: Access | None = None, *, clock: "Callable[[], datetime]" = utcnow) -> None:
        self._access, self._clock = access or Access(), clock
        self._kept: dict[str, tuple[RSAPublicKey, datetime]] = {}
        self._bucket = Bucket(_FETCHES, _AT_ONCE)
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """A thread of the parent process may have held the lock."""
        self._lock = Lock()

    def key_of(self, message: "SnsMessage") -> "RSAPublicKey":
        """The key that must have signed a message.

        Raises:
            SnsMessageRefused: The URL is not one of SNS, or there is no certificate.
            CertificateUnavailable: It could not be fetched now.
        """
        destination = self._destination(message.region)
        url = check_certificate_url(message, _local_origin(destination))
        return self._cached(url.geturl()) or self._fetch(url, destination)

    def _cached(self, url: str) -> "RSAPublicKey | None":
        key, expires_at = self._kept.get(url, (None, None))
        return key if expires_at and expires_at > self._clock() else None

    def _fetch(self, url: "SplitResult", destination: "Destination") -> "RSAPublicKey":
        with self._lock:  # one at a time: the others find what it has fetched
            if key := self._cached(url.geturl()):
                return key
            if not self._bucket.take():
                raise CertificateUnavailable("Too many different certificates were asked for.", status=_TOO_MANY)
            key, expires_at = public_key(_body(_exchange(url, destination)), self._clock())
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[url.geturl()] = (key, expires_at)
            return key

    def _destination(self, region: str) -> "Destination":
        """The endpoint of SNS in the region, with the proxy and the CA bundle that lead there."""
        try:
            found = self._access.identity.place("sns", region).destination
        except WireError as error:
            _unavailable(str(error), error)
        if found is None:
            raise CertificateUnavailable(
                "A proxy that is reached by https is not supported here.",
                hint="Use a proxy with an http:// URL, or exclude the hosts of SNS with NO_PROXY.",
                status=_UNAVAILABLE,
            )
        return found


def _local_origin(destination: "Destination") -> str:
    origin = f"{destination.url.scheme}://{destination.url.netloc}"
    return origin if is_loopback(origin) else ""


def _exchange(url: "SplitResult", destination: "Destination") -> "Answer":
    """One GET. Redirects are answers like others: they are never followed."""
    if url.scheme == "https" and destination.tls is None:
        hint = "Remove AWS_ENDPOINT_URL, or use the local cloud's URL with 127.0.0.1."
        raise CertificateUnavailable("AWS_ENDPOINT_URL has no TLS.", hint=hint, status=_UNAVAILABLE)
    deadline = Deadline(SECONDS)
    target = f"{url.scheme}://{url.netloc}{url.path}" if destination.is_forwarded else url.path
    head = f"GET {target} HTTP/1.1\r\nhost: {url.netloc}\r\naccept-encoding: identity\r\nconnection: close\r\n\r\n"
    try:
        connection = Connection(destination._replace(url=url), deadline, max_body=MAX_BYTES)
        try:
            return connection.exchange((head.encode("ascii"),), deadline)
        finally:
            connection.close()
    except (WireError, TimeoutError) as error:
        _unavailable(str(error), error)


def _unavailable(why: str, error: Exception) -> NoReturn:
    words = f"The signing certificate could not be fetched: {why.rstrip('.')}."
    hint = "Allow this machine https to the hosts of SNS."
    raise_masked(CertificateUnavailable(words, hint=hint, status=_UNAVAILABLE), error)


def _body(answer: "Answer") -> bytes:
    if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
        raise CertificateUnavailable(f"SNS answered {answer.status} instead of a certificate.", status=_UNAVAILABLE)
    if answer.status != _OK:
        raise SnsMessageRefused(f"There is no signing certificate at SigningCertURL: status {answer.status}.")
    return answer.body
