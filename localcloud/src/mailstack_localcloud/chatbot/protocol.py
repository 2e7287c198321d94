"""Chatbot's REST protocol, derived from botocore's service model: every operation is a POST of JSON to its own path.

Knows no operation by name.
"""

import functools
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, cast

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from mailstack_localcloud.backend.calls import errors, service_model
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses import shapes

NOT_EMULATED = "NotEmulated"


class ChatbotError(Exception):
    """An error answer.

    Args:
        code: The error's shape name in the service model, e.g. `ResourceNotFoundException`.
        message: What Chatbot says.

    Raises:
        KeyError: Chatbot has no such error.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = _statuses()[code]


def not_emulated(what: str) -> ChatbotError:
    """The local cloud does not do this: said aloud (501), never a silent success."""
    return ChatbotError(NOT_EMULATED, f"{what} is not emulated by the local cloud. Nothing was done.")


def invalid(message: str) -> ChatbotError:
    """An input is not valid (400)."""
    return ChatbotError("InvalidParameterException", message)


@functools.cache
def _statuses() -> dict[str, int]:
    return {NOT_EMULATED: 501} | {name: int(error["httpStatusCode"]) for name, error in errors("chatbot").items()}


@functools.cache
def operations() -> Mapping[str, OperationModel]:
    """The operations by their paths."""
    model = service_model("chatbot")
    found = [model.operation_model(name) for name in model.operation_names]
    return {str(operation.http["requestUri"]): operation for operation in found}


def parse(operation: OperationModel, request: Request) -> dict[str, Any]:
    """The operation's parameters.

    Raises:
        ChatbotError: They do not have the shape that the operation takes.
    """
    shape = cast("StructureShape", operation.input_shape)
    try:
        given: object = json.loads(request.body or b"{}")
        read = cast("dict[str, Any]", shapes.read(shape, given))
        _check_patterns(shape, read, "")
    except shapes.ShapeError as error:
        raise invalid(f"{error}.") from error
    except ValueError as error:
        raise invalid(f"The request body is not JSON: {error}.") from error
    return read


def _check_patterns(shape: Shape, value: Any, path: str) -> None:
    """Hold texts against their patterns, which `shapes` leaves alone: SES is looser than its model says."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            _check_patterns(shape.members[name], member, f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            _check_patterns(shape.member, item, f"{path}[{index}]")
    else:
        pattern = shape.metadata.get("pattern")
        if pattern and isinstance(value, str) and not re.fullmatch(str(pattern), value):
            raise invalid(f"{path} does not match {pattern}.")


def answer(operation: OperationModel, output: dict[str, Any]) -> Response:
    """A success, checked against the operation's output shape."""
    body = cast("dict[str, Any]", shapes.write(operation.output_shape, output) if operation.output_shape else {})
    status = int(operation.http.get("responseCode", 200))
    return Response(status, json.dumps(body).encode() if body else b"", headers=_request_id())


def error_answer(error: ChatbotError) -> Response:
    """An error: code in `x-amzn-errortype`, text in the body."""
    headers = {"x-amzn-errortype": error.code, **_request_id()}
    return Response(error.status, json.dumps({"message": str(error)}).encode(), headers=headers)


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}
