"""The account's sending rate and quota: used to its end, never exceeded, whoever shares it. Time is simulated."""

import asyncio
import logging
import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mailer.errors import ConfigurationError, QuotaExceeded, RateExceeded, StoreError, Throttled
from mailer.mailer import Mailer
from mailer.message import Message
from mailer.results import Status
from mailer.sending.account import Account
from mailer.sending.limiter import FIRST_ANSWER, Limiter, RateLimit
from mailer.sending.rate import BURST, Lease, Pace, next_length
from mailer.stores.bundle import memory_stores
from mailer.stores.memory import MemoryIdempotency
from mailer.stores.rate import FRESH, Standing
from mailer.stores.sql.stores import SqlStores
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs
from tests.rate_oracle import NOW, Oracle, known, simulate, standing
from tests.waiting import PATIENCE, eventually

MAIL = Message(subject="Hello", text="Hello", to=["ada@example.com", "bob@example.com"])


class Shared:
    """A `RateStore` in memory."""

    def __init__(self, found: Standing | None = None) -> None:
        self.found, self.free_at, self.writes = found, 0.0, 0
        self.claimed: datetime | None = None

    def standing(self) -> Standing | None:
        return self.found

    def claim_refresh(self, now: datetime) -> bool:
        if self.claimed and now - self.claimed < FRESH:
            return False
        self.claimed = now
        return True

    def write_standing(self, standing: Standing) -> None:
        self.found = standing

    def lease(self, seconds: float, now: float) -> float:
        self.writes += 1
        start = max(self.free_at, now)
        self.free_at = start + seconds
        return start


@pytest.mark.parametrize("rate", [1.0, 14.0, 200.0])
@pytest.mark.parametrize("count", [1, 3, 50])
def test_one_process_saturates_the_rate(rate: float, count: int):
    oracle, seconds = Oracle(rate, burst=max(0.25, 1 / rate)), max(60.0, 20 * count / rate)
    limit = RateLimit(max_wait=3600)
    simulate([lambda clock: Limiter(limit, known(standing(rate)), clock=clock)], oracle, seconds, count)
    assert oracle.refused == 0
    assert oracle.accepted >= 0.98 * rate * (seconds - count / rate)


@pytest.mark.parametrize("workers", [1, 4, 16, 50])
@pytest.mark.parametrize("rate", [14.0, 100.0])
def test_workers_with_leases_saturate_the_rate(workers: int, rate: float):
    shared, oracle, seconds = Shared(), Oracle(rate), 120.0
    limit = RateLimit(shared=True, max_wait=3600)
    one: Callable[[Callable[[], float]], Limiter] = lambda clock: Limiter(  # noqa: E731 - one for each worker
        limit, known(standing(rate)), shared, clock=clock
    )
    simulate([one] * workers, oracle, seconds)
    assert oracle.refused == 0
    assert oracle.accepted >= 0.98 * rate * seconds
    assert shared.writes <= oracle.accepted


def test_busy_worker_writes_once_a_lease_not_once_a_message():
    shared, oracle = Shared(), Oracle(100.0)
    limit = RateLimit(shared=True, max_wait=3600)
    simulate([lambda clock: Limiter(limit, known(standing(100.0)), shared, clock=clock)], oracle, 60.0)
    assert oracle.accepted >= 0.98 * 100 * 60
    assert shared.writes <= 60 * 1.5 + 10


def test_message_larger_than_the_rate_is_not_held_back():
    pace, wait = Pace(14.0).reserve(50, now=100.0)
    assert wait == 0.0
    assert pace.reserve(1, now=100.0)[1] == pytest.approx(50 / 14 - BURST)


def test_paces_of_random_messages_never_exceed_the_rate():
    for seed in range(50):
        chance, now = random.Random(seed), 0.0
        pace, oracle = Pace(20.0), Oracle(20.0)
        for _ in range(500):
            count = chance.choice([1, 1, 1, 2, 5, 50])
            now += chance.choice([0.0, 0.0, 0.01, 0.3, 5.0])
            pace, wait = pace.reserve(count, now)
            now += wait
            oracle.send(count, now)
        assert oracle.refused == 0


