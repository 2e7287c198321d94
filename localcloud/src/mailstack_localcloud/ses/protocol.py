"""SES v2's REST protocol, derived from botocore's service model. Knows no operation by name.

Finds a request's operation and parameters, and writes answers and errors.
"""

import functools
import re
import uuid
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import orjson
from botocore.model import ListShape, OperationModel, Shape

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses import shapes
from mailstack_localcloud.ses.errors import SesError, bad_request

PREFIX = "/v2/email/"
# An answer that does not have its documented shape is a defect of the emulator, and must look like one.
_BROKEN_ANSWER = "InternalServiceErrorException"
# How clients ask whose model is older than botocore's, the AWS CLI of today among them; parameters in the query string.
_OLDER_FORMS = {
    ("GET", "/v2/email/configuration-sets"): "ListConfigurationSets",
    ("GET", "/v2/email/identities"): "ListEmailIdentities",
}
_TRUE_OR_FALSE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation and how a request for it looks."""

    operation: OperationModel
    method: str
    pattern: re.Pattern[str]

    @property
    def name(self) -> str:
        """The operation's name, e.g. `SendEmail`."""
        return self.operation.name


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation that a method and a path mean, and the values in the path; None if the service has none such."""
    exact = _fixed_routes().get((method, path.rstrip("/")))
    if exact:
        return exact, {}
    for route in _routes():
        match = route.pattern.fullmatch(path) if route.method == method else None
        if match:
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def parse(route: Route, in_path: dict[str, str], request: Request) -> dict[str, Any]:
    """The operation's parameters, from path, query string and JSON body.

    Raises:
        SesError: They do not have the shape that the operation takes.
    """
    shape = route.operation.input_shape
    if shape is None:
        return {}
    given = _json_object(request.body)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        wire_name = str(member.serialization.get("name", name))
        if location == "uri":
            given[name] = in_path[wire_name]
        elif (location == "querystring" or request.method == "GET") and wire_name in request.query:
            given[name] = _from_query(member, request.query[wire_name])
    try:
        return cast("dict[str, Any]", shapes.read(shape, given))
    except shapes.ShapeError as error:
        raise bad_request(f"{error}.") from error


def answer(route: Route, output: dict[str, Any]) -> Response:
    """A success, checked against the operation's output shape."""
    try:
        body = shapes.write(cast("Shape", route.operation.output_shape), output)
    except shapes.ShapeError as violation:
        problem = f"The local cloud answered {route.name} against the service model: {violation}."
        return error_answer(SesError(_BROKEN_ANSWER, problem))
    return Response(200, orjson.dumps(body), headers=_request_id())


def error_answer(error: SesError) -> Response:
    """An error as SES writes it: code in `x-amzn-errortype`, text in the body."""
    headers = {"x-amzn-errortype": error.code, **_request_id()}
    return Response(error.status, orjson.dumps({"message": error.message}), headers=headers)


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value: object = orjson.loads(body or b"{}")
    except ValueError as error:
        raise bad_request(f"The request body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise bad_request("The request body is not a JSON object.")
    return cast("dict[str, Any]", value)


def _from_query(shape: Shape, values: list[str]) -> object:
    if isinstance(shape, ListShape):
        return values
    text = values[-1]
    if shape.type_name == "boolean":
        return _TRUE_OR_FALSE.get(text, text)
    return int(text) if shape.type_name in {"integer", "long"} and text.lstrip("-").isdigit() else text


@functools.cache
def _routes() -> tuple[Route, ...]:
    model = service_model("sesv2")
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


@functools.cache
def _fixed_routes() -> dict[tuple[str, str], Route]:
    fixed = (route for route in _routes() if not route.pattern.groups)
    older = {form: next(r for r in _routes() if r.name == name) for form, name in _OLDER_FORMS.items()}
    return older | {(route.method, str(route.operation.http["requestUri"]).rstrip("/")): route for route in fixed}


def _route(operation: OperationModel) -> Route:
    uri = str(operation.http["requestUri"]).rstrip("/")
    parts = re.split(r"\{(\w+)\}", uri)
    pattern = "".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
    return Route(operation, str(operation.http["method"]), re.compile(f"{pattern}/?"))
