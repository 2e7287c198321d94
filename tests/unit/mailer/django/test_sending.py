"""`send`: to users, in their language and time zone, when the transaction commits."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.test import override_settings
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from mailer import ConfigurationError, InvalidMessage, Message, Status
from mailer.catalog import PasswordChanged, Welcome
from mailer.django import asend, send
from mailer.testing import Outbox

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Profile:
    def __init__(self, language: str = "", zone: Any = None) -> None:
        self.language, self.zone = language, zone


def user(**values: Any) -> User:
    given = {"username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    made = User(**{**given, **{name: value for name, value in values.items() if name != "profile"}})
    vars(made)["profile"] = values.get("profile")
    return made


def words() -> Message:
    """In the language and time zone of the recipient."""
    local = timezone.localtime(NOON)
    return Message(subject=gettext("January"), text=f"{local:%H:%M} {translation.get_language()}")


def test_template_goes_to_a_user(outbox: Outbox):
    result = send(Welcome(name="Ada", dashboard_url="https://example.com"), to=user())
    assert result.ok
    assert [str(one) for one in outbox[0].to] == ["Ada Lovelace <ada@example.com>"]
    assert outbox[0].template_name == "welcome"


@pytest.mark.parametrize(
    "to",
    [
        [user(), "bob@example.com"],
        (user(), "Bob <bob@example.com>"),
        iter([user(), "bob@example.com"]),
    ],
    ids=["list", "tuple", "iterator"],
)
def test_users_and_addresses_are_mixed(outbox: Outbox, to: Any):
    send(words, to=to)
    assert [one.email for one in outbox[0].to] == ["ada@example.com", "bob@example.com"]


def test_lazy_user_of_a_request_is_a_user(outbox: Outbox):
    send(words, to=SimpleLazyObject(user))  # pyright: ignore[reportArgumentType] - what request.user is
    assert outbox[0].to[0].name == "Ada Lovelace"


def test_user_without_an_address_is_refused(outbox: Outbox):
    with pytest.raises(InvalidMessage, match=r"User.email is empty"):
        send(words, to=user(email=""))
    with pytest.raises(InvalidMessage):
        send(words, to=AnonymousUser())  # pyright: ignore[reportArgumentType] - a mistake
    assert len(outbox) == 0


def test_name_that_no_header_can_hold_is_left_out(outbox: Outbox):
    send(words, to=user(first_name="Ada\nBcc: eve@example.org", last_name="\u202e"))
    assert outbox[0].to[0].name == "Ada Bcc: eve@example.org"


PROFILE = {"STACK": "test", "USER_LANGUAGE": "profile.language", "USER_TIME_ZONE": "profile.zone"}


@pytest.mark.parametrize("zone", ["Europe/Vienna", ZoneInfo("Europe/Vienna")])
def test_language_and_zone_of_the_user(outbox: Outbox, zone: Any):
    with override_settings(MAILSTACK=PROFILE):
        send(words, to=user(profile=Profile("de", zone)))
    assert (outbox[0].subject, outbox[0].text) == ("Januar", "14:00 de")


def test_template_is_in_the_language_and_zone_of_the_user(outbox: Outbox):
    mail = PasswordChanged(changed_at=NOON, security_url="https://example.com")
    with override_settings(MAILSTACK=PROFILE):
        send(mail, to=user(profile=Profile("es", "Asia/Kathmandu")))
        send(mail.localized("en"), to=user(profile=Profile("es", "Asia/Kathmandu")))
    assert "1 de junio de 2026, 17:45" in outbox[0].text
    assert "June 1, 2026, 12:00" in outbox[1].text


def test_language_and_zone_of_the_call_win(outbox: Outbox):
    with override_settings(MAILSTACK=PROFILE):
        send(words, to=user(profile=Profile("de", "Europe/Vienna")), language="fr", time_zone="Asia/Tokyo")
    assert (outbox[0].subject, outbox[0].text) == ("janvier", "21:00 fr")


@pytest.mark.parametrize("profile", [None, Profile()])
def test_user_without_a_choice_gets_the_active_ones(outbox: Outbox, profile: Profile | None):
    with override_settings(MAILSTACK=PROFILE), translation.override("de"), timezone.override("Asia/Tokyo"):
        send(words, to=user(profile=profile))
        assert translation.get_language() == "de"
    assert outbox[0].text == "21:00 de"


@pytest.mark.parametrize(
    ("setting", "words_"),
    [({"USER_LANGUAGE": "nonsense"}, "has no 'nonsense'"), ({"USER_TIME_ZONE": "username"}, "is not a time zone")],
)
def test_wrong_attribute_is_an_error(outbox: Outbox, setting: dict[str, str], words_: str):
    with override_settings(MAILSTACK={"STACK": "test", **setting}), pytest.raises(ConfigurationError, match=words_):
        send(words, to=user())
    assert len(outbox) == 0


def test_mail_waits_for_the_commit(outbox: Outbox, database: None):
    with transaction.atomic():
        result = send(words, to=user())
        assert ([one.status for one in result], len(outbox)) == ([Status.QUEUED], 0)
    assert len(outbox) == 1
    with transaction.atomic():
        assert send(words, to=user(), on_commit=False)["ada@example.com"].status is Status.SENT


def test_stream_follows_the_settings(outbox: Outbox):
    by_sender = {"STREAM": "marketing", "STREAMS_BY_SENDER": {"@example.com": "transactional"}}
    with override_settings(MAILSTACK={"STACK": "test", **by_sender}):
        send(words, to=user())
        send(words, to=user(), sender="shop@example.com")
        send(words, to=user(), sender="shop@example.com", stream="marketing")
    assert [one.stream for one in outbox] == ["marketing", "transactional", "marketing"]


def test_arguments_of_a_message_are_kept(outbox: Outbox):
    message = Message(subject="Subject", text="Text", tags={"a": 1}, reply_to="r@example.com")
    send(message, to=user(), bcc=user(email="bob@example.com"), subject="Other", idempotency_key="key")
    send(message, to=user(), bcc=user(email="bob@example.com"), subject="Other", idempotency_key="key")
    (sent,) = outbox
    assert (sent.subject, sent.tags, sent.bcc[0].email) == ("Other", (("a", "1"),), "bob@example.com")
    assert sent.reply_to[0].email == "r@example.com"


def test_coroutine_sends(outbox: Outbox):
    assert asyncio.run(asend(words, to=user(), language="de")).ok
    assert outbox[0].subject == "Januar"


def test_template_is_in_the_language_of_the_user(outbox: Outbox):
    welcome = Welcome(name="Ada", dashboard_url="https://example.com")
    with override_settings(MAILSTACK=PROFILE):
        send(welcome, to=user(profile=Profile("es", "America/Mexico_City")))
        send(welcome.localized("ne"), to=user(profile=Profile("es")))
        send(welcome, to=user())
    spanish, nepali, english = (one.subject for one in outbox)
    assert (spanish, english) == ("Te damos la bienvenida a example.test", "Welcome to example.test")
    assert nepali not in {spanish, english}
