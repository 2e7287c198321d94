"""What Django asks of every mail backend, for each Django that is installed: as its own suite has it, in our words.

One thing differs on purpose: Django delivers to local users without a domain, and SES has none.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage as Parsed
from email.policy import default
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, mail_admins, mail_managers, send_mail, send_mass_mail
from django.test import override_settings
from django.utils.translation import gettext_lazy

from mailer import InvalidAddress, InvalidMessage
from mailer.django import EmailBackend
from mailer.testing import Outbox
from mailer.transports.mime import mime
from tests.django_project import KNOWS_MAILERS, people

BACKEND = "mailer.django.EmailBackend"


@pytest.fixture(autouse=True)
def configured(outbox: Outbox):
    """The backend, by the setting that this Django has for it."""
    mailers: dict[str, Any] = {"default": {"BACKEND": BACKEND}}
    with override_settings(**({"MAILERS": mailers} if KNOWS_MAILERS else {"EMAIL_BACKEND": BACKEND})):
        yield


@pytest.fixture
def mailbox(outbox: Outbox) -> Callable[[], list[Parsed]]:
    """What was sent, as a mail program would read it."""

    def read() -> list[Parsed]:
        written = (mime(one, date=datetime.now(UTC), identifier="<1@example.test>") for one in outbox)
        return [message_from_bytes(one.replace(b"\r\n", b"\n"), policy=default) for one in written]  # pyright: ignore[reportReturnType]

    return read


def a_message(subject: str = "Subject", body: str = "Content\n", **parts: Any) -> EmailMultiAlternatives:
    return EmailMultiAlternatives(subject, body, "from@example.com", ["to@example.com"], **parts)


def test_alias_is_accepted():
    assert EmailBackend(alias="this-alias").alias == "this-alias"


def test_alias_is_optional():
    assert EmailBackend().alias is None


def test_message_is_sent(mailbox: Callable[[], list[Parsed]]):
    assert EmailBackend(alias="a").send_messages([a_message()]) == 1
    (message,) = mailbox()
    assert (message["subject"], message["from"]) == ("Subject", "from@example.com")
    assert message.get_all("to") == ["to@example.com"]
    assert message.get_content() == "Content\n"


def test_unicode_is_sent(mailbox: Callable[[], list[Parsed]]):
    assert EmailBackend(alias="a").send_messages([a_message("Chère maman", "Je t'aime très fort\n")]) == 1
    (message,) = mailbox()
    assert (message["subject"], message.get_content()) == ("Chère maman", "Je t'aime très fort\n")


def test_long_lines_arrive_as_they_were(mailbox: Callable[[], list[Parsed]]):
    body = "é" * 998 + "\n"
    EmailBackend().send_messages([a_message(body=body)])
    assert mailbox()[0].get_content().splitlines() == body.splitlines()


@pytest.mark.parametrize("kind", [list, iter])
def test_lists_and_iterators_are_sent(mailbox: Callable[[], list[Parsed]], kind: Callable[[list[Any]], Any]):
    messages = kind([EmailMessage(to=["to-1@example.com"]), EmailMessage(to=["to-2@example.com"])])
    assert EmailBackend(alias="a").send_messages(messages) == 2
    assert [message["to"] for message in mailbox()] == ["to-1@example.com", "to-2@example.com"]


def test_nothing_is_sent_for_no_messages(outbox: Outbox):
    assert EmailBackend().send_messages([]) == 0
    assert EmailBackend().send_messages([EmailMessage("Subject", "Content", "from@example.com", [])]) == 0
    assert len(outbox) == 0


def test_close_without_open():
    EmailBackend(alias="a").close()


def test_backend_is_a_context_manager():
    backend = EmailBackend(alias="a")
    backend.open, backend.close = Mock(), Mock()
    with backend as entered:
        assert (entered, backend.open.call_count, backend.close.call_count) == (backend, 1, 0)
    assert backend.close.call_count == 1


def test_closed_backend_sends_again(outbox: Outbox):
    backend = EmailBackend()
    with backend:
        backend.send_messages([a_message()])
    backend.send_messages([a_message()])
    assert len(outbox) == 2


@pytest.mark.parametrize("silent", [True, False])
def test_fail_silently_is_accepted(silent: bool):
    assert EmailBackend(alias="a", fail_silently=silent).fail_silently is silent


def test_send_mail_has_text_and_html(mailbox: Callable[[], list[Parsed]]):
    sent = send_mail("Subject", "Content", "from@example.com", ["nobody@example.com"], html_message="<p>Content</p>")
    (message,) = mailbox()
    assert (sent, message.get_content_type()) == (1, "multipart/alternative")
    text, html = message.iter_parts()
    assert (text.get_content_type(), text.get_content().strip()) == ("text/plain", "Content")
    assert (html.get_content_type(), html.get_content().strip()) == ("text/html", "<p>Content</p>")


def test_send_mass_mail_counts_messages(outbox: Outbox):
    row = ("Subject", "Content", "from@example.com", ["to@example.com"])
    assert send_mass_mail([row, row]) == 2
    assert len(outbox) == 2


def test_names_are_sent_as_they_are_written(mailbox: Callable[[], list[Parsed]]):
    email = EmailMessage("Subject", "Content", '"Firstname Sürname" <from@example.com>', ["to@example.com"])
    EmailBackend().send_messages([email])
    assert str(mailbox()[0]["from"]) == "Firstname Sürname <from@example.com>"


def test_carbon_copies_are_shown(outbox: Outbox, mailbox: Callable[[], list[Parsed]]):
    email = a_message(cc=["cc@example.com", "Cc <other@example.com>"], bcc=["bcc@example.com"])
    EmailBackend().send_messages([email])
    (message,) = mailbox()
    assert (message["cc"], message["bcc"]) == ("cc@example.com, Cc <other@example.com>", None)
    assert [one.email for one in outbox[0].recipients][2:] == ["other@example.com", "bcc@example.com"]


def test_reply_to_is_a_list(mailbox: Callable[[], list[Parsed]]):
    EmailBackend().send_messages([a_message(reply_to=["one@example.com", "Two <two@example.com>"])])
    assert mailbox()[0]["reply-to"] == "one@example.com, Two <two@example.com>"


def test_international_domains_are_encoded(outbox: Outbox, mailbox: Callable[[], list[Parsed]]):
    email = EmailMessage("Subject", "Content", "from@öäü.com", ["to@öäü.com"], cc=["cc@öäü.com"])
    EmailBackend().send_messages([email])
    (message,) = mailbox()
    shown = [message[name] for name in ("from", "to", "cc")]
    assert shown == [f"{name}@xn--4ca9at.com" for name in ("from", "to", "cc")]


def test_lazy_addresses_are_read(outbox: Outbox):
    email = EmailMessage("Subject", "Content", gettext_lazy("from@example.com"), [gettext_lazy("to@example.com")])
    assert EmailBackend().send_messages([email]) == 1
    assert [one.email for one in outbox[0].to] == ["to@example.com"]


def test_admins_and_managers_get_mail(mailbox: Callable[[], list[Parsed]]):
    names = {"ADMINS": people("a@example.com", "b@example.com"), "MANAGERS": people("m@example.com")}
    with override_settings(**names, SERVER_EMAIL="server@example.com", EMAIL_SUBJECT_PREFIX="[Shop] "):
        mail_admins("Hello", "Content")
        mail_managers("Hello", "Content", html_message="<p>Content</p>")
    admins, managers = mailbox()
    assert (admins["subject"], admins["to"], admins["from"]) == (
        "[Shop] Hello",
        "a@example.com, b@example.com",
        "server@example.com",
    )
    assert (managers["to"], managers.get_content_type()) == ("m@example.com", "multipart/alternative")


def test_message_without_recipients_is_not_sent(outbox: Outbox):
    with override_settings(ADMINS=[], MANAGERS=[]):
        mail_admins("Hello", "Content")
        mail_managers("Hello", "Content")
    assert len(outbox) == 0


def test_attachments_are_sent(mailbox: Callable[[], list[Parsed]]):
    email = a_message()
    email.attach("note.txt", "Sübject\n", "text/plain")
    email.attach("data.bin", b"\x00\xff", "application/octet-stream")
    EmailBackend().send_messages([email])
    note, data = mailbox()[0].iter_attachments()
    assert (note.get_filename(), note.get_content()) == ("note.txt", "Sübject\n")
    assert (data.get_filename(), data.get_content()) == ("data.bin", b"\x00\xff")


def test_extra_headers_are_sent(mailbox: Callable[[], list[Parsed]]):
    EmailBackend().send_messages([a_message(headers={"X-Custom": "value", "X-Unicode": "Größe"})])
    (message,) = mailbox()
    assert (message["x-custom"], message["x-unicode"]) == ("value", "Größe")


def test_from_header_is_the_sender(mailbox: Callable[[], list[Parsed]]):
    EmailBackend().send_messages([a_message(headers={"From": "Shown <shown@example.com>"})])
    assert mailbox()[0]["from"] == "Shown <shown@example.com>"


def test_to_header_hides_recipients(outbox: Outbox, mailbox: Callable[[], list[Parsed]]):
    EmailBackend().send_messages([a_message(headers={"To": "list@example.com"})])
    assert mailbox()[0]["to"] == "list@example.com"
    assert [one.email for one in outbox[0].recipients] == ["to@example.com"]


INJECTED = "x\nBcc: eve@example.org"
INJECTIONS: dict[str, Callable[[], EmailMessage]] = {
    "subject": lambda: a_message(INJECTED),
    "subject with a CR": lambda: a_message("x\rBcc: eve@example.org"),
    "from": lambda: EmailMessage("s", "b", f"from@example.com{INJECTED}", ["to@example.com"]),
    "to": lambda: EmailMessage("s", "b", "from@example.com", [f"to@example.com{INJECTED}"]),
    "cc": lambda: a_message(cc=[f"cc@example.com{INJECTED}"]),
    "bcc": lambda: a_message(bcc=[f"bcc@example.com{INJECTED}"]),
    "reply-to": lambda: a_message(reply_to=[f"r@example.com{INJECTED}"]),
    "reply-to header": lambda: a_message(headers={"Reply-To": f"r@example.com{INJECTED}"}),
    "header": lambda: a_message(headers={"X-Custom": INJECTED}),
    "header in Unicode": lambda: a_message(headers={"X-Custom": f"ü{INJECTED}"}),
    "header's name": lambda: a_message(headers={"X-Custom: x\nBcc": "eve@example.org"}),
    "header in MIME": lambda: a_message("", headers={"X-Custom": INJECTED}),
    "subject in MIME": lambda: a_message(INJECTED, headers={"To": "list@example.com"}),
    "file name": lambda: a_message(attachments=[("a\nContent-Type: text/html", b"x", "text/plain")]),
    "stream": lambda: a_message(headers={"X-Mailstack-Stream": INJECTED}),
}


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("part", INJECTIONS)
def test_header_injection_is_refused(outbox: Outbox, part: str, silent: bool):
    backend = EmailBackend(alias="a", fail_silently=silent)
    expected = ValueError if part != "stream" else Exception
    with pytest.raises(expected):
        backend.send_messages([INJECTIONS[part]()])
    assert len(outbox) == 0


def test_invalid_recipient_is_refused():
    for wrong in ("to@other@example.com", "a@example.com, b@example.com", "tö@example.com", ""):
        email = EmailMessage("Subject", "Content", "from@example.com", [wrong, "to@example.com"])
        if wrong:
            with pytest.raises(InvalidAddress):
                EmailBackend().send_messages([email])
        else:
            assert EmailBackend().send_messages([email]) == 1


def test_local_users_are_refused():
    with pytest.raises(InvalidMessage, match="has no @"):
        EmailBackend().send_messages([EmailMessage("Subject", "Content", "from@example.com", ["django"])])
