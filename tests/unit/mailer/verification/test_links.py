"""Links: who may use one, how often, and what a mail scanner does to it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mailer.errors import ConfigurationError
from mailer.secret_keys import new_key
from mailer.verification.mails import CatalogMails
from mailer.verification.policy import (
    CHANGE_ADDRESS,
    RESET_PASSWORD,
    SIGN_IN,
    SIGN_UP,
    SKEW,
    Purpose,
)
from mailer.verification.results import Outcome
from tests.contract.suppression_store import NOW

from .kit import ADA, BOB, BROWSER, OTHER_BROWSER, URL, Kit


@pytest.fixture
def kit() -> Kit:
    return Kit()


def test_link_is_used_once_and_a_second_visit_is_no_error(kit: Kit):
    verification = kit.verification()
    assert verification.send_link(SIGN_UP, ADA, url=URL, account="7").ok
    token = kit.delivery.token
    assert kit.delivery.link == f"https://app.example.com/verify/{token}"
    found = verification.use_link(SIGN_UP, token)
    assert (found.ok, found.address, found.account) == (True, ADA, "7")
    for again in (verification.use_link(SIGN_UP, token), verification.look_at_link(SIGN_UP, token)):
        assert (again.outcome, again.address) == (Outcome.REPEATED, ADA)


def test_looking_at_a_link_changes_nothing(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL, browser=BROWSER)
    before = dict(kit.store._tokens)
    for browser in ("", BROWSER, OTHER_BROWSER):
        assert verification.look_at_link(SIGN_UP, kit.delivery.token, browser=browser).outcome is Outcome.READY
    assert kit.store._tokens == before
    assert verification.use_link(SIGN_UP, kit.delivery.token).ok


@pytest.mark.parametrize("purpose", [SIGN_UP, CHANGE_ADDRESS, RESET_PASSWORD])
def test_link_is_bound_to_its_purpose(kit: Kit, purpose: Purpose):
    verification = kit.verification()
    verification.send_link(purpose, ADA, url=URL)
    for other in {SIGN_UP, CHANGE_ADDRESS, RESET_PASSWORD, SIGN_IN} - {purpose}:
        assert verification.use_link(other, kit.delivery.token).outcome is Outcome.UNKNOWN
    assert verification.use_link(purpose, kit.delivery.token).ok


@pytest.mark.parametrize(
    ("purpose", "hours"), [(SIGN_UP, 72), (CHANGE_ADDRESS, 72), (RESET_PASSWORD, 24), (SIGN_IN, 1)]
)
def test_link_expires_after_its_life_time(kit: Kit, purpose: Purpose, hours: int):
    verification = kit.verification()
    for age, outcome in ((timedelta(hours=hours), Outcome.ACCEPTED), (timedelta(hours=hours) + SKEW, Outcome.EXPIRED)):
        kit.clock.now = NOW
        verification.send_link(purpose, ADA, url=URL, browser=BROWSER)
        kit.clock.now = NOW + age
        assert verification.use_link(purpose, kit.delivery.token, browser=BROWSER).outcome is outcome


def test_used_link_expires_too(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL)
    verification.use_link(SIGN_UP, kit.delivery.token)
    kit.clock.now = NOW + timedelta(hours=73)
    assert verification.use_link(SIGN_UP, kit.delivery.token).outcome is Outcome.EXPIRED


@pytest.mark.parametrize("token", ["", "x", "A" * 54, "A" * 53 + "=", "ä" * 54, "../../etc/passwd", "A" * 100_000])
def test_invented_link_is_unknown(kit: Kit, token: str):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL)
    assert verification.use_link(SIGN_UP, token).outcome is Outcome.UNKNOWN


def test_link_with_a_changed_secret_is_unknown(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL)
    token = kit.delivery.token
    for at in range(22, 53):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert verification.use_link(SIGN_UP, changed).outcome is Outcome.UNKNOWN
    assert verification.use_link(SIGN_UP, token).ok


def test_sign_in_link_works_only_in_the_browser_that_asked(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_IN, ADA, url=URL, browser=BROWSER)
    for browser in ("", OTHER_BROWSER):
        found = verification.use_link(SIGN_IN, kit.delivery.token, browser=browser)
        assert found.outcome is Outcome.OTHER_BROWSER
    assert verification.use_link(SIGN_IN, kit.delivery.token, browser=BROWSER).ok


def test_sign_in_link_without_a_browser_works_anywhere(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_IN, ADA, url=URL)
    assert verification.use_link(SIGN_IN, kit.delivery.token, browser=OTHER_BROWSER).ok


def test_scanner_that_submits_does_not_block_a_reset(kit: Kit):
    verification = kit.verification()
    verification.send_link(RESET_PASSWORD, ADA, url=URL, browser=BROWSER)
    token = kit.delivery.token
    assert verification.use_link(RESET_PASSWORD, token).ok
    assert verification.use_link(RESET_PASSWORD, token).outcome is Outcome.REPEATED
    assert verification.look_at_link(RESET_PASSWORD, token, browser=BROWSER).outcome is Outcome.READY
    assert verification.use_link(RESET_PASSWORD, token, browser=BROWSER).ok
    for browser in ("", BROWSER):
        assert verification.use_link(RESET_PASSWORD, token, browser=browser).outcome is Outcome.REPEATED


def test_scanner_that_submits_a_confirmation_leaves_no_error(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL, browser=BROWSER)
    assert verification.use_link(SIGN_UP, kit.delivery.token).ok
    assert verification.use_link(SIGN_UP, kit.delivery.token, browser=BROWSER).outcome is Outcome.REPEATED


def test_concurrent_uses_of_a_link_have_one_winner(kit: Kit):
    verification = kit.verification()
    verification.send_link(SIGN_UP, ADA, url=URL, browser=BROWSER)
    browsers = [BROWSER, "", OTHER_BROWSER] * 8
    with ThreadPoolExecutor(8) as pool:
        use = verification.use_link
        found = [one.outcome for one in pool.map(lambda b: use(SIGN_UP, kit.delivery.token, browser=b), browsers)]
    assert found.count(Outcome.ACCEPTED) == 1
    assert found.count(Outcome.REPEATED) == len(browsers) - 1


def test_new_link_of_an_account_replaces_the_earlier_ones(kit: Kit):
    verification = kit.verification()
    tokens: list[str] = []
    for address, browser in ((BOB, BROWSER), (ADA, OTHER_BROWSER)):
        verification.send_link(CHANGE_ADDRESS, address, url=URL, account="7", browser=browser)
        tokens.append(kit.delivery.token)
    assert verification.use_link(CHANGE_ADDRESS, tokens[0]).outcome is Outcome.UNKNOWN
    assert verification.use_link(CHANGE_ADDRESS, tokens[1]).address == ADA


@pytest.mark.parametrize("account", ["", "7"])
def test_links_of_two_browsers_do_not_replace_each_other(kit: Kit, account: str):
    verification = kit.verification()
    verification.send_link(SIGN_IN, ADA, url=URL, browser=BROWSER, account=account)
    token = kit.delivery.token
    verification.send_link(SIGN_IN, ADA, url=URL, browser=OTHER_BROWSER, account=account)
    assert verification.use_link(SIGN_IN, token, browser=BROWSER).ok


def test_link_of_an_old_key_is_valid_until_the_key_is_removed(kit: Kit):
    kit.verification().send_link(SIGN_IN, ADA, url=URL, browser=BROWSER)
    token, key = kit.delivery.token, new_key()
    assert kit.verification(keys=[key]).use_link(SIGN_IN, token, browser=BROWSER).outcome is Outcome.UNKNOWN
    rotated = kit.verification(keys=[key, *kit.keys])
    assert rotated.use_link(SIGN_IN, token, browser=OTHER_BROWSER).outcome is Outcome.OTHER_BROWSER
    assert rotated.use_link(SIGN_IN, token, browser=BROWSER).ok


def test_link_of_an_ineligible_address_is_valid_nowhere(kit: Kit):
    given: list[str] = []

    def mail(link: str) -> object:
        given.append(link)
        return None

    verification = kit.verification()
    verification.send_link(RESET_PASSWORD, ADA, url=URL, eligible=False, mail=mail)  # pyright: ignore[reportArgumentType]
    assert verification.use_link(RESET_PASSWORD, given[0].rpartition("/")[2]).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://app.example.com/verify", "has no {token}"),
        ("http://app.example.com/{token}", "not https"),
        ("//app.example.com/{token}", "not https"),
        ("javascript:alert({token})", "not https"),
    ],
)
def test_url_that_would_leak_or_lose_the_token_is_refused(kit: Kit, url: str, said: str):
    with pytest.raises(ConfigurationError, match=said):
        kit.verification().send_link(SIGN_UP, ADA, url=url)


def test_url_of_this_machine_may_be_http(kit: Kit):
    assert kit.verification().send_link(SIGN_UP, ADA, url="http://127.0.0.1:8000/{token}").ok


@pytest.mark.parametrize("purpose", [SIGN_UP, SIGN_IN, RESET_PASSWORD, CHANGE_ADDRESS, Purpose("invitation")])
def test_default_mails_show_the_link_and_are_secret(kit: Kit, purpose: Purpose):
    kit.verification().send_link(purpose, ADA, url=URL)
    message = kit.delivery.message()
    assert kit.delivery.link in message.text
    assert message.secret
    assert kit.delivery.token not in repr(message)


@pytest.mark.parametrize(
    ("purpose", "subject"),
    [
        (SIGN_IN, "You have no account"),
        (RESET_PASSWORD, "You have no account"),
        (SIGN_UP, "You already have an account"),
    ],
)
def test_mail_to_an_ineligible_address_says_so(kit: Kit, purpose: Purpose, subject: str):
    page = "https://app.example.com/start"
    for url in (None, page):
        mails = CatalogMails(say_no_account=True, url=url)
        kit.verification(mails=mails).send_link(purpose, ADA, url=URL, eligible=False)
        message = kit.delivery.message()
        assert message.subject.startswith(subject)
        assert re.findall(r"https://\S+", message.text) == ([url] if url else [])


def test_invented_addresses_get_no_mail_by_default(kit: Kit):
    for purpose in (SIGN_IN, RESET_PASSWORD):
        kit.verification().send_link(purpose, ADA, url=URL, eligible=False)
    assert kit.delivery.mails == [None, None]
