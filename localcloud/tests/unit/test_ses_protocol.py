"""Routes and shapes from botocore's service model."""

import json
from datetime import UTC, datetime

import pytest

from mailstack_localcloud.backend.calls import service_model
from mailstack_localcloud.http import Request
from mailstack_localcloud.ses import protocol, shapes
from mailstack_localcloud.ses.errors import SesError, not_found
from mailstack_localcloud.ses.operations import HANDLERS


def request(body: object = None, query: dict[str, list[str]] | None = None) -> Request:
    return Request("POST", "/", query or {}, {}, json.dumps(body).encode() if body is not None else b"")


def test_every_operation_of_the_service_has_a_route_of_its_own():
    model = service_model("sesv2")
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].replace("{", "").replace("}", "")
        found = protocol.find(operation.http["method"], path)
        assert found
        assert found[0].name == name


def test_every_handler_belongs_to_an_operation():
    assert set(HANDLERS) <= set(service_model("sesv2").operation_names)


def test_values_in_a_path_are_decoded():
    found = protocol.find("GET", "/v2/email/suppression/addresses/ada%2Bx%40example.com")
    assert found
    assert found[1] == {"EmailAddress": "ada+x@example.com"}


def test_an_unknown_path_has_no_route():
    assert protocol.find("GET", "/v2/email/nothing") is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "lacks Content"),
        ({"Content": {"Simple": {"Subject": {"Data": 5}, "Body": {}}}}, "Content.Simple.Subject.Data must be a string"),
        ({"Content": {"Raw": {"Data": "***"}}}, "Content.Raw.Data must be base64 text"),
        ([], "not a JSON object"),
    ],
)
def test_a_malformed_request_names_the_member(body: object, problem: str):
    found = protocol.find("POST", "/v2/email/outbound-emails")
    assert found
    with pytest.raises(SesError, match=problem) as raised:
        protocol.parse(found[0], {}, request(body))
    assert (raised.value.code, raised.value.status) == ("BadRequestException", 400)


@pytest.mark.parametrize("scheme", [{}, {"DefaultScheme": {}, "SmimeScheme": {}}])
def test_a_union_has_exactly_one_member(scheme: dict[str, object]):
    found = protocol.find("POST", "/v2/email/update-configuration-sets")
    assert found
    body = {"ConfigurationSetName": "set", "MessageSecurityOptions": {"SigningScheme": scheme}}
    with pytest.raises(SesError, match="SigningScheme must have exactly one of DefaultScheme, SmimeScheme"):
        protocol.parse(found[0], {}, request(body))


def test_members_in_path_query_and_body_come_together():
    found = protocol.find("DELETE", "/v2/email/tags")
    assert found
    arn = "arn:aws:ses:us-east-1:000000000000:identity/example.test"
    parsed = protocol.parse(found[0], {}, request(query={"ResourceArn": [arn], "TagKeys": ["a", "b"]}))
    assert parsed == {"ResourceArn": arn, "TagKeys": ["a", "b"]}


def route(method: str, path: str) -> protocol.Route:
    found = protocol.find(method, path)
    assert found
    return found[0]


@pytest.mark.parametrize(
    "output",
    [
        {"SendingEnabled": "yes"},
        {"NoSuchMember": 1},
        {"SuppressionAttributes": {"SuppressedReasons": ["MOOD"]}},
        {"VdmAttributes": {}},
    ],
)
def test_an_answer_against_the_model_is_a_500_that_says_so(output: dict[str, object]):
    answer = protocol.answer(route("GET", "/v2/email/account"), output)
    assert answer.status == 500
    assert "GetAccount against the service model" in json.loads(answer.body)["message"]


def test_an_answer_is_written_as_the_protocol_wants_it():
    output = {
        "SuppressedDestination": {
            "EmailAddress": "a@b.test",
            "Reason": "BOUNCE",
            "LastUpdateTime": datetime(2026, 1, 1, tzinfo=UTC),
        }
    }
    answer = protocol.answer(route("GET", "/v2/email/suppression/addresses/x"), output)
    assert answer.status == 200
    assert (
        json.loads(answer.body)["SuppressedDestination"]["LastUpdateTime"]
        == datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    )


def test_an_error_carries_code_status_and_text():
    answer = protocol.error_answer(not_found("Configuration set", "x"))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "NotFoundException")
    assert json.loads(answer.body) == {"message": "Configuration set <x> does not exist."}


def test_none_is_left_out_and_unknown_input_is_ignored():
    shape = service_model("sesv2").shape_for("Tag")
    assert shapes.write(shape, {"Key": "a", "Value": "b"}) == {"Key": "a", "Value": "b"}
    assert shapes.read(shape, {"Key": "a", "Value": "b", "More": 1}) == {"Key": "a", "Value": "b"}