@pytest.mark.parametrize(
    ("last", "asked", "now", "length"),
    [
        (None, 0.1, 0.0, 0.1),
        (Lease(0.0, 0.4, used=0.4), 0.1, 0.5, 0.8),
        (Lease(0.0, 0.8, used=0.8), 0.1, 0.9, 1.0),
        (Lease(0.0, 0.4, used=0.1), 0.1, 0.5, 0.1),
        (Lease(0.0, 0.4, used=0.4), 0.1, 9.0, 0.1),
        (Lease(0.0, 0.1, used=0.1), 3.5, 0.2, 3.5),
    ],
)
def test_leases_grow_while_the_demand_goes_on(last: Lease | None, asked: float, now: float, length: float):
    assert next_length(last, asked, now) == pytest.approx(length)


def test_lease_that_is_over_has_no_place():
    lease = Lease(100.0, 101.0)
    assert lease.take(0.1, now=102.0) is None
    place = lease.take(0.5, now=99.0)
    assert place == (Lease(100.0, 101.0, used=0.5), 1.0)


@pytest.mark.parametrize("skew", [-30.0, -1.0, 1.0, 30.0])
def test_leases_never_overlap_under_clock_skew(skew: float):
    shared, taken = Shared(), list[tuple[float, float]]()
    for step in range(200):
        now = step * 0.05
        for clock in (now, now + skew):
            start = shared.lease(0.1, clock)
            taken.append((start, start + 0.1))
    taken.sort()
    assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(taken))


@pytest.mark.parametrize("number", [-1.0, 0.0, math.nan])
def test_numbers_that_are_no_limit_are_unlimited(number: float):
    found = standing(rate=number, day=number)
    assert found.has_room(10**9, 10**9)
    limiter = Limiter(RateLimit(max_wait=0), known(found), clock=lambda: 0.0)
    for _ in range(1000):
        limiter.acquire(50)


class TestQuota:
    def limiter(self, found: Standing, **limit: float) -> Limiter:
        return Limiter(RateLimit(**limit), known(found), clock=lambda: 0.0, wait=lambda *_: None)  # pyright: ignore[reportArgumentType]

    def test_used_up_quota_is_an_error_at_once(self):
        with pytest.raises(QuotaExceeded, match="200 recipients"):
            self.limiter(standing(rate=1, day=200, sent=200)).acquire(1)

    def test_recipients_sent_since_the_last_look_count(self):
        limiter = self.limiter(standing(rate=1000, day=200, sent=195))
        limiter.acquire(3)
        limiter.acquire(2)
        with pytest.raises(QuotaExceeded):
            limiter.acquire(1)

    def test_message_that_does_not_fit_leaves_room_for_smaller_ones(self):
        limiter = self.limiter(standing(rate=1000, day=200, sent=195))
        with pytest.raises(QuotaExceeded):
            limiter.acquire(6)
        limiter.acquire(5)

    def test_share_limits_the_quota(self):
        limiter = self.limiter(standing(rate=1000, day=200, sent=99), share=0.5)
        limiter.acquire(1)
        with pytest.raises(QuotaExceeded, match="100 recipients"):
            limiter.acquire(1)


