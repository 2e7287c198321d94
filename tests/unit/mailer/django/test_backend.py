"""What the backend adds to Django's contract: streams, results, commits, suppressions, attachments and MIME."""

from collections.abc import Iterator
from copy import deepcopy
from email.message import EmailMessage as Part
from email.mime.application import MIMEApplication
from typing import Any, Literal

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import transaction
from django.test import override_settings

from mailer import (
    AccessDenied,
    InvalidMessage,
    Mailer,
    NotSent,
    OutcomeUnknown,
    RecipientGuard,
    SendOptions,
    Status,
    Suppression,
    Throttled,
    UnknownStream,
)
from mailer.django import EmailBackend, process
from mailer.django.signals import message_sent
from mailer.testing import Outbox
from mailer.testing.outputs import stack_outputs

PNG = b"\x89PNG\r\n\x1a\n"


def message(**parts: Any) -> EmailMultiAlternatives:
    given: dict[str, Any] = {
        "subject": "Subject",
        "body": "Content",
        "from_email": "from@example.com",
        "to": ["ada@example.com"],
    }
    return EmailMultiAlternatives(**{**given, **parts})


def send(email: EmailMessage, **options: Any) -> int:
    return EmailBackend(**options).send_messages([email])


def result_of(email: EmailMessage) -> Any:
    return vars(email)["mailstack_result"]


@pytest.fixture
def received() -> Iterator[list[dict[str, Any]]]:
    """The arguments of each signal."""
    kept: list[dict[str, Any]] = []

    def keep(**arguments: Any) -> None:
        kept.append(arguments)

    message_sent.connect(keep)
    yield kept
    message_sent.disconnect(keep)


@pytest.fixture
def streams(request: pytest.FixtureRequest) -> Iterator[None]:
    """Streams by sender."""
    by_sender = {"News@example.com": "marketing", "@news.example.com": "marketing"}
    with override_settings(MAILSTACK={"STACK": "test", "STREAMS_BY_SENDER": by_sender}):
        yield


def test_stack_sender_replaces_djangos_default(outbox: Outbox):
    with override_settings(DEFAULT_FROM_EMAIL="webmaster@localhost"):
        send(EmailMessage("Subject", "Content", to=["ada@example.com"]))
        send(EmailMessage(to=["ada@example.com"]))
    assert [str(one.sender) for one in outbox] == ["Example <no-reply@example.test>"] * 2


def test_sender_of_the_settings_is_kept(outbox: Outbox):
    with override_settings(DEFAULT_FROM_EMAIL="Shop <shop@example.com>"):
        send(EmailMessage("Subject", "Content", to=["ada@example.com"]))
    assert str(outbox[0].sender) == "Shop <shop@example.com>"


def test_stream_of_the_options(outbox: Outbox):
    send(message(), stream="marketing")
    send(message())
    assert [one.stream for one in outbox] == ["marketing", "transactional"]


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize("sender", ["news@example.com", "News <NEWS@example.com>", "weekly@news.example.com"])
def test_stream_of_the_sender(outbox: Outbox, sender: str):
    send(message(from_email=sender))
    assert outbox[0].stream == "marketing"


def test_stream_of_the_settings(outbox: Outbox):
    with override_settings(MAILSTACK={"STACK": "test", "STREAM": "marketing"}):
        send(message())
    assert outbox[0].stream == "marketing"


def test_stream_header_wins_and_is_removed(outbox: Outbox):
    send(message(headers={"x-mailstack-stream": "transactional", "X-Other": "1"}), stream="marketing")
    assert (outbox[0].stream, outbox[0].headers) == ("transactional", (("X-Other", "1"),))


def test_stream_of_the_caller_wins_over_the_header(outbox: Outbox):
    email = message(headers={"X-Mailstack-Stream": "nonsense"})
    vars(email)["mailstack_options"] = {"stream": "marketing"}
    send(email)
    assert outbox[0].stream == "marketing"


