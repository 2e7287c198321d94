"""Attacks: guessing codes, finding out who has an account. Statistics over work that was done, never over time."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.tokens import Limit
from mailer.verification.mails import CatalogMails
from mailer.verification.policy import (
    CODE_DIGITS,
    RESET_PASSWORD,
    SIGN_IN,
    SIGN_UP,
    Limits,
    Purpose,
    chance_of_guessing,
)
from mailer.verification.results import Outcome
from mailer.verification.service import Verification
from tests.contract.suppression_store import NOW

from .kit import ADA, BOB, BROWSER, URL, Counting, Kit

HOUR = timedelta(hours=1)
COMPARED = {Outcome.WRONG, Outcome.ACCEPTED}


def guesses_of_a_greedy_attacker(kit: Kit, hours: int, step: timedelta) -> list[timedelta]:
    """When each guess was compared with a code: an attacker with endless clients asks and guesses whenever possible."""
    verification, compared = kit.verification(), list[timedelta]()
    ends = NOW + hours * HOUR
    while kit.clock.now < ends:
        while verification.send_code(SIGN_IN, ADA, browser=BROWSER).ok:
            for _ in range(SIGN_IN.attempts + 2):
                before = kit.store.attempts_compared
                verification.check_code(SIGN_IN, ADA, "000000", browser=BROWSER)
                compared += [kit.clock.now - NOW] * (kit.store.attempts_compared - before)
        kit.clock.now += step
    return compared


class Compared(MemoryTokens):
    """Counts the attempts that come with a comparison: the first three at each code."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts_compared = 0

    def attempt(self, id_: str):
        token = super().attempt(id_)
        self.attempts_compared += token is not None and token.attempts <= SIGN_IN.attempts
        return token


def test_documented_chance_holds_against_a_greedy_attacker():
    hours = 24
    compared = guesses_of_a_greedy_attacker(Kit(Compared()), hours, timedelta(minutes=7))
    per_hour = Limits().per_address.count * SIGN_IN.attempts
    assert len(compared) <= (hours + 1) * per_hour
    for start in compared:  # in every hour, wherever it begins
        assert sum(start <= one < start + HOUR for one in compared) <= per_hour
    assert chance_of_guessing() == pytest.approx(1.5e-5, rel=1e-4)
    assert len(compared) / hours / 10**CODE_DIGITS == pytest.approx(chance_of_guessing(), rel=0.1)


def test_worst_hour_of_a_patient_attacker_is_twice_as_likely():
    """Codes that were asked for just before the hour are tried within it."""
    kit = Kit(Compared())
    verification, browsers = kit.verification(), 0
    waiting: list[str] = []
    for minute in range(-10, 60):
        kit.clock.now = NOW + timedelta(minutes=minute)
        browser = f"{browsers:020}"
        while verification.send_code(SIGN_IN, ADA, browser=browser).ok:
            waiting.append(browser)
            browsers += 1
            browser = f"{browsers:020}"
        if minute >= 0:
            for one in waiting:
                for _ in range(SIGN_IN.attempts):
                    verification.check_code(SIGN_IN, ADA, "000000", browser=one)
            waiting.clear()
    compared = kit.store.attempts_compared
    assert compared == 2 * Limits().per_address.count * SIGN_IN.attempts
    assert compared / 10**CODE_DIGITS == pytest.approx(2 * chance_of_guessing(), rel=1e-3)


@pytest.mark.parametrize(
    ("limits", "purpose", "chance"),
    [
        (Limits(), SIGN_IN, 1.5e-5),
        (Limits(per_address=Limit(10)), SIGN_IN, 3e-5),
        (Limits(per_address=Limit(10, timedelta(hours=2))), SIGN_IN, 1.5e-5),
        (Limits(), Purpose("x", attempts=1), 5e-6),
    ],
)
def test_chance_of_guessing_follows_the_limits(limits: Limits, purpose: Purpose, chance: float):
    assert chance_of_guessing(limits, purpose) == pytest.approx(chance, rel=1e-3)


def test_codes_are_uniform_in_each_digit():
    kit = Kit()
    verification, rounds = kit.verification(limits=Limits(per_address=Limit(1))), 4000
    codes: list[str] = []
    for number in range(rounds):
        verification.send_code(SIGN_IN, f"user{number}@example.org")
        codes.append(kit.delivery.code)
    for digit in range(CODE_DIGITS):
        counts = Counter(code[digit] for code in codes)
        chi = sum((counts[str(value)] - rounds / 10) ** 2 / (rounds / 10) for value in range(10))
        assert chi < 45  # nine degrees of freedom: one in a million runs


def sends() -> Iterator[object]:
    """Every way in which a token is asked for."""
    for purpose in (SIGN_IN, SIGN_UP, RESET_PASSWORD):
        yield pytest.param(lambda v, eligible, p=purpose: v.send_code(p, ADA, browser=BROWSER, eligible=eligible))
        yield pytest.param(lambda v, eligible, p=purpose: v.send_link(p, ADA, url=URL, client="x", eligible=eligible))