class TestWaiting:
    def limiter(self, waits: list[float], **limit: object) -> Limiter:
        return Limiter(
            RateLimit(**limit),  # pyright: ignore[reportArgumentType]
            known(standing(rate=1.0)),
            clock=lambda: 100.0,
            wait=lambda _, seconds: waits.append(seconds),
        )

    def test_messages_wait_for_their_turn(self):
        waits: list[float] = []
        limiter = self.limiter(waits)
        for _ in range(3):
            limiter.acquire(1)
        assert waits == [pytest.approx(1 - BURST), pytest.approx(2 - BURST)]

    def test_message_that_would_wait_too_long_takes_no_place(self):
        waits: list[float] = []
        limiter = self.limiter(waits, max_wait=1.0)
        limiter.acquire(1)
        limiter.acquire(1)
        for _ in range(3):
            with pytest.raises(RateExceeded, match=r"wait for 1\.9 s"):
                limiter.acquire(1)
        assert waits == [pytest.approx(1 - BURST)]

    @pytest.mark.parametrize("on_throttle", ["raise", "result"])
    def test_message_that_must_not_wait_is_refused_at_once(self, on_throttle: str):
        waits: list[float] = []
        limiter = self.limiter(waits, on_throttle=on_throttle)
        limiter.acquire(1)
        with pytest.raises(RateExceeded):
            limiter.acquire(1)
        assert waits == []

    def test_throttling_by_ses_holds_everything_back(self):
        waits: list[float] = []
        limiter = self.limiter(waits)
        limiter.throttled()
        limiter.acquire(1)
        assert waits == [pytest.approx(1.0)]

    @pytest.mark.parametrize("found", [standing(rate=1.0), None], ids=["known rate", "unknown rate"])
    def test_throttling_by_ses_holds_leases_back_too(self, found: Standing | None):
        waits: list[float] = []
        shared = Shared(found)
        limiter = Limiter(
            RateLimit(shared=True),
            Account(shared, standing, start=lambda _: None),
            shared,
            clock=lambda: 100.0,
            wait=lambda _, seconds: waits.append(seconds),
        )
        limiter._patient_until = 0.0
        limiter.throttled()
        limiter.acquire(1)
        assert waits == [pytest.approx(1.0)]

    def test_close_ends_the_waiting(self):
        limiter = Limiter(RateLimit(), known(standing(rate=0.1)), clock=lambda: 100.0)
        limiter.acquire(1)
        with ThreadPoolExecutor(2) as threads:
            waiting = [threads.submit(limiter.acquire, 1) for _ in range(2)]
            eventually(lambda: len(limiter._waiting) == 2, "nobody waits")
            limiter.close()
            for one in waiting:
                with pytest.raises(RateExceeded, match="closed"):
                    one.result()

    def test_cancelled_coroutine_ends_the_waiting(self):
        outbox = Outbox()
        outbox.mailer._pipeline.limiter = limiter = Limiter(RateLimit(), known(standing(rate=0.1)), clock=lambda: 100.0)

        async def main() -> None:
            assert (await outbox.mailer.asend(MAIL)).ok
            send = asyncio.create_task(outbox.mailer.asend(MAIL))
            await asyncio.to_thread(eventually, lambda: limiter._waiting, "nobody waits")
            send.cancel()
            with pytest.raises(asyncio.CancelledError):
                await send
            await asyncio.to_thread(eventually, lambda: not limiter._waiting, "it still waits")
            await outbox.mailer.aclose()

        asyncio.run(main())
        assert len(outbox) == 1


@pytest.mark.parametrize(
    "values", [{"on_throttle": "drop"}, {"max_wait": -1}, {"max_wait": 3601}, {"share": 0}, {"share": 1.1}]
)
def test_invalid_rate_limits_are_refused(values: dict[str, Any]):
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        RateLimit(**values)


class TestAccount:
    @pytest.fixture
    def now(self) -> list[datetime]:
        return [NOW]

    @pytest.fixture
    def asked(self) -> list[datetime]:
        return []

    def account(self, store: Shared | None, now: list[datetime], asked: list[datetime]) -> Account:
        def ask() -> Standing:
            asked.append(now[0])
            return standing(rate=float(len(asked)), at=now[0])

        return Account(store, ask, clock=lambda: now[0], start=lambda run: run())

    def test_ses_is_asked_once_a_minute_by_one_worker(self, now: list[datetime], asked: list[datetime]):
        shared = Shared()
        workers = [self.account(shared, now, asked) for _ in range(50)]
        for _ in range(10 * 60):
            now[0] += timedelta(seconds=1)
            for worker in workers:
                worker.standing()
        assert 9 <= len(asked) <= 11
        assert shared.found
        assert {worker.standing() for worker in workers} <= {shared.found}

    def test_process_without_a_store_asks_by_itself(self, now: list[datetime], asked: list[datetime]):
        worker = self.account(None, now, asked)
        assert worker.standing() == standing(rate=1.0)
        now[0] += timedelta(seconds=59)
        assert worker.standing() == standing(rate=1.0)
        now[0] += timedelta(seconds=16)
        assert worker.standing() == standing(rate=2.0, at=now[0])

    def test_new_worker_reads_what_others_know(self, now: list[datetime], asked: list[datetime]):
        assert self.account(Shared(standing(rate=77.0)), now, asked).standing() == standing(rate=77.0)
        assert asked == []

    def test_workers_of_a_new_stack_soon_know_what_one_asks(self, now: list[datetime]):
        answers = list[Callable[[], None]]()
        shared = Shared()
        workers = [Account(shared, standing, clock=lambda: now[0], start=answers.append) for _ in range(4)]
        assert [worker.standing() for worker in workers] == [None] * 4
        (answer,) = answers
        answer()
        now[0] += timedelta(seconds=1)
        assert [worker.standing() for worker in workers] == [standing()] * 4

    def test_workers_look_less_often_while_nothing_is_known(self, now: list[datetime]):
        looks = list[datetime]()

        class Empty(Shared):
            def standing(self) -> Standing | None:
                looks.append(now[0])

            def claim_refresh(self, now: datetime) -> bool:
                return False

        account = Account(Empty(), standing, clock=lambda: now[0])
        for _ in range(600):
            account.standing()
            now[0] += timedelta(seconds=0.1)
        assert [round((look - NOW).total_seconds()) for look in looks] == [0, 0, 0, 1, 2, 3, 6, 13, 26, 40, 56]

    def test_denied_get_account_is_logged_once_and_mail_leaves(
        self, now: list[datetime], caplog: pytest.LogCaptureFixture
    ):
        class Denied(Exception):  # noqa: N818
            code = "AccessDeniedException"

        def ask() -> Standing:
            raise Denied

        account = Account(None, ask, clock=lambda: now[0], start=lambda run: run())
        limiter = Limiter(RateLimit(max_wait=0), account, clock=lambda: 0.0)
        with caplog.at_level(logging.WARNING, "mailer"):
            for _ in range(100):
                now[0] += timedelta(seconds=60)
                limiter.acquire(50)
        assert len(caplog.records) == 1

    def test_mail_is_sent_while_the_rate_store_is_down(self, now: list[datetime], caplog: pytest.LogCaptureFixture):
        class Down(Shared):
            def standing(self) -> Standing | None:
                raise StoreError("The table cannot be reached.")

        account = Account(Down(), standing, clock=lambda: now[0], start=lambda run: run())
        with caplog.at_level(logging.WARNING, "mailer"):
            Limiter(RateLimit(max_wait=0), account, clock=lambda: 0.0).acquire(1)
        assert "cannot be reached" in caplog.text


