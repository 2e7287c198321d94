"""What every transport promises: one suite for behaviour, one for security. A transport's test file inherits both."""

import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from mailer.attachment import Attachment
from mailer.content import RawMime, StoredTemplate
from mailer.errors import InvalidMessage, OutcomeUnknown, TransportError
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.options import SendOptions
from mailer.results import Status
from mailer.sending.retry import RetryPolicy
from mailer.transports.base import Transport

SENDER = "Shop <shop@example.com>"
ADA, BOB = "ada@example.org", "bob@example.org"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
RAW = b"From: shop@example.com\r\nTo: ada@example.org\r\nSubject: Raw\r\n\r\nHello\r\n"
# Parts that only some transports carry; each other refuses them before anything is sent.
OPTIONAL: dict[str, Message] = {
    "template": Message(template=StoredTemplate("welcome"), to=ADA, sender=SENDER),
    "tags": Message(subject="a", text="b", to=ADA, sender=SENDER, tags={"campaign": "may"}),
    "tenant": Message(subject="a", text="b", to=ADA, sender=SENDER, tenant="acme"),
    "track_opens": Message(subject="a", text="b", to=ADA, sender=SENDER, options=SendOptions(track_opens=False)),
    "track_clicks": Message(subject="a", text="b", to=ADA, sender=SENDER, options=SendOptions(track_clicks=True)),
    "contact_list": Message(subject="a", text="b", to=ADA, sender=SENDER, options=SendOptions(contact_list="readers")),
    "bcc": Message(subject="a", text="b", to=ADA, bcc=BOB, sender=SENDER),
}
EVERYTHING = frozenset(OPTIONAL)


@dataclass
class Road:
    """A transport, and what its service knows.

    Attributes:
        transport: The transport.
        carried: The optional parts that it carries.
        secret: What the transport logs in with; it must not be shown.
        mime: Whether the transport writes MIME; otherwise the service does.
    """

    transport: Transport
    carried: frozenset[str] = EVERYTHING
    secret: str = ""
    mime: bool = True

    def read(self) -> list[EmailMessage]:
        return [message_from_bytes(data, policy=policy.default) for data in self.accepted()]

    def accepted(self) -> list[bytes]:
        """Each mail that the service has, in its own form where it is not MIME."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Have the service refuse the next mail, with an address in its words."""
        raise NotImplementedError

    def lose(self) -> bool:
        """Have the service end the connection instead of the next answer. False if there are no answers."""
        raise NotImplementedError


def message(number: int = 0, **parts: object) -> Message:
    given = {"subject": f"Grüße {number}", "text": "Hello\n.\nend", "to": [ADA, BOB], "sender": SENDER, **parts}
    return Message(**given).filled_in(sender=Message(**given).to[0], stream="transactional").identified(f"id-{number}")  # pyright: ignore[reportArgumentType]


