"""What is known of a request when botocore or urllib3 raises: a row for each class, and none that is missing."""

import inspect
from typing import Any

import botocore.exceptions
import pytest
import urllib3.exceptions

from mailer.wire.boto import ending_of
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError


def classes(module: Any) -> dict[str, type[Exception]]:
    found = inspect.getmembers(module, inspect.isclass)
    return {
        name: kind
        for name, kind in found
        if issubclass(kind, Exception) and not issubclass(kind, Warning) and kind.__module__.startswith(module.__name__)
    }


def made(kind: type[Exception]) -> Exception:
    """An instance without asking each class what it takes."""
    error = kind.__new__(kind)
    Exception.__init__(error, "what happened")
    error.__dict__.update(partial=0, expected=0, length=b"")  # what two of them show of themselves
    return error


def names(table: str) -> list[str]:
    return table.split()


# While botocore sends, a connection never came about. Everything else may follow a request that was accepted.
NEVER_CONNECTED = names("""
    ConnectTimeoutError EndpointConnectionError ProxyConnectionError ClosedPoolError EmptyPoolError
    LocationParseError LocationValueError NameResolutionError NewConnectionError ProxyError ProxySchemeUnknown
    ProxySchemeUnsupported URLSchemeUnknown
""")
# Before botocore sends, asking again soon changes nothing. Everything else may pass.
SET_UP = names("""
    ConfigNotFound ConfigParseError EndpointVariantError InfiniteLoopConfigError InvalidConfigError
    InvalidEndpointConfigurationError InvalidIMDSEndpointError InvalidIMDSEndpointModeError
    InvalidProxiesConfigError InvalidRegionError LoginInsufficientPermissions LoginRefreshRequired
    LoginTokenLoadError MissingDependencyException NoCredentialsError NoRegionError ParamValidationError
    PartialCredentialsError ProfileNotFound RefreshWithMFAUnsupportedError SSOTokenLoadError
    UnauthorizedSSOTokenError UnknownCredentialError UnknownEndpointError UnknownFIPSEndpointError
    UnknownRegionError UnknownServiceError LocationParseError LocationValueError ProxySchemeUnknown
    ProxySchemeUnsupported ResponseNotChunked URLSchemeUnknown
""")
MAY_PASS = names("""
    AliasConflictParameterError ApiVersionNotFoundError AwsChunkedWrapperError BaseEndpointResolverError
    BotoCoreError CapacityNotAvailableError ChecksumError ConnectTimeoutError ConnectionClosedError
    ConnectionError CredentialRetrievalError DataNotFoundError EndpointConnectionError EndpointProviderError
    EndpointResolutionError FlexibleChecksumError HTTPClientError IncompleteReadError InvalidChecksumConfigError
    InvalidDNSNameError InvalidDefaultsMode InvalidEndpointDiscoveryConfigurationError InvalidExpressionError
    InvalidHostLabelError InvalidMaxRetryAttemptsError InvalidRetryConfigurationError InvalidRetryModeError
    InvalidS3AddressingStyleError InvalidS3UsEast1RegionalEndpointConfigError
    InvalidSTSRegionalEndpointsConfigError LoginAuthorizationCodeError LoginError MD5UnavailableError
    MetadataRetrievalError MissingParametersError MissingServiceIdError NoAuthTokenError
    OperationNotPageableError PaginationError ProxyConnectionError RangeError ReadTimeoutError
    ResponseStreamingError SSLError SSOError ServiceNotInRegionError StubAssertionError StubResponseError
    TokenRetrievalError UnStubbedResponseError UndefinedModelAttributeError UnknownClientMethodError
    UnknownEndpointResolutionBuiltInName UnknownKeyError UnknownParameterError UnknownServiceStyle
    UnknownSignatureVersionError UnknownTokenProviderError UnseekableStreamError UnsupportedOutpostResourceError
    UnsupportedS3AccesspointConfigurationError UnsupportedS3ArnError UnsupportedS3ConfigurationError
    UnsupportedS3ControlArnError UnsupportedS3ControlConfigurationError UnsupportedServiceProtocolsError
    UnsupportedSignatureVersionError ValidationError WaiterConfigError WaiterError BodyNotHttplibCompatible
    ClosedPoolError DecodeError EmptyPoolError FullPoolError HTTPError HeaderParsingError HostChangedError
    IncompleteRead InvalidChunkLength InvalidHeader MaxRetryError NameResolutionError NewConnectionError
    PoolError ProtocolError ProxyError RequestError ResponseError TimeoutError TimeoutStateError
    UnrewindableBodyError
""")
ANSWERS = ["ClientError", "EventStreamError"]
KNOWN = {**classes(botocore.exceptions), **classes(urllib3.exceptions)}


def test_every_class_is_in_the_table():
    assert set(KNOWN) - {*SET_UP, *MAY_PASS, *ANSWERS} == set()
    assert not {*SET_UP} & {*MAY_PASS}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_error_before_the_request_is_not_written(name: str):
    error = ending_of(made(KNOWN[name]), "SendEmail", sent=False)
    assert isinstance(error, NotWritten)
    if name not in ANSWERS:
        assert type(error) is (CannotAsk if name in SET_UP else CredentialsFailed)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_error_while_sending_is_lost_unless_not_connected(name: str):
    error = ending_of(made(KNOWN[name]), "SendEmail", sent=True)
    assert type(error) is (NotWritten if name in NEVER_CONNECTED else AnswerLost)


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("x"), AttributeError("x"), TypeError("x"), OSError("x")])
@pytest.mark.parametrize(("sent", "kind"), [(True, AnswerLost), (False, CredentialsFailed)])
def test_unknown_error_is_classified_by_its_time(error: Exception, kind: type[WireError], *, sent: bool):
    assert type(ending_of(error, "SendEmail", sent=sent)) is kind


def test_an_answer_of_sts_is_not_taken_for_one_of_ses():
    denied: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    of_sts = botocore.exceptions.ClientError(denied, "AssumeRole")
    assert type(ending_of(of_sts, "SendEmail", sent=False)) is CredentialsFailed
    assert type(ending_of(botocore.exceptions.ClientError(denied, "SendEmail"), "SendEmail", sent=True)) is ServiceError
