"""Events of SES in a Django project: stored in Django's database, told by signals, repeated after a failure."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse

from mailer import Suppression
from mailer.django import process, signals
from mailer.django.config import config
from mailer.secret_keys import new_key
from mailer.unsubscribe import Unsubscribe
from mailer.webhooks import FeedbackHook
from tests.unit.mailer.feedback.payloads import load
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Sns

if TYPE_CHECKING:
    from django.dispatch import Signal

ADA = "ada@example.org"
LINKS: dict[str, Any] = {"url": "https://shop.example.com/mail/unsubscribe", "keys": new_key(), "streams": ["news"]}
seen: list[str] = []


class OwnHook(FeedbackHook):
    """As a project would have one."""

    def on_bounce(self, notice: Any) -> None:
        seen.append(notice.address)


@pytest.fixture(autouse=True)
def project(database: None, sns: Sns, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A project with the webhook, its store in Django's database."""
    monkeypatch.setenv("MAILSTACK_OUTPUTS", outputs().to_json())
    seen.clear()
    hooks = [f"{__name__}.OwnHook"]
    setting = {"STACK": outputs().stack, "STORE": "django", "UNSUBSCRIBE": LINKS, "FEEDBACK_HOOKS": hooks}
    process.forget_mailer()
    with override_settings(MAILSTACK=setting):
        yield
    process.forget_mailer()


@pytest.fixture
def received() -> Iterator[list[tuple[str, str]]]:
    """The kind of each signal, and the address that it is about."""
    kept: list[tuple[str, str]] = []
    receivers: list[tuple[Signal, Any]] = []
    for name in signals.__all__:

        def keep(name: str = name, notice: Any = None, address: str = "", **_: Any) -> None:
            kept.append((name, notice.address if notice else address))

        getattr(signals, name).connect(keep, weak=False)
        receivers.append((getattr(signals, name), keep))
    yield kept
    for signal, keep in receivers:
        signal.disconnect(keep)


def post(sns: Sns, event: str, **fields: Any) -> int:
    body = json.dumps(sns.notification(load(event), **fields))
    return Client().post(reverse("mailstack:webhook"), body, content_type="text/plain; charset=UTF-8").status_code


def stores() -> Any:
    return process.stores_of(config())


def test_bounce_suppresses_and_sends_a_signal(sns: Sns, received: list[tuple[str, str]]):
    assert post(sns, "bounce") == 200
    assert stores().suppressions.get_many([ADA])[ADA].reason == "bounce"
    assert received == [("event_received", ADA), ("bounce_received", ADA)]
    assert seen == [ADA]


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ("complaint", ["event_received", "complaint_received"]),
        ("delivery", ["event_received", "delivery_received"]),
        ("open", ["event_received"]),
    ],
)
def test_each_kind_has_its_signal(sns: Sns, received: list[tuple[str, str]], event: str, kinds: list[str]):
    assert post(sns, event) == 200
    assert [kind for kind, _ in received] == kinds


def test_repeated_message_sends_one_signal(sns: Sns, received: list[tuple[str, str]]):
    message = sns.notification(load("bounce"))
    for _ in range(2):
        answer = Client().post(reverse("mailstack:webhook"), json.dumps(message), content_type="text/plain")
        assert answer.status_code == 200
    assert len(received) == 2


def test_failing_receiver_is_called_again(sns: Sns, received: list[tuple[str, str]]):
    failures, id_ = [RuntimeError("once")], str(uuid4())

    def fail(**_: Any) -> None:
        if failures:
            raise failures.pop()

    signals.bounce_received.connect(fail)
    try:
        assert post(sns, "bounce", MessageId=id_) == 503
        assert stores().suppressions.get_many([ADA])
        assert post(sns, "bounce", MessageId=id_) == 200
    finally:
        signals.bounce_received.disconnect(fail)
    assert received.count(("bounce_received", ADA)) == 2
    assert seen == [ADA]


def test_forged_message_changes_nothing(sns: Sns, received: list[tuple[str, str]]):
    message = {**sns.notification(load("bounce")), "Signature": "Zm9yZ2Vk"}
    answer = Client(enforce_csrf_checks=True).post(
        reverse("mailstack:webhook"), json.dumps(message), content_type="text/plain"
    )
    assert (answer.status_code, received) == (403, [])
    assert not stores().suppressions.get_many([ADA])


def test_unsubscribe_link_asks_and_unsubscribes(received: list[tuple[str, str]]):
    token = Unsubscribe(**LINKS).link(ADA, "news").rpartition("/")[2]
    address = reverse("mailstack:unsubscribe", args=(token,))
    client = Client(enforce_csrf_checks=True)
    assert "<form" in client.get(address).content.decode()
    assert not stores().suppressions.get_many([ADA], ["stream:news"])
    assert client.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert list(stores().suppressions.get_many([ADA], ["stream:news"])) == [ADA]
    assert received == [("unsubscribed", ADA)]


def test_no_links_without_the_setting():
    with override_settings(MAILSTACK={"STACK": outputs().stack, "STORE": "django"}):
        assert Client().get(reverse("mailstack:unsubscribe", args=("x",))).status_code == 404


def test_health_answers():
    assert Client().get(reverse("mailstack:health")).json() == {"status": "ok"}
    assert Client().get(reverse("mailstack:ready")).json() == {"status": "ready"}


def test_subscriptions_are_confirmed_only_if_wanted(sns: Sns):
    setting = {"STACK": outputs().stack, "STORE": "django", "CONFIRM_SUBSCRIPTIONS": False}
    with override_settings(MAILSTACK=setting):
        answer = Client().post(reverse("mailstack:webhook"), json.dumps(sns.confirmation()), content_type="text/plain")
    assert answer.status_code == 403


def test_topics_of_the_setting_are_accepted(sns: Sns):
    other = {"STACK": outputs().stack, "STORE": "django", "TOPICS": [outputs().paging_topic_arn]}
    with override_settings(MAILSTACK=other):
        assert post(sns, "bounce") == 403
        assert post(sns, "bounce", TopicArn=outputs().paging_topic_arn) == 200


def test_event_is_stored_beside_the_transaction_of_a_request(sns: Sns):
    from mailer.django.views import serve

    assert vars(serve)["_non_atomic_requests"] == {"default"}
    with transaction.atomic():
        stores().suppressions.put(Suppression("bob@example.org", "manual"))
    assert post(sns, "bounce") == 200


def test_hooks_of_the_setting_are_checked():
    with override_settings(MAILSTACK={"STACK": outputs().stack, "FEEDBACK_HOOKS": ["shop.nothing"]}):
        assert "mailstack.E010" in [found.id for found in run_checks()]