class TestNewStack:
    """Of a new stack no rate is known until SES has answered one of its workers."""

    @pytest.fixture
    def answers(self) -> list[Callable[[], None]]:
        """What asks SES, when it is called."""
        return []

    def account(self, answers: list[Callable[[], None]], shared: Shared | None = None, rate: float = 1.0) -> Account:
        return Account(shared, lambda: standing(rate, at=datetime.now(UTC)), start=answers.append)

    def test_messages_wait_until_one_worker_has_the_answer(self, answers: list[Callable[[], None]]):
        shared, limit = Shared(), RateLimit(shared=True, on_throttle="result")
        limiters = [Limiter(limit, self.account(answers, shared, rate=0.001), shared) for _ in range(4)]
        with ThreadPoolExecutor(16) as threads:
            sends = [threads.submit(limiter.acquire, 1) for limiter in limiters for _ in range(4)]
            eventually(lambda: all(limiter._waiting for limiter in limiters), "nobody waits for the answer")
            assert not any(send.done() for send in sends)
            (answer,) = answers
            answer()
            outcomes = [send.exception() for send in sends]
        assert outcomes.count(None) == 1
        assert all(isinstance(outcome, RateExceeded) for outcome in outcomes if outcome)

    def test_message_waits_while_another_thread_asks_the_store(self):
        is_asked, may_answer = Event(), Event()

        class Slow(Shared):
            def standing(self) -> Standing | None:
                is_asked.set()
                assert may_answer.wait(PATIENCE)
                return standing(rate=1000.0)

        shared = Slow()
        limiter = Limiter(RateLimit(shared=True), Account(shared, standing), shared)
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(limiter.acquire, 1)
            assert is_asked.wait(PATIENCE)
            second = threads.submit(limiter.acquire, 1)
            eventually(lambda: limiter._waiting, "nobody waits for the answer")
            assert not second.done()
            may_answer.set()
            first.result()
            second.result()

    def test_first_message_of_a_process_by_itself_does_not_wait(self, answers: list[Callable[[], None]]):
        waits = list[float]()
        limiter = Limiter(RateLimit(), self.account(answers), clock=lambda: 100.0)
        limiter.acquire(3)
        answers[0]()
        limiter._wait = lambda _, seconds: waits.append(seconds)
        limiter.acquire(1)
        assert waits == [pytest.approx(3.0)]

    def test_message_does_not_wait_for_ever(self, answers: list[Callable[[], None]]):
        now = [100.0]
        wait: Callable[[object, float], None] = lambda _, seconds: now.__setitem__(0, now[0] + seconds)  # noqa: E731
        limiter = Limiter(RateLimit(), self.account(answers), clock=lambda: now[0], wait=wait)
        for _ in range(100):
            limiter.acquire(1)
        assert now == [pytest.approx(100.0 + FIRST_ANSWER, abs=1.0)]

    def test_bulk_call_waits_for_the_answer_to_know_its_size(self, answers: list[Callable[[], None]]):
        limiter = Limiter(RateLimit(), self.account(answers, rate=14.0))
        limiter._wait = lambda *_: answers[0]()
        assert limiter.at_once(50) == 7

    @pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException"])
    def test_no_message_waits_after_getaccount_failed(self, code: str):
        class Refused(Exception):  # noqa: N818
            pass

        def ask() -> Standing:
            error = Refused()
            error.code = code  # pyright: ignore[reportAttributeAccessIssue]
            raise error

        def wait(*_: object) -> None:
            raise AssertionError("It waits for an answer that does not come.")

        limiter = Limiter(RateLimit(), Account(None, ask, start=lambda run: run()), wait=wait)
        for _ in range(3):
            limiter.acquire(1)

    def test_no_message_waits_for_a_denied_worker(self):
        class Denied(Exception):  # noqa: N818
            code = "AccessDeniedException"

        def ask() -> Standing:
            raise Denied

        def wait(*_: object) -> None:
            raise AssertionError("It waits for an answer that does not come.")

        shared, limit = Shared(), RateLimit(shared=True)
        for _ in range(3):
            account = Account(shared, ask, start=lambda run: run())
            Limiter(limit, account, shared, wait=wait).acquire(50)
        assert shared.writes == 0

    def test_denied_worker_leaves_what_others_know(self):
        class Denied(Exception):  # noqa: N818
            code = "AccessDeniedException"

        def ask() -> Standing:
            raise Denied

        shared = Shared(standing(rate=14.0, at=NOW - timedelta(hours=1)))
        assert Account(shared, ask, clock=lambda: NOW, start=lambda run: run()).standing() == shared.found
        assert shared.found
        assert shared.found.max_rate == 14.0

    def test_worker_that_had_no_answer_asks_again(self):
        now, asked = [NOW], list[datetime]()

        def ask() -> Standing:
            asked.append(now[0])
            if len(asked) == 1:
                raise OSError
            return standing(at=now[0])

        account = Account(Shared(), ask, clock=lambda: now[0], start=lambda run: run())
        assert account.standing() is None
        now[0] += timedelta(seconds=1)
        assert account.standing() == standing(at=now[0])

    def test_close_ends_the_wait_for_the_answer(self, answers: list[Callable[[], None]]):
        limiter = Limiter(RateLimit(), self.account(answers), clock=lambda: 100.0)
        limiter.acquire(1)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(limiter.acquire, 1)
            eventually(lambda: limiter._waiting, "nobody waits")
            limiter.close()
            with pytest.raises(RateExceeded, match="closed"):
                waiting.result()

    def test_child_of_a_fork_asks_and_waits_by_itself(self, answers: list[Callable[[], None]]):
        now = [NOW]
        account = Account(None, lambda: standing(rate=-1.0, at=now[0]), clock=lambda: now[0], start=answers.append)
        limiter = Limiter(RateLimit(), account)
        limiter.acquire(1)
        account.after_fork()
        limiter.after_fork()
        now[0] += timedelta(seconds=1)
        limiter.acquire(1)  # the first one of the child
        assert len(answers) == 2
        waits = list[float]()

        def wait(_: object, seconds: float) -> None:
            waits.append(seconds)
            answers[1]()

        limiter._wait = wait
        limiter.acquire(1)
        assert len(waits) == 1