@pytest.mark.parametrize("say", [True, False])
@pytest.mark.parametrize("send", list(sends()))
def test_asking_does_the_same_work_for_every_address(send: Callable[[Verification, bool], object], say: bool):
    seen: list[object] = []
    for eligible in (True, False):
        kit = Kit()
        store = Counting(MemoryTokens())
        verification = kit.verification(store=store, mails=CatalogMails(say_no_account=say, say_account_exists=say))
        answers = [repr(send(verification, eligible)) for _ in range(7)]
        sent = [len(kit.delivery.mails)]
        seen.append((answers, store.taken(), sent))
    assert seen[0] == seen[1]


def test_guessing_does_the_same_work_for_every_address():
    seen: list[object] = []
    for eligible in (True, False):
        kit = Kit()
        store = Counting(MemoryTokens())
        verification = kit.verification(store=store)
        verification.send_code(SIGN_IN, ADA, eligible=eligible)
        code = "000000" if not eligible or kit.delivery.code != "000000" else "000001"
        found = [verification.check_code(SIGN_IN, ADA, code) for _ in range(5)]
        seen.append(([(repr(one), one.address, one.account, one.attempts_left) for one in found], store.taken()))
    assert seen[0] == seen[1]


def test_enumeration_of_a_thousand_addresses_learns_nothing():
    kit, rng = Kit(), random.Random(7)
    store = Counting(MemoryTokens())
    verification = kit.verification(store=store)
    seen: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for number in range(1000):
        eligible = rng.random() < 0.5
        address = f"user{number}@example.org"
        asked = verification.send_code(SIGN_IN, address, browser=BROWSER, eligible=eligible)
        found = verification.check_code(SIGN_IN, address, f"{rng.randrange(10**6):06}", browser=BROWSER)
        seen[eligible][repr((asked, found.outcome, found.attempts_left, store.taken()))] += 1
    assert len(seen[True]) == len(seen[False]) == 1
    assert seen[True].keys() == seen[False].keys()


def test_code_of_an_ineligible_address_is_never_accepted():
    kit = Kit()
    verification = kit.verification(limits=Limits(per_address=Limit(1000)))
    verification.send_code(SIGN_IN, BOB, eligible=False)
    anything = Purpose("sign-in", attempts=10)
    found = {verification.check_code(anything, BOB, f"{number:06}").outcome for number in range(10)}
    assert found & {Outcome.ACCEPTED, Outcome.REPEATED} == set()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from([ADA, BOB]), st.sampled_from(["", BROWSER]), st.booleans()),
        st.tuples(st.just("right"), st.sampled_from([ADA, BOB]), st.sampled_from(["", BROWSER]), st.booleans()),
        st.tuples(st.just("wrong"), st.sampled_from([ADA, BOB]), st.sampled_from(["", BROWSER]), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 900), st.just(""), st.just(True)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_codes_behave_as_their_model_in_any_order(steps: list[tuple[str, str, str, bool]]):
    """The model: for each address and browser, the last code, until it is used, too old or tried three times."""
    kit = Kit()
    verification = kit.verification(limits=Limits(per_address=Limit(1000)))
    model: dict[tuple[str, str], tuple[str, object, int, bool]] = {}
    for action, who, browser, eligible in steps:
        if action == "wait":
            kit.clock.now += timedelta(seconds=int(who))
            continue
        if action == "send":
            verification.send_code(SIGN_IN, who, browser=browser, eligible=eligible)
            code = kit.delivery.code if eligible else ""
            model[who, browser] = (code, kit.clock.now, 0, False)
            continue
        code, issued, attempts, used = model.get((who, browser), ("", None, 0, False))
        entered = code if action == "right" and code else "x"
        if entered == "x":
            entered = "000000" if code != "000000" else "000001"
        found = verification.check_code(SIGN_IN, who, entered, browser=browser)
        attempts += 1
        alive = issued is not None and kit.clock.now - issued < timedelta(minutes=10, seconds=30)  # pyright: ignore[reportOperatorIssue]
        expected = alive and attempts <= 3 and entered == code and not used
        assert found.ok == expected
        if issued is not None:
            model[who, browser] = (code, issued, attempts, used or expected)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 120),
    st.lists(st.integers(0, 90), max_size=60),
)
def test_limit_holds_in_every_period(count: int, seconds: int, waits: list[int]):
    limit, store, now, taken = Limit(count, timedelta(seconds=seconds)), MemoryTokens(), NOW, []
    for wait in waits:
        now += timedelta(seconds=wait)
        refused = store.take("key", limit, now)
        if refused is None:
            taken.append(now)
        else:
            assert now < refused <= now + limit.period
            assert sum(now - limit.period < one <= now for one in taken) == count
    for start in taken:
        assert sum(start <= one < start + limit.period for one in taken) <= count


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_a_check(text: str):
    kit = Kit()
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    code = kit.delivery.code
    assert verification.check_code(SIGN_IN, ADA, text).outcome in {Outcome.WRONG, Outcome.ACCEPTED}
    assert verification.use_link(SIGN_UP, text).outcome is Outcome.UNKNOWN
    assert code
