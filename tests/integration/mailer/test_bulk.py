"""Bulk requests against the local cloud: mails arrive as single ones do, with a result each; the engine is chosen."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.request import urlopen

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mailer import (
    Attachment,
    Mail,
    Mailer,
    MailResult,
    Message,
    RateLimit,
    SendHook,
    SendOptions,
    SendResult,
    Unsubscribe,
)
from mailer.errors import IdempotencyConflict, OutcomeUnknown, QuotaExceeded, Refused
from mailer.observability.opentelemetry import OpenTelemetryHook
from mailer.results import Status
from mailer.secret_keys import new_key
from mailer.sending.engine import PROVEN, EngineChoice
from mailer.sending.retry import RetryPolicy
from mailer.stores.base import Suppression
from mailer.stores.memory import MemoryIdempotency
from mailer.stores.memory_messages import MemoryMessageLog
from mailer.testing.memory import MemorySuppressions
from mailer.transports.ses import SesTransport
from mailer.wire.deadline import Limits
from mailstack_localcloud import LocalCloud
from tests.unit.mailer.stack_outputs import SET, outputs
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

SINGLE, BULK = "SendEmail", "SendBulkEmail"
NEWS = Message(subject="News", text="News")
HOSTILE = "<b>&amp; \"quoted\" 'single' \\n \\u0041 {one} }} {% x %} $& é € 😀</b>\nsecond line\ttab"


class Stack:
    """A mailer that may send in bulk, and what SES got of it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud, self.suppressions, self.log = cloud, MemorySuppressions(), MemoryMessageLog(30)
        ses = cloud.client("sesv2")
        cloud.control("PUT", "account", {"max_send_rate": 100_000.0, "max_24_hour_send": 1_000_000.0})
        ses.create_email_identity(EmailIdentity="example.test")
        cloud.control("POST", "identities/example.test/verify")
        for name in (SET, "mailstack-dev-news"):
            ses.create_configuration_set(ConfigurationSetName=name)

    def mailer(self, *, proven: bool = True, **options: Any) -> Mailer:
        given: dict[str, Any] = {
            "suppressions": self.suppressions,
            "idempotency": MemoryIdempotency(),
            "rate": False,
            "message_log": self.log,
        }
        stack = outputs().model_copy(update={"bulk": True, "message_log_days": 30})
        mailer = Mailer(stack, **(given | options))
        if proven:
            mailer._engine = EngineChoice()
            mailer._engine.accepted_singly(PROVEN)
        return mailer

    def messages(self) -> list[dict[str, Any]]:
        return self.cloud.control("GET", "messages?limit=5000")["messages"]

    def operations(self) -> Counter[str]:
        return Counter(one["tags"]["ses:operation"][0] for one in self.messages())

    def refusals(self) -> int:
        return sum(int(one.get("count", 1)) for one in self.cloud.control("GET", "refusals")["refusals"])


