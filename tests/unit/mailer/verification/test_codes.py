"""Codes: what is accepted, what is refused, and what is counted."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mailer.errors import ConfigurationError, InvalidAddress
from mailer.secret_keys import new_key
from mailer.stores.base import utcnow
from mailer.stores.tokens import Limit
from mailer.verification.clients import client_key
from mailer.verification.keys import VerificationKeys
from mailer.verification.policy import CODE_LIFETIME, RESET_PASSWORD, SIGN_IN, SIGN_UP, SKEW, Limits, Purpose
from mailer.verification.results import Outcome
from tests.contract.suppression_store import NOW

from .kit import ADA, BOB, BROWSER, OTHER_BROWSER, Kit

MINUTE = timedelta(minutes=1)


@pytest.fixture
def kit() -> Kit:
    return Kit()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_code_has_six_digits_and_is_accepted_once(kit: Kit):
    verification = kit.verification()
    assert verification.send_code(SIGN_IN, ADA, browser=BROWSER, account="7").ok
    assert re.fullmatch(r"[0-9]{6}", kit.delivery.code)
    found = verification.check_code(SIGN_IN, "Ada@Example.org", kit.delivery.code, browser=BROWSER)
    assert (found.ok, found.outcome, found.address, found.account) == (True, Outcome.ACCEPTED, ADA, "7")
    again = verification.check_code(SIGN_IN, ADA, kit.delivery.code, browser=BROWSER)
    assert (again.ok, again.outcome) == (False, Outcome.REPEATED)


@pytest.mark.parametrize(
    "form", ["{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", " {0} ", "{0[0]}{0[1]}{0[2]}-{0[3]}{0[4]}{0[5]}"]
)
def test_code_is_accepted_as_people_write_it(kit: Kit, form: str):
    kit.verification().send_code(SIGN_IN, ADA)
    assert kit.verification().check_code(SIGN_IN, ADA, form.format(kit.delivery.code)).ok


def test_code_in_full_width_digits_is_accepted(kit: Kit):
    kit.verification().send_code(SIGN_IN, ADA)
    wide = "".join(chr(ord(digit) - ord("0") + 0xFF10) for digit in kit.delivery.code)
    assert kit.verification().check_code(SIGN_IN, ADA, wide).ok


@pytest.mark.parametrize("entered", ["", "12345", "1234567", "12345a", "\N{ARABIC-INDIC DIGIT ONE}" * 6, "1" * 10_000])
def test_text_that_is_no_code_is_no_attempt(kit: Kit, entered: str):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    for _ in range(5):
        assert verification.check_code(SIGN_IN, ADA, entered).outcome is Outcome.WRONG
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code).ok


def test_third_wrong_attempt_ends_a_code(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA, browser=BROWSER)
    code = kit.delivery.code
    found = [verification.check_code(SIGN_IN, ADA, wrong(code), browser=BROWSER) for _ in range(3)]
    assert [one.outcome for one in found] == [Outcome.WRONG, Outcome.WRONG, Outcome.EXHAUSTED]
    assert [one.attempts_left for one in found] == [2, 1, 0]
    assert verification.check_code(SIGN_IN, ADA, code, browser=BROWSER).outcome is Outcome.EXHAUSTED


def test_right_code_is_accepted_at_the_third_attempt(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    for _ in range(2):
        verification.check_code(SIGN_IN, ADA, wrong(kit.delivery.code))
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code).ok


def test_concurrent_guesses_get_three_comparisons(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    guesses = [wrong(kit.delivery.code)] * 40
    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(lambda code: verification.check_code(SIGN_IN, ADA, code).outcome, guesses))
    assert found == {Outcome.WRONG: 2, Outcome.EXHAUSTED: 38}
    failed = [one for one in kit.store.events(since=NOW) if one.action == "failed"]
    assert len(failed) == 3


def test_concurrent_submissions_of_a_code_have_one_winner(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda code: verification.check_code(SIGN_IN, ADA, code).ok, [kit.delivery.code] * 3))
    assert found.count(True) == 1


def test_resend_replaces_the_code(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA, browser=BROWSER)
    first = kit.delivery.code
    for _ in range(2):
        verification.check_code(SIGN_IN, ADA, wrong(first), browser=BROWSER)
    while True:  # ends: two codes in a million are the same
        verification = kit.verification(limits=Limits(per_address=Limit(100)))
        verification.send_code(SIGN_IN, ADA, browser=BROWSER)
        if kit.delivery.code != first:
            break
    assert verification.check_code(SIGN_IN, ADA, first, browser=BROWSER).attempts_left == 2
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code, browser=BROWSER).ok


def test_code_is_bound_to_the_browser_that_asked(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA, browser=BROWSER)
    for browser in (OTHER_BROWSER, ""):
        assert verification.check_code(SIGN_IN, ADA, kit.delivery.code, browser=browser).outcome is Outcome.UNKNOWN
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code, browser=BROWSER).ok


def test_other_browser_neither_replaces_nor_spends_a_code(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA, browser=BROWSER)
    code = kit.delivery.code
    verification.send_code(SIGN_IN, ADA, browser=OTHER_BROWSER)
    for _ in range(5):
        verification.check_code(SIGN_IN, ADA, wrong(code), browser=OTHER_BROWSER)
    assert verification.check_code(SIGN_IN, ADA, code, browser=BROWSER).ok


def test_code_is_bound_to_its_purpose_and_address(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_UP, ADA)
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code).outcome is Outcome.UNKNOWN
    assert verification.check_code(SIGN_UP, BOB, kit.delivery.code).outcome is Outcome.UNKNOWN
    assert verification.check_code(SIGN_UP, ADA, kit.delivery.code).ok


@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (CODE_LIFETIME - MINUTE, Outcome.ACCEPTED),
        (CODE_LIFETIME + SKEW - timedelta(microseconds=1), Outcome.ACCEPTED),
        (CODE_LIFETIME + SKEW, Outcome.EXPIRED),
        (-SKEW, Outcome.ACCEPTED),  # checked by a server whose clock is behind
        (-SKEW - timedelta(microseconds=1), Outcome.EXPIRED),
    ],
)
def test_code_lives_ten_minutes_with_tolerance_for_clocks(kit: Kit, age: timedelta, outcome: Outcome):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA)
    kit.clock.now = NOW + age
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code).outcome is outcome


def test_address_gets_five_mails_an_hour_of_all_purposes(kit: Kit):
    verification = kit.verification()
    asked = [verification.send_code(purpose, ADA) for purpose in (SIGN_IN, SIGN_UP, RESET_PASSWORD, SIGN_IN, SIGN_IN)]
    assert all(one.ok for one in asked)
    refused = verification.send_code(SIGN_IN, "ADA@example.org")
    assert (refused.ok, refused.retry_at) == (False, NOW + timedelta(hours=1))
    assert len(kit.delivery.mails) == 5
    assert verification.send_code(SIGN_IN, BOB).ok
    kit.clock.now = NOW + timedelta(hours=1)
    assert verification.send_code(SIGN_IN, ADA).ok


def test_client_that_asks_too_often_uses_up_no_address(kit: Kit):
    verification = kit.verification(limits=Limits(per_client=Limit(2)))
    asked = [verification.send_code(SIGN_IN, ADA, client="192.0.2.7").ok for _ in range(9)]
    assert asked == [True, True, *[False] * 7]
    assert all(verification.send_code(SIGN_IN, ADA, client=f"192.0.2.{number}").ok for number in range(100, 103))


def test_client_that_tries_too_often_is_refused(kit: Kit):
    verification = kit.verification(limits=Limits(attempts_per_client=Limit(4)))
    verification.send_code(SIGN_IN, ADA)
    for number in range(4):
        verification.check_code(SIGN_IN, f"user{number}@example.org", "000000", client="2001:db8:0:7::1")
    found = verification.check_code(SIGN_IN, ADA, kit.delivery.code, client="2001:db8:0:7::2")
    assert (found.outcome, found.retry_at) == (Outcome.LIMITED, NOW + timedelta(hours=1))
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code, client="2001:db8:0:8::2").ok


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        (" device-7 ", "device-7"),
        ("", ""),
    ],
)
def test_client_is_an_ipv4_address_or_an_ipv6_network(address: str, client: str):
    assert client_key(address) == client


def test_code_of_an_old_key_is_valid_until_the_key_is_removed(kit: Kit):
    kit.verification().send_code(SIGN_IN, ADA)
    rotated = kit.verification(keys=[new_key(), *kit.keys])
    assert kit.verification(keys=[new_key()]).check_code(SIGN_IN, ADA, kit.delivery.code).outcome is Outcome.UNKNOWN
    assert rotated.check_code(SIGN_IN, ADA, kit.delivery.code).ok


def test_resend_replaces_the_code_of_an_old_key(kit: Kit):
    kit.verification().send_code(SIGN_IN, ADA)
    old = kit.delivery.code
    kit.verification(keys=[new_key(), *kit.keys]).send_code(SIGN_IN, ADA)
    assert kit.verification().check_code(SIGN_IN, ADA, old).outcome is Outcome.UNKNOWN


def test_store_holds_no_code_and_no_digest_without_the_key(kit: Kit):
    kit.verification().send_code(SIGN_IN, ADA, browser=BROWSER)
    (token,) = kit.store._tokens.values()
    assert kit.delivery.code not in repr([getattr(token, name) for name in token.__slots__ if name != "issued_at"])
    every = VerificationKeys.parse([new_key()]).current
    assert token.digest != every.mac("digest", token.id, token.serial, kit.delivery.code).hex()
    assert BROWSER not in repr([getattr(token, name) for name in token.__slots__])


def test_digest_moved_to_another_address_is_refused(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, BOB)
    (mine,) = kit.store._tokens.values()
    code = kit.delivery.code
    verification.send_code(SIGN_IN, ADA)
    (hers,) = [one for one in kit.store._tokens.values() if one.address == ADA]
    object.__setattr__(hers, "digest", mine.digest)
    if kit.delivery.code != code:
        assert verification.check_code(SIGN_IN, ADA, code).outcome is Outcome.WRONG


def test_mail_is_secret_bare_and_of_the_stream(kit: Kit):
    verification = kit.verification(stream="marketing")
    verification.send_code(SIGN_IN, "Visit Example <Ada@example.org>")
    message = kit.delivery.message()
    assert message.secret
    assert [one.formatted() for one in message.to] == ["Ada@example.org"]
    assert message.stream == "marketing"


def test_caller_gives_the_content_of_the_mail(kit: Kit):
    from mailer import Message

    given: list[str] = []

    def mail(code: str) -> Message:
        given.append(code)
        return Message(subject="Your code", text=f"It is {code}.")

    kit.verification().send_code(SIGN_IN, ADA, mail=mail)
    assert kit.delivery.message().text == f"It is {given[0]}."
    assert kit.verification().check_code(SIGN_IN, ADA, given[0]).ok


def test_audit_lists_issued_used_and_refused_codes(kit: Kit):
    verification = kit.verification()
    verification.send_code(SIGN_IN, ADA, account="7")
    verification.check_code(SIGN_IN, ADA, wrong(kit.delivery.code))
    verification.check_code(SIGN_IN, ADA, kit.delivery.code)
    verification.send_code(SIGN_IN, BOB, eligible=False)
    told = Counter((one.action, one.address, one.detail) for one in kit.store.events(since=NOW))
    assert told == {
        ("issued", ADA, ""): 1,
        ("failed", ADA, "wrong"): 1,
        ("used", ADA, "asking"): 1,
        ("issued", BOB, "ineligible"): 1,
    }


def test_wrong_address_is_refused_before_anything_is_counted(kit: Kit):
    verification = kit.verification()
    with pytest.raises(InvalidAddress):
        verification.send_code(SIGN_IN, "ada")
    with pytest.raises(InvalidAddress):
        verification.check_code(SIGN_IN, "ada", "000000")
    assert not kit.store._limits


def test_browser_secret_that_could_be_guessed_is_refused(kit: Kit):
    with pytest.raises(ConfigurationError, match="could be guessed"):
        kit.verification().send_code(SIGN_IN, ADA, browser="7")


@pytest.mark.parametrize("text", ["", "abc", "!" * 44, "A" * 36])
def test_wrong_key_is_refused_without_showing_it(text: str):
    with pytest.raises(ConfigurationError) as raised:
        VerificationKeys.parse([text])
    assert not text or text not in str(raised.value)


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    texts = [new_key(), new_key()]
    monkeypatch.setenv("MAILSTACK_VERIFICATION_KEYS", ",".join(texts))
    assert VerificationKeys.from_environment() == VerificationKeys.parse(texts)
    monkeypatch.setenv("MAILSTACK_VERIFICATION_KEYS", "")
    with pytest.raises(ConfigurationError, match="needs a key"):
        VerificationKeys.from_environment()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Sign in"},
        {"name": ""},
        {"name": "x", "attempts": 0},
        {"name": "x", "attempts": 11},
        {"name": "x", "code_lifetime": timedelta(hours=2)},
        {"name": "x", "link_lifetime": timedelta(seconds=1)},
    ],
)
def test_purpose_out_of_range_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="use"):
        Purpose(**wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("limit", [(0, MINUTE), (1001, MINUTE), (5, timedelta(0)), (5, timedelta(days=32))])
def test_limit_out_of_range_is_refused(limit: tuple[int, timedelta]):
    with pytest.raises(ValueError, match="use"):
        Limit(*limit)


def test_store_in_memory_forgets_what_expired(kit: Kit):
    verification = kit.verification(clock=utcnow, limits=Limits(per_address=Limit(1000)))
    for number in range(500):
        verification.send_code(SIGN_IN, f"user{number}@example.org")
    kit.clock.now = utcnow() + timedelta(days=40)
    later = kit.verification()
    for number in range(500):
        later.send_code(SIGN_IN, f"later{number}@example.org")
    assert {one.address.startswith("later") for one in kit.store._tokens.values()} == {True}
