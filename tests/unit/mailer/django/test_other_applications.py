"""Applications that know nothing of this library send through the backend: Django's own, in the ways of their pages."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from mailer import AccessDenied, Suppression
from mailer.testing import Outbox
from tests.django_project import KNOWS_MAILERS, people

BACKEND = "mailer.django.EmailBackend"
ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def project(outbox: Outbox, database: None) -> Iterator[None]:
    """A project that sends everything through the backend."""
    quiet = {"BACKEND": BACKEND, "OPTIONS": {"fail_silently": True}}
    mailers: dict[str, Any] = {"default": {"BACKEND": BACKEND}, "errors": quiet}
    backend = {"MAILERS": mailers} if KNOWS_MAILERS else {"EMAIL_BACKEND": BACKEND}
    with override_settings(**backend, DEFAULT_FROM_EMAIL="Shop <shop@example.com>"):
        yield


def ask_for_a_reset() -> int:
    return Client().post(reverse("password_reset"), {"email": ADA}).status_code


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", ADA, "old password")


def test_password_reset_of_django_works_to_its_end(ada: User, outbox: Outbox):
    assert ask_for_a_reset() == 302
    (sent,) = outbox
    assert (str(sent.sender), [one.email for one in sent.to]) == ("Shop <shop@example.com>", [ADA])
    link = next(line for line in sent.text.splitlines() if "/reset/" in line).partition("testserver")[2]
    client = Client()
    form = client.get(link, follow=True)
    password = "a new pass phrase"
    given = {"new_password1": password, "new_password2": password}
    assert client.post(form.redirect_chain[-1][0], given).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(password)


def test_password_reset_of_a_suppressed_address_breaks_nothing(ada: User, outbox: Outbox):
    outbox.suppressions.put(Suppression(ADA, "bounce"))
    assert ask_for_a_reset() == 302
    assert len(outbox) == 0


def test_password_reset_during_an_outage_breaks_nothing(ada: User, outbox: Outbox, caplog: pytest.LogCaptureFixture):
    outbox.fail(AccessDenied("No."))
    assert ask_for_a_reset() == 302
    assert "Failed to send password reset email" in caplog.text


def test_email_user_of_the_user_model(ada: User, outbox: Outbox):
    ada.email_user("Subject", "Content")
    assert [one.email for one in outbox[0].to] == [ADA]


def test_error_mail_of_django_s_own_handler(outbox: Outbox):
    record = logging.getLogger("shop").makeRecord("shop", logging.ERROR, __file__, 1, "It broke", (), None)
    kind: Any = AdminEmailHandler
    handler = kind(using="errors") if KNOWS_MAILERS else kind()  # before MAILERS, it always fails silently
    with override_settings(ADMINS=people("grace@example.com")):
        handler.handle(record)
        outbox.fail(AccessDenied("No."))
        handler.handle(record)  # an outage of mail is no error of the page
    assert [one.subject for one in outbox] == ["[Django] ERROR: It broke"]


def test_test_mail_of_django_s_own_command(outbox: Outbox):
    call_command("sendtestemail", "grace@example.com")
    assert outbox[0].to[0].email == "grace@example.com"