class TestStoreThatIsDown:
    class Down(Shared):
        """A store that knows the rate, and then gives no lease until it is told to."""

        is_up, asked = False, 0

        def lease(self, seconds: float, now: float) -> float:
            self.asked += 1
            if not self.is_up:
                raise StoreError("The database cannot be reached.")
            return super().lease(seconds, now)

    def test_process_keeps_the_rate_by_itself(self, caplog: pytest.LogCaptureFixture):
        waits: list[float] = []
        store, found = self.Down(), standing(rate=1.0)
        limiter = Limiter(
            RateLimit(shared=True), known(found), store, clock=lambda: 100.0, wait=lambda _, delay: waits.append(delay)
        )
        with caplog.at_level(logging.WARNING, "mailer"):
            for _ in range(3):
                limiter.acquire(1)
        assert waits == [pytest.approx(1 - BURST), pytest.approx(2 - BURST)]
        assert (store.asked, len(caplog.records)) == (1, 1)
        assert "cannot be reached" in caplog.text

    def test_rate_is_shared_again_when_the_store_is_back(self):
        now, store = [100.0], self.Down()
        limiter = Limiter(RateLimit(shared=True), known(standing(rate=1000.0)), store, clock=lambda: now[0])
        limiter.acquire(1)
        store.is_up = True
        limiter.acquire(1)
        assert store.writes == 0
        now[0] += 60.0
        limiter.acquire(1)
        assert store.writes == 1

    def test_message_leaves_and_has_a_result(self):
        outbox = Outbox()
        outbox.mailer._pipeline.limiter = Limiter(RateLimit(shared=True), known(standing()), self.Down())
        assert outbox.mailer.send(MAIL, idempotency_key="welcome-1").ok


