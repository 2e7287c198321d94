"""Host, ports and credentials of the SMTP interface. Imports nothing of the server."""

import socket
import ssl
from dataclasses import dataclass

from mailstack_localcloud.backend.credentials import ACCESS_KEY, SECRET_KEY
from mailstack_localcloud.smtp.credentials import smtp_password


@dataclass(frozen=True, slots=True)
class SmtpAccess:
    """How to send over SMTP.

    Attributes:
        host: Always the loopback address.
        port: For STARTTLS, as SES's 587.
        tls_port: For TLS from the first byte, as SES's 465.
        certificate: Path of the self-signed certificate (PEM), for clients to trust.
        username: The documented example key; any active access key of the local IAM does as well.
        password: Its SMTP password in this region.

    Example:
        >>> from mailstack_localcloud import LocalCloud
        >>> cloud = LocalCloud.start()  # doctest: +SKIP
        >>> with smtplib.SMTP(cloud.smtp.host, cloud.smtp.port) as client:  # doctest: +SKIP
        ...     client.starttls(context=cloud.smtp.context())
        ...     client.login(cloud.smtp.username, cloud.smtp.password)
    """

    host: str
    port: int
    tls_port: int
    certificate: str
    username: str
    password: str

    def context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this server and no other."""
        return ssl.create_default_context(cafile=self.certificate)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The sockets that listen, and the path of the certificate."""

    starttls: socket.socket
    tls: socket.socket
    certificate: str

    def access(self, region: str) -> SmtpAccess:
        """The access data for clients."""
        host, port = self.starttls.getsockname()
        tls_port = self.tls.getsockname()[1]
        return SmtpAccess(host, port, tls_port, self.certificate, ACCESS_KEY, smtp_password(SECRET_KEY, region))
