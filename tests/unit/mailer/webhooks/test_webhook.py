"""The webhook's answers over ASGI and WSGI: what it accepts, and a table of what it refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailer.errors import StoreError
from mailer.stores.bundle import Stores
from mailer.webhooks import ClientRate, Webhook, asgi_app
from mailer.webhooks.endpoints import MAX_MESSAGE
from tests.unit.mailer.feedback.payloads import bounced, changed, in_eventbridge, load, mail_to
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import TOPIC, Call, Json, Sns, asgi

ADA = "ada@example.org"
OTHERS = "arn:aws:sns:us-east-1:111122223333:theirs"


def body(envelope: Json) -> bytes:
    return json.dumps(envelope).encode()


def suppressed(stores: Stores) -> dict[str, str]:
    return {row.address: row.reason for row in stores.suppressions.iterate()}


@pytest.mark.parametrize("version", ["1", "2"])
def test_signed_bounce_suppresses_its_recipient(post: Call, sns: Sns, stores: Stores, version: str):
    answer = post(body=body(sns.notification(load("bounce"), SignatureVersion=version)))
    assert (answer.status, answer.json) == (200, {"status": "processed"})
    assert suppressed(stores) == {ADA: "bounce"}


def test_message_with_subject_and_line_breaks_is_verified(post: Call, sns: Sns, stores: Stores):
    text = json.dumps(load("complaint"), indent=2, ensure_ascii=False) + "\n"
    assert post(body=body(sns.notification(text, Subject="Amazon SES Email Event Notification"))).status == 200
    assert suppressed(stores)[ADA] == "complaint"


def test_event_from_eventbridge_through_sns_is_processed(post: Call, sns: Sns, stores: Stores):
    assert post(body=body(sns.notification(in_eventbridge(load("bounce"))))).status == 200
    assert suppressed(stores) == {ADA: "bounce"}


def test_certificate_is_fetched_once(post: Call, sns: Sns):
    for _ in range(3):
        post(body=body(sns.notification(load("send"))))
    assert sns.pages.asked == [sns.signer.path]


def test_replayed_message_changes_nothing(post: Call, sns: Sns, stores: Stores):
    message = body(sns.notification(load("bounce")))
    assert post(body=message).json == {"status": "processed"}
    stores.suppressions.remove(ADA)
    assert post(body=message).json == {"status": "duplicate"}
    assert suppressed(stores) == {}


def test_setup_notice_of_ses_is_accepted(post: Call, sns: Sns):
    notice = "Successfully validated SNS topic for Amazon SES event publishing."
    assert post(body=body(sns.notification(notice))).json == {"status": "setup notice"}


def test_unsubscription_is_reported_and_not_visited(post: Call, sns: Sns, caplog: pytest.LogCaptureFixture):
    answer = post(body=body(sns.confirmation("UnsubscribeConfirmation")))
    assert answer.json == {"status": "unsubscribed"}
    assert "Subscribe it again" in caplog.text
    assert sns.pages.asked == [sns.signer.path]


def test_confirmation_is_by_api_and_never_visited(post: Call, sns: Sns):
    confirmed = "<ConfirmSubscriptionResponse><ConfirmSubscriptionResult/></ConfirmSubscriptionResponse>"
    sns.pages.answers["/"] = (200, {"Content-Type": "text/xml"}, confirmed.encode())
    assert post(body=body(sns.confirmation())).json == {"status": "confirmed"}
    assert sns.pages.asked == [sns.signer.path, "/"]


@pytest.mark.parametrize(("status", "expected"), [(403, 403), (500, 503)])
def test_confirmation_that_fails_says_so(post: Call, sns: Sns, status: int, expected: int):
    error = b"<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>"
    sns.pages.answers["/"] = (status, {"Content-Type": "text/xml"}, error)
    answer = post(body=body(sns.confirmation()))
    assert (answer.status, "t" * 64 in answer.body.decode()) == (expected, False)


def test_confirmation_can_be_left_to_people(sns: Sns, stores: Stores):
    post = asgi(asgi_app(Webhook(outputs(), store=stores, confirms=False)))
    assert post(body=body(sns.confirmation())).status == 403
    assert "/" not in sns.pages.asked


def forged_text(sns: Sns) -> Json:
    return sns.notification(load("bounce")) | {"Message": json.dumps(load("complaint"))}


def split_id(sns: Sns) -> Json:
    """The same signed text, in which the subject is a part of the message id."""
    envelope = sns.notification(load("bounce"), Subject="Hello")
    return envelope | {"MessageId": f"{envelope['MessageId']}\nSubject\nHello", "Subject": None}


def at(moment: datetime) -> Callable[[Sns], Json]:
    return lambda sns: sns.notification(load("bounce"), Timestamp=moment.isoformat())


def with_url(url: str) -> Callable[[Sns], Json]:
    return lambda sns: sns.notification(load("bounce")) | {"SigningCertURL": url.replace("ORIGIN", sns.pages.endpoint)}


def changed_by(**fields: Any) -> Callable[[Sns], Json]:
    return lambda sns: sns.notification(load("bounce")) | fields


HEX = "0" * 32
NOW = datetime.now(UTC)
REFUSED: dict[str, tuple[int, Callable[[Sns], Json]]] = {
    "changed message": (403, forged_text),
    "other topic, validly signed": (403, lambda sns: sns.notification(load("bounce"), TopicArn=OTHERS)),
    "topic changed after signing": (403, lambda sns: sns.notification("{}", TopicArn=OTHERS) | {"TopicArn": TOPIC}),
    "message id with a line break": (400, split_id),
    "message id changed": (403, changed_by(MessageId="00000000-0000-0000-0000-000000000000")),
    "type changed": (400, changed_by(Type="SubscriptionConfirmation")),
    "unknown type": (400, changed_by(Type="Anything")),
    "type is a list": (400, changed_by(Type=["Notification"])),
    "other version": (400, changed_by(SignatureVersion="3")),
    "version 2 claimed for version 1": (403, changed_by(SignatureVersion="2")),
    "version is a number": (400, changed_by(SignatureVersion=1)),
    "no signature": (400, changed_by(Signature=None)),
    "empty signature": (400, changed_by(Signature="")),
    "signature is not base64": (400, changed_by(Signature="§§§")),
    "short signature": (403, changed_by(Signature="AAAA")),
    "message is an object": (400, changed_by(Message={"eventType": "Bounce"})),
    "half a surrogate pair": (400, changed_by(Message="\ud800")),
    "time without zone": (400, changed_by(Timestamp="2026-01-01T00:00:00")),
    "time is a word": (400, changed_by(Timestamp="yesterday")),
    "time overflows": (400, changed_by(Timestamp="0001-01-01T00:00:00+14:00")),
    "old": (403, at(NOW - timedelta(hours=25))),
    "from the future": (403, at(NOW + timedelta(hours=1))),
    "certificate at another host": (403, with_url(f"https://sns.us-east-1.example.com/SimpleNotificationService-{HEX}.pem")),
    "certificate in a bucket": (403, with_url(f"https://s3.amazonaws.com/SimpleNotificationService-{HEX}.pem")),
    "certificate at AWS, not here": (403, with_url(f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{HEX}.pem")),
    "host as user": (403, with_url(f"http://127.0.0.1@example.com/SimpleNotificationService-{HEX}.pem")),
    "user at the host": (403, with_url(f"ORIGIN@example.com/SimpleNotificationService-{HEX}.pem")),
    "other path": (403, with_url("ORIGIN/other.pem")),
    "path that climbs": (403, with_url(f"ORIGIN/x/../SimpleNotificationService-{HEX}.pem")),
    "query": (403, with_url(f"ORIGIN/SimpleNotificationService-{HEX}.pem?x")),
    "fragment": (403, with_url(f"ORIGIN/SimpleNotificationService-{HEX}.pem#x")),
    "empty query": (403, with_url(f"ORIGIN/SimpleNotificationService-{HEX}.pem?")),
    "file": (403, with_url(f"file:///SimpleNotificationService-{HEX}.pem")),
    "brackets": (403, with_url("http://[::1/x.pem")),
    "no such certificate": (403, with_url(f"ORIGIN/SimpleNotificationService-{HEX}.pem")),
    "raw delivery": (400, lambda _: load("bounce")),
    "empty object": (400, lambda _: {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_message_is_refused(post: Call, sns: Sns, stores: Stores, name: str):
    status, make = REFUSED[name]
    answer = post(body=body(make(sns)))
    assert (answer.status, list(answer.json)) == (status, ["error"])
    assert suppressed(stores) == {}
    assert set(sns.pages.asked) <= {sns.signer.path, f"/SimpleNotificationService-{HEX}.pem"}


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"Type": ' + b"1" * 5_000 + b"}", b"\x00" * 10],
    ids=["empty", "null", "list", "text", "half", "not UTF-8", "deep", "huge number", "NUL"],
)
def test_body_that_is_no_message_is_refused(post: Call, raw: bytes):
    assert post(body=raw).status == 400


def test_oversized_body_is_refused_unread(post: Call):
    assert post(body=b"", headers={"content-length": str(MAX_MESSAGE + 1)}).status == 413


@pytest.mark.parametrize("said", [None, "1"])
def test_oversized_body_is_refused_with_any_length_header(webhook: Webhook, said: str | None):
    post = asgi(asgi_app(webhook))
    assert post(body=b" " * (MAX_MESSAGE + 1), headers={"content-length": said}, chunks=64).status == 413


@pytest.mark.parametrize("said", ["-1", "x", "1e3", "٣", "9" * 5_000, "0" * 5_000])
def test_odd_length_is_no_server_error(post: Call, said: str):
    assert post(body=b"{}", headers={"content-length": said}).status in {400, 413}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_are_refused(post: Call, method: str):
    answer = post(method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/ses/", "/webhooks/ses/x", "//webhooks/ses", "/\u00ff"])
def test_other_paths_do_not_exist(post: Call, path: str):
    assert post(path).status == 404


def test_event_that_is_none_is_not_sent_again(post: Call, sns: Sns):
    assert post(body=body(sns.notification({"AlarmName": "x"}))).status == 422


def test_readable_recipients_of_a_broken_event_are_processed(post: Call, sns: Sns, stores: Stores):
    event = changed("bounce", "bounce", bouncedRecipients=[{}, *bounced(ADA)]) | {"mail": mail_to(ADA)}
    assert post(body=body(sns.notification(event))).status == 422
    assert suppressed(stores) == {ADA: "bounce"}


def test_store_that_fails_asks_for_the_message_again(
    post: Call, sns: Sns, stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise StoreError("The store is away.")

    message = body(sns.notification(load("bounce")))
    with monkeypatch.context() as patch:
        patch.setattr(stores.suppressions, "put", fail)
        answer = post(body=message)
        assert (answer.status, answer.headers["retry-after"]) == (503, "20")
    assert post(body=message).json == {"status": "processed"}
    assert suppressed(stores) == {ADA: "bounce"}


def test_defect_is_answered_and_logged_without_its_words(
    post: Call, sns: Sns, stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object) -> None:
        raise KeyError(ADA)

    monkeypatch.setattr(stores.events, "get", fail)
    assert post(body=body(sns.notification(load("bounce")))).status == 500
    assert "KeyError" in caplog.text
    assert "ada@" not in caplog.text


def test_log_names_no_full_address(post: Call, sns: Sns, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    post(body=body(sns.notification(load("bounce"))))
    assert "a***@example.org" in caplog.text
    assert "ada@" not in caplog.text


def test_answers_are_not_cached_and_cannot_be_framed(post: Call):
    headers = post(body=b"{}").headers
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers


def test_health_needs_no_store_and_readiness_does(post: Call, stores: Stores, monkeypatch: pytest.MonkeyPatch):
    def fail(_: str) -> None:
        raise StoreError("The store is away.")

    monkeypatch.setattr(stores.events, "get", fail)
    assert post("/health", method="GET").json == {"status": "ok"}
    assert post("/health/ready", method="GET").status == 503
    assert post("/health", method="HEAD").body == b""


def test_client_that_asks_too_often_is_slowed_down(webhook: Webhook, sns: Sns):
    post = asgi(asgi_app(webhook, rate=ClientRate(0.001, 2)))
    statuses = [post(body=b"{}").status for _ in range(3)]
    assert statuses == [400, 400, 429]
