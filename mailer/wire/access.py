"""Credentials and endpoints: what botocore finds in the environment, profiles, roles and instance metadata."""

import ssl
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from mailer.wire.deadline import Deadline, bounded
from mailer.wire.endpoints import find_endpoint
from mailer.wire.errors import CannotAsk, CredentialsFailed, NotWritten
from mailer.wire.forks import GATE, belongs_to_process
from mailer.wire.http import Destination
from mailer.wire.signing import Keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from boto3.session import Session as Boto3Session
    from botocore.credentials import Credentials
    from botocore.session import Session

_Result = TypeVar("_Result")
# botocore's exceptions that say that the set-up is wrong: asking again soon changes nothing.
SET_UP = frozenset(
    (
        *(
            "ConfigNotFound",
            "ConfigParseError",
            "InfiniteLoopConfigError",
            "InvalidConfigError",
            "UnknownCredentialError",
        ),
        *("InvalidEndpointConfigurationError", "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError"),
        *(
            "InvalidRegionError",
            "NoRegionError",
            "UnknownRegionError",
            "UnknownFIPSEndpointError",
            "EndpointVariantError",
        ),
        *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "RefreshWithMFAUnsupportedError"),
        *("MissingDependencyException", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"),
        *("LoginTokenLoadError", "LoginInsufficientPermissions", "InvalidProxiesConfigError", "UnknownServiceError"),
    )
)


# Once in a process: files are read, a client is made, and instance metadata is asked where there is some.
SET_UP_SECONDS = 15.0


class Place(NamedTuple):
    """The endpoint of a service.

    Attributes:
        region: The region that requests are signed for.
        destination: Where connections go; None if only botocore can connect, as to an https proxy.
    """

    region: str
    destination: Destination | None


@dataclass(frozen=True)
class Access:
    """The credentials for requests to AWS. Default: those that boto3 finds by itself.

    Attributes:
        session: A boto3 session, whose profile, credentials and region are used.
        role: The ARN of a role to assume with those credentials. It is assumed again before its session expires.
    """

    session: "Boto3Session | None" = None
    role: str = ""

    @cached_property
    def identity(self) -> "Identity":
        """The botocore session, credentials and certificates, shared by all services."""
        return Identity(self)

    def botocore_session(self) -> "Session":
        """The session given, else a new one: the default session must not be shared between threads."""
        from botocore.session import get_session

        if self.session is None:
            return get_session()
        return self.session._session  # noqa: SLF001 - boto3 shows it nowhere else


