"""What an outbox promises, in SQLite and PostgreSQL, encrypted or not: who gets a mail, and how it ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.message_id import new_id
from mailer.secret_keys import new_key
from mailer.stores.outbox import Change, NewMail, OutboxCount, OutboxMail, OutboxStatus
from mailer.stores.sql.outbox import SqlOutbox
from mailer.stores.sql.stores import SqlStores
from mailer.stores.sql.transactions import Written, write
from tests.contract.suppression_store import ADA, NOW, Clock

if TYPE_CHECKING:
    from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.contract
LEASE, GRACE, AGAIN = timedelta(seconds=60), timedelta(seconds=5), timedelta(seconds=15)
DAY = timedelta(days=1)
NUMBERS = count()
BOB = "bob@example.org"
Open = Callable[[], SqlStores]


@pytest.fixture(params=["sqlite", "sqlite-encrypted", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return f"{server.url}?schema=outbox_{next(NUMBERS)}"
    return f"sqlite:///{tmp_path}/mail.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores(url: str, clock: Clock, request: pytest.FixtureRequest) -> Iterator[SqlStores]:
    keys = [new_key()] if "encrypted" in request.node.name else []
    with SqlStores(url, keys=keys, clock=clock) as opened:
        yield opened


@pytest.fixture
def outbox(stores: SqlStores) -> SqlOutbox:
    return stores.outbox


def mail(**parts: object) -> NewMail:
    given = NewMail(
        id=new_id(),
        payload='{"hello": "Ada"}',
        recipients=(ADA,),
        stream="transactional",
        created_at=NOW,
        send_at=NOW,
    )
    return replace(given, **parts)


def put(outbox: SqlOutbox, **parts: object) -> str:
    return write(outbox, mail(**parts), None).id


def claimed(outbox: SqlOutbox, count_: int = 10) -> list[OutboxMail]:
    return [claim.mail for claim in outbox.claim("relay", [new_id() for _ in range(count_)], LEASE)]


def only(outbox: SqlOutbox) -> OutboxMail:
    (found,) = outbox.find()
    return found


def test_claimed_mail_has_its_payload_and_the_attempt(outbox: SqlOutbox):
    id_, attempt = put(outbox), new_id()
    (claim,) = outbox.claim("relay", [attempt], LEASE)
    assert (claim.mail.id, claim.mail.attempt_id, claim.mail.attempts) == (id_, attempt, 1)
    assert claim.payload == '{"hello": "Ada"}'
    assert claim.mail.status is OutboxStatus.SENDING
    assert only(outbox).attempt_id == attempt


def test_mail_is_claimed_once(outbox: SqlOutbox):
    put(outbox)
    assert len(claimed(outbox)) == 1
    assert claimed(outbox) == []


def test_no_more_mails_are_claimed_than_there_are_ids(outbox: SqlOutbox):
    ids = [put(outbox) for _ in range(5)]
    assert [one.id for one in claimed(outbox, 2)] == ids[:2]
    assert claimed(outbox, 0) == []


def test_priority_comes_before_age(outbox: SqlOutbox, clock: Clock):
    low, usual, high = (put(outbox, priority=priority) for priority in (-5, 0, 7))
    earlier = put(outbox, send_at=NOW - timedelta(seconds=1))
    assert [one.id for one in claimed(outbox)] == [high, earlier, usual, low]


def test_mail_waits_for_its_time(outbox: SqlOutbox, clock: Clock):
    put(outbox, send_at=NOW + DAY)
    assert claimed(outbox) == []
    clock.now = NOW + DAY
    assert len(claimed(outbox)) == 1


def test_expired_mail_is_not_claimed(outbox: SqlOutbox, clock: Clock):
    put(outbox, expires_at=NOW + timedelta(minutes=10))
    clock.now = NOW + timedelta(minutes=10)
    assert claimed(outbox) == []
    assert only(outbox).status is OutboxStatus.EXPIRED
    assert only(outbox).reason == "not sent by 2026-03-02 12:10:00 UTC"


def test_concurrent_relays_claim_every_mail_once(url: str, clock: Clock, stores: SqlStores):
    ids = [put(stores.outbox) for _ in range(60)]

    def relay(_: int) -> list[str]:
        found: list[str] = []
        while some := claimed(stores.outbox, 3):
            found += [one.id for one in some]
        return found

    with ThreadPoolExecutor(6) as pool:
        everything = [id_ for found in pool.map(relay, range(6)) for id_ in found]
    assert sorted(everything) == sorted(ids)


def test_finished_mail_keeps_the_outcome_and_no_content(outbox: SqlOutbox):
    put(outbox)
    (one,) = claimed(outbox)
    assert outbox.finish(one, Change(status=OutboxStatus.SENT, message_id="0100-example"))
    assert (only(outbox).status, only(outbox).message_id) == (OutboxStatus.SENT, "0100-example")
    assert outbox.find(address=ADA) == []
    assert not outbox.finish(one, Change(status=OutboxStatus.DEAD))


def test_mail_that_is_tried_again_keeps_the_recipients_left(outbox: SqlOutbox, clock: Clock):
    put(outbox, recipients=(ADA, BOB))
    (one,) = claimed(outbox)
    change = Change(status=OutboxStatus.PENDING, due_at=NOW + timedelta(seconds=2), payload="{}", recipients=(BOB,))
    assert outbox.finish(one, change)
    assert claimed(outbox) == []
    clock.now = NOW + timedelta(seconds=2)
    (claim,) = outbox.claim("relay", [new_id()], LEASE)
    assert (claim.payload, claim.mail.attempts) == ("{}", 2)
    assert outbox.find(address=ADA) == []
    assert [found.id for found in outbox.find(address=BOB)] == [one.id]


def test_result_of_a_superseded_attempt_changes_nothing(outbox: SqlOutbox, clock: Clock):
    put(outbox)
    (first,) = claimed(outbox)
    outbox.finish(first, Change(status=OutboxStatus.PENDING, due_at=NOW))
    (second,) = claimed(outbox)
    assert not outbox.finish(first, Change(status=OutboxStatus.DEAD))
    assert outbox.finish(second, Change(status=OutboxStatus.SENT))


def test_claim_of_a_dead_relay_lapses(outbox: SqlOutbox, clock: Clock):
    put(outbox)
    (one,) = claimed(outbox)
    clock.now = NOW + LEASE + GRACE
    assert outbox.lapse(GRACE) == 0
    clock.now += timedelta(milliseconds=1)
    assert outbox.lapse(GRACE) == 1
    assert only(outbox).status is OutboxStatus.UNKNOWN
    assert claimed(outbox) == []
    assert outbox.finish(one, Change(status=OutboxStatus.SENT))  # it was not dead after all


def test_claim_that_is_extended_does_not_lapse(outbox: SqlOutbox, clock: Clock):
    put(outbox)
    (one,) = claimed(outbox)
    clock.now = NOW + LEASE
    assert outbox.extend([one.attempt_id, new_id()], LEASE) == {one.attempt_id}
    clock.now = NOW + LEASE * 2
    assert outbox.lapse(GRACE) == 0
    clock.now += GRACE * 2
    assert outbox.lapse(GRACE) == 1
    assert outbox.extend([one.attempt_id], LEASE) == set()


def test_undecided_mail_is_given_to_one_relay_at_a_time(outbox: SqlOutbox, clock: Clock):
    put(outbox)
    claimed(outbox)
    clock.now = NOW + LEASE * 2
    outbox.lapse(GRACE)
    assert len(outbox.undecided(10, AGAIN)) == 1
    assert outbox.undecided(10, AGAIN) == []
    clock.now += AGAIN
    assert len(outbox.undecided(10, AGAIN)) == 1


def test_cancelled_mail_is_not_sent_and_frees_its_key(outbox: SqlOutbox):
    id_ = put(outbox, key="k", fingerprint="f")
    assert outbox.cancel(id_) == 1
    assert (only(outbox).status, only(outbox).reason) == (OutboxStatus.CANCELLED, "cancelled")
    assert claimed(outbox) == []
    assert outbox.cancel(id_) == 0
    assert not write(outbox, mail(key="k", fingerprint="g"), None).replayed


def test_mail_that_is_being_sent_cannot_be_cancelled(outbox: SqlOutbox):
    id_ = put(outbox)
    claimed(outbox)
    assert outbox.cancel(id_) == 0


def test_key_that_was_used_returns_the_first_mail(outbox: SqlOutbox):
    first = put(outbox, key="k", fingerprint="f")
    assert write(outbox, mail(key="k", fingerprint="f"), None) == Written(first, replayed=True)
    assert len(outbox.find()) == 1


def test_dead_mail_is_sent_again_by_retry(outbox: SqlOutbox, clock: Clock):
    id_ = put(outbox)
    (one,) = claimed(outbox)
    outbox.finish(one, Change(status=OutboxStatus.DEAD, reason="refused"))
    clock.now = NOW + DAY
    assert outbox.retry() == 1
    (claim,) = outbox.claim("relay", [new_id()], LEASE)
    assert (claim.mail.id, claim.mail.send_at, claim.payload) == (id_, NOW + DAY, '{"hello": "Ada"}')


def test_expired_mail_is_sent_again_only_by_its_id(outbox: SqlOutbox, clock: Clock):
    id_ = put(outbox, expires_at=NOW + LEASE)
    clock.now = NOW + LEASE
    assert claimed(outbox) == []
    assert outbox.retry() == 0
    assert outbox.retry(id_) == 1
    assert [one.id for one in claimed(outbox)] == [id_]


def test_unknown_mail_is_sent_again_only_if_asked_for(outbox: SqlOutbox, clock: Clock):
    id_ = put(outbox)
    claimed(outbox)
    clock.now = NOW + LEASE * 2
    outbox.lapse(GRACE)
    assert outbox.retry(id_) == 0
    assert outbox.retry(id_, unknown=True) == 1
    assert len(claimed(outbox)) == 1


def test_purge_deletes_what_ended_long_ago(outbox: SqlOutbox, clock: Clock):
    sent, dead, waiting = put(outbox, priority=2), put(outbox, priority=1), put(outbox, send_at=NOW + DAY * 99)
    first, second = claimed(outbox)
    outbox.finish(first, Change(status=OutboxStatus.SENT))
    outbox.finish(second, Change(status=OutboxStatus.DEAD))
    clock.now = NOW + DAY * 7
    assert outbox.purge(DAY * 7, DAY * 30) == 1
    assert {one.id for one in outbox.find()} == {dead, waiting}
    clock.now = NOW + DAY * 30
    assert outbox.purge(DAY * 7, DAY * 30) == 1
    assert [one.id for one in outbox.find()] == [waiting]
    assert sent != waiting


def test_counts_show_due_mails_and_the_oldest(outbox: SqlOutbox, clock: Clock):
    put(outbox, send_at=NOW - LEASE)
    put(outbox)
    put(outbox, send_at=NOW + DAY)
    outbox.cancel(put(outbox))
    assert outbox.counts() == {
        OutboxStatus.PENDING: OutboxCount(3, 2, NOW - LEASE),
        OutboxStatus.CANCELLED: OutboxCount(1),
    }
    assert set(outbox.counts(final=False)) == {OutboxStatus.PENDING}


def test_mails_are_found_by_status_and_recipient(outbox: SqlOutbox):
    first, second = put(outbox), put(outbox, recipients=(BOB, ADA))
    outbox.cancel(first)
    assert [one.id for one in outbox.find(status="pending")] == [second]
    assert [one.id for one in outbox.find(address="Bob <BOB@example.org>")] == [second]
    assert [one.id for one in outbox.find(first, second, limit=1)] == [first]


def test_erasure_deletes_mails_that_were_not_sent(url: str, clock: Clock):
    with SqlStores(url, keys=[new_key()], clock=clock) as stores:
        put(stores.outbox)
        kept = put(stores.outbox, recipients=(BOB,))
        assert stores.erase(ADA) == 1
        assert [one.id for one in stores.outbox.find()] == [kept]


def test_rotation_encrypts_mails_with_the_new_key(url: str, clock: Clock):
    old, new = new_key(), new_key()
    with SqlStores(url, keys=[old], clock=clock) as stores:
        id_, sent = put(stores.outbox, priority=0), put(stores.outbox, priority=1)
        (one,) = claimed(stores.outbox, 1)
        assert one.id == sent
        stores.outbox.finish(one, Change(status=OutboxStatus.SENT))
    with SqlStores(url, keys=[new, old], clock=clock) as stores:
        assert stores.rotate().rewritten == 2
    with SqlStores(url, keys=[new], clock=clock) as stores:
        assert [found.id for found in stores.outbox.find(address=ADA)] == [id_]
        (claim,) = stores.outbox.claim("relay", [new_id()], LEASE)
        assert claim.payload == '{"hello": "Ada"}'


def test_mail_whose_key_is_missing_waits(url: str, clock: Clock):
    key = new_key()
    with SqlStores(url, keys=[], clock=clock) as plain, SqlStores(url, keys=[key], clock=clock) as stores:
        plain.outbox.counts()  # opened before there was a key
        put(stores.outbox)
        assert claimed(plain.outbox) == []
        assert only(plain.outbox).status is OutboxStatus.PENDING
        assert "encrypted with the key" in only(plain.outbox).reason
        clock.now = NOW + timedelta(minutes=5)
        assert len(claimed(stores.outbox)) == 1


def test_mail_that_was_tampered_with_is_dead(url: str, clock: Clock):
    with SqlStores(url, keys=[new_key()], clock=clock) as stores:
        put(stores.outbox)
        other = put(stores.outbox, payload="other")
        table = stores._database.tables.outbox
        with stores._database.write("tamper with") as connection:
            payload = table.select().where(table.c.id == other)
            connection.execute(table.update().values(payload=connection.execute(payload).one().payload))
        assert [one.id for one in claimed(stores.outbox)] == [other]
        dead = stores.outbox.find(status="dead")
        assert [one.reason for one in dead] == ["A row of the store fails its authentication."]


def test_payload_is_not_readable_in_the_file(stores: SqlStores, url: str, tmp_path: Path):
    put(stores.outbox, payload="a code: 424242")
    if stores._database.keyring.keys:
        stores.close()
        assert b"424242" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
