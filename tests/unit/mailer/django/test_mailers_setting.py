"""The setting MAILERS of Django 6.1: aliases, options, and the settings that it takes the place of."""

from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage, send_mail
from django.test import override_settings

from mailer.django import EmailBackend
from mailer.django.checks import check_settings
from mailer.testing import Outbox
from mailer.testing.outputs import stack_outputs

BACKEND = "mailer.django.EmailBackend"
TWO: dict[str, Any] = {
    "default": {"BACKEND": BACKEND},
    "newsletter": {"BACKEND": BACKEND, "OPTIONS": {"stream": "marketing"}},
}


def mailer_api() -> Any:
    """What older versions, and the types of Django, do not have."""
    return mail


def message() -> EmailMessage:
    return EmailMessage("Subject", "Content", "from@example.com", ["ada@example.com"])


def test_unknown_options_are_refused():
    with pytest.raises(mailer_api().InvalidMailer, match=r"'oops_typo', 'unknown'"):
        EmailBackend(alias="test_alias", oops_typo=True, unknown="foo")


def test_unknown_options_warn_without_an_alias():
    with pytest.warns(Warning, match=r"EmailBackend.__init__\(\) does not support 'unknown_option'"):
        backend = EmailBackend(unknown_option="foo")
    assert not hasattr(backend, "unknown_option")


def test_alias_chooses_the_stream(outbox: Outbox):
    with override_settings(MAILERS=TWO):
        assert mailer_api().mailers["newsletter"].send_messages([message()]) == 1
        using: Any = send_mail
        assert using("Subject", "Content", None, ["ada@example.com"], using="newsletter") == 1
        send_mail("Subject", "Content", None, ["ada@example.com"])
    assert [one.stream for one in outbox] == ["marketing", "marketing", "transactional"]


def test_unknown_option_of_an_alias_is_refused(outbox: Outbox):
    wrong = {"default": {"BACKEND": BACKEND, "OPTIONS": {"strem": "marketing"}}}
    with override_settings(MAILERS=wrong), pytest.raises(mailer_api().InvalidMailer, match="'strem'"):
        send_mail("Subject", "Content", None, ["ada@example.com"])
    assert len(outbox) == 0


def test_settings_of_other_backends_are_not_read(outbox: Outbox):
    with override_settings(MAILERS=TWO):
        assert mailer_api().mailers.default.alias == "default"
        assert mailer_api().mailers.default.send_messages([message()]) == 1
    assert len(outbox) == 1


def test_options_and_streams_are_checked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", stack_outputs().to_json())
    entry = {"BACKEND": BACKEND, "OPTIONS": {"stream": "nonsense", "strem": "marketing"}}
    with override_settings(MAILERS={"default": entry}):
        assert [found.id for found in check_settings()] == ["mailstack.E004", "mailstack.E011"]
