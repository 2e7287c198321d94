"""Verification in a project: links to users, sent after the commit, in their language; limits of sign-ups."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import RequestFactory, override_settings
from django.utils import translation

from mailer import ConfigurationError, Message
from mailer.catalog import AccountExists, MagicLink
from mailer.django import SignUpThrottle, get_verification, process, send_verification
from mailer.django.models import TokenEvent, TokenLimit
from mailer.django.throttle import client_address
from mailer.django.verification import _created, _forget
from mailer.testing import Outbox
from mailer.verification import SIGN_IN, SIGN_UP, Limit, Outcome, new_key

URL = "https://shop.example.com/verify/{token}"
SETTING = {"STACK": "test", "STORE": "django", "VERIFY_URL": URL}
ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def project(outbox: Outbox, database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project that verifies addresses; its tokens are in Django's database."""
    monkeypatch.setenv("MAILSTACK_VERIFICATION_KEYS", new_key())
    monkeypatch.setattr(type(outbox.mailer), "tokens", property(lambda _: process.stores_of(process.config()).tokens))
    with override_settings(MAILSTACK=SETTING):
        yield
        _forget()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", ADA, "x", first_name="Ada", is_active=False)


def sent(outbox: Outbox) -> list[Message]:
    """The mails, when all that was handed over is sent."""
    get_verification().close()
    return list(outbox)


def token(mail: Message) -> str:
    found = re.search(r"/verify/([\w-]+)", mail.text)
    assert found
    return found[1]


def test_link_is_bound_to_the_user(ada: User, outbox: Outbox):
    assert send_verification(ada).ok
    (mail,) = sent(outbox)
    used = get_verification().use_link(SIGN_UP, token(mail))
    assert (used.ok, used.account, used.address) == (True, str(ada.pk), ADA)
    assert ("Hello Ada" in mail.text, mail.subject) == (True, "Confirm your e-mail address")
    assert [event.action for event in TokenEvent.objects.order_by("pk")] == ["issued", "used"]


def test_new_link_replaces_the_one_before(ada: User, outbox: Outbox):
    send_verification(ada)
    (old,) = map(token, sent(outbox))
    send_verification(ada)  # a thread of its own sends each mail
    (new,) = {*map(token, sent(outbox))} - {old}
    outcomes = [get_verification().look_at_link(SIGN_UP, one).outcome for one in (old, new)]
    assert outcomes == [Outcome.UNKNOWN, Outcome.READY]


def test_rollback_sends_nothing_and_issues_nothing(ada: User, outbox: Outbox):
    with transaction.atomic():
        send_verification(ada)
        transaction.set_rollback(True)
    assert sent(outbox) == []
    assert TokenEvent.objects.count() == 0


def test_mail_leaves_after_the_commit(ada: User, outbox: Outbox):
    with transaction.atomic():
        send_verification(ada)
        assert sent(outbox) == []
    assert [mail.subject for mail in sent(outbox)] == ["Confirm your e-mail address"]


def test_mail_is_in_the_language_of_the_user(ada: User, outbox: Outbox):
    with translation.override("ne"):
        send_verification(ada)
        get_verification().send_link(SIGN_UP, "bob@example.com", url=URL, eligible=False)
        get_verification().send_code(SIGN_IN, "eve@example.com")
    mails = sent(outbox)
    assert len(mails) == 3
    assert all(re.search(r"[\u0900-\u097f]", mail.subject) for mail in mails)


def test_content_of_the_mail_can_be_chosen(ada: User, outbox: Outbox):
    send_verification(ada, mail=lambda link: MagicLink(name="Ada", sign_in_url=link))
    assert "sign-in link" in sent(outbox)[0].subject


def test_address_without_an_account_gets_no_link(outbox: Outbox):
    assert send_verification(ADA).ok
    assert send_verification("bob@example.com", ineligible_mail=AccountExists()).ok
    mails = sent(outbox)
    assert [(mail.to[0].email, "/verify/" in mail.text) for mail in mails] == [("bob@example.com", False)]
    assert set(TokenEvent.objects.values_list("action", "detail")) == {("issued", "ineligible")}


def test_missing_url_is_named(ada: User):
    with override_settings(MAILSTACK={"STACK": "test"}), pytest.raises(ConfigurationError, match="VERIFY_URL"):
        send_verification(ada)


