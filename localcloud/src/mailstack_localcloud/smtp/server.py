"""The two ports of the SMTP interface, on the server's own event loop: STARTTLS, and TLS from the first byte.

The protocol is loaded with the first connection, which keeps the start quick: few users need SMTP.
"""

import asyncio
import functools
import ssl
from typing import TYPE_CHECKING, Any, cast

from mailstack_localcloud.ses.rules import MAX_MESSAGE_BYTES
from mailstack_localcloud.smtp.access import Listeners
from mailstack_localcloud.smtp.certificate import ensure

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosmtpd.smtp import SMTP, AuthResult

    from mailstack_localcloud.smtp.session import Mta

_NAME = "email-smtp.amazonaws.com"
_IDENT = "ESMTP SimpleEmailService (local cloud)"
# aiosmtpd's own words, and SES's in their place.
_AS_SES_SAYS = {
    "552 Error: Too much mail data": "552 Message is too long.",
    "552 Error: message size exceeds fixed maximum message size": "552 Message is too long.",
    "530 5.7.0 Authentication required": "530 Authentication required",
}


class SmtpServer:
    """SES's SMTP interface.

    Args:
        listeners: Where it listens.
        mta: Makes what takes the mails.
    """

    def __init__(self, listeners: Listeners, mta: "Callable[[], Mta]") -> None:
        self._listeners = listeners
        self._make_mta = mta
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Accept connections."""
        loop = asyncio.get_running_loop()
        self._servers = [
            await loop.create_server(lambda: self._protocol(starttls=True), sock=self._listeners.starttls),
            # The protocol is made before the handshake, so that the certificate is loaded in time.
            await loop.create_server(
                lambda: self._protocol(starttls=False), sock=self._listeners.tls, ssl=self._context
            ),
        ]

    def stop(self) -> None:
        """Accept no more connections."""
        for server in self._servers:
            server.close()

    @functools.cached_property
    def _mta(self) -> "Mta":
        ensure(self._listeners.certificate)
        self._context.load_cert_chain(self._listeners.certificate)
        return self._make_mta()

    def _protocol(self, *, starttls: bool) -> "SMTP":
        return _session_class()(
            self._mta,
            data_size_limit=MAX_MESSAGE_BYTES,
            hostname=_NAME,
            ident=_IDENT,
            tls_context=self._context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,  # TLS from the first byte is not known to aiosmtpd
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _: object, __: object, ___: object, ____: str, login: Any) -> "AuthResult":
        from aiosmtpd.smtp import AuthResult

        from mailstack_localcloud.smtp.session import WRONG_CREDENTIALS

        if self._mta.may_log_in(login):
            return AuthResult(success=True, auth_data=login, message="235 Authentication successful.")
        return AuthResult(success=False, handled=False, message=WRONG_CREDENTIALS)


@functools.cache
def _session_class() -> "type[SMTP]":
    from aiosmtpd.smtp import SMTP

    class AsSes(SMTP):
        """The protocol in SES's words."""

        async def push(self, status: Any) -> None:
            said: Any = _AS_SES_SAYS.get(status, status)
            if said:  # after a fault has reset the connection there is no reply
                await super().push(said)

        def _timeout_cb(self) -> None:
            cast("asyncio.WriteTransport", self.transport).write(b"451 Timeout waiting for data from client\r\n")
            super()._timeout_cb()

    return AsSes
