"""django-allauth, which knows nothing of this library, sends its mails through the backend."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from mailer import Suppression
from mailer.testing import Outbox
from tests.django_project import KNOWS_MAILERS

BACKEND = "mailer.django.EmailBackend"
ADA = "ada@example.com"
PASSWORD = "a long pass phrase"


@pytest.fixture(autouse=True)
def project(outbox: Outbox, database: None) -> Iterator[None]:
    """A project with the accounts of allauth, which wants verified addresses."""
    backend: dict[str, Any] = (
        {"MAILERS": {"default": {"BACKEND": BACKEND}}} if KNOWS_MAILERS else {"EMAIL_BACKEND": BACKEND}
    )
    with override_settings(
        **backend,
        ROOT_URLCONF="allauth.account.urls",
        ACCOUNT_EMAIL_VERIFICATION="mandatory",
        ACCOUNT_SIGNUP_FIELDS=["email*", "password1*", "password2*"],
        ACCOUNT_LOGIN_METHODS={"email"},
        ACCOUNT_RATE_LIMITS=False,
        DEFAULT_FROM_EMAIL="Shop <shop@example.com>",
        LOGIN_REDIRECT_URL="/email/",
    ):
        yield


def sign_up(client: Client) -> int:
    given = {"email": ADA, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/signup/", given).status_code


def link(text: str, part: str) -> str:
    found = re.search(rf"http://testserver(\S*{part}\S*)", text)
    assert found
    return found[1]


def test_confirmation_of_allauth_verifies_the_address(outbox: Outbox):
    client = Client()
    assert sign_up(client) == 302
    (mail,) = outbox
    assert (str(mail.sender), [one.email for one in mail.to]) == ("Shop <shop@example.com>", [ADA])
    assert "Confirm" in mail.subject
    user = User.objects.get(email=ADA)
    verified: Any = user
    assert not verified.emailaddress_set.get().verified
    assert client.post(link(mail.text, "confirm-email")).status_code == 302
    assert verified.emailaddress_set.get().verified


def test_reset_of_allauth_sets_a_new_password(outbox: Outbox):
    client, user = Client(), User.objects.create_user("ada", ADA, PASSWORD)
    assert client.post("/password/reset/", {"email": ADA}).status_code == 302
    (mail,) = outbox
    form = client.get(link(mail.text, "password/reset/key"), follow=True)
    new = {"password1": "another pass phrase", "password2": "another pass phrase"}
    assert client.post(form.redirect_chain[-1][0], new).status_code == 302
    user.refresh_from_db()
    assert user.check_password("another pass phrase")


def test_reset_of_allauth_without_an_account_sends_its_mail(outbox: Outbox):
    assert Client().post("/password/reset/", {"email": "nobody@example.com"}).status_code == 302
    assert [one.to[0].email for one in outbox] == ["nobody@example.com"]


def test_sign_up_of_a_suppressed_address_breaks_nothing(outbox: Outbox):
    outbox.suppressions.put(Suppression(ADA, "bounce"))
    assert sign_up(Client()) == 302
    assert len(outbox) == 0
