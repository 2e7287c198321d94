"""Hooks are called once in effect: whatever is repeated, fails or dies."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from mailer.errors import HookFailed
from mailer.stores.bundle import Stores
from mailer.stores.memory import MemoryIdempotency
from mailer.webhooks import FeedbackHook, Notice, Webhook
from mailer.webhooks.hooks import LEASE, METHODS, Hooks
from tests.contract.suppression_store import NOW, Clock
from tests.unit.mailer.feedback.payloads import bounced, changed, load, mail_to, parsed
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.webhooks.signing import Sns
from tests.unit.mailer.webhooks.test_webhook import body
from tests.waiting import PATIENCE

ADA, GRACE = "ada@example.org", "grace@example.org"
NAMES = {
    "send": "on_send", "delivery": "on_delivery", "bounce": "on_bounce", "complaint": "on_complaint",
    "reject": "on_reject", "open": "on_open", "click": "on_click", "rendering-failure": "on_rendering_failure",
    "delivery-delay": "on_delivery_delay", "subscription": "on_subscription",
    "notification-bounce": "on_bounce", "notification-complaint": "on_complaint",
    "notification-delivery": "on_delivery",
}  # fmt: skip


class Bounces(FeedbackHook):
    """Records bounces. `act` runs at each call."""

    def __init__(self, act: Callable[[Notice[Any]], None] = lambda _: None) -> None:
        self.seen: list[str] = []
        self.act = act

    def on_bounce(self, notice: Notice[Any]) -> None:
        self.seen.append(notice.address)
        self.act(notice)


def every_method(seen: list[str]) -> FeedbackHook:
    """A hook that records the names of the methods that are called."""

    def recorder(name: str) -> Callable[[object, object], None]:
        return lambda _self, _notice: seen.append(name)

    return type("Every", (FeedbackHook,), {name: recorder(name) for name in METHODS.values()})()


@pytest.mark.parametrize("event", NAMES)
def test_each_event_calls_its_method(event: str):
    seen: list[str] = []
    Hooks([every_method(seen)], MemoryIdempotency()).call(parsed(load(event)))
    assert set(seen) == {NAMES[event]}


def test_unknown_event_calls_on_other():
    seen: list[str] = []
    Hooks([every_method(seen)], MemoryIdempotency()).call(
        parsed({"eventType": "Novelty", "mail": load("send")["mail"]})
    )
    assert seen == ["on_other"]


def test_repeated_event_calls_once_in_every_envelope(sns: Sns, stores: Stores):
    hook = Bounces()
    webhook = Webhook(outputs(), store=stores, hooks=[hook])
    event = changed("bounce", "bounce", feedbackId="one")
    same = {**event, "notificationType": "Bounce"}
    for message in (event, event, same):  # each with a MessageId of its own
        assert webhook.receive(body(sns.notification(message))) == "processed"
    assert hook.seen == [ADA]


def test_failed_hook_is_called_again_and_the_others_are_not(sns: Sns, stores: Stores):
    def fail(_: object) -> None:
        if len(failing.seen) == 1:
            raise KeyError(ADA)

    failing, calm = Bounces(fail), Bounces()
    failing.name, calm.name = "failing", "calm"
    webhook = Webhook(outputs(), store=stores, hooks=[failing, calm])
    message = body(sns.notification(load("bounce")))
    with pytest.raises(HookFailed, match=r"failing\.on_bounce raised KeyError") as raised:
        webhook.receive(message)
    assert ADA not in str(raised.value)
    assert webhook.receive(message) == "processed"
    assert webhook.receive(message) == "duplicate"
    assert (failing.seen, calm.seen) == ([ADA, ADA], [ADA])


def test_failure_for_one_recipient_does_not_delay_others():
    def fail(notice: Notice[Any]) -> None:
        if notice.address == ADA:
            raise ValueError

    hook = Bounces(fail)
    hooks = Hooks([hook], MemoryIdempotency())
    listed = [*bounced(ADA), *bounced(GRACE), *bounced(GRACE, status="5.1.1")]
    event = parsed(changed("bounce", "bounce", bouncedRecipients=listed) | {"mail": mail_to(ADA, GRACE)})
    for _ in range(2):
        with pytest.raises(HookFailed):
            hooks.call(event)
    assert hook.seen == [ADA, GRACE, ADA]


def test_notice_says_what_was_decided():
    notices: list[Notice[Any]] = []
    Hooks([Bounces(notices.append)], MemoryIdempotency()).call(parsed(load("bounce")))
    (notice,) = notices
    assert (notice.decision.reason, notice.event.bounce_type, len(notice.key)) == ("bounce", "Permanent", 64)
    assert ADA not in repr(notice)


def test_concurrent_events_call_the_hook_once():
    inside, release = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        inside.set()
        release.wait(PATIENCE)

    hook, event = Bounces(wait), parsed(load("bounce"))
    hooks = Hooks([hook], MemoryIdempotency())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hooks.call, event)
        assert inside.wait(PATIENCE)
        with pytest.raises(HookFailed, match="elsewhere"):
            hooks.call(event)
        release.set()
        first.result(PATIENCE)
    hooks.call(event)
    assert hook.seen == [ADA]


def test_call_of_a_process_that_died_is_made_again():
    class Died(BaseException):
        pass

    def die(_: object) -> None:
        if len(hook.seen) == 1:
            raise Died

    clock, hook, event = Clock(), Bounces(die), parsed(load("bounce"))
    hooks = Hooks([hook], MemoryIdempotency(clock), clock=clock)
    with pytest.raises(Died):
        hooks.call(event)
    clock.now = NOW + LEASE - timedelta(seconds=1)
    with pytest.raises(HookFailed, match="elsewhere"):
        hooks.call(event)
    clock.now = NOW + LEASE
    hooks.call(event)
    hooks.call(event)
    assert hook.seen == [ADA, ADA]


def test_hook_without_the_method_costs_no_store_call():
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    broken: Any = Broken()
    Hooks([Bounces()], broken).call(parsed(load("open")))