def test_headers_of_ses_v1_become_parameters(outbox: Outbox):
    headers = {"X-SES-CONFIGURATION-SET": "mailstack-test-marketing", "X-SES-MESSAGE-TAGS": "campaign=may, size=9"}
    send(message(headers=headers))
    assert (outbox[0].stream, outbox[0].tags) == ("marketing", (("campaign", "may"), ("size", "9")))


@pytest.mark.parametrize("name", ["X-Mailstack-Stream", "X-SES-CONFIGURATION-SET"])
def test_unknown_stream_is_refused(outbox: Outbox, name: str):
    with pytest.raises(UnknownStream, match="nonsense"):
        send(message(headers={name: "nonsense"}), fail_silently=True)
    assert len(outbox) == 0


def test_options_of_the_caller_are_sent(outbox: Outbox):
    email = message()
    options = {"tags": {"order": 7}, "tenant": "acme", "options": SendOptions(track_opens=False), "secret": True}
    vars(email)["mailstack_options"] = options
    send(email)
    sent = outbox[0]
    assert (sent.tags, sent.tenant, sent.options.track_opens, sent.secret) == ((("order", "7"),), "acme", False, True)


@pytest.mark.parametrize("options", [{"strem": "marketing"}, {"stream": 7}, "marketing"])
def test_wrong_options_of_the_caller_are_refused(outbox: Outbox, options: object):
    email = message()
    vars(email)["mailstack_options"] = options
    with pytest.raises(InvalidMessage, match="mailstack_options"):
        send(email)
    assert len(outbox) == 0


def test_idempotency_key_of_the_caller_sends_once(outbox: Outbox):
    email = message()
    vars(email)["mailstack_options"] = {"idempotency_key": "order-7"}
    assert [send(email), send(email)] == [1, 1]
    assert (len(outbox), result_of(email).replayed) == (1, True)


def test_message_is_not_mutated(outbox: Outbox):
    email = message(headers={"X-Mailstack-Stream": "marketing", "X-U": "ü"}, cc=["Cc <cc@example.com>"])
    email.attach("a.txt", "text", "text/plain")
    email.attach_alternative("<p>Content</p>", "text/html")
    unsent = message(subject="", headers={"X-Mailstack-Stream": "marketing", "To": "list@example.com"})
    for one in (unsent, email):
        before = deepcopy(vars(one))
        send(one)
        send(one)
        after = dict(vars(one))
        assert after.pop("mailstack_result").ok
        assert after == before
    assert len(outbox) == 4


def test_result_and_signal_show_the_outcome(outbox: Outbox, received: list[dict[str, Any]]):
    email = message(to=["ada@example.com", "bob@example.com"])
    outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
    assert send(email) == 1
    assert [one.status for one in result_of(email)] == [Status.SENT, Status.SUPPRESSED]
    (signal,) = received
    assert (signal["sender"], signal["message"], signal["result"]) == (EmailBackend, email, result_of(email))
    assert signal["mail"].subject == "Subject"


def test_failing_receiver_does_not_stop_the_mail(outbox: Outbox):
    def fail(**_: Any) -> None:
        raise RuntimeError

    message_sent.connect(fail)
    try:
        assert send(message()) == 1
    finally:
        message_sent.disconnect(fail)


def test_suppressed_recipient_breaks_no_page(outbox: Outbox):
    outbox.suppressions.put(Suppression("ada@example.com", "complaint"))
    email = message()
    assert send(email) == 0
    assert (len(outbox), result_of(email)["ada@example.com"].status) == (0, Status.SUPPRESSED)


def test_guarded_recipient_breaks_no_page(outbox: Outbox, monkeypatch: pytest.MonkeyPatch):
    guarded = Mailer(
        stack_outputs(), transport=outbox, suppressions=outbox.suppressions, guard=RecipientGuard(("*@example.org",))
    )
    monkeypatch.setattr(outbox, "_mailer", guarded)
    email = message()
    assert send(email) == 0
    assert result_of(email)["ada@example.com"].status is Status.REFUSED


