"""The publisher isolates failures of single mails; identifiers are unique."""

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest

from mailstack_localcloud.ses import publishing
from mailstack_localcloud.ses.state import Occurrence, State, StoredMessage
from mailstack_localcloud.unique_ids import unique


def mail(message_id: str) -> publishing.Mail:
    message = StoredMessage(
        message_id=message_id,
        accepted_at=datetime(2026, 1, 2, tzinfo=UTC),
        source="ada@example.com",
        identity="example.com",
        to=["bob@example.com"],
        cc=[],
        bcc=[],
        reply_to=[],
        subject="Hello",
        content={},
        configuration_set=None,
        tags={},
        size=0,
    )
    return State("us-east-1"), message, []


def test_failed_event_does_not_delay_events_of_other_mails(caplog: pytest.LogCaptureFixture):
    published: list[str] = []

    def publish(_: State, message: StoredMessage, __: list[Occurrence]) -> None:
        if message.message_id == "second":
            raise ValueError("broken")
        published.append(message.message_id)

    publishing._for_each([mail("first"), mail("second"), mail("third")], publish)
    assert published == ["first", "third"]
    assert caplog.messages == ["Publishing events failed: second"]


def test_identifiers_are_version_4_uuids_that_never_come_again():
    made = [unique() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert {(UUID(one).version, UUID(one).variant, str(UUID(one)) == one) for one in made} == {(4, RFC_4122, True)}
    assert len({one[:8] for one in made}) > len(made) * 0.99, "people tell them apart by their first digits"