class TestMailer:
    @pytest.fixture
    def outbox(self) -> Outbox:
        return Outbox()

    def mailer(self, outbox: Outbox, found: Standing, **limit: object) -> Mailer:
        mail = Mailer(
            stack_outputs(),
            transport=outbox,
            suppressions=outbox.suppressions,
            idempotency=MemoryIdempotency(),
        )
        mail._pipeline.limiter = Limiter(RateLimit(**limit), known(found), clock=lambda: 100.0)  # pyright: ignore[reportArgumentType]
        return mail

    def test_message_over_the_rate_is_throttled_without_asking_ses(self, outbox: Outbox):
        mail = self.mailer(outbox, standing(rate=1.0), on_throttle="result")
        assert mail.send(MAIL).ok
        result = mail.send(MAIL, idempotency_key="welcome-1")
        assert {one.status for one in result} == {Status.THROTTLED}
        assert isinstance(result.recipients[0].error, RateExceeded)
        assert len(outbox) == 1

    def test_message_over_the_rate_is_raised_if_asked_for(self, outbox: Outbox):
        mail = self.mailer(outbox, standing(rate=1.0), on_throttle="raise")
        mail.send(MAIL)
        with pytest.raises(RateExceeded):
            mail.send(MAIL)

    def test_used_up_quota_is_throttled_at_once(self, outbox: Outbox):
        mail = self.mailer(outbox, standing(day=200, sent=199))
        result = mail.send(MAIL)
        assert {type(one.error) for one in result} == {QuotaExceeded}
        assert mail.send(MAIL, to="ada@example.com").ok
        assert len(outbox) == 1

    def test_suppressed_recipients_take_no_place(self, outbox: Outbox):
        from mailer.stores.base import Suppression

        outbox.suppressions.put(Suppression("bob@example.com", "bounce"))
        mail = self.mailer(outbox, standing(rate=1000.0, day=200, sent=199))
        assert [one.status for one in mail.send(MAIL)] == [Status.SENT, Status.SUPPRESSED]

    def test_throttled_answer_of_ses_holds_the_next_message_back(self, outbox: Outbox):
        mail = self.mailer(outbox, standing(rate=1000.0), on_throttle="result")
        outbox.fail(Throttled("Maximum sending rate exceeded."))
        assert {one.status for one in mail.send(MAIL)} == {Status.THROTTLED}
        assert {type(one.error) for one in mail.send(MAIL)} == {RateExceeded}

    def test_other_transports_have_no_limit_by_default(self, outbox: Outbox):
        assert Mailer(stack_outputs(), transport=outbox)._pipeline.limiter is None
        assert Mailer(stack_outputs(), rate=False)._pipeline.limiter is None
        assert Mailer(stack_outputs())._pipeline.limiter is not None
        assert Mailer(stack_outputs(), transport=outbox, rate=RateLimit())._pipeline.limiter is not None

    def test_mailers_of_one_database_share_the_rate(self, outbox: Outbox, tmp_path: Path):
        url = f"sqlite:///{tmp_path}/mail.db"
        with SqlStores(url) as stores:
            stores.rate.write_standing(standing(rate=0.001, at=datetime.now(UTC)))
        limit = RateLimit(shared=True, on_throttle="result")
        first, second = (Mailer(stack_outputs(), transport=outbox, rate=limit, store=url) for _ in range(2))
        with first, second:
            assert first.send(MAIL).ok
            assert {type(one.error) for one in second.send(MAIL)} == {RateExceeded}

    def test_stores_in_memory_cannot_share_the_rate(self):
        with pytest.raises(ConfigurationError, match="share the sending rate"):
            Mailer(stack_outputs(), rate=RateLimit(shared=True), store=memory_stores())  # pyright: ignore[reportArgumentType] - for the library itself
