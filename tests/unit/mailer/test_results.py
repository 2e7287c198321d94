"""What a result can be asked."""

import pytest

from mailer.address import Address
from mailer.errors import OutcomeUnknown, TransportError
from mailer.results import NotSent, RecipientResult, SendResult, Status, status_of

ADA, BOB = Address("ada@example.com"), Address("bob@example.com")
SENT = RecipientResult(ADA, Status.SENT, "message-1")
LOST = RecipientResult.of_error(BOB, OutcomeUnknown("No answer.", hint="Look for its Send event."))


def test_result_is_ok_only_if_every_recipient_was_sent_to():
    assert SendResult((SENT,)).ok
    assert not SendResult((SENT, LOST)).ok
    assert SendResult((SENT, RecipientResult(BOB, Status.QUEUED))).ok


def test_recipients_are_found_by_address_status_and_order():
    result = SendResult((SENT, LOST))
    assert result["Bob <BOB@example.com>"] is LOST
    assert list(result) == [SENT, LOST]
    assert result.with_status(Status.UNKNOWN, Status.FAILED) == result.not_sent == (LOST,)
    assert result.message_id == "message-1"
    with pytest.raises(KeyError, match=r"e\*\*\*@example\.org"):
        result["eve@example.org"]


def test_raise_if_not_sent_lists_masked_failures():
    assert SendResult((SENT,)).raise_if_not_sent().ok
    with pytest.raises(NotSent) as error:
        SendResult((SENT, LOST)).raise_if_not_sent()
    assert str(error.value) == "Not sent to 1 of 2: b***@example.com unknown: No answer. Look for its Send event."
    assert error.value.__cause__ is LOST.error


def test_neither_repr_nor_json_shows_a_full_address():
    result = SendResult((SENT, LOST), "our-id")
    assert "bob@" not in repr(result) + str(result.to_dict())
    assert result.to_dict() == {
        "ok": False,
        "id": "our-id",
        "replayed": False,
        "recipients": [
            {"address": "a***@example.com", "status": "sent", "message_id": "message-1"},
            {
                "address": "b***@example.com",
                "status": "unknown",
                "reason": "No answer.",
                "hint": "Look for its Send event.",
            },
        ],
    }


def test_every_transport_error_has_a_status_that_is_not_sent():
    def family(kind: type[TransportError]) -> list[type[TransportError]]:
        return [kind, *(below for child in kind.__subclasses__() for below in family(child))]

    found = {kind.__name__: status_of(kind(".")) for kind in family(TransportError)}
    assert len(found) > 10
    assert not {Status.SENT, Status.QUEUED, Status.SUPPRESSED} & set(found.values())