ERRORS = (AccessDenied("No."), OutcomeUnknown("No answer."), Throttled("Too fast."))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_undelivered_mail_raises(outbox: Outbox, error: Any):
    outbox.fail(error, times=99)
    with pytest.raises(NotSent) as raised:
        send(message())
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_fail_silently_raises_no_delivery_problem(outbox: Outbox, error: Any):
    outbox.fail(error, times=99)
    email = message()
    assert send(email, fail_silently=True) == 0
    assert not result_of(email).ok


def test_failure_does_not_stop_later_messages(outbox: Outbox, caplog: pytest.LogCaptureFixture):
    outbox.fail(AccessDenied("No."))
    emails = [message(), message(subject="x\ny"), message(to=["bob@example.com"])]
    with pytest.raises(NotSent):
        EmailBackend().send_messages(emails)
    assert [one.to[0].email for one in outbox] == ["bob@example.com"]
    assert "an earlier error is raised" in caplog.text


def test_mail_waits_for_the_commit(outbox: Outbox, database: None, received: list[dict[str, Any]]):
    email = message()
    with transaction.atomic():
        assert send(email) == 1
        assert ({one.status for one in result_of(email)}, len(outbox), received) == ({Status.QUEUED}, 0, [])
        email.subject = "changed since"
    assert ([one.subject for one in outbox], len(received)) == (["Subject"], 1)
    assert result_of(email)["ada@example.com"].status is Status.SENT


def test_rollback_sends_nothing(outbox: Outbox, database: None):
    def fail() -> None:
        with transaction.atomic():
            send(message())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert len(outbox) == 0


def test_rolled_back_savepoint_sends_nothing(outbox: Outbox, database: None):
    with transaction.atomic():
        send(message(subject="Outer"))
        with transaction.atomic():
            send(message(subject="Inner"))
            transaction.set_rollback(True)
    assert [one.subject for one in outbox] == ["Outer"]


def test_invalid_message_is_refused_before_the_commit(outbox: Outbox, database: None):
    with transaction.atomic(), pytest.raises(InvalidMessage):
        send(message(to=["nobody"]))
    assert len(outbox) == 0


def test_failure_after_the_commit_breaks_no_page(outbox: Outbox, database: None):
    outbox.fail(AccessDenied("No."))
    first, second = message(), message()
    with transaction.atomic():
        send(first)
        send(second)
    assert (result_of(first).ok, result_of(second).ok) == (False, True)


@pytest.mark.parametrize("way", ["option", "setting"])
def test_on_commit_can_be_switched_off(outbox: Outbox, database: None, way: Literal["option", "setting"]):
    options = {"on_commit": False} if way == "option" else {}
    with override_settings(MAILSTACK={"STACK": "test", "ON_COMMIT": way == "option"}), transaction.atomic():
        send(message(), **options)
        assert len(outbox) == 1


def test_text_and_html_travel_as_parts(outbox: Outbox):
    email = message(attachments=[("data.bin", b"\0", "application/octet-stream")], reply_to=["r@example.com"])
    email.attach_alternative("<p>Content</p>", "text/html")
    send(email)
    sent = outbox[0]
    assert (sent.raw, sent.text, sent.html, sent.reply_to[0].email) == (
        None,
        "Content",
        "<p>Content</p>",
        "r@example.com",
    )
    assert [(one.filename, one.content) for one in sent.attachments] == [("data.bin", b"\0")]


def test_html_alone_travels_as_a_part(outbox: Outbox):
    email = message()
    email.content_subtype = "html"
    send(email)
    assert (outbox[0].text, outbox[0].html) == ("", "Content")


def image() -> Part:
    part = Part()
    part.set_content(PNG, maintype="image", subtype="png", disposition="inline", filename="logo.png", cid="<logo@shop>")
    return part


def unnamed_image() -> Part:
    part = Part()
    part.set_content(PNG, maintype="image", subtype="png", cid="<logo@shop>")
    return part


