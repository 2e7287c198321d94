"""Mail through a mailbox of Microsoft 365: SMTP with an access token of the application, or with an app password.

Not for Graph; see `mailer.transports.graph`. Replies and set-up: docs/guides/microsoft365.md. Not verified against a
live tenant.
"""

import logging
import warnings
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from mailer.errors import ConfigurationError, CredentialsInvalid, CredentialsUnavailable
from mailer.install import install_command
from mailer.redaction import mask_all, raise_masked
from mailer.transports.smtp import SmtpTransport
from mailer.wire.forks import belongs_to_process

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from mailer.message import Message
    from mailer.results import RecipientResult
    from mailer.transports.smtp import TokenSource
    from mailer.wire.deadline import Limits

HOST, PORT = "smtp.office365.com", 587
AUTHORITY = "https://login.microsoftonline.com"
# https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
SMTP_SCOPE = "https://outlook.office365.com/.default"
# Microsoft's announcement of the retirement of basic authentication for client submission.
BASIC_AUTH_WARNING = (
    "Microsoft 365 disables passwords over SMTP by default for existing tenants at the end of December 2026. "
    "Pass tenant, client_id and client_secret instead: docs/guides/microsoft365.md"
)
_SECONDS = 10
# What Entra ID answers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
ENTRA = {
    7000215: "The client secret is wrong: pass its value, not its id.",
    7000222: "The client secret has expired: create a new one.",
    700016: "The tenant has no application with this client id.",
    90002: "There is no such tenant.",
    700027: "The certificate is not one of the application.",
}
log = logging.getLogger("mailer")


class Microsoft365Tokens:
    """Access tokens of an application (client credentials), kept by msal until shortly before they expire.

    Args:
        tenant: The tenant's id or domain.
        client_id: The application's (client) id.
        client_secret: The value of a client secret, or a certificate as msal's `client_credential` takes it.
        scope: What the token is for.
        authority: Where Entra ID is; national clouds have another.
        certificates: A file of authorities that replaces the system's.
    """

    def __init__(
        self,
        tenant: str,
        client_id: str,
        client_secret: "str | Mapping[str, str]",
        *,
        scope: str = SMTP_SCOPE,
        authority: str = AUTHORITY,
        certificates: str = "",
    ) -> None:
        if not (tenant and client_id and client_secret):
            raise ConfigurationError(
                "Microsoft 365 needs tenant, client_id and client_secret.", hint="See docs/guides/microsoft365.md"
            )
        self._tenant, self._client_id, self._credential = tenant, client_id, client_secret
        self._scope, self._authority, self._certificates = scope, authority, certificates
        self._lock, self._app = Lock(), cast("Any", None)
        belongs_to_process(self)

    def token(self, *, renew: bool = False) -> str:
        """A valid token; a new one if the last was refused.

        Raises:
            CredentialsUnavailable: Entra ID does not answer.
            CredentialsInvalid: Entra ID refuses the application.
            ConfigurationError: msal is not installed.
        """
        with self._lock:
            try:
                self._app = self._app or self._application()
                if renew:
                    self._app.remove_tokens_for_client()
                found: dict[str, Any] = self._app.acquire_token_for_client(scopes=[self._scope])
            except (
                OSError,
                ValueError,
            ) as error:  # of requests, and of msal about the authority
                raise_masked(_unavailable(error), error)
        if "access_token" in found:
            return str(found["access_token"])
        raise _refused(found)

    def after_fork(self) -> None:
        """Use connections of this process's own. The lock may be held by a thread that is not here."""
        self._lock, self._app = Lock(), None

    def _application(self) -> Any:
        try:
            import msal  # pyright: ignore[reportMissingTypeStubs, reportMissingImports]
        except ImportError as error:
            hint = f"Install it: {install_command('microsoft365')}"
            raise ConfigurationError("Microsoft 365 needs msal, which is not installed.", hint=hint) from error
        return cast("Any", msal).ConfidentialClientApplication(
            self._client_id,
            client_credential=self._credential,
            authority=f"{self._authority}/{self._tenant}",
            instance_discovery=False,
            verify=self._certificates or True,
            timeout=_SECONDS,
        )


def _unavailable(error: Exception) -> CredentialsUnavailable:
    why = mask_all(f"{type(error).__name__}: {error}"[:500])
    return CredentialsUnavailable(
        f"Entra ID gave no access token, so nothing was sent: {why}",
        hint="Check the network and the tenant's name; login.microsoftonline.com must be reachable.",
    )


def _refused(found: "Mapping[str, Any]") -> CredentialsInvalid:
    words = mask_all(str(found.get("error_description") or found.get("error") or "")[:500])
    hints = [ENTRA[code] for code in found.get("error_codes") or () if code in ENTRA]
    return CredentialsInvalid(
        f"Entra ID refuses the application: {words}",
        hint=hints[0] if hints else "See docs/guides/microsoft365.md#entra-id-refuses-the-application",
        code=str(found.get("error", "")),
    )


class Microsoft365Transport:
    """A `mailer.transports.base.Transport` over SMTP to Microsoft 365.

    Args:
        mailbox: The address of the mailbox that logs in; the From address must be its own, or one it may send as.
        tenant: The tenant's id or domain.
        client_id: The application's (client) id.
        client_secret: The value of a client secret, or a certificate as msal's `client_credential` takes it.
        app_password: An app password instead, which Microsoft disables by default at the end of December 2026.
        tokens: Access tokens from elsewhere instead.
        ignore: See `SmtpTransport`.
        host: The server's name.
        port: The port.
        context: A TLS context that verifies certificates. Default: the system's authorities.
        limits: See `SmtpTransport`.

    Raises:
        ConfigurationError: There is no login, or more than one.
    """

    name = "microsoft365"

    def __init__(  # noqa: PLR0913 - written out for help() and completion
        self,
        mailbox: str,
        *,
        tenant: str = "",
        client_id: str = "",
        client_secret: "str | Mapping[str, str]" = "",
        app_password: str = "",
        tokens: "TokenSource | None" = None,
        ignore: "Iterable[str]" = (),
        host: str = HOST,
        port: int = PORT,
        context: "ssl.SSLContext | None" = None,
        limits: "Limits | None" = None,
    ) -> None:
        if sum(map(bool, (client_id or client_secret or tenant, app_password, tokens))) != 1:
            raise ConfigurationError(
                "Microsoft365Transport needs one login: a client secret with tenant and client_id, an app password or "
                "tokens.",
                hint="See docs/guides/microsoft365.md",
            )
        if app_password:
            warnings.warn(BASIC_AUTH_WARNING, FutureWarning, stacklevel=2)
            log.warning(BASIC_AUTH_WARNING)
        elif tokens is None:
            tokens = Microsoft365Tokens(tenant, client_id, client_secret)
        self._smtp = SmtpTransport(
            host,
            port,
            username=mailbox,
            password=app_password,
            tokens=tokens,
            context=context,
            ignore=ignore,
            limits=limits,
        )

    @property
    def longest_attempt(self) -> float:
        """Seconds after which an attempt has ended, whatever the server does."""
        return self._smtp.longest_attempt

    def send(self, message: "Message") -> "tuple[RecipientResult, ...]":
        """See `Transport.send`. A token that is refused is renewed once."""
        return self._smtp.send(message)

    def close(self) -> None:
        """Close the open connections."""
        self._smtp.close()
