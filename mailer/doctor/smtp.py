"""The SMTP server that a check looks at, and one try to reach it and to log in. Not for sending."""

import json
import ssl
from typing import TYPE_CHECKING

from mailer.doctor.inconclusive import NotApplicable
from mailer.doctor.smtp_account import Account
from mailer.transports.smtp_connection import Connection, Login, Lost, NoLogin, Server, SmtpRefusal
from mailer.wire.deadline import Deadline

if TYPE_CHECKING:
    from mailer.doctor.site import Site

# https://www.rfc-editor.org/rfc/rfc8314: TLS from the first byte; on other ports, STARTTLS.
TLS_PORT = 465
# Seconds for one connection with login.
TIMEOUT = 6.0
_MICROSOFT = (".office365.com", ".outlook.com")


def is_microsoft(host: str) -> bool:
    """Whether a host is Microsoft 365's.

    Example:
        >>> is_microsoft("smtp.office365.com")
        True
    """
    return host.lower().endswith(_MICROSOFT)


class NotReached(Exception):  # noqa: N818 - it says what happened
    """The server cannot be reached, or offers no TLS; the message says why."""


class LoginRefused(Exception):  # noqa: N818 - it says what happened
    """The server refused the login; the message is its reply."""


def account_of(site: "Site") -> Account:
    """The account that the caller named, or the stack's SMTP user.

    Raises:
        NotApplicable: There is neither.
    """
    if site.smtp:
        return site.smtp
    name = site.outputs.smtp_secret
    if not name:
        raise NotApplicable("the stack has no SMTP user, and no server was named by --smtp")
    secret = json.loads(site.read("secretsmanager", "get_secret_value", SecretId=name)["SecretString"])
    return Account(secret["host"], int(secret["port"]), secret["username"], secret["password"])


def reach(account: Account) -> None:
    """Connect, and encrypt the connection.

    Raises:
        NotReached: It does not work.
    """
    try:
        _connect(account, None)
    except (Lost, NoLogin, SmtpRefusal) as error:
        raise NotReached(str(error)) from error


def log_in(account: Account) -> None:
    """Connect, and log in.

    Raises:
        NotReached: There was no connection.
        LoginRefused: The server refused the login.
    """
    try:
        _connect(account, Login(account.username, account.password))
    except Lost as error:
        raise NotReached(str(error)) from error
    except (NoLogin, SmtpRefusal) as error:
        raise LoginRefused(str(error)) from error


def _connect(account: Account, login: Login | None) -> None:
    context = account.context or ssl.create_default_context()
    security = "tls" if account.port == TLS_PORT else "starttls"
    Connection(Server(account.host, account.port, security, context), login, Deadline(TIMEOUT)).leave()