@pytest.mark.parametrize(("made", "name"), [(image, "logo.png"), (unnamed_image, "image.png")])
def test_inline_image_has_its_content_id(outbox: Outbox, made: Any, name: str):
    email = message()
    email.attach_alternative('<img src="cid:logo@shop">', "text/html")
    email.attachments.append(made())
    send(email)
    (sent,) = outbox[0].attachments
    assert (sent.filename, sent.content, sent.content_id) == (name, PNG, "logo@shop")
    assert (sent.content_type, sent.chosen_disposition) == ("image/png", "INLINE")


def test_part_of_the_older_api_is_attached(outbox: Outbox):
    part = MIMEApplication(b"%PDF", "pdf")
    part.add_header("Content-Disposition", "attachment", filename="invoice.pdf")
    email = message()
    email.attachments.append(part)
    send(email)
    (sent,) = outbox[0].attachments
    assert (sent.filename, sent.content, sent.chosen_disposition) == ("invoice.pdf", b"%PDF", "ATTACHMENT")


def with_calendar() -> EmailMultiAlternatives:
    email = message()
    email.attach_alternative("BEGIN:VCALENDAR", "text/calendar")
    return email


def with_mail_inside() -> EmailMultiAlternatives:
    email = message()
    email.attach("mail.eml", message(subject="Inside").message(), "message/rfc822")
    return email


class Signed(EmailMultiAlternatives):
    """As a library that signs mail would write it."""

    def message(self, *arguments: Any, **options: Any) -> Any:
        written = super().message(*arguments, **options)
        written["X-Signature"] = "abc"
        return written


MIME = {
    "no subject": lambda: message(subject=""),
    "no body": lambda: message(body=""),
    "calendar": with_calendar,
    "mail inside": with_mail_inside,
    "many headers": lambda: message(headers={f"X-{number}": "1" for number in range(20)}),
    "sender": lambda: message(headers={"Sender": "sender@example.com"}),
    "signature": lambda: Signed("Subject", "Content", "from@example.com", ["ada@example.com"]),
    "umlauts": lambda: message(body="ü\n", headers={"Sender": "sender@example.com"}),
}


@pytest.mark.parametrize("kind", MIME)
def test_unsupported_parts_are_sent_as_raw_mime(outbox: Outbox, kind: str):
    email = MIME[kind]()
    email.bcc = ["bob@example.com"]
    assert send(email) == 1
    raw = outbox[0].raw
    assert raw
    assert raw.data.isascii()
    assert b"bob@example.com" not in raw.data
    assert [one.email for one in outbox[0].recipients] == ["ada@example.com", "bob@example.com"]
    assert outbox[0].sender == raw.sender


def test_signature_of_a_subclass_is_sent(outbox: Outbox):
    send(MIME["signature"]())
    raw = outbox[0].raw
    assert raw
    assert b"X-Signature: abc" in raw.data


def test_mailer_is_one_for_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}")
    made = process.get_mailer()
    assert process.get_mailer() is made
    with override_settings(MAILSTACK={"STACK": "other", "RATE": {"on_throttle": "result"}}):
        assert process.get_mailer().outputs.stack == "other"
    process.forget_mailer()


def own_mailer() -> Mailer:
    return Outbox().mailer


def no_mailer() -> str:
    return "none"


def test_mailer_of_a_function():
    with override_settings(MAILSTACK={"MAILER": f"{__name__}.own_mailer"}):
        assert process.get_mailer().outputs.stack == "test"


@pytest.mark.parametrize(("path", "words"), [("no_mailer", "returned a str"), ("nothing", "cannot be imported")])
def test_wrong_function_is_an_error(path: str, words: str):
    from mailer import ConfigurationError

    with (
        override_settings(MAILSTACK={"MAILER": f"{__name__}.{path}"}),
        pytest.raises(ConfigurationError, match=words),
    ):
        process.get_mailer()
