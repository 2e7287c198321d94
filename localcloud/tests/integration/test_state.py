"""State in a folder: it survives a restart, and an unreadable file is never overwritten."""

import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud, LocalCloudError
from mailstack_localcloud.ses import state as records
from mailstack_localcloud.ses.saved_state import KEPT_BYTES, SavedState
from mailstack_localcloud.ses.state import Identity, Occurrence, State, StoredMessage, Suppressed
from mailstack_localcloud.state_folder import StateError, StateFolder

pytestmark = pytest.mark.integration

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
SIMPLE: Any = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello Ada"}}}


@contextlib.contextmanager
def saved_in(path: Path, region: str = "us-east-1") -> Generator[SavedState]:
    with StateFolder(path) as folder:
        yield SavedState(folder, region)


def message(number: int, data: bytes = b"", size: int = 0) -> StoredMessage:
    return StoredMessage(
        message_id=f"id-{number}",
        accepted_at=NOW,
        source="shop@example.test",
        identity="example.test",
        to=["ada@example.com"],
        cc=[],
        bcc=[],
        reply_to=[],
        subject="Grüße \ud83d",
        content={"Raw": {"Data": data}, "$odd": {"$bytes": 1}},
        configuration_set=None,
        tags={"kind": ["welcome"]},
        size=size or len(data),
        occurrences=[Occurrence("Bounce", NOW, "feedback", "ada@example.com", "General")],
    )


def fill(state: State) -> State:
    state.identities["example.test"] = Identity("example.test", is_domain=True, created_at=NOW, verified=True)
    state.suppressed["ada@example.com"] = Suppressed("ada@example.com", "BOUNCE", NOW)
    state.outcomes["*@gone.test"] = "bounce"
    state.account.reputation.sent = 7
    for number in range(3):
        state.messages.add(message(number, b"\x00\xff"))
    return state


def test_state_round_trip(tmp_path: Path):
    state = fill(State("us-east-1"))
    with saved_in(tmp_path) as ses:
        assert ses.load() is None
        ses.write(ses.text(state, [(29_000_000, 3)]))
        loaded = ses.load()
    assert loaded
    back, sent = loaded
    assert sent == [(29_000_000, 3)]
    for field in dataclasses.fields(State):
        if field.name != "messages":
            assert getattr(back, field.name) == getattr(state, field.name)
    assert back.messages.newest(9) == state.messages.newest(9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "ses.json"]