@pytest.mark.contract
class TransportContract:
    """Behaviour. `road` is the fixture that a test file gives."""

    def test_one_result_per_recipient_in_their_order(self, road: Road):
        results = road.transport.send(message(cc="cleo@example.org"))
        assert [one.address.email for one in results] == [ADA, BOB, "cleo@example.org"]
        assert {one.status for one in results} == {Status.SENT}
        assert all(one.message_id for one in results)

    def test_each_message_has_an_id_of_its_own(self, road: Road):
        ids = {road.transport.send(message(number))[0].message_id for number in range(3)}
        assert len(ids) == 3

    def test_content_arrives_unchanged(self, road: Road):
        files = [Attachment("größe.bin", PNG), Attachment("logo.png", PNG, content_id="logo")]
        headers = {"X-Order": "7", "List-Unsubscribe": f"<https://example.com/{'u' * 200}>"}
        html = "<p>Grüße</p><img src='cid:logo'>"
        road.transport.send(message(html=html, attachments=files, headers=headers, reply_to=BOB))
        if not road.mime:
            return
        (mail,) = road.read()
        assert (mail["Subject"], mail["X-Order"], str(mail["Reply-To"])) == ("Grüße 0", "7", BOB)
        assert [part.get_payload(decode=True) for part in mail.walk() if part.get_filename()] == [PNG, PNG]
        assert headers["List-Unsubscribe"].encode() in road.accepted()[0]

    def test_raw_mime_arrives_unchanged(self, road: Road):
        road.transport.send(Message(raw=RawMime(RAW)).filled_in(sender=message().to[0], stream="transactional"))
        if road.mime:
            assert road.accepted()[0].rstrip().endswith(RAW.rstrip())

    @pytest.mark.parametrize("part", OPTIONAL)
    def test_part_is_carried_or_refused_before_sending(self, road: Road, part: str):
        sent = OPTIONAL[part].filled_in(sender=message().to[0], stream="transactional")
        if part in road.carried:
            assert road.transport.send(sent)[0].ok
            return
        with pytest.raises(InvalidMessage, match=part):
            road.transport.send(sent)
        assert road.accepted() == []

    def test_refusal_is_an_error_with_a_hint(self, road: Road):
        road.refuse()
        with pytest.raises(TransportError) as found:
            road.transport.send(message(to=ADA))
        assert found.value.hint
        assert not found.value.retryable
        assert road.accepted() == []

    def test_lost_answer_is_unknown_and_not_sent_again(self, road: Road):
        if not road.lose():
            return
        mailer = Mailer.over(road.transport, sender=SENDER, retries=RetryPolicy(attempts=3, first_delay=0.0))
        result = mailer.send(message(to=ADA))
        assert result[ADA].status is Status.UNKNOWN
        assert isinstance(result[ADA].error, OutcomeUnknown)
        assert road.accepted() == []

    def test_threads_share_a_transport(self, road: Road):
        with ThreadPoolExecutor(4) as threads:
            results = list(threads.map(lambda number: road.transport.send(message(number)), range(12)))
        assert len({one[0].message_id for one in results}) == 12

    def test_mailer_sends_through_it(self, road: Road):
        result = Mailer.over(road.transport, sender=SENDER).send(message(), stream="transactional")
        assert result.ok
        assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 - our own


@pytest.mark.contract
class TransportSecurityContract:
    """Security. `road` is the fixture that a test file gives."""

    def test_bcc_is_in_no_header(self, road: Road):
        if "bcc" not in road.carried:
            with pytest.raises(InvalidMessage, match="bcc"):
                road.transport.send(message(bcc="eve@example.org"))
        else:
            road.transport.send(message(bcc="eve@example.org"))
        assert not any(b"eve@example.org" in data for data in road.accepted())

    @pytest.mark.parametrize("part", ["subject", "header", "name", "filename", "raw"])
    def test_header_injection_is_impossible(self, road: Road, part: str):
        injected = "x\r\nBcc: eve@example.org\r\n\r\nbody"
        with pytest.raises(InvalidMessage):
            road.transport.send(
                {
                    "subject": lambda: message(subject=injected),
                    "header": lambda: message(headers={"X-Order": injected}),
                    "name": lambda: message(to=f'"{injected}" <ada@example.org>'),
                    "filename": lambda: message(attachments=Attachment(injected, b"")),
                    "raw": lambda: Message(raw=RawMime(b"From: a@example.org\nBcc : b@example.org\rX: y\n\nHello")),
                }[part]()
            )
        assert road.accepted() == []

    def test_neither_secret_nor_address_is_shown(self, road: Road, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.DEBUG, logger="mailer")
        road.refuse()
        with pytest.raises(TransportError) as found:
            road.transport.send(message(to=ADA, text="the-code-424242"))
        shown = f"{found.value!r} {found.value} {found.value.__cause__!r} {road.transport!r} {caplog.text}"
        assert ADA not in shown
        assert "the-code-424242" not in shown
        assert not road.secret or road.secret not in shown

    def test_error_keeps_no_way_to_the_unmasked_one(self, road: Road):
        road.refuse()
        with pytest.raises(TransportError) as found:
            road.transport.send(message(to=ADA))
        assert found.value.__context__ is None or ADA not in str(found.value.__context__)
        assert pickle.loads(pickle.dumps(found.value)).message == found.value.message  # noqa: S301 - our own