class Identity:
    """Credentials and endpoints: found on first use, renewed before they expire, found again after a fork."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = Lock()
        self._session: Session | None = None
        self._credentials: Credentials | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._places: dict[tuple[str, str | None], Place] = {}
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Find renewable credentials again: a thread of the parent may have held a lock, botocore's included.

        Others have no lock and stay. To find them takes OpenSSL, whose locks the fork may have left held, too.
        """
        self._lock = Lock()
        self._session = None
        if hasattr(self._credentials, "_refresh_lock"):
            self._credentials = None
        if self._access.session is not None:
            kept: object = vars(self._access.botocore_session()).get("_credentials")  # asking for it would fetch it
            if hasattr(kept, "_refresh_lock"):
                vars(kept)["_refresh_lock"] = Lock()

    def keys(self, deadline: "Deadline") -> Keys:
        """The current credentials. Fetching them takes no longer than the deadline.

        Raises:
            CannotAsk: No credentials are configured.
            CredentialsFailed: The source of the credentials failed or timed out.
        """
        self._once(lambda: self._credentials is not None, self._find)
        credentials = cast("Credentials", self._credentials)
        needs = getattr(credentials, "refresh_needed", None)
        freeze = credentials.get_frozen_credentials
        frozen = translated(lambda: bounded(freeze, deadline)) if needs is not None and needs() else freeze()
        return Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token)

    def place(self, service: str, region: str | None) -> Place:
        """Where a service is: botocore's rules, AWS_ENDPOINT_URL, FIPS and dual stack, proxies, the CA bundle.

        Raises:
            CannotAsk: The region is missing, or the endpoint or the CA bundle is invalid.
        """
        key = (service, region)
        self._once(lambda: key in self._places, lambda: self._places.update({key: self._locate(service, region)}))
        return self._places[key]

    def _once(self, is_done: "Callable[[], bool]", work: "Callable[[], None]") -> None:
        """Run slow work once per process, in one thread; other threads wait for it."""
        if is_done():
            return
        deadline = Deadline(SET_UP_SECONDS)
        if not self._lock.acquire(timeout=deadline.remaining()):
            raise CredentialsFailed("Reading the AWS configuration timed out.")
        try:
            if not is_done():
                translated(lambda: bounded(work, deadline))
        except BaseException:
            self._session = None  # it keeps what it has read of files, and a thread left behind may still use it
            raise
        finally:
            self._lock.release()

    def _shared_session(self) -> "Session":
        """Used under the lock only: botocore's sessions are not safe for threads."""
        self._session = self._session or self._access.botocore_session()
        return self._session

    def _find(self) -> None:
        session, role = self._shared_session(), self._access.role
        self._credentials = assumed(session, role) if role else found(session)

    def _locate(self, service: str, region: str | None) -> Place:
        from botocore.httpsession import get_cert_path
        from botocore.utils import get_environ_proxies

        session = self._shared_session()
        endpoint, region = find_endpoint(session, service, region)
        url = urlsplit(endpoint)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise CannotAsk(f"The endpoint {endpoint!r} is not an http or https URL.", "InvalidEndpoint")
        proxy = _proxy(get_environ_proxies(endpoint), url.scheme)
        if proxy and proxy.scheme != "http":
            return Place(region, None)
        if url.scheme == "http":
            return Place(region, Destination(url, proxy, None))
        bundle = str(session.get_config_variable("ca_bundle") or get_cert_path(True))
        if bundle not in self._contexts:
            self._contexts[bundle] = tls(bundle)
        return Place(region, Destination(url, proxy, self._contexts[bundle]))


def translated(work: "Callable[[], _Result]") -> "_Result":
    """Run work of botocore that precedes a request: if it raises, nothing was written.

    Raises:
        CannotAsk: The set-up is wrong.
        CredentialsFailed: Anything else: a refresh raises errors of every kind, RuntimeError and KeyError included.
    """
    try:
        return work()
    except NotWritten:
        raise
    except Exception as error:
        name = type(error).__name__
        if name in SET_UP or isinstance(error, ValueError):  # the last for an endpoint that is no URL
            raise CannotAsk(str(error), name) from error
        raise CredentialsFailed(f"{name}: {error}") from error


def found(session: "Session") -> "Credentials":
    """The session's credentials.

    Raises:
        NoCredentialsError: botocore finds none.
    """
    from botocore.exceptions import NoCredentialsError

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials


def assumed(session: "Session", role: str) -> "Credentials":
    """Credentials of the role, fetched when they are first needed."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    fetcher = AssumeRoleCredentialFetcher(session.create_client, found(session), role)
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def _proxy(proxies: dict[str, str], scheme: str) -> SplitResult | None:
    found = proxies.get(scheme) or ""
    if not found:
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    if not proxy.hostname:
        raise CannotAsk(
            "The proxy of the environment (HTTPS_PROXY, HTTP_PROXY) is no URL.", "InvalidProxiesConfigError"
        )
    return proxy


def tls(verify: str) -> ssl.SSLContext:
    """The context for connections whose certificates a file must vouch for.

    Raises:
        CannotAsk: The file cannot be read.
    """
    try:
        with GATE.no_fork():  # reading certificates takes the same locks
            return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise CannotAsk(f"The CA bundle {verify} cannot be read: {error}", "InvalidCaBundle") from error
