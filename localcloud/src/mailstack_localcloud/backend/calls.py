"""Calls from inside the server to the AWS services behind it, without a socket. Not for the services' clients.

botocore writes the request and reads the answer, so that what crosses is AWS's own protocol; the ASGI application in
between is called as a function.
"""

import functools
import io
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

    from mailstack_localcloud.http import App, Message, Scope

# Any of a service's protocols would do; these are the ones that ministack reads with the least work.
_PROTOCOLS = ("json", "rest-json", "rest-xml", "query")
_API = "service-2"
_OWN_ADDRESS = "http://127.0.0.1"
# What AWS leaves out of answers although its description requires it: an identity without a MAIL FROM domain has
# nothing but its behaviour there.
_LEFT_OUT = {"sesv2": {"MailFromAttributes": {"MailFromDomain", "MailFromDomainStatus"}}}


# https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
_COMMON_STATUSES = {"AccessDeniedException": 403}


@functools.cache
def description(service: str) -> dict[str, Any]:
    """A service's API as AWS publishes it with botocore, loaded once."""
    # Not by `load_service_model`, which looks into every other service's folder first.
    loader = Loader()
    version = loader.determine_latest_version(service, _API)
    found = cast("dict[str, Any]", loader.load_data(f"{service}/{version}/{_API}"))
    for name, members in _LEFT_OUT.get(service, {}).items():
        found["shapes"][name]["required"] = sorted(set(found["shapes"][name]["required"]) - members)
    return found


@functools.cache
def service_model(service: str) -> "ServiceModel":
    """A service as botocore reads its description."""
    return ServiceModel(description(service), service)


def errors(service: str) -> dict[str, dict[str, Any]]:
    """The names of the service's errors, with the error traits of each."""
    shapes: dict[str, dict[str, Any]] = description(service)["shapes"]
    return {name: shape.get("error", {}) for name, shape in shapes.items() if shape.get("exception")}


@functools.cache
def error_statuses(service: str) -> dict[str, int]:
    """The HTTP status of each of the service's errors, with those that are common to all services."""
    own = {name: int(error["httpStatusCode"]) for name, error in errors(service).items() if "httpStatusCode" in error}
    return {**_COMMON_STATUSES, **own}


class InProcess:
    """AWS as the ASGI application `app` serves it.

    Example:
        `await aws.call("sns", "Publish", TopicArn=arn, Message="…")` returns what boto3's `publish` would.
    """

    def __init__(self, app: "App", *, region: str, access_key: str) -> None:
        self.region = region
        self._app = app
        self._access_key = access_key

    async def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """One operation. A streamed output, such as `GetObject`'s body, is a file in memory.

        Raises:
            botocore.exceptions.ClientError: The service answered with an error.
        """
        model = service_model(service)
        operation_model = model.operation_model(operation)
        protocol = next(p for p in _PROTOCOLS if p in (model.metadata.get("protocols") or [model.metadata["protocol"]]))
        request = create_serializer(protocol).serialize_to_request(parameters, operation_model)
        status, headers, body = await self._exchange(request, model.signing_name)
        streamed = operation_model.has_streaming_output and status < 300  # noqa: PLR2004 - as below
        answer = {"status_code": status, "headers": headers, "body": io.BytesIO(body) if streamed else body}
        parsed = cast("dict[str, Any]", create_parser(protocol).parse(answer, _output_shape(operation_model)))
        if status >= 300:  # noqa: PLR2004 - the first status after the successful ones, RFC 9110 §15
            raise ClientError(cast("Any", parsed), operation)
        return parsed

    async def _exchange(self, request: dict[str, Any], signing_name: str) -> tuple[int, dict[str, str], bytes]:
        prepare_request_dict(request, endpoint_url=_OWN_ADDRESS)
        prepared = create_request_object(request).prepare()
        url = urlsplit(str(prepared.url))
        credential = (
            f"AWS4-HMAC-SHA256 Credential={self._access_key}/20260101/{self.region}/{signing_name}/aws4_request"
        )
        sent = {
            **{name.lower(): _text(value) for name, value in prepared.headers.items()},
            "host": "127.0.0.1",
            "authorization": credential,
        }
        body = cast("bytes | str | None", prepared.body) or b""
        scope = _scope(str(prepared.method), url.path, url.query, sent)
        return await _ask(self._app, scope, body if isinstance(body, bytes) else body.encode())


def _output_shape(operation: "OperationModel") -> Any:
    return operation.output_shape


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _scope(method: str, path: str, query: str, headers: "Mapping[str, str]") -> "Scope":
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path) or "/",
        "raw_path": (path or "/").encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }


async def _ask(app: "App", scope: "Scope", body: bytes) -> tuple[int, dict[str, str], bytes]:
    status, headers, parts = 500, dict[str, str](), list[bytes]()

    async def receive() -> "Message":
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: "Message") -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = int(message["status"])
            headers = {bytes(n).decode().lower(): bytes(v).decode("latin-1") for n, v in message.get("headers", [])}
        else:
            parts.append(bytes(message.get("body", b"")))

    await app(scope, receive, send)
    return status, headers, b"".join(parts)