@pytest.fixture
def stack(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return Stack(cloud)


def mails(count: int, **options: Any) -> Iterator[Mail]:
    for number in range(count):
        yield Mail(NEWS, to=f"reader-{number}@example.com", reference=number, **options)


def sent(mailer: Mailer, given: Iterable[Mail], threads: int = 1) -> dict[object, MailResult]:
    """One thread, so that units are as full as the input allows."""
    return {one.mail.reference: one for one in mailer.send_many(given, threads=threads)}


def status(one: MailResult) -> str:
    return str(one.result.recipients[0].status) if one.result else type(one.error).__name__


def arrived(cloud: LocalCloud, one: MailResult) -> EmailMessage:
    assert one.result is not None
    with urlopen(f"{cloud.inbox_url}/{one.result.message_id}/source", timeout=PATIENCE) as answer:  # noqa: S310 - http on loopback by construction
        return message_from_bytes(answer.read(), policy=policy.default)


def visible(mail: EmailMessage) -> dict[str, object]:
    """What a reader gets, without what differs between any two mails."""
    own = {"date", "message-id", "feedback-id", "dkim-signature", "content-type", "to", "received", "return-path"}
    headers = sorted((name.lower(), str(value)) for name, value in mail.items() if name.lower() not in own)
    parts = [(part.get_content_type(), part.get_content()) for part in mail.walk() if not part.is_multipart()]
    return {"headers": [one for one in headers if not one[0].startswith("x-ses")], "parts": parts}


@pytest.mark.parametrize("parts", [{"text": HOSTILE, "html": HOSTILE}, {"text": HOSTILE}, {"html": HOSTILE}])
def test_mail_in_bulk_arrives_as_it_does_singly(stack: Stack, cloud: LocalCloud, parts: dict[str, str]):
    message = Message(
        subject='Ünï "code" \\ & <b> }} {x}',
        **parts,  # pyright: ignore[reportArgumentType] - text
        sender="Ödön <shop@example.test>",
        reply_to="help@example.test",
        headers={"X-Campaign": 'a "b" \\c', "List-Unsubscribe": "<https://example.com/u/1>"},
        tags={"campaign": "spring"},
        stream="news",
        options=SendOptions(feedback_address="feedback@example.test"),
    )
    both = [Mail(message, to=f"Reader <reader-{number}@example.com>", reference=number) for number in range(2)]
    in_bulk = sent(stack.mailer(), both)
    assert stack.operations() == {BULK: 2}
    singly = sent(stack.mailer(proven=False), both)
    assert stack.operations() == {BULK: 2, SINGLE: 2}
    for number in range(2):
        assert visible(arrived(cloud, in_bulk[number])) == visible(arrived(cloud, singly[number]))
        one = in_bulk[number].result
        assert one is not None
        assert arrived(cloud, in_bulk[number])["To"] == f"Reader <reader-{number}@example.com>"
        tags = cloud.control("GET", f"messages/{one.message_id}")["tags"]
        assert (tags["campaign"], tags["mailstack-id"], tags["ses:feedback-id-b"]) == (["spring"], [one.id], ["news"])
        assert arrived(cloud, in_bulk[number])["Message-ID"] == one.message_id_header


@pytest.mark.parametrize(
    "message",
    [
        Message(subject="News", text="Write {{name}} to greet."),
        Message(subject="{{News}}", text="News"),
        Message(subject="News", text="News", html="{{{html}}}"),
        Message(subject="News", text="News", headers={"X-Note": "{{note}}"}),
        Message(subject="News", text="News", attachments=Attachment("a.txt", b"a")),
        Message(subject="News", text="Your code is 424242.", secret=True),
        Message(subject="News", text="News", options=SendOptions(track_opens=False)),
        Message(subject="News", text="x" * 270_000),
        Message(subject="News", text="{ {x} {y} }{{"),
    ],
)
def test_mail_that_bulk_cannot_carry_goes_singly_and_unchanged(stack: Stack, cloud: LocalCloud, message: Message):
    given = [Mail(message, to="ada@example.com", reference="odd"), *mails(3)]
    found = sent(stack.mailer(), given)
    assert all(one.ok for one in found.values())
    assert stack.operations() == {SINGLE: 1, BULK: 3}
    mail = arrived(cloud, found["odd"])
    body = mail.get_body(("plain",))
    assert body is not None
    assert (mail["Subject"], body.get_content().rstrip("\r\n")) == (message.subject, message.text)


def test_engine_begins_with_single_requests_and_moves_to_bulk(stack: Stack):
    mailer = stack.mailer(proven=False)
    found = sent(mailer, mails(300), threads=2)
    assert {status(one) for one in found.values()} == {"sent"}
    operations = stack.operations()
    assert operations.total() == 300
    assert PROVEN <= operations[SINGLE] < 60
    assert stack.refusals() == 0


def test_engine_leaves_bulk_where_it_is_limited_to_one_a_second(stack: Stack, cloud: LocalCloud):
    cloud.control("PUT", "account", {"limit_other_actions": True})
    mailer = stack.mailer(proven=False)
    found = sent(mailer, mails(600), threads=4)
    assert {status(one) for one in found.values()} == {"sent"}
    operations = stack.operations()
    assert operations.total() == 600
    assert 0 < operations[BULK] < operations[SINGLE]
    assert mailer._engine is not None
    assert not mailer._engine.is_bulk
    # A throttled request for each of the threads at most, and none after that.
    assert 1 <= stack.refusals() <= 4
    before = stack.refusals()
    assert all(one.ok for one in sent(mailer, mails(50)).values())
    assert stack.refusals() == before


def test_one_bulk_request_a_second_is_proven_in_the_local_cloud(stack: Stack, cloud: LocalCloud):
    transport = SesTransport(outputs())
    entries = [transport.bulk_entry(one.compose_with(stack.mailer().compose)) for one in mails(3)]
    chosen = [one for one in entries if one]
    transport.send_bulk(chosen)
    transport.send_bulk(chosen)
    cloud.control("PUT", "account", {"limit_other_actions": True})
    transport.send_bulk(chosen)
    with pytest.raises(Exception, match="Rate exceeded"):
        transport.send_bulk(chosen)


def test_rate_of_the_account_is_kept_in_bulk(stack: Stack, cloud: LocalCloud):
    cloud.control("PUT", "account", {"max_send_rate": 60.0})
    mailer = stack.mailer(rate=RateLimit())
    assert mailer._pipeline.limiter is not None
    from mailer.transports.ses import account_standing

    mailer._pipeline.limiter._account._known = account_standing(cloud.region)
    found = sent(mailer, mails(200), threads=4)
    assert {status(one) for one in found.values()} == {"sent"}
    assert stack.operations()[BULK] > 100
    assert stack.refusals() == 0


def test_account_over_its_rate_does_not_count_against_bulk(stack: Stack, cloud: LocalCloud):
    cloud.control("PUT", "account", {"max_send_rate": 20.0})
    mailer = stack.mailer()
    found = sent(mailer, mails(60))
    assert {status(one) for one in found.values()} == {"sent"}
    assert mailer._engine is not None
    assert mailer._engine.is_bulk


@pytest.mark.parametrize(
    ("code", "expected", "kind"),
    [
        ("MESSAGE_REJECTED", "refused", Refused),
        ("MAIL_FROM_DOMAIN_NOT_VERIFIED", "refused", Refused),
        ("CONFIGURATION_SET_NOT_FOUND", "refused", Refused),
        ("TEMPLATE_NOT_FOUND", "refused", Refused),
        ("ACCOUNT_SUSPENDED", "refused", Refused),
        ("ACCOUNT_DAILY_QUOTA_EXCEEDED", "throttled", QuotaExceeded),
        ("INVALID_SENDING_POOL_NAME", "refused", Refused),
        ("ACCOUNT_SENDING_PAUSED", "refused", Refused),
        ("CONFIGURATION_SET_SENDING_PAUSED", "refused", Refused),
        ("INVALID_PARAMETER", "refused", Refused),
        ("FAILED", "refused", Refused),
    ],
)
def test_status_of_an_entry_becomes_the_status_of_the_mail(
    stack: Stack, cloud: LocalCloud, code: str, expected: str, kind: type[Exception]
):
    cloud.fault("error", operation=BULK, recipient="reader-2@*", code=code)
    found = sent(stack.mailer(), mails(5))
    assert {number: status(one) for number, one in found.items()} == {
        **dict.fromkeys(range(5), "sent"),
        2: expected,
    }
    result = found[2].result
    assert result is not None
    error = result.recipients[0].error
    assert isinstance(error, kind)
    assert code in error.message
    assert len(stack.messages()) == 4
    assert [one.category for one in stack.log.of_message(result.id)] == [expected]


@pytest.mark.parametrize("code", ["ACCOUNT_THROTTLED", "TRANSIENT_FAILURE"])
def test_entry_that_may_be_retried_is_sent_singly(stack: Stack, cloud: LocalCloud, code: str):
    cloud.fault("error", operation=BULK, recipient="reader-2@*", code=code)
    found = sent(stack.mailer(), mails(5))
    assert {status(one) for one in found.values()} == {"sent"}
    assert stack.operations() == {BULK: 4, SINGLE: 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_results_are_honest_under_faults(stack: Stack, cloud: LocalCloud, seed: int):
    options: tuple[dict[str, Any], ...] = (
        {"effect": "reset-before", "operation": BULK, "rate": 0.08},
        {"effect": "reset-after", "operation": BULK, "rate": 0.08},
        {"effect": "malformed", "operation": BULK, "rate": 0.05},
        {"effect": "throttle", "operation": BULK, "rate": 0.05},
        {"effect": "error", "operation": BULK, "rate": 0.05, "code": "InternalFailure", "status": 500},
        {"effect": "error", "operation": BULK, "rate": 0.05, "code": "BadRequestException"},
        {"effect": "error", "operation": BULK, "recipient": "reader-*3@*", "rate": 0.5, "code": "TRANSIENT_FAILURE"},
        {"effect": "error", "operation": BULK, "recipient": "reader-*5@*", "rate": 0.5, "code": "MESSAGE_REJECTED"},
        {"effect": "throttle", "operation": BULK, "recipient": "reader-*7@*", "rate": 0.5},
        {"effect": "throttle", "operation": SINGLE, "rate": 0.2},
        {"effect": "reset-after", "operation": SINGLE, "rate": 0.1},
        {"effect": "error", "operation": SINGLE, "rate": 0.05, "code": "MessageRejected"},
    )
    for number, one in enumerate(options):
        cloud.fault(one["effect"], seed=seed * 100 + number, **{key: one[key] for key in one if key != "effect"})
    stack.suppressions.put(Suppression("reader-9@example.com", "bounce"))
    mailer = stack.mailer(retries=RetryPolicy(first_delay=0.001, max_delay=0.01))
    given = (
        replace(one, idempotency_key=f"{one.reference}" if index % 3 else None) for index, one in enumerate(mails(1500))
    )
    found = sent(mailer, given, threads=4)
    assert len(found) == 1500
    accepted = Counter(one["to"][0] for one in stack.messages())
    ids = {one["to"][0]: one["message_id"] for one in stack.messages()}
    wrong: list[tuple[object, str]] = []
    for number, one in found.items():
        assert one.result is not None
        (recipient,) = one.result
        count = accepted[recipient.address.email]
        honest = {Status.SENT: {1}, Status.UNKNOWN: {0, 1}}.get(recipient.status, {0})
        is_right = count in honest and (count == 0 or recipient.message_id in {"", ids[recipient.address.email]})
        wrong += [] if is_right else [(number, status(one))]
    assert wrong == []
    statuses = Counter(status(one) for one in found.values())
    assert min(statuses[name] for name in ("sent", "unknown", "refused")) > 10


def test_lost_answer_leaves_every_mail_unknown_and_none_twice(stack: Stack, cloud: LocalCloud):
    cloud.fault("reset-after", operation=BULK, times=1)
    found = sent(stack.mailer(), mails(20))
    assert {status(one) for one in found.values()} == {"unknown"}
    assert all(one.result and isinstance(one.result.recipients[0].error, OutcomeUnknown) for one in found.values())
    assert len(stack.messages()) == 20


def test_garbled_answer_leaves_every_mail_unknown(stack: Stack, cloud: LocalCloud):
    cloud.fault("malformed", operation=BULK, body='{"BulkEmailEntryResults": [{"Status": "SUCCESS"}]}', times=1)
    assert {status(one) for one in sent(stack.mailer(), mails(5)).values()} == {"unknown"}
    cloud.fault("malformed", operation=BULK, body="<html>", times=1)
    assert {status(one) for one in sent(stack.mailer(), mails(5)).values()} == {"unknown"}


def test_each_mail_of_an_invalid_request_has_its_own_answer(stack: Stack, cloud: LocalCloud):
    cloud.fault("error", operation=BULK, code="BadRequestException", times=1)
    found = sent(stack.mailer(), mails(5))
    assert {status(one) for one in found.values()} == {"sent"}
    assert stack.operations() == {SINGLE: 5}


def test_paused_sending_refuses_the_whole_request_at_once(stack: Stack, cloud: LocalCloud):
    ses = cloud.client("sesv2")
    ses.put_configuration_set_sending_options(ConfigurationSetName=SET, SendingEnabled=False)
    found = sent(stack.mailer(), mails(5))
    assert {status(one) for one in found.values()} == {"refused"}
    assert len(stack.cloud.control("GET", "refusals")["refusals"]) == 1


def test_suppressed_recipients_get_no_mail_in_bulk(stack: Stack):
    stack.suppressions.put(Suppression("reader-1@example.com", "bounce"))
    given = [*mails(3), Mail(NEWS, to=["reader-1@example.com", "ada@example.com"], reference="both")]
    found = sent(stack.mailer(), given)
    assert {number: status(one) for number, one in found.items()} == {
        **dict.fromkeys((0, 2), "sent"),
        **dict.fromkeys((1, "both"), "suppressed"),
    }
    both = found["both"].result
    assert both is not None
    assert [one.status for one in both] == [Status.SUPPRESSED, Status.SENT]
    assert [one.category for one in stack.log.of_message(both.id)] == ["suppressed", "sent"]
    assert sorted(address for one in stack.messages() for address in one["to"]) == [
        "ada@example.com",
        "reader-0@example.com",
        "reader-2@example.com",
    ]


def test_keys_send_each_mail_once_in_bulk(stack: Stack):
    mailer = stack.mailer()
    given = [
        Mail(NEWS, to=f"reader-{n % 5}@example.com", idempotency_key=f"news-{n % 5}", reference=n) for n in range(15)
    ]
    found = sent(mailer, given)
    assert {status(one) for one in found.values()} == {"sent"}
    assert len(stack.messages()) == 5
    assert sum(one.result.replayed for one in found.values() if one.result) == 10
    again = sent(mailer, given)
    assert all(one.result and one.result.replayed for one in again.values())
    assert len(stack.messages()) == 5
    other = Mail(Message(subject="Other", text="Other"), to="reader-0@example.com", idempotency_key="news-0")
    conflict = sent(mailer, [other, *mails(3)])[None]
    assert isinstance(conflict.error, IdempotencyConflict)


def test_key_of_a_mail_that_was_not_sent_can_be_used_again(stack: Stack, cloud: LocalCloud):
    mailer = stack.mailer()
    given = [Mail(NEWS, to=f"reader-{n}@example.com", idempotency_key=f"news-{n}", reference=n) for n in range(4)]
    fault = cloud.fault("error", operation=BULK, recipient="reader-1@*", code="MESSAGE_REJECTED")
    assert status(sent(mailer, given)[1]) == "refused"
    fault.remove()
    found = sent(mailer, given)
    assert {status(one) for one in found.values()} == {"sent"}
    assert [one.result.replayed for one in found.values() if one.result].count(False) == 1


def test_hooks_see_each_mail_of_a_request(stack: Stack, cloud: LocalCloud):
    class Count(SendHook):
        begun = 0

        def __init__(self) -> None:
            self.ended: list[str] = []

        def before_send(self, message: Message) -> None:
            self.begun += 1
            if message.to[0].email == "reader-3@example.com":
                raise Refused("not today")

        def after_send(self, message: Message, result: SendResult | BaseException, seconds: float) -> None:
            assert seconds >= 0
            self.ended.append(str(result.recipients[0].status) if isinstance(result, SendResult) else "raised")

    hook = Count()
    found = sent(stack.mailer(hooks=[hook]), mails(5))
    assert {number: status(one) for number, one in found.items()} == {**dict.fromkeys(range(5), "sent"), 3: "Refused"}
    assert (hook.begun, hook.ended) == (5, ["sent"] * 4)


def test_requests_keep_the_limits_of_recipients_and_bytes(stack: Stack):
    given = [
        Mail(
            Message(subject="News", text=f"{number} {'é' * 60_000}"),
            to=[f"r{number}-{n}@example.com" for n in range(3)],
            reference=number,
        )
        for number in range(40)
    ]
    found = sent(stack.mailer(), given)
    assert {status(one) for one in found.values()} == {"sent"}
    # A request holds 8 of them; what is left over at the end of a unit goes singly.
    assert stack.operations()[BULK] >= 32
    assert stack.refusals() == 0


def test_each_mail_in_bulk_has_its_own_unsubscribe_link(stack: Stack, cloud: LocalCloud):
    unsubscribe = Unsubscribe("https://shop.example.com/unsubscribe", keys=new_key(), streams=["news"])
    mailer = stack.mailer(unsubscribe=unsubscribe)
    found = sent(mailer, list(mails(4, stream="news")))
    assert stack.operations() == {BULK: 4}
    for number, one in found.items():
        mail = arrived(cloud, one)
        token = str(mail["List-Unsubscribe"]).strip("<>").rpartition("/")[2]
        assert unsubscribe.read(token).address == f"reader-{number}@example.com"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_spans_of_mails_in_one_request_are_siblings(stack: Stack):
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    found = sent(stack.mailer(hooks=[OpenTelemetryHook(provider)]), mails(5))
    finished = spans.get_finished_spans()
    assert stack.operations() == {BULK: 5}
    assert [span.parent for span in finished] == [None] * 5
    ids = {str(dict(span.attributes or {})["mailstack.id"]) for span in finished}
    assert ids == {one.result.id for one in found.values() if one.result}


def test_error_of_a_hook_is_raised_after_the_other_results(stack: Stack):
    class Breaks(SendHook):
        def before_send(self, message: Message) -> None:
            if message.to[0].email == "reader-2@example.com":
                raise RuntimeError("no newsletter on Sunday")

    results = stack.mailer(hooks=[Breaks()]).send_many(mails(5), threads=1)
    found = [next(results) for _ in range(4)]
    with pytest.raises(RuntimeError, match="on Sunday"):
        next(results)
    assert {one.mail.reference for one in found if one.ok} == {0, 1, 3, 4}
    assert len(stack.messages()) == 4


@pytest.mark.parametrize("texts", [("The same for all.",), ("For one.", "For another one.")])
def test_client_of_the_callers_own_sends_in_bulk(stack: Stack, cloud: LocalCloud, texts: tuple[str, ...]):
    mailer = stack.mailer(transport=SesTransport(outputs(), client=cloud.client("sesv2")))
    given = [
        Mail(Message(subject="News", text=texts[number % len(texts)]), to=f"r{number}@example.com", reference=number)
        for number in range(6)
    ]
    found = sent(mailer, given)
    assert stack.operations() == {BULK: 6}
    for number, one in found.items():
        assert isinstance(number, int)
        assert arrived(cloud, one).get_content().strip() == texts[number % len(texts)]


def test_same_text_is_written_once_in_a_request(stack: Stack, cloud: LocalCloud):
    large = Message(subject="News", text="x" * 100_000)
    found = sent(stack.mailer(), [Mail(large, to=f"r{number}@example.com", reference=number) for number in range(50)])
    assert stack.operations() == {BULK: 50}  # in one request: each by itself, they are five times too large
    assert arrived(cloud, found[49]).get_content().strip() == large.text


def test_mails_that_share_nothing_have_requests_of_their_own(stack: Stack):
    variants: list[Mail] = []
    for number in range(12):
        stream = ("transactional", "news")[number % 2]
        sender = ("a@example.test", "b@example.test", "c@example.test")[number % 3]
        variants.append(Mail(NEWS, to=f"r{number}@example.com", stream=stream, sender=sender, reference=number))
    found = sent(stack.mailer(), variants)
    assert all(one.ok for one in found.values())
    assert stack.operations() == {BULK: 12}
    assert Counter((one["configuration_set"], one["source"]) for one in stack.messages()) == dict.fromkeys(
        [(set_, f"{name}@example.test") for set_ in (SET, "mailstack-dev-news") for name in "abc"], 2
    )


def test_async_mails_go_in_bulk(stack: Stack):
    mailer = stack.mailer()

    async def main() -> list[MailResult]:
        return [one async for one in mailer.asend_many(mails(120), threads=2)]

    found = asyncio.run(main())
    assert [one.ok for one in found] == [True] * 120
    assert stack.operations()[BULK] >= 100


def test_role_that_may_not_send_in_bulk_sends_singly(stack: Stack, cloud: LocalCloud, caplog: pytest.LogCaptureFixture):
    cloud.fault("error", operation=BULK, code="AccessDeniedException", status=403)
    mailer = stack.mailer()
    assert all(one.ok for one in sent(mailer, mails(120)).values())
    assert stack.operations() == {SINGLE: 120}
    assert caplog.text.count("Single requests from now on") == 1


def test_bulk_is_left_out_where_the_caller_or_the_stack_says_so(stack: Stack):
    mailer = stack.mailer()
    assert all(one.ok for one in mailer.send_many(mails(20), bulk=False))
    assert stack.operations() == {SINGLE: 20}
    plain = Mailer(outputs(), suppressions=stack.suppressions, rate=False)
    assert all(one.ok for one in plain.send_many(mails(20)))
    assert stack.operations() == {SINGLE: 40}


def test_unreachable_service_fails_the_whole_request(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    quick = RetryPolicy(attempts=2, first_delay=0.01)
    transport = SesTransport(outputs(), limits=Limits(connect=1.0, attempt=1.0))
    mailer = stack.mailer(transport=transport, retries=quick)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert {status(one) for one in sent(mailer, mails(5)).values()} == {"failed"}


def test_each_mail_in_bulk_has_an_unsubscribe_link_of_its_own(stack: Stack, cloud: LocalCloud):
    links = Unsubscribe("https://shop.example.com/unsubscribe", keys=new_key(), streams=["news"])
    stack.suppressions.put(Suppression("reader-3@example.com", "unsubscribe", scope="stream:news"))
    results = sent(stack.mailer(unsubscribe=links), mails(8, stream="news"))
    assert stack.operations() == {BULK: 7}
    assert status(results.pop(3)) == "suppressed"
    for number, one in results.items():
        mail = arrived(cloud, one)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        token = mail["List-Unsubscribe"].strip("<>").rpartition("/")[2]
        assert links.read(token).address == f"reader-{number}@example.com"
