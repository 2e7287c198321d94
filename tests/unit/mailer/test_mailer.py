"""The pipeline over a real HTTP server: what becomes of each recipient, and how often a message is posted."""

import logging
import multiprocessing
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from mailer.catalog import VerificationCode, Welcome
from mailer.errors import (
    AccessDenied,
    ConfigurationError,
    IdentityNotVerified,
    InvalidMessage,
    OutcomeUnknown,
    QuotaExceeded,
    SendingPaused,
    StoreError,
    Throttled,
    UnknownStream,
    Unreachable,
)
from mailer.mailer import Mailer
from mailer.message import Attachment, Message
from mailer.results import NotSent, SendResult, Status
from mailer.sending.retry import RetryPolicy
from mailer.stores.base import Suppression
from mailer.testing.memory import MemorySuppressions
from mailer.transports.ses import SesTransport
from tests.unit.mailer.scripted_ses import (
    ScriptedSes,
    accept,
    echo_tag,
    environment,
    hang_up,
    refuse,
    scripted_ses,
    stay_silent,
    talk_nonsense,
)
from tests.unit.mailer.stack_outputs import SET, outputs
from tests.unit.mailer.wire.raw_server import Request, ok, raw_server
from tests.unit.mailer.wire.test_outcomes import LIMIT, known
from tests.waiting import PATIENCE, eventually

ADA, BOB, EVE = "Ada Lovelace <ada@example.com>", "bob@example.com", "eve@example.org"
CODE = VerificationCode(code="424242")
SOON = RetryPolicy(attempts=3, first_delay=0.01)


@pytest.fixture
def ses() -> Iterator[ScriptedSes]:
    with scripted_ses() as server:
        yield server


@pytest.fixture
def suppressions() -> MemorySuppressions:
    return MemorySuppressions()


@pytest.fixture(params=["wire", "boto3"])
def kind(request: pytest.FixtureRequest) -> str:
    """The same is promised over connections of our own and over a client of boto3's."""
    return request.param


def mailer_for(ses: ScriptedSes, suppressions: Any, kind: str, seconds: float = PATIENCE) -> Mailer:
    stack = outputs()
    return Mailer(stack, transport=ses.transport(kind, stack, seconds), suppressions=suppressions, retries=SOON)


@pytest.fixture
def mail(ses: ScriptedSes, suppressions: MemorySuppressions, kind: str) -> Mailer:
    return mailer_for(ses, suppressions, kind)


def statuses(result: SendResult) -> list[Status]:
    return [one.status for one in result]


def test_template_is_sent_with_parts_sender_stream_and_tags(mail: Mailer, ses: ScriptedSes):
    result = mail.send(
        Welcome(name="Ada", dashboard_url="https://app.example.com"),  # pyright: ignore[reportArgumentType] - pydantic reads it
        to=ADA,
        reply_to="help@example.test",
        tags={"kind": "welcome"},
        headers={"X-Order": "7"},
    )
    assert result.ok
    assert result.message_id == "message-1"
    (request,) = ses.posted
    simple = request["Content"]["Simple"]
    assert request["FromEmailAddress"] == "Example <no-reply@example.test>"
    assert request["Destination"]["ToAddresses"] == ["Ada Lovelace <ada@example.com>"]
    assert request["ReplyToAddresses"] == ["help@example.test"]
    assert request["ConfigurationSetName"] == SET
    assert {tag["Name"]: tag["Value"] for tag in request["EmailTags"]} == {
        "kind": "welcome",
        "mailstack-id": result.id,
        "mailstack-template": "welcome",
        "ses:feedback-id-a": "welcome",
        "ses:feedback-id-b": "transactional",
    }
    assert {one["Name"]: one["Value"] for one in simple["Headers"]} == {
        "X-Order": "7",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
    }
    assert simple["Subject"]["Data"] == "Welcome to example.test"
    assert "https://app.example.com/" in simple["Body"]["Text"]["Data"]
    assert 'href="https://app.example.com/"' in simple["Body"]["Html"]["Data"]


def test_attachments_are_base64_and_images_have_content_ids(mail: Mailer, ses: ScriptedSes):
    files = [Attachment("a.pdf", b"\xff\x00"), Attachment("logo.png", b"\x89PNG", content_id="logo")]
    assert mail.send(CODE, to=BOB, attachments=files).ok
    pdf, logo = ses.posted[0]["Content"]["Simple"]["Attachments"]
    assert (pdf["RawContent"], pdf["ContentTransferEncoding"], pdf["ContentDisposition"]) == (
        "/wA=",
        "BASE64",
        "ATTACHMENT",
    )
    assert (logo["ContentId"], logo["ContentDisposition"], logo["ContentType"]) == ("logo", "INLINE", "image/png")


