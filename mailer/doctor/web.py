"""One page by HTTPS, for checks of what a domain publishes on the web. No redirects, and an end in time."""

import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mailer.wire.deadline import Deadline
from mailer.wire.forks import GATE
from mailer.wire.http import Malformed, dial, parse_head

if TYPE_CHECKING:
    import socket

PORT = 443
# Seconds for the whole page.
TIMEOUT = 5.0
# RFC 8461 §3.3: suggested for the policy of MTA-STS; a logo has 32 KB (docs/guides/dns.md).
MAX_BYTES = 64 * 1024
_CHUNK, _END_OF_HEAD = 16 * 1024, b"\r\n\r\n"
_HOST, _PATH = re.compile(r"[a-z0-9.-]{1,253}\Z"), re.compile(r"/[\x21-\x7e]{0,2000}\Z")


class Page(NamedTuple):
    """An answer.

    Attributes:
        media_type: Of its Content-Type, in lower case and without parameters.
        text: The body, as UTF-8.
    """

    status: int
    media_type: str
    text: str


class NoPage(Exception):  # noqa: N818 - it says what there is not
    """There is no answer; the message says why."""


class Fetch(Protocol):
    """Fetches one page."""

    def __call__(self, host: str, path: str) -> Page:
        """The answer of `https://HOST/PATH`, whatever its status.

        Raises:
            NoPage: There is none: the host, its certificate, a time-out.
        """
        ...


@dataclass(frozen=True)
class Web:
    """The web as this machine sees it.

    Attributes:
        context: What verifies certificates. Default: the machine's authorities.
        address: Where every host is; empty for where the DNS says.
        port: Of HTTPS.
    """

    context: ssl.SSLContext | None = None
    address: str = ""
    port: int = PORT

    def __call__(self, host: str, path: str) -> Page:
        """See `Fetch`."""
        if not (_HOST.match(host) and _PATH.match(path)):
            raise NoPage("the address is no host name with a path in ASCII")
        deadline = Deadline(TIMEOUT)
        try:
            opened = dial(self.address or host, self.port, deadline)
            try:
                return _page(self._encrypted(opened, host, deadline), host, path, deadline)
            finally:
                opened.close()
        except ssl.SSLCertVerificationError as error:
            raise NoPage(f"the certificate is refused: {error.verify_message}") from error
        except (OSError, ValueError, Malformed) as error:
            raise NoPage(str(error) or type(error).__name__) from error

    def _encrypted(self, opened: "socket.socket", host: str, deadline: Deadline) -> ssl.SSLSocket:
        opened.settimeout(deadline.remaining())
        with GATE.no_fork():
            return (self.context or ssl.create_default_context()).wrap_socket(opened, server_hostname=host)


def _page(tls: ssl.SSLSocket, host: str, path: str, deadline: Deadline) -> Page:
    """Ask by HTTP/1.0: the body ends with the connection, and is never chunked."""
    with tls:
        tls.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: mailstack\r\n\r\n".encode("ascii"))
        data = b""
        while len(data) <= MAX_BYTES:
            tls.settimeout(deadline.remaining())
            if not (part := tls.recv(_CHUNK)):
                break
            data += part
    head, end, body = data.partition(_END_OF_HEAD)
    if not end:
        raise NoPage("what came is no answer of HTTP")
    if len(data) > MAX_BYTES:
        raise NoPage(f"the answer has more than {MAX_BYTES} bytes")
    status, headers, _ = parse_head(head)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return Page(status, media_type, body.decode("utf-8", "replace"))
