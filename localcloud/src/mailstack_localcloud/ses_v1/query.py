"""AWS's Query protocol by botocore's service model: a form comes in, XML goes out. Knows no operation by name.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import base64
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses import shapes
from mailstack_localcloud.ses.events import timestamp
from mailstack_localcloud.ses_v1.errors import QueryError

NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"
_VERSION = "2010-12-01"
# What XML 1.0 cannot carry.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A form as a tree: its names are paths, `Destination.ToAddresses.member.1`.
_Tree = dict[str, Any]


def read_form(request: Request) -> dict[str, str]:
    """The form's fields, from the body or, as the protocol also allows, from the query string."""
    body = request.body.decode("utf-8", "replace")
    return {
        **{name: values[-1] for name, values in request.query.items()},
        **dict(parse_qsl(body, keep_blank_values=True)),
    }


def find(form: Mapping[str, str]) -> OperationModel:
    """The operation that a form asks for.

    Raises:
        QueryError: It names none, or none that the API has.
    """
    name, version = form.get("Action", ""), form.get("Version", _VERSION)
    if not name:
        raise QueryError("MissingAction", "The request must contain the parameter Action.")
    model = service_model("ses")
    if name not in model.operation_names or version != _VERSION:
        raise QueryError("InvalidAction", f"Could not find operation {name} for version {version}.")
    return model.operation_model(name)


def parse(operation: OperationModel, form: Mapping[str, str]) -> dict[str, Any]:
    """The operation's parameters.

    Raises:
        QueryError: They do not have the shape that the operation takes.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        return cast("dict[str, Any]", shapes.read(shape, _value(shape, _tree(form))))
    except (shapes.ShapeError, ValueError) as error:
        raise QueryError("ValidationError", f"1 validation error detected: {error}.") from error


def answer(operation: OperationModel, output: Mapping[str, Any]) -> Response:
    """A success, checked against the operation's output shape.

    Raises:
        QueryError: It does not fit, which is a defect of the emulator and has to look like one.
    """
    shape = operation.output_shape
    root = Element(f"{operation.name}Response", xmlns=NAMESPACE)
    if shape is not None:
        known = {name: value for name, value in output.items() if value is not None}
        try:
            shapes.write(shape, known)
        except shapes.ShapeError as violation:
            problem = f"The local cloud answered {operation.name} against the service model: {violation}."
            raise QueryError("InternalFailure", problem, status=500) from violation
        _write(SubElement(root, str(shape.serialization["resultWrapper"])), shape, known)
    request_id = str(uuid.uuid4())
    SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return _response(200, root, request_id)


def error_answer(error: QueryError) -> Response:
    """An error as the API writes it."""
    root = Element("ErrorResponse", xmlns=NAMESPACE)
    inner = SubElement(root, "Error")
    SubElement(inner, "Type").text = "Sender" if error.is_senders else "Receiver"
    SubElement(inner, "Code").text = error.code
    SubElement(inner, "Message").text = _clean(str(error))
    request_id = str(uuid.uuid4())
    SubElement(root, "RequestId").text = request_id
    return _response(error.status, root, request_id)


def _response(status: int, root: Element, request_id: str) -> Response:
    return Response(status, tostring(root), "text/xml", {"x-amzn-requestid": request_id})


def _tree(form: Mapping[str, str]) -> _Tree:
    tree: _Tree = {}
    for path, text in form.items():
        *parents, last = path.split(".")
        branch = tree
        for parent in parents:
            inner: object = branch.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise QueryError("MalformedInput", f"{path} conflicts with the value of {parent}.")
            branch = cast("_Tree", inner)
        branch[last] = text
    return tree


def _value(shape: Shape, given: Any) -> Any:
    """A form's fields as the values that the shape's reader takes."""
    if isinstance(shape, StructureShape):
        tree = _branch(given)
        # A structure without members leaves no trace in a form.
        traceless = {name for name in shape.required_members if isinstance(shape.members[name], StructureShape)}
        present = [name for name in shape.members if name in tree or name in traceless]
        return {name: _value(shape.members[name], tree.get(name)) for name in present}
    if isinstance(shape, ListShape):
        numbered = _branch(_branch(given).get("member"))
        return [_value(shape.member, numbered[n]) for n in sorted(numbered, key=int)]
    return _FROM_TEXT.get(shape.type_name, _as_is)(given)


def _branch(given: object) -> _Tree:
    """The branch of a list or structure; a blank means an empty one."""
    return cast("_Tree", given) if isinstance(given, dict) else {}


def _as_is(given: Any) -> Any:
    return given


def _boolean(given: Any) -> Any:
    return {"true": True, "false": False}.get(str(given).lower(), given)


_FROM_TEXT: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "integer": int,
    "long": int,
    "double": float,
    "float": float,
}


def _write(parent: Element, shape: Shape, value: Any) -> None:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _write(SubElement(parent, name), member, value[name])
    elif isinstance(shape, ListShape):
        for item in value:
            _write(SubElement(parent, "member"), shape.member, item)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            entry = SubElement(parent, "entry")
            SubElement(entry, "key").text = _clean(str(key))
            _write(SubElement(entry, "value"), shape.value, item)
    else:
        parent.text = _clean(_text(value))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