def test_suppressed_recipient_is_left_out_of_the_message(
    mail: Mailer, ses: ScriptedSes, suppressions: MemorySuppressions
):
    suppressions.put(Suppression("BOB@example.com", "bounce", "5.1.1"))
    result = mail.send(CODE, to=[BOB, ADA], cc=EVE)
    assert statuses(result) == [Status.SUPPRESSED, Status.SENT, Status.SENT]
    assert "bounce" in result[BOB].reason
    assert "5.1.1" in result[BOB].reason
    assert ses.posted[0]["Destination"] == {
        "ToAddresses": ["Ada Lovelace <ada@example.com>"],
        "CcAddresses": [EVE],
        "BccAddresses": [],
    }


def test_nothing_is_posted_when_everybody_is_suppressed(
    mail: Mailer, ses: ScriptedSes, suppressions: MemorySuppressions
):
    suppressions.put(Suppression(BOB, "complaint"))
    result = mail.send(CODE, to=BOB)
    assert statuses(result) == [Status.SUPPRESSED]
    assert not ses.posted


def test_unreadable_suppression_list_prevents_sending(ses: ScriptedSes, kind: str):
    class Broken(MemorySuppressions):
        def get_many(self, keys: Iterable[str], scopes: Iterable[str] = ()) -> dict[str, Suppression]:
            raise StoreError("The table is out of reach.", hint="Look at it.")

    result = mailer_for(ses, Broken(), kind).send(CODE, to=[ADA, BOB])
    assert statuses(result) == [Status.FAILED, Status.FAILED]
    assert isinstance(result[BOB].error, StoreError)
    assert not ses.posted


def test_throttled_message_is_retried_until_sent(mail: Mailer, ses: ScriptedSes):
    slow = refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
    ses.script = [slow, slow, accept]
    assert statuses(mail.send(CODE, to=BOB)) == [Status.SENT]
    assert len(ses.posted) == 3


def test_exhausted_retries_give_throttled_with_a_hint(mail: Mailer, ses: ScriptedSes):
    ses.script = [refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded.")] * 9
    (one,) = mail.send(CODE, to=BOB)
    assert one.status is Status.THROTTLED
    assert type(one.error) is Throttled
    assert "get-account" in str(one.error)
    assert len(ses.posted) == SOON.attempts


def test_a_used_up_quota_is_not_tried_again(mail: Mailer, ses: ScriptedSes):
    ses.script = [refuse(429, "TooManyRequestsException", "Daily message quota exceeded.")]
    (one,) = mail.send(CODE, to=BOB)
    assert (one.status, type(one.error), len(ses.posted)) == (Status.THROTTLED, QuotaExceeded, 1)


def test_lost_answer_is_unknown_and_posted_once(ses: ScriptedSes, suppressions: MemorySuppressions, kind: str):
    ses.script = [stay_silent]
    (one,) = mailer_for(ses, suppressions, kind, seconds=LIMIT).send(CODE, to=BOB)
    assert one.status is Status.UNKNOWN
    assert isinstance(one.error, OutcomeUnknown)
    assert "blindly" in one.error.hint
    eventually(lambda: ses.posted, "nothing was posted")
    assert len(ses.posted) == 1


@pytest.mark.parametrize(
    "answer", [hang_up, talk_nonsense, refuse(500, "InternalFailure", "Oops"), refuse(503, "ServiceUnavailable", "")]
)
def test_uninformative_answer_is_unknown_and_not_retried(mail: Mailer, ses: ScriptedSes, answer: Any):
    ses.script = [answer]
    assert statuses(mail.send(CODE, to=BOB)) == [Status.UNKNOWN]
    assert len(ses.posted) == 1


def test_unreachable_service_is_retried_and_then_failed(suppressions: MemorySuppressions, kind: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nowhere = ScriptedSes()
    nowhere.endpoint = f"http://127.0.0.1:{port}"
    with environment(nowhere.endpoint):
        (one,) = mailer_for(nowhere, suppressions, kind).send(CODE, to=BOB)
    assert (one.status, type(one.error)) == (Status.FAILED, Unreachable)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "hint"),
    [
        (400, "SendingPausedException", "paused", SendingPaused, f"--configuration-set-name {SET} --sending-enabled"),
        (403, "AccessDeniedException", "not authorized", AccessDenied, "policy/mailstack-dev-sender"),
        (400, "MessageRejected", "Email address is not verified: ada@example.com", IdentityNotVerified, "us-east-1"),
    ],
)
def test_refusal_in_the_result_has_cause_and_hint(
    mail: Mailer, ses: ScriptedSes, status: int, code: str, message: str, kind: type[Exception], hint: str
):
    ses.script = [refuse(status, code, message)]
    result = mail.send(CODE, to=ADA)
    error = result[ADA].error
    assert (statuses(result), type(error)) == ([Status.REFUSED], kind)
    assert hint in str(error)
    assert "ada@example.com" not in str(error)
    assert len(ses.posted) == 1
    with pytest.raises(NotSent, match=r"a\*\*\*@example\.com refused") as raised:
        result.raise_if_not_sent()
    assert raised.value.result is result
    assert raised.value.__cause__ is error