@pytest.mark.parametrize("url", ["https://shop.example.com/verify", "http://shop.example.com/{token}", 7])
def test_wrong_url_is_found_by_the_checks(url: Any):
    with override_settings(MAILSTACK={**SETTING, "VERIFY_URL": url}), pytest.raises(ConfigurationError):
        process.config()


def test_verification_is_created_again_for_other_settings():
    first = get_verification()
    assert get_verification() is first
    process.forget_mailer()
    assert get_verification() is not first


def test_process_without_verification_creates_none():
    process.forget_mailer()
    assert _created.cache_info().currsize == 0


def test_sixth_sign_up_of_a_client_is_refused():
    throttle, request = SignUpThrottle(), RequestFactory().post("/sign-up", REMOTE_ADDR="192.0.2.7")
    taken = [throttle.take(request, f"{number}@example.com") for number in range(6)]
    assert [one.ok for one in taken] == [True] * 5 + [False]
    assert taken[-1].retry_at
    assert client_address(request) == "192.0.2.7"
    assert SignUpThrottle().take(RequestFactory().post("/sign-up", REMOTE_ADDR="192.0.2.8"), "0@example.com").ok


def test_client_behind_a_proxy_is_found_by_a_function():
    def forwarded(request: Any) -> str:
        return request.headers["X-Real-IP"]

    throttle = SignUpThrottle(per_client=Limit(1), client_of=forwarded)
    ask = [throttle.take(RequestFactory().post("/", headers={"X-Real-IP": f"192.0.2.{number}"})) for number in (1, 2)]
    assert [one.ok for one in ask] == [True, True]


def test_rolled_back_sign_up_does_not_count():
    request = RequestFactory().post("/sign-up")
    with transaction.atomic():
        SignUpThrottle().take(request, ADA)
        transaction.set_rollback(True)
    assert TokenLimit.objects.count() == 0


def run(*arguments: str) -> tuple[int, str]:
    from tests.unit.mailer.django.test_commands import run as run_command

    return run_command("mailer_resend_verification", *arguments)


def test_command_sends_a_new_link(ada: User, outbox: Outbox):
    ended, text = run("Ada@example.com")
    assert (ended, "sent" in text, "ada@" in text) == (0, True, False)
    assert len(sent(outbox)) == 1


def test_command_leaves_people_alone_who_were_active(ada: User, outbox: Outbox):
    User.objects.create_user("bob", "bob@example.com", "x")
    ada.last_login = ada.date_joined
    ada.save()
    ended, text = run(ADA, "bob@example.com", "nobody@example.com")
    assert (ended, text.count("active, or was active before"), "no such user" in text) == (1, 2, True)
    assert sent(outbox) == []


def test_command_sends_to_everybody_who_waits(ada: User, outbox: Outbox):
    User.objects.create_user("bob", "bob@example.com", "x", is_active=False)
    old = User.objects.create_user("eve", "eve@example.com", "x", is_active=False)
    User.objects.filter(pk=old.pk).update(date_joined="2020-01-01T00:00:00Z")
    assert run("--all", "--dry-run")[1].count("not verified") == 2
    assert sent(outbox) == []
    assert run("--all", "--json")[0] == 0
    assert {mail.to[0].email for mail in sent(outbox)} == {ADA, "bob@example.com"}


def test_command_says_that_a_limit_is_reached(ada: User):
    for _ in range(5):
        send_verification(ada)
    ended, text = run(ADA)
    assert (ended, "limit reached until" in text) == (1, True)


@pytest.mark.parametrize("arguments", [(), (ADA, "--all"), ("--all", "--days", "0")])
def test_wrong_usage_of_the_command_has_a_status(arguments: tuple[str, ...]):
    assert run(*arguments)[0] == 2


def test_cleanup_deletes_old_tokens(ada: User):
    from mailer.django.models import VerificationToken

    send_verification(ada)
    VerificationToken.objects.update(expires_at="2020-01-01T00:00:00Z")
    TokenEvent.objects.update(at="2020-01-01T00:00:00Z")
    call_command("mailer_cleanup", verbosity=0)
    assert (VerificationToken.objects.count(), TokenEvent.objects.count()) == (0, 0)
