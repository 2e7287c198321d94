"""The same calls through a boto3 client: for callers that have one, and for what the wire does not support.

That is Signature Version 4A (a multi-region endpoint) and proxies that are reached by https.
"""

import traceback
from threading import local
from typing import TYPE_CHECKING, Any, cast

from mailer.wire.access import SET_UP, assumed, translated
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.wire.access import Access
    from mailer.wire.deadline import Limits

# What botocore and, behind it, urllib3 and ssl raise where no connection came about that a request is written to.
NEVER_CONNECTED = frozenset(
    (
        *("ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError"),
        *("NameResolutionError", "NewConnectionError", "LocationParseError", "LocationValueError", "URLSchemeUnknown"),
        *("ProxyError", "ProxySchemeUnknown", "ProxySchemeUnsupported", "EmptyPoolError", "ClosedPoolError"),
        *("CertificateError", "SSLCertVerificationError", "gaierror"),
    )
)


class BotoApi:
    """A `mailer.wire.client.Api` over a boto3 client, whose retries must be off where a call may not be made twice.

    Args:
        client: A client with time-outs of its own.
    """

    def __init__(self, client: object) -> None:
        self._client = cast("Any", client)
        self._phase = local()
        events = getattr(getattr(client, "meta", None), "events", None)
        # A replaced client in an application's tests has no such event: its failures may have followed a request.
        self._emits_nothing = events is None
        if events is not None:  # emitted after signing, right before the request is written
            events.register_first("before-send", self._sending)

    def _sending(self, **_: object) -> None:
        self._phase.sent = True

    def call(self, operation: str, request: "Mapping[str, object]") -> dict[str, object]:
        """See `Api.call`."""
        from botocore import xform_name

        self._phase.sent = self._emits_nothing
        try:
            answer: object = getattr(self._client, xform_name(operation))(**request)
        except Exception as error:
            raise ending_of(error, operation, sent=self._phase.sent) from error
        if not isinstance(answer, dict):
            raise AnswerLost("the answer is not an object")
        return cast("dict[str, object]", answer)


def boto_api(service: str, region: str | None, limits: "Limits", access: "Access") -> BotoApi:
    """A `BotoApi` of its own client, which tries once.

    Raises:
        CannotAsk: The set-up is wrong, so that there is no client.
        CredentialsFailed: The credentials' source failed.
    """
    return BotoApi(translated(lambda: _client(service, region, limits, access)))


def _client(service: str, region: str | None, limits: "Limits", access: "Access") -> object:
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=limits.connect,
        read_timeout=limits.attempt,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=64,
        tcp_keepalive=True,
    )
    session = access.botocore_session()
    region = region or session.get_config_variable("region")
    if access.role:
        credentials, session = assumed(session, access.role), get_session()
        vars(session)["_credentials"] = credentials  # there is no argument for credentials that renew themselves
    return session.create_client(service, region_name=region, config=config)


def ending_of(error: Exception, operation: str, *, sent: bool) -> WireError:
    """What is known of a request that ended so.

    Args:
        error: Whatever botocore raised.
        operation: What was asked for.
        sent: Whether botocore had begun to send.
    """
    name, said = type(error).__name__, f"{type(error).__name__}: {error}"
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        if getattr(error, "operation_name", operation) != operation:  # of STS, asked for credentials
            return CredentialsFailed(said)
        return _service_error(cast("dict[str, Any]", response))
    if sent:
        return NotWritten(said) if _never_connected(error) else AnswerLost(said)
    if name in SET_UP or isinstance(error, ValueError):
        return CannotAsk(str(error), name)
    return CannotAsk(str(error), name) if name == "ParamValidationError" else CredentialsFailed(said)


def _service_error(response: "dict[str, Any]") -> ServiceError:
    error, meta = response["Error"], response.get("ResponseMetadata", {})
    status = meta.get("HTTPStatusCode", 0)
    code = "" if error.get("Code") == str(status) else error.get("Code", "")  # botocore's stand-in for no code
    return ServiceError(str(code), str(error.get("Message", "")), int(status), response)


def _never_connected(error: BaseException | None) -> bool:
    """Whether it comes from connecting, or from a TLS handshake: nothing of the request was written."""
    while error is not None:
        frames = traceback.walk_tb(error.__traceback__)
        if type(error).__name__ in NEVER_CONNECTED or any(f.f_code.co_name == "do_handshake" for f, _ in frames):
            return True
        error = error.__cause__ or error.__context__
    return False