def test_the_second_of_five_failing_does_not_lose_the_rest(mail: Mailer, ses: ScriptedSes):
    ses.script = [accept, refuse(400, "MessageRejected", "Bad content")]
    results = [mail.send(CODE, to=f"reader-{n}@example.com") for n in range(5)]
    assert [result.ok for result in results] == [True, False, True, True, True]


def tags_of(ses: ScriptedSes, name: str) -> list[dict[str, str]]:
    return [tag for posted in ses.posted for tag in posted["EmailTags"] if tag["Name"] == name]


def test_sending_a_message_twice_leaves_it_unchanged(mail: Mailer, ses: ScriptedSes):
    message = Message(subject="Hello", text="Hello", to=ADA, headers={"X-One": "1"})
    assert mail.send(message).ok
    assert mail.send(message).ok
    ids = [{"Name": "mailstack-id", "Value": tag["Value"]} for tag in tags_of(ses, "mailstack-id")]
    first, second = ({**one, "EmailTags": [t for t in one["EmailTags"] if t not in ids]} for one in ses.posted)
    assert first == second
    assert ids[0] != ids[1]
    assert message == Message(subject="Hello", text="Hello", to=ADA, headers={"X-One": "1"})


def test_a_mailer_keeps_its_client_and_its_connection(mail: Mailer, ses: ScriptedSes):
    for _ in range(10):
        assert mail.send(CODE, to=BOB).ok
    assert len(ses.connections) == 1


def test_threads_share_a_mailer_and_each_answer_is_its_own(mail: Mailer, ses: ScriptedSes):
    ses.script = [echo_tag] * 64
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: mail.send(CODE, to=BOB, tags={"n": str(n)}), range(64)))
    assert [result.message_id for result in results] == [f"message-for-{n}" for n in range(64)]


def test_unknown_stream_error_names_the_known_streams(mail: Mailer, ses: ScriptedSes):
    mail.send(CODE, to=BOB, stream="news")
    assert ses.posted[0]["ConfigurationSetName"] == "mailstack-dev-news"
    with pytest.raises(UnknownStream, match=r"'newz'.*news, transactional"):
        mail.send(CODE, to=BOB, stream="newz")


def test_an_endpoint_that_is_no_url_is_a_mistake_of_the_set_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "garbage")
    with pytest.raises(ConfigurationError, match=r"DynamoDB.*Invalid endpoint: garbage.*AWS_ENDPOINT_URL"):
        Mailer(outputs()).send(CODE, to=BOB)
    mail = Mailer(outputs(), suppressions=MemorySuppressions())
    with pytest.raises(ConfigurationError, match=r"SES.*Invalid endpoint: garbage.*AWS_ENDPOINT_URL"):
        mail.send(CODE, to=BOB)


def test_multi_region_endpoint_without_crt_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailer.transports.ses.find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType]
    both = outputs().model_copy(update={"endpoint_id": "abcdef12.g3h"})
    with pytest.raises(ConfigurationError, match=r"Signature Version 4A.*pip install 'boto3\[crt\]'"):
        Mailer(both, suppressions=MemorySuppressions())


