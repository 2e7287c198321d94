"""A recording hides what identifies an account, and is compared by members, types and error texts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.live import compare
from tools.live.recording import HIDDEN, Mask, Recorder

MASK = Mask({"mail.shop.test": "example.test", "shop.test": "example.test", "live-a1b2c3": "live"})


def heard(*answers: tuple[str, dict[str, Any]]) -> Recorder:
    recorder = Recorder(MASK)
    for operation, parsed in answers:
        model = SimpleNamespace(name=operation, service_model=SimpleNamespace(service_name="sesv2"))
        recorder._hear(parsed=parsed, model=model)
    return recorder


def error(code: str, message: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:mailstack-live-a1b2c3-events", "000000000000:mailstack-live-events"),
        ("arn:aws:iam::123456789012:user/ada", HIDDEN),
        ("arn:aws:iam::123456789012:role/mailstack-live-a1b2c3-guard", "::000000000000:role/mailstack-live-guard"),
        ("ada@shop.test", "ada@example.test"),
        ("ada@elsewhere.example", "somebody@example.com"),
        ("success@simulator.amazonses.com", "success@simulator.amazonses.com"),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        ("https://bucket.example/x?X-Amz-Security-Token=abc", HIDDEN),
        ("203.0.113.9", "192.0.2.1"),
        ("0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_account_identifiers_are_masked(text: str, masked: str):
    assert MASK.text(text).endswith(masked)


def test_members_with_secrets_and_times_are_hidden():
    given = {"SecretString": "s3cret", "Nested": [{"SessionToken": "t"}], "At": datetime.now(UTC), "Count": 3}
    assert MASK.whole(given) == {
        "SecretString": HIDDEN,
        "Nested": [{"SessionToken": HIDDEN}],
        "At": "time",
        "Count": 3,
    }


def test_one_answer_of_each_shape_is_kept():
    recorder = heard(
        ("GetAccount", {"SendingEnabled": True}),
        ("GetAccount", {"SendingEnabled": False}),
        ("GetAccount", {"SendingEnabled": True, "Details": {"MailType": "TRANSACTIONAL"}}),
    )
    assert [one["answer"] for one in recorder.answers] == [
        {"SendingEnabled": True, "Details": {"MailType": "TRANSACTIONAL"}},
        {"SendingEnabled": True},
    ]


def test_recording_equals_itself(tmp_path: Path):
    recorder = heard(("GetAccount", {"SendingEnabled": True}), ("SendEmail", error("MessageRejected", "No.")))
    recorder.event({"eventType": "Send", "mail": {"messageId": "1"}})
    recorder.write(tmp_path)
    assert list(compare.differences(compare.read(tmp_path), compare.heard(recorder))) == []


def test_each_difference_is_named(tmp_path: Path):
    heard(
        ("GetAccount", {"SendingEnabled": True, "Details": {"Url": "x"}}),
        ("SendEmail", error("MessageRejected", "Email address is not verified.")),
        ("SendEmail", error("BadRequest", "No.")),
        ("GetTenant", {"Tenant": {}}),
    ).write(tmp_path)
    local = heard(
        ("GetAccount", {"SendingEnabled": "yes"}),
        ("SendEmail", error("MessageRejected", "Not verified.")),
        ("SendEmail", {"MessageId": "1"}),
    )
    assert list(compare.differences(compare.read(tmp_path), compare.heard(local))) == [
        "sesv2.GetAccount: AWS answers Details.Url: str, the local cloud does not.",
        "sesv2.GetAccount: AWS answers SendingEnabled: bool, the local cloud does not.",
        "sesv2.GetAccount: the local cloud answers SendingEnabled: str, AWS does not.",
        "sesv2.SendEmail: the local cloud answers MessageId: str, AWS does not.",
        "sesv2.SendEmail: AWS refuses with BadRequest, the local cloud does not.",
        "sesv2.SendEmail: AWS's text of MessageRejected is another one: Email address is not verified.",
    ]


@pytest.mark.parametrize("content", ["", "[1]", "{}", '[{"answer": {}}]'])
def test_folder_without_a_recording_is_refused(tmp_path: Path, content: str):
    (tmp_path / "answers.json").write_text(content)
    (tmp_path / "events.json").write_text(json.dumps([]))
    with pytest.raises(compare.RecordingError, match="`--record` writes"):
        compare.read(tmp_path)
    with pytest.raises(compare.RecordingError, match="cannot be read"):
        compare.read(tmp_path / "none")
