"""Before Django 6.1, one setting names the backend, and Django's own base class takes any option."""

import pytest
from django.core.mail import get_connection, send_mail
from django.test import override_settings

from mailer.django import EmailBackend
from mailer.testing import Outbox

BACKEND = "mailer.django.EmailBackend"


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match=r"no option 'unknown'. It has: stream"):
        EmailBackend(unknown="foo")


def test_credentials_of_a_call_are_refused(outbox: Outbox):
    with override_settings(EMAIL_BACKEND=BACKEND), pytest.raises(TypeError, match="'username'"):
        send_mail("Subject", "Content", None, ["ada@example.com"], auth_user="ada")
    assert len(outbox) == 0


def test_connection_of_a_call_chooses_the_stream(outbox: Outbox):
    connection = get_connection(BACKEND, stream="marketing")
    send_mail("Subject", "Content", None, ["ada@example.com"], connection=connection)
    assert outbox[0].stream == "marketing"