def test_message_names_its_endpoint_and_tenant(ses: ScriptedSes):
    both = outputs().model_copy(update={"endpoint_id": "abcdef12.g3h"})
    mail = Mailer(both, transport=SesTransport(both, client=ses.client()), suppressions=MemorySuppressions())
    assert mail.send(CODE, to=BOB, tenant="acme").ok
    assert (ses.posted[0]["EndpointId"], ses.posted[0]["TenantName"]) == ("abcdef12.g3h", "mailstack-dev-acme")


def test_message_without_recipients_is_refused_without_requests(mail: Mailer, ses: ScriptedSes):
    for content in (CODE, Message(subject="Hello", text="Hello")):
        with pytest.raises(InvalidMessage, match="no recipient"):
            mail.send(content)
    assert not ses.posted


def test_message_without_recipients_is_sent_to_those_of_send(mail: Mailer, ses: ScriptedSes):
    news = Message(subject="Hello", text="Hello")
    for reader in (ADA, BOB):
        assert mail.send(news, to=reader).ok
    assert [post["Destination"]["ToAddresses"] for post in ses.posted] == [[ADA], [BOB]]


def test_arguments_of_send_replace_parts_of_the_message(mail: Mailer, ses: ScriptedSes):
    mail.send(Message(subject="Hello", text="Hello", to=ADA), to=BOB, sender="Ada <ada@example.test>")
    assert ses.posted[0]["Destination"]["ToAddresses"] == [BOB]
    assert ses.posted[0]["FromEmailAddress"] == "Ada <ada@example.test>"


def test_log_line_has_each_status_with_masked_addresses(
    mail: Mailer, ses: ScriptedSes, caplog: pytest.LogCaptureFixture
):
    ses.script = [accept, refuse(400, "MessageRejected", "bob@example.com is not verified")]
    with caplog.at_level(logging.INFO, logger="mailer"):
        mail.send(CODE, to=ADA)
        mail.send(CODE, to=BOB)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "a***@example.com: sent" in caplog.text
    assert "message-1" in caplog.text
    assert "ada@" not in caplog.text
    assert "bob@" not in caplog.text


def test_closed_mailer_reconnects_for_the_next_mail(ses: ScriptedSes, suppressions: MemorySuppressions):
    with mailer_for(ses, suppressions, "wire") as mail:
        assert mail.send(CODE, to=BOB).ok
    assert mail.send(CODE, to=BOB).ok
    assert len(ses.connections) == 2


def test_a_session_that_is_given_signs_the_mail(ses: ScriptedSes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    session = boto3.session.Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    assert Mailer(outputs(), session=session, suppressions=MemorySuppressions()).send(CODE, to=BOB).ok


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_forked_workers_respect_suppressions(monkeypatch: pytest.MonkeyPatch):
    """The suppression list is asked over connections, too: another process's answer would let mail through."""
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.default = suppressed_if_asked
        mail = Mailer(outputs("mail"), retries=SOON)
        assert mail.send(CODE, to="first@example.com").ok
        context = multiprocessing.get_context("fork")
        ours, theirs = zip(*(context.Pipe(duplex=False) for _ in range(8)), strict=True)
        workers = [context.Process(target=send_both, args=(mail, pipe)) for pipe in theirs]
        for worker in workers:
            worker.start()
        for pipe in ours:
            assert pipe.poll(PATIENCE)
            assert pipe.recv() == ["suppressed", "sent"] * 10
        for worker in workers:
            worker.join()
    sent = [request.json for request in server.received if "FromEmailAddress" in request.json]
    assert len(sent) == 1 + 8 * 10
    assert not [mail for mail in sent if "gone" in mail["Destination"]["ToAddresses"][0]]


def send_both(mail: Mailer, pipe: Any) -> None:
    pipe.send(
        [str(one.status) for _ in range(10) for to in ("gone@example.com", BOB) for one in mail.send(CODE, to=to)]
    )
    pipe.close()


def suppressed_if_asked(stream: socket.socket, request: Request) -> None:
    """A table with a suppression for every address that contains `gone`, and SES."""
    if "RequestItems" not in request.json:
        return ok({"MessageId": "message-1"})(stream, request)
    (keys,) = request.json["RequestItems"].values()
    row = {"reason": {"S": "bounce"}, "created_at": {"S": "2026-03-02T12:00:00+00:00"}}
    rows = [
        {"address": {"S": key["pk"]["S"].partition("#")[2]}, **row} for key in keys["Keys"] if "gone" in key["pk"]["S"]
    ]
    return ok({"Responses": {"mail": rows}, "UnprocessedKeys": {}})(stream, request)
