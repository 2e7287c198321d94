"""Mail that a soft bounce lost is sent again when the mailbox works: in SQLite and PostgreSQL, encrypted or not."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailer import EmailTemplate, Mailer, OutboxMail, OutboxRelay, OutboxStatus, RetryPolicy, SqlStores
from mailer.errors import InvalidMessage, TemplateError
from mailer.feedback.events import parse
from mailer.feedback.processor import Processor
from mailer.feedback.soft_bounces import SoftBounces
from mailer.outbox.redelivery import SETTLES, Redelivery
from mailer.secret_keys import new_key
from mailer.stores.sql.database import EngineDatabase
from mailer.stores.sql.encryption import Keyring
from mailer.stores.sql.redelivery import ARRIVED, MAX_LOSSES, WAITS, WORKS
from mailer.stores.sql.url import Location
from mailer.templates.secret import SecretText
from mailer.testing import Outbox
from tests.contract.suppression_store import ADA, NOW, Clock
from tests.unit.mailer.stack_outputs import outputs

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.contract
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
BOB = "bob@example.org"
FOLDER = Path(__file__).parent / "redelivery"


class Invoice(EmailTemplate):
    subject = "Invoice {{ number }}"
    redelivery = 3 * DAY
    folder: ClassVar[Path | None] = FOLDER
    number: int


class World:
    """A mailer with an outbox, the mail that it sent, and the events about it."""

    def __init__(self, stores: SqlStores, clock: Clock) -> None:
        self.stores, self.clock, self.sent = stores, clock, Outbox()
        self.mailer = Mailer(
            outputs(),
            transport=self.sent,
            store=stores,
            outbox=stores,
            retries=RetryPolicy(attempts=1),
        )
        self.soft_bounces = SoftBounces(stores.soft_bounces, stores.suppressions, clock=clock)
        self.processor = Processor(
            stores.suppressions,
            stores.events,
            clock=clock,
            messages=stores.messages,
            soft_bounces=self.soft_bounces,
            redelivery=Redelivery(stores.outbox, stores.soft_bounces),
        )

    def enqueue(self, *to: str, **options: Any) -> str:
        return self.mailer.enqueue(Invoice(number=7), to=to or [ADA], connection=None, **options).id

    def drain(self) -> int:
        return OutboxRelay(self.mailer, threads=1).drain()

    def send(self, *to: str, **options: Any) -> str:
        """Send a mail, and return the id of its attempt."""
        id_ = self.enqueue(*to, **options)
        self.drain()
        return self.find(id_).attempt_id

    def find(self, id_: str) -> OutboxMail:
        (found,) = self.stores.outbox.find(id_)
        return found

    def waiting(self) -> list[OutboxMail]:
        return self.stores.outbox.find(status=OutboxStatus.PENDING)

    def happens(self, kind: str, attempt: str, *who: str, at: datetime | None = None, **fields: Any) -> None:
        at = at or self.clock.now
        self.processor.process(parse(event(kind, attempt, who or (ADA,), at, **fields), at))

    def bounces(self, attempt: str, *who: str, at: datetime | None = None) -> None:
        self.happens("Bounce", attempt, *who, at=at, bounceType="Transient", bounceSubType="MailboxFull")

    def delivers(self, attempt: str = "", *who: str, at: datetime | None = None) -> None:
        """The mailbox takes a mail: that of an attempt, or some other."""
        self.happens("Delivery", attempt, *who, at=at)

    def passes(self, time: timedelta) -> int:
        """Let time pass, send what is due, and return how many mails it was."""
        self.clock.now += time
        return self.drain()

    def recipients(self) -> list[list[str]]:
        return [[one.email for one in message.recipients] for message in self.sent]


_LISTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}


def event(
    kind: str, attempt: str, who: tuple[str, ...], at: datetime, *, status: str = "4.2.2", **fields: Any
) -> dict[str, Any]:
    listed = [{"emailAddress": one, "action": "failed", "status": status} for one in who]
    body = {"timestamp": at.isoformat(), "feedbackId": f"{kind} {attempt} {who}", **fields}
    if kind in _LISTS:
        body[_LISTS[kind]] = listed
    else:
        body["recipients"] = list(who)
    return {
        "eventType": kind,
        "mail": {
            "messageId": f"ses-{attempt or at.isoformat()}",
            "destination": list(who),
            "timestamp": (NOW - DAY).isoformat(),
            "tags": {"mailstack-id": [attempt]} if attempt else {},
        },
        kind.lower(): body,
    }


@pytest.fixture(scope="module", params=["sqlite-encrypted", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineDatabase]:
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url, keyring = f"{server.url}?schema=redelivery&log_days=30", Keyring.parse([])
    else:
        url, keyring = (
            f"sqlite:///{tmp_path_factory.mktemp('redelivery')}/mail.db?log_days=30",
            Keyring.parse([new_key()]),
        )
    with closing(EngineDatabase(Location.parse(url), keyring)) as opened:
        yield opened


@pytest.fixture
def world(database: EngineDatabase) -> World:
    with database.write("empty") as connection:
        for table in reversed(database.tables.metadata.sorted_tables):
            if table is not database.tables.keys:
                connection.execute(table.delete())
    clock = Clock()
    return World(SqlStores(database, clock=clock), clock)


def test_lost_mail_is_sent_again_once_the_mailbox_works(world: World):
    attempt = world.send()
    world.bounces(attempt)
    (waits,) = world.waiting()
    assert (waits.reason, waits.expires_at, waits.attempt_id) == (WAITS, NOW + 3 * DAY, attempt)
    assert world.passes(DAY) == 0
    world.delivers()
    assert world.find(waits.id).reason == WORKS
    assert world.passes(SETTLES - SECOND) == 0
    assert world.passes(SECOND) == 1
    assert world.recipients() == [[ADA], [ADA]]
    assert [message.subject for message in world.sent] == ["Invoice 7"] * 2
    assert world.find(waits.id).status is OutboxStatus.SENT
    assert world.passes(10 * DAY) == 0


def test_repeated_events_send_nothing_twice(world: World):
    attempt = world.send()
    for _ in range(3):
        world.bounces(attempt, at=NOW)
    world.clock.now += HOUR
    for _ in range(3):
        world.delivers(at=NOW + HOUR)
        world.bounces(attempt, at=NOW)
    assert len(world.waiting()) == 1
    assert world.passes(SETTLES) == 1
    for _ in range(3):
        world.bounces(attempt, at=NOW)
        world.delivers(at=NOW + HOUR)
    assert world.passes(SETTLES) == 0
    assert world.recipients() == [[ADA], [ADA]]


def test_order_of_bounce_and_delivery_does_not_matter(world: World):
    attempt = world.send()
    world.clock.now += HOUR
    world.delivers(at=NOW + HOUR)
    world.bounces(attempt, at=NOW + SECOND)
    assert world.passes(SETTLES) == 1


def test_delivery_before_the_bounce_is_no_sign(world: World):
    attempt = world.send()
    world.delivers(at=NOW)
    world.bounces(attempt, at=NOW + HOUR)
    world.delivers(at=NOW + SECOND)
    assert world.passes(2 * DAY) == 0
    assert [one.reason for one in world.waiting()] == [WAITS]


@pytest.mark.parametrize("delivered_first", [True, False])
def test_mail_that_arrived_after_all_is_not_sent_again(world: World, *, delivered_first: bool):
    attempt = world.send()
    happenings: list[Callable[[], None]] = [
        lambda: world.delivers(attempt, at=NOW + SECOND),
        lambda: world.bounces(attempt, at=NOW),
    ]
    for happens in happenings if delivered_first else reversed(happenings):
        happens()
    world.clock.now += HOUR
    world.delivers()
    assert world.passes(2 * DAY) == 0
    assert world.recipients() == [[ADA]]
    assert {one.reason for one in world.stores.outbox.find(status="cancelled")} <= {ARRIVED}
    assert world.stores.outbox.find(address=ADA) == []  # no content is left


def test_late_delivery_stops_what_was_to_be_sent_soon(world: World):
    attempt = world.send()
    world.bounces(attempt)
    world.delivers(at=NOW + SECOND)
    assert world.passes(SETTLES / 2) == 0
    world.delivers(attempt, at=NOW - SECOND)
    assert world.passes(SETTLES) == 0


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General", "status": "5.1.1"}),
        ("Bounce", {"bounceType": "Undetermined", "bounceSubType": "Undetermined"}),
        ("Complaint", {"complaintFeedbackType": "abuse"}),
        ("Reject", {"reason": "Bad content"}),
    ],
)
def test_other_ends_delete_the_content(world: World, kind: str, fields: dict[str, Any]):
    attempt = world.send()
    assert world.stores.outbox.find(address=ADA)
    world.happens(kind, attempt, **fields)
    assert world.stores.outbox.find(address=ADA) == []
    world.bounces(attempt, at=NOW + SECOND)
    assert world.waiting() == []


def test_only_those_who_lost_it_get_it_again(world: World):
    attempt = world.send(ADA, BOB)
    world.delivers(attempt, BOB)
    world.bounces(attempt, ADA)
    world.delivers(at=NOW + SECOND)
    assert world.passes(SETTLES) == 1
    assert world.recipients() == [[ADA, BOB], [ADA]]


def test_each_recipient_waits_for_the_own_mailbox(world: World):
    attempt = world.send(ADA, BOB)
    world.bounces(attempt, ADA, BOB)
    assert len(world.waiting()) == 2
    world.delivers("", BOB, at=NOW + SECOND)
    assert world.passes(SETTLES) == 1
    assert world.recipients() == [[ADA, BOB], [BOB]]


def test_mail_is_not_sent_again_after_its_expiry(world: World):
    attempt = world.send(expires_at=NOW + DAY)
    world.bounces(attempt)
    (waits,) = world.waiting()
    assert waits.expires_at == NOW + DAY
    world.clock.now += DAY - SETTLES / 2
    world.delivers()
    assert world.passes(SETTLES) == 0
    assert world.find(waits.id).status is OutboxStatus.EXPIRED


def test_mailbox_that_loses_it_again_and_again_is_left_alone(world: World):
    attempt = world.send()
    for losses in range(MAX_LOSSES):
        world.bounces(attempt)
        world.clock.now += SECOND
        world.delivers()
        assert world.passes(SETTLES) == 1, losses
        attempt = world.sent[-1].id
    world.bounces(attempt)
    assert world.waiting() == []
    assert len(world.sent) == 1 + MAX_LOSSES


def test_event_before_the_relay_records_the_result_counts(world: World):
    id_ = world.enqueue()
    relay = OutboxRelay(world.mailer, threads=1)
    (claim,) = relay._claimed(1)
    change = relay._attempt(claim, relay._claims.fence(claim))
    world.bounces(claim.mail.attempt_id)
    assert world.find(id_).status is OutboxStatus.SENT
    relay._record(claim, change)
    assert world.find(id_).message_id == change.message_id
    assert len(world.waiting()) == 1


def test_content_is_deleted_at_the_end_of_its_time(world: World):
    id_ = world.enqueue()
    world.drain()
    world.clock.now += 2 * DAY
    assert world.stores.outbox.purge(HOUR, HOUR) == 0
    assert world.stores.outbox.find(address=ADA)
    world.clock.now += DAY
    assert world.stores.outbox.purge(30 * DAY, HOUR) == 0
    assert world.find(id_).status is OutboxStatus.SENT
    assert world.stores.outbox.find(address=ADA) == []
    assert world.stores.outbox.purge(HOUR, HOUR) == 1


def test_lost_mail_is_erased(tmp_path: Path):
    old, new, clock = new_key(), new_key(), Clock()
    with SqlStores(f"sqlite:///{tmp_path}/mail.db", keys=[old], clock=clock) as stores:
        world = World(stores, clock)
        world.bounces(world.send(ADA, BOB), ADA, BOB)
    with SqlStores(f"sqlite:///{tmp_path}/mail.db", keys=[new, old], clock=clock) as stores:
        stores.rotate()
    with SqlStores(f"sqlite:///{tmp_path}/mail.db", keys=[new, old], clock=clock) as stores:
        assert stores.erase(ADA) >= 1
        world = World(stores, clock)
        world.delivers("", ADA, BOB, at=NOW + HOUR)
        assert world.passes(HOUR + SETTLES) == 1
        assert world.recipients() == [[BOB]]


def test_mail_of_other_templates_keeps_no_content(world: World):
    class Plain(Invoice):
        redelivery = None
        stem = "invoice"

    world.mailer.enqueue(Plain(number=1), to=ADA, connection=None)
    world.drain()
    assert world.stores.outbox.find(address=ADA) == []
    world.bounces(world.sent[0].id)
    assert world.waiting() == []


def test_codes_are_never_sent_again(world: World):
    with pytest.raises(TemplateError, match="a code or a link that grants access: code"):
        type("Code", (Invoice,), {"__annotations__": {"code": SecretText}, "__module__": __name__})

    with pytest.raises(InvalidMessage, match="the mail is secret"):
        world.enqueue(secret=True)


@pytest.mark.parametrize("wrong", [timedelta(0), -DAY, 15 * DAY])
def test_redelivery_has_a_bound(wrong: timedelta):
    with pytest.raises(TemplateError, match="above 0 and up to 14 days"):
        type("Wrong", (Invoice,), {"redelivery": wrong, "__module__": __name__})
