"""One JSON request to one AWS service: signed, written, read, and its error named. One attempt.

Not for deciding what an error means or whether to ask again: transports and stores do.
"""

import json
import logging
import sys
import time
import zlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast
from urllib.parse import urlunsplit

from mailer.wire.access import Access
from mailer.wire.body import Body
from mailer.wire.boto import BotoApi, boto_api
from mailer.wire.deadline import Deadline, Limits
from mailer.wire.errors import AnswerLost, ServiceError
from mailer.wire.forks import belongs_to_process
from mailer.wire.http import proxy_headers
from mailer.wire.pool import Pool
from mailer.wire.signing import Scope, signing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.wire.http import Answer, Destination
    from mailer.wire.signing import Keys, Signing

# Requests at level DEBUG: never a body, a header or an address.
log = logging.getLogger("mailer.wire")
_OK = 200
# Characters; AWS's longest code has 54. What is longer is no code.
_MAX_CODE = 256
_USER_AGENT = f"mailstack Python/{'.'.join(map(str, sys.version_info[:3]))}"


def _blob(value: object) -> str:
    """How JSON carries bytes: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html."""
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"a {type(value).__name__} cannot be part of a request")
    return b64encode(value).decode()


_ENCODER = json.JSONEncoder(default=_blob, separators=(",", ":"))


def encoded(request: "Mapping[str, object]") -> bytes:
    """A request as JSON."""
    return _ENCODER.encode(request).encode()


def _body(request: "Mapping[str, object]") -> Body:
    return Body(encoded(request))


class Api(Protocol):
    """A service, called by the names of its operations. Thread-safe and fork-safe."""

    def call(self, operation: str, request: "Mapping[str, object]") -> dict[str, object]:
        """Make one attempt, within a bounded time.

        Raises:
            ServiceError: The service returned an error.
            NotWritten: The request was not sent.
            AnswerLost: The request was sent, and the response is unknown.
        """
        ...


@dataclass(frozen=True)
class Service:
    """The protocol of a service.

    Attributes:
        name: botocore's name for it.
        signing: Its name in signatures.
        paths: The path of each operation that is used, where operations have paths (REST-JSON).
        target: The prefix of the operation's name in X-Amz-Target, where they have none (JSON 1.0 and 1.1).
        content_type: The content type of requests.
        reads: Operations that are a GET without a body.
    """

    name: str
    signing: str
    paths: "Mapping[str, str]"
    target: str = ""
    content_type: str = "application/json"
    reads: frozenset[str] = frozenset()


# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
SES = Service(
    "sesv2",
    "ses",
    {
        "SendEmail": "/v2/email/outbound-emails",
        "SendBulkEmail": "/v2/email/outbound-bulk-emails",
        "GetAccount": "/v2/email/account",
    },
    reads=frozenset({"GetAccount"}),
)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
DYNAMODB = Service("dynamodb", "dynamodb", {}, "DynamoDB_20120810.", "application/x-amz-json-1.0")
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
SSM = Service("ssm", "ssm", {}, "AmazonSSM.", "application/x-amz-json-1.1")


