"""The payment provider's events in the example of Django: signatures, each event's mail, doubles, order."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from examples.django_subscriptions.payments.events import Event, Subscription, money, was_cancelled
from examples.django_subscriptions.payments.samples import NAMES, sample
from examples.django_subscriptions.payments.signature import TOLERANCE, SignatureError, sign, verify
from mailstack_localcloud import LocalCloud
from tests.integration.examples.subscriptions_site import Account, Site, subscriptions_site
from tests.waiting import eventually

pytestmark = pytest.mark.integration
BODY, SECRET, OTHER, NOW = b'{"id": "evt_1"}', "of tests alone", "another of tests", 1_767_225_600
# The mails of the test events, in the order in which they happen; `created` has none.
MAILS = {
    "checkout": ("Your payment of €12.50 to Signals", "Solo"),
    "updated": ("Your plan changes to Team", "Solo"),
    "failed": ("Your payment to Signals did not go through", "€12.50"),
    "trial_ending": ("Your Signals trial ends on", "Solo"),
    "ending_soon": ("subscription ends on", "Team"),
    "cancelled": ("Your Solo subscription was cancelled", "Solo"),
    "ended": ("Your Solo subscription has ended", "Solo"),
}


@pytest.fixture(scope="module")
def site(shared_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    secrets = f"{SECRET},{OTHER}"
    folder = tmp_path_factory.mktemp("payments")
    with subscriptions_site(shared_cloud, folder, PAYMENT_WEBHOOK_SECRETS=secrets) as running:
        yield running


@pytest.fixture(scope="module")
def ada(site: Site) -> Account:
    """Somebody who has registered."""
    with site.registered() as (_, account):
        return account


def test_signature_is_what_the_provider_documents():
    expected = hmac.new(SECRET.encode(), b"1767225600." + BODY, hashlib.sha256).hexdigest()
    assert sign(BODY, SECRET, now=NOW) == f"t=1767225600,v1={expected}"
    verify(BODY, f"t=1767225600,v1={expected},v0=6ffbb59b", [OTHER, SECRET], now=NOW)


@pytest.mark.parametrize("seconds", [-TOLERANCE, 0, TOLERANCE])
def test_signature_is_valid_for_five_minutes(seconds: int):
    verify(BODY, sign(BODY, SECRET, now=NOW), [SECRET], now=NOW + seconds)


@pytest.mark.parametrize("seconds", [-TOLERANCE - 1, TOLERANCE + 1])
def test_signature_of_another_time_is_refused(seconds: int):
    with pytest.raises(SignatureError, match="seconds old"):
        verify(BODY, sign(BODY, SECRET, now=NOW), [SECRET], now=NOW + seconds)


GOOD = sign(BODY, SECRET, now=NOW)
WRONG = {
    "missing": "",
    "without a time": GOOD.partition(",")[2],
    "two times": f"t=1,{GOOD}",
    "no number": GOOD.replace("t=1767225600", "t=now"),
    "other digits": GOOD.replace("t=1767225600", "t=\u0661\u0662\u0663"),
    "another time": GOOD.replace("t=1767225600", "t=1767225601"),
    "without a signature": "t=1767225600",
    "another scheme": GOOD.replace("v1=", "v0="),
    "another secret": sign(BODY, OTHER, now=NOW),
    "another body": sign(BODY + b" ", SECRET, now=NOW),
    "shortened": GOOD[:-1],
    "no ASCII": GOOD + "\xe9",
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_signature_is_refused(case: str):
    with pytest.raises(SignatureError) as found:
        verify(BODY, WRONG[case], [SECRET], now=NOW)
    assert SECRET not in str(found.value)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [(1250, "eur", "12.50"), (1250, "jpy", "1250"), (1250, "kwd", "1.250"), (0, "usd", "0.00")],
)
def test_amounts_are_in_the_smallest_unit(amount: int, currency: str, expected: str):
    found = money(amount, currency)
    assert (found.amount, found.currency) == (Decimal(expected), currency.upper())


@pytest.mark.parametrize("name", NAMES)
def test_every_test_event_is_one_of_the_provider(name: str):
    found = Event.model_validate(sample(name, user=7, now=NOW))
    assert found.created == NOW
    assert '"7"' in json.dumps(found.data.about)


@pytest.mark.parametrize(
    ("before", "is_cancelled"),
    [
        ({"cancel_at_period_end": False}, True),
        ({"cancel_at": None}, True),
        ({"cancel_at": NOW}, False),
        ({"metadata": {}}, False),
        ({}, False),
    ],
)
def test_only_the_update_that_cancels_is_a_cancellation(before: dict[str, Any], is_cancelled: bool):
    event = sample("cancelled", user=7, now=NOW)
    event["data"]["previous_attributes"] = before
    given = Event.model_validate(event)
    assert was_cancelled(given, Subscription.model_validate(given.data.about)) is is_cancelled


def test_event_without_prices_is_not_understood():
    with pytest.raises(ValidationError):
        Subscription.model_validate(sample("updated", user=7, now=NOW, items={"data": []})["data"]["object"])


def test_each_event_has_its_mail_and_its_state(site: Site):
    with site.registered("Grace") as (person, account):
        for name in NAMES:
            assert site.send_event(name, account).json() == {"received": True}
        for subject, words in MAILS.values():
            mail = site.mail(account.email, subject)
            assert words in mail.text
            assert words in mail.html
            assert "Hello Grace" in mail.text
        assert len(site.mails(account.email)) == len(MAILS) + 1
        page = person.get("/account/").text
        assert "Solo" in page
        assert "Ended" in page


def test_account_page_follows_the_events(site: Site):
    with site.registered() as (person, account):
        site.send_event("checkout", account)
        site.send_event("updated", account)
        assert all(words in person.get("/account/").text for words in ("Team", "Active", "Renews on"))
        site.send_event("updated", account, status="past_due")
        assert "Payment failed" in person.get("/account/").text
        site.send_event("cancelled", account)
        assert "Ends on" in person.get("/account/").text


def test_event_that_comes_again_does_nothing(site: Site, ada: Account):
    now = int(time.time())
    body = json.dumps(sample("checkout", user=ada.number, now=now, event_id="evt_twice")).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = [answer.status_code for answer in pool.map(site.send_body, [body] * 8)]
    assert answers == [200] * 8
    site.mail(ada.email, "Your payment of")
    assert site.rows("SELECT COUNT(*) FROM subscriptions_paymentevent WHERE id = 'evt_twice'") == [(1,)]
    assert site.absent(ada.email, "no such mail")
    assert len(site.mails(ada.email, "Your payment of")) == 1
    assert len(site.log("evt_twice (checkout.session.completed): known already")) == 7


def test_forged_event_is_refused_and_logged(site: Site, ada: Account):
    body = json.dumps(sample("ended", user=ada.number, now=int(time.time()), event_id="evt_forged")).encode()
    for header in ("", sign(body, "a guess", now=int(time.time())), sign(body, SECRET, now=NOW)):
        answer = site.send_body(body, header)
        assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert site.rows("SELECT id FROM subscriptions_paymentevent WHERE id = 'evt_forged'") == []
    assert len(site.log("Payment event refused")) >= 3


def test_secret_can_be_rotated(site: Site, ada: Account):
    body = json.dumps(sample("created", user=ada.number, now=int(time.time()))).encode()
    for secret in (SECRET, OTHER):
        assert site.send_body(body, sign(body, secret, now=int(time.time()))).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"id": "evt_1"}',
        b'{"id":"e","type":"invoice.payment_failed","created":1,"data":{"object":{}}}',
    ],
    ids=["empty", "no JSON", "list", "no event", "no invoice"],
)
def test_event_that_is_not_understood_is_refused(site: Site, body: bytes):
    answer = site.send_body(body)
    assert answer.status_code == 400
    assert "not as documented" in answer.json()["error"]
    assert site.rows("SELECT id FROM subscriptions_paymentevent WHERE id IN ('evt_1', 'e')") == []


def test_webhook_takes_posts_alone(site: Site):
    with site.person() as person:
        assert person.get("/webhooks/payments/").status_code == 405


def test_unknown_kind_and_unknown_user_are_accepted(site: Site, ada: Account):
    event = sample("created", user=ada.number, now=int(time.time()))
    assert site.send_body(json.dumps({**event, "type": "customer.created"}).encode()).status_code == 200
    assert site.send_event("failed", Account(99_999, "nobody", "")).status_code == 200
    eventually(lambda: site.log("belongs to no user"), "the log says nothing")


def test_late_event_does_not_undo_a_newer_one(site: Site):
    with site.registered() as (person, account):
        now = int(time.time())
        for name, seconds in (("checkout", -60), ("ended", 0), ("updated", -30)):
            body = json.dumps(sample(name, user=account.number, now=now + seconds)).encode()
            assert site.send_body(body).status_code == 200
        site.mail(account.email, "has ended")
        assert "ended" in person.get("/account/").text.casefold()
        assert site.absent(account.email, "Your plan changes")


def test_end_of_an_earlier_subscription_says_nothing(site: Site):
    with site.registered() as (person, account):
        site.send_event("checkout", account)
        site.send_event("ended", account, id="sub_test_earlier")
        assert "Active" in person.get("/account/").text
        assert site.absent(account.email, "has ended")


def test_unpaid_checkout_waits_for_the_money(site: Site):
    with site.registered() as (_, account):
        site.send_event("checkout", account, payment_status="unpaid")
        event = sample("checkout", user=account.number, now=int(time.time()))
        assert site.absent(account.email, "Your payment of")
        event["type"] = "checkout.session.async_payment_succeeded"
        site.send_body(json.dumps(event).encode())
        site.mail(account.email, "Your payment of")


@pytest.mark.parametrize(("attempt", "subject"), [(2, "Second attempt"), (3, "Last attempt"), (7, "Last attempt")])
def test_failed_payments_count_the_attempts(site: Site, ada: Account, attempt: int, subject: str):
    before = len(site.mails(ada.email, subject))
    site.send_event("failed", ada, attempt_count=attempt)
    site.mail(ada.email, subject, before + 1)


def test_schedule_that_is_released_does_not_end_a_subscription(site: Site, ada: Account):
    assert site.send_event("ending_soon", ada, end_behavior="release").status_code == 200
    assert site.absent(ada.email, "subscription ends on")


def test_command_sends_a_test_event(site: Site):
    with site.registered() as (_, account):
        for _ in range(2):
            status, output = site.manage("send_test_event", "trial_ending", account.name, "--id", f"evt_{account.name}")
            assert (status, f"customer.subscription.trial_will_end evt_{account.name}: 200" in output) == (0, True)
        site.mail(account.email, "Your Signals trial ends on")
        assert site.absent(account.email, "no such mail")
        assert len(site.mails(account.email, "trial ends on")) == 1
    status, output = site.manage("send_test_event", "checkout", "nobody")
    assert (status, "There is no user 'nobody'." in output) == (1, True)