def test_every_record_of_the_state_can_be_kept(tmp_path: Path):
    own = {name: t for name, t in vars(records).items() if isinstance(t, type) and dataclasses.is_dataclass(t)}
    kinds = [t for name, t in own.items() if name != "State"]
    plain = {"str": "x", "datetime": NOW, "bool": True, "int": 1, "float": 1.5}
    state = State("us-east-1")
    for number, kind in enumerate(kinds):
        required = [f for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
        given = {f.name: plain.get(getattr(f.type, "__name__", str(f.type)), ["x"]) for f in required}
        state.outcomes[str(number)] = kind(**given)  # pyright: ignore[reportArgumentType] - any place will do
    with saved_in(tmp_path) as ses:
        ses.write(ses.text(state, []))
        loaded = ses.load()
    assert loaded
    assert loaded[0].outcomes == state.outcomes
    assert len(state.outcomes) > 8


def test_the_newest_mails_are_kept_up_to_a_bound(tmp_path: Path):
    state = State("us-east-1")
    for number in range(5):
        state.messages.add(message(number, size=KEPT_BYTES // 2 - 1))
    with saved_in(tmp_path) as ses:
        ses.write(ses.text(state, []))
        loaded = ses.load()
    assert loaded
    assert [one.message_id for one in loaded[0].messages.newest(9)] == ["id-4", "id-3"]


def test_unchanged_state_is_not_written_again(tmp_path: Path):
    state = fill(State("us-east-1"))
    file = tmp_path / "ses.json"
    with saved_in(tmp_path) as ses:
        ses.write(ses.text(state, []))
        first = file.stat()
        ses.write(ses.text(state, []))
        assert (file.stat().st_ino, file.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
        state.messages.newest(1)[0].occurrences.append(
            Occurrence("Complaint", NOW, "feedback", "ada@example.com", "abuse")
        )
        ses.write(ses.text(state, []))
        loaded = ses.load()
    assert loaded
    assert [occurrence.kind for occurrence in loaded[0].messages.newest(1)[0].occurrences] == ["Bounce", "Complaint"]


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("ses.json", "{", "ses.json cannot be read: .*Nothing was changed. Restore the file from a copy, move it away"),
        ("ses.json", "[]", "it is not a JSON object"),
        ("ses.json", '{"format": "mailstack local cloud: SES", "version": 99}', "version 99; this local cloud reads"),
        ("ses.json", '{"format": "else"}', "has the format 'else'"),
        ("aws/sqs.json", '{"__ministack', "sqs.json cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_and_stays(tmp_path: Path, file: str, content: str, problem: str):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    for _ in range(2):
        with pytest.raises(StateError, match=problem), saved_in(tmp_path) as ses:
            ses.load()
    assert path.read_text() == content


@pytest.mark.parametrize(
    "state",
    [{"$Nothing": {}}, {"$Identity": {"mood": 1}}, {"$State": {}}, {"$datetime": "yesterday"}, {"$bytes": 1}],
)
def test_unknown_record_in_a_state_file_is_an_error(tmp_path: Path, state: dict[str, Any]):
    kept = {
        "format": "mailstack local cloud: SES",
        "version": 1,
        "region": "us-east-1",
        "state": state,
        "sent": [],
        "mails": [],
    }
    (tmp_path / "ses.json").write_text(json.dumps(kept))
    with saved_in(tmp_path) as ses, pytest.raises(StateError, match="cannot be read"):
        ses.load()


# As the local cloud wrote it before these names were changed.
FORMER_MAIL = {
    "$StoredMessage": {
        "message_id": "id-1",
        "accepted_at": {"$datetime": "2026-01-02T03:04:05.678901+00:00"},
        "source": "shop@example.test",
        "identity": "example.test",
        "to": ["ada@example.com"],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "subject": "Hello",
        "content": {"Raw": {"Data": {"$bytes": "eA=="}}},
        "configuration_set": None,
        "tags": {},
        "size": 1,
        "happenings": [
            {
                "$Happening": {
                    "kind": "Bounce",
                    "at": {"$datetime": "2026-01-02T03:04:05.678901+00:00"},
                    "feedback_id": "feedback",
                    "recipient": "ada@example.com",
                    "detail": "General",
                }
            }
        ],
    }
}


def test_a_file_with_former_names_of_records_loads(tmp_path: Path):
    saved = {
        "format": "mailstack local cloud: SES",
        "version": 1,
        "region": "us-east-1",
        "state": {"$State": {"region": "us-east-1", "messages": {"$messages": []}}},
        "sent": [[29, 3]],
        "mails": [FORMER_MAIL],
    }
    (tmp_path / "ses.json").write_text(json.dumps(saved))
    with saved_in(tmp_path) as ses:
        loaded = ses.load()
    assert loaded
    assert loaded[0].messages.newest(1)[0].occurrences == [
        Occurrence("Bounce", NOW, "feedback", "ada@example.com", "General")
    ]


def test_a_folder_has_one_user_and_one_region(tmp_path: Path):
    with saved_in(tmp_path) as ses:
        ses.write(ses.text(State("us-east-1"), []))
        with pytest.raises(StateError, match="is used by another local cloud"):
            StateFolder(tmp_path)
    with (
        saved_in(tmp_path, "eu-west-1") as ses,
        pytest.raises(StateError, match=r"was written in region us-east-1, not eu-west-1\. Start with --region"),
    ):
        ses.load()
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot hold state"):
        StateFolder(tmp_path / "file")


def test_state_folder_is_private(tmp_path: Path):
    with StateFolder(tmp_path / "state"):
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def handler_zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("handler.py", "def handle(event, context):\n    return {'said': event['say']}\n")
    return archive.getvalue()


def provision(cloud: LocalCloud) -> str:
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="example.test")
    cloud.control("POST", "identities/example.test/verify")
    cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    ses.create_configuration_set(ConfigurationSetName="news", Tags=[{"Key": "env", "Value": "test"}])
    sent = ses.send_email(
        FromEmailAddress="shop@example.test",
        Destination={"ToAddresses": ["ada@example.com", "x@gone.test"]},
        Content={"Simple": {**SIMPLE, "Attachments": [{"FileName": "a.bin", "RawContent": b"\x00\x01"}]}},
        ConfigurationSetName="news",
    )
    queue = cloud.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="still here")
    cloud.client("s3").create_bucket(Bucket="kept")
    cloud.client("s3").put_object(Bucket="kept", Key="a/b", Body=b"object")
    cloud.client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    cloud.client("dynamodb").put_item(TableName="kept", Item={"pk": {"S": "one"}})
    cloud.client("lambda").create_function(
        FunctionName="kept",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="handler.handle",
        Code={"ZipFile": handler_zip()},
    )
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="kept",
        Namespace="AWS/SES",
        MetricName="Bounce",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    cloud.control("POST", "events/drain")
    return sent["MessageId"]


def assert_kept(cloud: LocalCloud, message_id: str, before: dict[str, Any]) -> None:
    """All that `provision` created is there."""
    ses, sqs = cloud.client("sesv2"), cloud.client("sqs")
    assert cloud.control("GET", f"messages/{message_id}") == before
    assert cloud.control("GET", f"messages/{message_id}/content")["attachments"][0]["size"] == 2
    assert ses.get_email_identity(EmailIdentity="example.test")["VerifiedForSendingStatus"] is True
    assert ses.get_configuration_set(ConfigurationSetName="news")["Tags"] == [{"Key": "env", "Value": "test"}]
    assert ses.get_suppressed_destination(EmailAddress="x@gone.test")["SuppressedDestination"]["Reason"] == "BOUNCE"
    assert ses.get_account()["SendQuota"]["SentLast24Hours"] == 2
    assert cloud.control("GET", "recipients")["patterns"] == {"*@gone.test": "bounce"}
    url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=url)["Messages"]] == ["still here"]
    assert cloud.client("s3").get_object(Bucket="kept", Key="a/b")["Body"].read() == b"object"
    assert cloud.client("dynamodb").scan(TableName="kept")["Items"] == [{"pk": {"S": "one"}}]
    said = cloud.client("lambda").invoke(FunctionName="kept", Payload=b'{"say": "hello"}')["Payload"].read()
    assert json.loads(said) == {"said": "hello"}
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmNames=["kept"])["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarms] == ["kept"]
    counts = cloud.client("ses").get_send_statistics()["SendDataPoints"]
    assert [(point["DeliveryAttempts"], point["Bounces"]) for point in counts] == [(2, 1)]


def test_state_survives_a_restart_and_reset_deletes_it(tmp_path: Path):
    with LocalCloud.start(state=tmp_path) as cloud:
        message_id = provision(cloud)
        before = cloud.control("GET", f"messages/{message_id}")
        with pytest.raises(LocalCloudError, match="is used by another local cloud"):
            LocalCloud.start(state=tmp_path)
    with LocalCloud.start(state=tmp_path) as cloud:
        assert_kept(cloud, message_id, before)
        cloud.reset()
    with LocalCloud.start(state=tmp_path) as cloud:
        assert cloud.control("GET", "messages")["messages"] == []
        assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
        assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_write_error_is_logged_and_does_not_stop_the_server(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with LocalCloud.start(state=tmp_path) as cloud:
        cloud.client("sesv2").create_email_identity(EmailIdentity="example.test")
        (tmp_path / "ses.new").mkdir()
    assert "The state of SES (Is a directory) could not be written" in capfd.readouterr().err


def test_a_broken_file_stops_the_start_with_what_to_do(tmp_path: Path):
    (tmp_path / "ses.json").write_text("broken")
    with pytest.raises(LocalCloudError, match="move it away to start without it") as caught:
        LocalCloud.start(state=tmp_path)
    assert "Traceback" not in str(caught.value)
    (tmp_path / "ses.json").unlink()
    (tmp_path / "aws").mkdir()
    newer = '{"__ministack_format__": 99, "payload": {}}'
    (tmp_path / "aws" / "sqs.json").write_text(newer)
    with pytest.raises(
        LocalCloudError, match=r"sqs.json cannot be read: it was written by a newer ministack"
    ) as caught:
        LocalCloud.start(state=tmp_path)
    assert "Traceback" not in str(caught.value)
    assert (tmp_path / "aws" / "sqs.json").read_text() == newer


def test_restore_returns_every_service_to_the_snapshot(tmp_path: Path):
    with LocalCloud.start(state=tmp_path) as cloud:
        message_id = provision(cloud)
        before = cloud.control("GET", f"messages/{message_id}")
        cloud.snapshot()
        for _ in range(2):
            cloud.client("sesv2").delete_email_identity(EmailIdentity="example.test")
            cloud.client("sesv2").create_configuration_set(ConfigurationSetName="later")
            cloud.client("sqs").purge_queue(QueueUrl=cloud.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"])
            cloud.client("dynamodb").delete_table(TableName="kept")
            cloud.client("s3").put_object(Bucket="kept", Key="later", Body=b"object")
            cloud.client("lambda").delete_function(FunctionName="kept")
            cloud.client("cloudwatch").delete_alarms(AlarmNames=["kept"])
            cloud.control("PUT", "faults/all", {"effect": "throttle"})
            cloud.restore()
            assert_kept(cloud, message_id, before)
            assert cloud.client("sesv2").list_configuration_sets()["ConfigurationSets"] == ["news"]
            assert [one["Key"] for one in cloud.client("s3").list_objects_v2(Bucket="kept")["Contents"]] == ["a/b"]


def test_restore_needs_a_snapshot_and_a_folder(tmp_path: Path):
    with LocalCloud.start(state=tmp_path) as cloud, pytest.raises(LocalCloudError, match="There is no snapshot"):
        cloud.restore()
    with LocalCloud.start() as cloud, pytest.raises(LocalCloudError, match="Start the local cloud with a state folder"):
        cloud.snapshot()


def test_a_failed_restore_keeps_the_present_state(tmp_path: Path):
    with LocalCloud.start(state=tmp_path) as cloud:
        cloud.client("sqs").create_queue(QueueName="kept")
        with pytest.raises(LocalCloudError, match="There is no snapshot"):
            cloud.restore()
        assert len(cloud.client("sqs").list_queues()["QueueUrls"]) == 1