class WireApi:
    """An `Api` over connections of our own.

    Args:
        service: Which.
        region: Default: the region that boto3 is configured with.
        limits: How long an attempt may take.
        access: As whom.
        encode: Writes a request as JSON.
        through_botocore: Where requests need a signature that only botocore makes.
    """

    def __init__(
        self,
        service: Service,
        region: str | None,
        limits: Limits,
        access: Access | None = None,
        *,
        encode: "Callable[[Mapping[str, object]], Body]" = _body,
        through_botocore: bool = False,
    ) -> None:
        self._service, self._region, self._limits = service, region, limits
        self._encode = encode
        self._is_botocores = through_botocore
        self._access = access or Access()
        self._identity = self._access.identity
        self.after_fork()
        belongs_to_process(self)

    def after_fork(self) -> None:
        """Forget the connections of the parent process."""
        self._lock = Lock()
        self._pool: Pool | None = None
        self._boto: BotoApi | None = None
        self._kept: dict[str, _SharedHead] = {}

    def call(self, operation: str, request: "Mapping[str, object]") -> dict[str, object]:
        """See `Api.call`."""
        if self._is_botocores:
            return self._through_botocore().call(operation, request)
        body = Body() if operation in self._service.reads else self._encode(request)
        region, destination = self._identity.place(self._service.name, self._region)
        if destination is None:
            return self._through_botocore().call(operation, request)
        deadline = Deadline(self._limits.attempt + len(body) / self._limits.bytes_a_second)
        head = self._head(operation, body, region, destination, deadline)
        started = time.monotonic()
        answer = self._connections(destination).exchange(body.after(head), deadline)
        if log.isEnabledFor(logging.DEBUG):
            self._log(operation, len(body), answer, time.monotonic() - started)
        return understood(answer)

    def close(self) -> None:
        """Close the connections that are idle; the next call opens others."""
        if self._pool:
            self._pool.close()

    def _log(self, operation: str, size: int, answer: "Answer", seconds: float) -> None:
        log.debug(
            "%s %s: %d after %.0f ms, %d bytes sent, %d received, request id %s",
            self._service.name,
            operation,
            answer.status,
            seconds * 1000,
            size,
            len(answer.body),
            answer.headers.get("x-amzn-requestid", "unknown"),
        )

    def _connections(self, destination: "Destination") -> Pool:
        if self._pool is None:
            with self._lock:
                self._pool = self._pool or Pool(destination, self._limits.connect)
        return self._pool

    def _through_botocore(self) -> BotoApi:
        with self._lock:
            self._boto = self._boto or boto_api(self._service.name, self._region, self._limits, self._access)
        return self._boto

    def _head(self, operation: str, body: Body, region: str, destination: "Destination", deadline: Deadline) -> bytes:
        """The request line and the headers. What they share with the other requests of the second is kept."""
        now, keys = int(time.time()), self._identity.keys(deadline)
        kept = self._kept.get(operation)
        if kept is None or kept.second != now or kept.keys != keys:
            kept = self._kept[operation] = self._prepared(operation, now, keys, region, destination)
        signed = f"{kept.lines}{kept.signing.authorization(body)}"
        return f"{signed}\r\ncontent-length: {len(body)}\r\n\r\n".encode("latin-1")

    def _prepared(
        self, operation: str, second: int, keys: "Keys", region: str, destination: "Destination"
    ) -> "_SharedHead":
        url, method = destination.url, "GET" if operation in self._service.reads else "POST"
        path = (url.path.rstrip("/") + self._service.paths.get(operation, "")) or "/"
        headers = {"host": url.netloc.rpartition("@")[2], "content-type": self._service.content_type}
        if self._service.target:
            headers["x-amz-target"] = self._service.target + operation
        scope, now = Scope(region, self._service.signing), datetime.fromtimestamp(second, UTC)
        made = signing(path, headers, keys=keys, scope=scope, now=now, method=method)
        unsigned = {"accept-encoding": "identity", "user-agent": _USER_AGENT}
        asked = path
        if destination.is_forwarded:
            asked = urlunsplit((url.scheme, headers["host"], path, "", ""))
            unsigned |= proxy_headers(destination)
        lines = "".join([f"{name}: {value}\r\n" for name, value in {**made.headers, **unsigned}.items()])
        return _SharedHead(second, keys, made, f"{method} {asked} HTTP/1.1\r\n{lines}authorization: ")


class _SharedHead(NamedTuple):
    """What the heads of an operation's requests share within a second: all before the signature."""

    second: int
    keys: "Keys"
    signing: "Signing"
    lines: str

    def __repr__(self) -> str:
        return "_SharedHead(***)"


def understood(answer: "Answer") -> dict[str, object]:
    """The answer's JSON object.

    Raises:
        ServiceError: The answer is an error.
        AnswerLost: Its status is 200, but it is not an answer of an AWS service.
    """
    if answer.status != _OK:
        raise error_of(answer)
    checksum = answer.headers.get("x-amz-crc32", "")
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
    if checksum.isdigit() and int(checksum) != zlib.crc32(answer.body):
        raise AnswerLost("the answer's checksum is not that of its body")
    found = _json_object(answer.body)
    if found is None:
        raise AnswerLost("the answer is not a JSON object: is a proxy on the way?")
    return found


def error_of(answer: "Answer") -> ServiceError:
    """The error in an answer other than 200. The code is looked for where botocore looks for it.

    Example:
        >>> from mailer.wire.http import Answer
        >>> error_of(Answer(400, {}, b'{"__type": "com.amazon#Oops", "message": "No."}')).code
        'Oops'
    """
    said = _json_object(answer.body) or {}
    code = said.get("__type") or answer.headers.get("x-amzn-errortype") or said.get("code") or ""
    name = str(code)[:_MAX_CODE].partition(":")[0].rpartition("#")[2]
    words = said.get("message") or said.get("Message") or ""
    return ServiceError(name, str(words), answer.status, said)


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value: object = json.loads(body.decode())  # decoded here, json need not guess the encoding
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
