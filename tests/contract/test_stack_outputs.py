"""The contract between the stack and the library: one form, three places, clear refusals."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mailer.errors import StackNotFound, StackOutputsInvalid
from mailer.stack import VARIABLE, StackOutputs, Stream, load

# AWS's documented example keys.
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
OUTPUTS = StackOutputs(
    stack="dev",
    region="us-east-1",
    account_id="000000000000",
    domain="example.test",
    identity_arn="arn:aws:ses:us-east-1:000000000000:identity/example.test",
    mail_from_domain="bounce.example.test",
    sender="Example <no-reply@example.test>",
    streams={
        "transactional": Stream(
            configuration_set="mailstack-dev-transactional",
            configuration_set_arn="arn:aws:ses:us-east-1:000000000000:configuration-set/mailstack-dev-transactional",
        )
    },
    table="mailstack-dev",
    table_arn="arn:aws:dynamodb:us-east-1:000000000000:table/mailstack-dev",
    events_topic_arn="arn:aws:sns:us-east-1:000000000000:mailstack-dev-events",
    paging_topic_arn="arn:aws:sns:us-east-1:000000000000:mailstack-dev-paging",
    feedback_queue_url="https://sqs.us-east-1.amazonaws.com/000000000000/mailstack-dev-feedback",
    feedback_dlq_url="https://sqs.us-east-1.amazonaws.com/000000000000/mailstack-dev-feedback-dlq",
    feedback_function="mailstack-dev-feedback",
    guard_function="mailstack-dev-guard",
    sender_policy_arn="arn:aws:iam::000000000000:policy/mailstack-dev-sender",
)


def test_outputs_survive_a_round_trip():
    assert StackOutputs.from_json(OUTPUTS.to_json(), source="here") == OUTPUTS


def test_derived_values_are_not_written():
    sets = {"transactional": "mailstack-dev-transactional", "bulk": "letters"}
    arn = "arn:aws:ses:us-east-1:000000000000:configuration-set/{}".format
    streams = {
        name: Stream(configuration_set=called, configuration_set_arn=arn(called)) for name, called in sets.items()
    }
    streams["old"] = Stream(
        configuration_set="old", configuration_set_arn="arn:aws:ses:eu-west-1:0:configuration-set/old"
    )
    outputs = OUTPUTS.model_copy(update={"streams": streams})
    written = json.loads(outputs.to_json())
    assert written["streams"]["transactional"] == {}
    assert written["streams"]["bulk"] == {"configuration_set": "letters"}
    assert StackOutputs.from_json(outputs.to_json(), source="here") == outputs
    assert StackOutputs.from_json(outputs.model_dump_json(), source="here") == outputs


def test_outputs_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        OUTPUTS.domain = "example.org"


def test_the_argument_comes_before_the_environment():
    environ = {VARIABLE: OUTPUTS.model_copy(update={"domain": "example.org"}).to_json()}
    assert load("dev", outputs=OUTPUTS, environ=environ).domain == "example.test"
    assert load("dev", environ=environ).domain == "example.org"


def test_the_variable_holds_json_or_a_path(tmp_path: Path):
    file = tmp_path / "outputs.json"
    file.write_text(OUTPUTS.to_json())
    assert load("dev", environ={VARIABLE: str(file)}) == OUTPUTS
    assert load("dev", outputs=file, environ={}) == OUTPUTS


def test_a_file_that_cannot_be_read_is_named_with_the_way_out(tmp_path: Path):
    with pytest.raises(StackNotFound, match=r"absent\.json.*No such file.*pulumi stack output"):
        load("dev", environ={VARIABLE: str(tmp_path / "absent.json")})


def test_binary_file_is_an_error(tmp_path: Path):
    file = tmp_path / "outputs.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StackNotFound, match=r"outputs\.json, which cannot be read"):
        load("dev", environ={VARIABLE: str(file)})


def test_value_that_is_no_json_and_no_path_is_not_shown_whole():
    with pytest.raises(StackNotFound) as refusal:
        load("dev", environ={VARIABLE: "x" * 5000})
    assert len(str(refusal.value)) < 500


def test_invalid_endpoint_url_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "garbage")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(StackNotFound, match="Invalid endpoint: garbage"):
        load("dev", environ={})


def test_outputs_of_another_stack_are_refused():
    with pytest.raises(StackNotFound, match="of stack 'dev', not of 'prod'"):
        load("prod", outputs=OUTPUTS, environ={})


@pytest.mark.parametrize(
    "value",
    [
        *("[" * 100_000, '{"a":' * 100_000, '{"version": 1' + "0" * 5000 + "}", "\x00", "out\x00put.json", "{\x00}"),
        *('{"version": 1, "stack": "\\ud800"}', '{"version": 1, "stack": "\ud800"}', "\ud800.json", "x" * 100_000),
        *("/", "/dev/null", "", "null", "7", '"text"', "{", "[]", '{"version": true}', '{"version": 1}'),
        *(b"{}", 7, 7.5, {"version": 1}, ["x"], object(), StackOutputs, Path("out\x00put.json"), Path("/")),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "replace").decode().replace("\x00", "0"),
)
def test_any_input_raises_documented_errors_only(value: Any):
    with pytest.raises(StackOutputsInvalid):
        StackOutputs.from_json(value, source="the test")
    with pytest.raises((StackNotFound, StackOutputsInvalid)) as refusal:
        load("dev", outputs=value, environ={})
    assert refusal.value.hint
    assert len(str(refusal.value)) < 5000


def test_the_name_may_come_from_the_outputs():
    assert load("", environ={VARIABLE: OUTPUTS.to_json()}).stack == "dev"
    assert load("", outputs=OUTPUTS, environ={}).stack == "dev"
    with pytest.raises(StackNotFound, match=rf"No stack is named\..*{VARIABLE}"):
        load("", environ={})


def test_the_domain_is_kept_as_dns_has_it():
    again = OUTPUTS.model_dump_json().replace('"domain":"example.test"', '"domain":"faß.test"')
    assert StackOutputs.from_json(again, source="the test").domain == "xn--fa-hia.test"


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}, "no AWS credentials"),
        ({"AWS_PROFILE": "absent"}, "AWS_PROFILE"),
        ({"AWS_REGION": ""}, "or without AWS MAILSTACK_OUTPUTS=local:mails"),
        ({**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}, "Check the network"),
        ({**KEYS, "AWS_ENDPOINT_URL": "garbage", "AWS_REGION": "us-east-1"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_the_hint_follows_from_the_cause(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], hint: str):
    for name in (*os.environ,):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    nowhere = {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in {**nowhere, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StackNotFound, match="No outputs of stack 'dev'") as refusal:
        load("dev", environ={})
    assert hint in refusal.value.hint
    assert "pulumi up" not in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "version None"),
        ('{"version": 2}', "version 2; this library reads version 1"),
        ('{"version": 1, "stack": "dev"}', "region: Field required"),
        (OUTPUTS.to_json().replace('"region"', '"regoin"'), "regoin: Extra inputs are not permitted"),
        (
            OUTPUTS.to_json().replace('"default_stream":"transactional"', '"default_stream":"bulk"'),
            "which is not one of transact",
        ),
        (OUTPUTS.to_json().replace("no-reply@example.test", "nonsense"), "sender: .* has no @"),
    ],
)
def test_invalid_outputs_are_refused_with_source_and_reason(text: str, reason: str):
    with pytest.raises(StackOutputsInvalid, match=reason) as refusal:
        StackOutputs.from_json(text, source="outputs.json")
    assert str(refusal.value).startswith("outputs.json")
