"""The webhook behind real servers: SNS of the local cloud signs and delivers, PostgreSQL keeps, the mailer obeys."""

import asyncio
import json
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from mypy_boto3_sns import SNSClient
from mypy_boto3_sqs import SQSClient

from mailer import Mailer, Message, SqlStores, Unsubscribe
from mailer.secret_keys import new_key
from mailer.testing import Ses
from mailer.testing.outputs import stack_outputs
from mailer.webhooks import FeedbackHook, Notice, Webhook, asgi_app, wsgi_app
from mailstack_localcloud import LocalCloud
from tests.chromium import chromium
from tests.integration.queues import open_to
from tests.postgresql import PostgreSQL, running
from tests.unit.mailer.feedback.payloads import load
from tests.unit.mailer.webhooks.signing import asgi
from tests.waiting import eventually

pytestmark = pytest.mark.integration
ADA = "ada@example.org"
EARLY = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = count()


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        pass


@contextmanager
def by_wsgi(webhook: Webhook) -> Generator[str]:
    server = make_server("127.0.0.1", 0, wsgi_app(webhook), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def by_asgi(webhook: Webhook) -> Generator[str]:
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    config = Config()
    config.bind, config.loglevel, config.graceful_timeout = ["127.0.0.1:0"], "ERROR", 0.1
    sockets = config.create_sockets()
    for one in sockets.insecure_sockets:
        one.listen()  # a confirmation may come before the server runs
    config.create_sockets = lambda: sockets
    app: Any = asgi_app(webhook)
    running = threading.Thread(
        target=lambda: loop.run_until_complete(serve(app, config, shutdown_trigger=stop.wait)), daemon=True
    )
    running.start()
    try:
        yield f"http://127.0.0.1:{sockets.insecure_sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join()
        loop.close()


FACES: tuple[Callable[[Webhook], Any], ...] = (by_asgi, by_wsgi)


class Seen(FeedbackHook):
    def __init__(self) -> None:
        self.bounces: list[str] = []
        self.deliveries: list[str] = []

    def on_bounce(self, notice: Notice[Any]) -> None:
        self.bounces.append(notice.address)

    def on_delivery(self, notice: Notice[Any]) -> None:
        self.deliveries.append(notice.address)


@pytest.fixture
def store(postgresql: PostgreSQL) -> Iterator[SqlStores]:
    with SqlStores(f"{postgresql.url}?schema=webhook_{next(NUMBERS)}&log_days=3650", keys=()) as stores:
        yield stores


@pytest.fixture
def environment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return cloud


def confirmed(sns: SNSClient, topic: str) -> bool:
    return sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"


def subscribed(sns: SNSClient, topic: str, url: str) -> None:
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{url}/webhooks/ses")
    eventually(lambda: confirmed(sns, topic), "the subscription is not confirmed")


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
@pytest.mark.parametrize("version", ["1", "2"])
def test_loop_needs_no_dynamodb(
    environment: LocalCloud, store: SqlStores, tmp_path: Path, face: Callable[[Webhook], Any], version: str
):
    sns = environment.client("sns")
    topic = sns.create_topic(Name="events", Attributes={"SignatureVersion": version})["TopicArn"]
    hook = Seen()
    with closing(Webhook(stack_outputs(), store=store, hooks=[hook], topics=[topic])) as webhook, face(webhook) as url:
        subscribed(sns, topic, url)
        for name in ("bounce", "delivery", "bounce"):
            sns.publish(TopicArn=topic, Message=json.dumps(load(name)), Subject="Amazon SES Email Event Notification")
        eventually(lambda: len(hook.deliveries) == 1, "no delivery arrived")
        eventually(lambda: ADA in store.suppressions.get_many([ADA]), "the bounce did not suppress")
        with Mailer.local(tmp_path, console=False, store=store) as mailer:
            (result,) = mailer.send(Message(subject="Hello", text="Hello", to=ADA))
            assert result.status.value == "suppressed"
    assert hook.bounces == [ADA]
    assert store.messages
    logged = store.messages.of_recipient(ADA, since=EARLY)
    assert {entry.kind for entries in logged for entry in entries} >= {"Bounce", "Delivery"}


def test_mail_that_bounces_at_ses_reaches_the_hook(environment: LocalCloud, store: SqlStores):
    ses, hook = Ses(environment), Seen()
    with closing(Webhook(ses.outputs, store=store, hooks=[hook])) as webhook, by_asgi(webhook) as url:
        ses.subscribe(f"{url}/webhooks/ses")
        topic = ses.outputs.events_topic_arn
        eventually(lambda: confirmed(environment.client("sns"), topic), "the subscription is not confirmed")
        message = Message(subject="Hello", text="Hello", to="bounce@simulator.amazonses.com")
        assert ses.mailer.send(message).ok
        eventually(lambda: hook.bounces == ["bounce@simulator.amazonses.com"], "no bounce arrived")


def test_person_unsubscribes_in_a_browser(store: SqlStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    links = Unsubscribe("https://shop.example.com/unsubscribe", keys=new_key())
    path = links.link(ADA, "marketing").removeprefix("https://shop.example.com")
    webhook = Webhook(stack_outputs(), store=store, unsubscribe=links)
    with closing(webhook), by_asgi(webhook) as url, chromium(tmp_path) as browser:
        page = browser.page(url + path)
        assert page.evaluate("document.querySelector('h1').textContent") == "Unsubscribe?"
        assert store.suppressions.get_many([ADA], ["stream:marketing"]) == {}
        page.click("button")
        page.wait("document.querySelector('h1').textContent == 'You are unsubscribed'")
        assert store.suppressions.get_many([ADA], ["stream:marketing"])[ADA].reason == "unsubscribe"
        assert page.evaluate("document.cookie + location.pathname") == path
    with Mailer.local(tmp_path / "mails", console=False, store=store) as mailer:
        message = Message(subject="Hello", text="Hello", to=ADA)
        statuses = [mailer.send(message, stream=stream).recipients[0].status.value for stream in ("marketing", None)]
        assert statuses == ["suppressed", "sent"]


def test_subscription_of_another_topic_is_not_confirmed(environment: LocalCloud, store: SqlStores):
    sns = environment.client("sns")
    ours, theirs = (sns.create_topic(Name=name)["TopicArn"] for name in ("ours", "theirs"))
    with closing(Webhook(stack_outputs(), store=store, topics=[ours])) as webhook, by_wsgi(webhook) as url:
        for topic in (theirs, ours):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{url}/webhooks/ses")
        eventually(lambda: confirmed(sns, ours), "the subscription is not confirmed")
        assert not confirmed(sns, theirs)


def test_message_waits_for_a_database_that_is_away(environment: LocalCloud):
    sns, sqs = environment.client("sns"), environment.client("sqs")
    topic = sns.create_topic(Name="events")["TopicArn"]
    message = signed(sns, sqs, topic, load("bounce"))
    hook = Seen()
    with running() as server, SqlStores(server.url, keys=()) as store:
        webhook = Webhook(stack_outputs(), store=store, hooks=[hook], topics=[topic])
        call = asgi(asgi_app(webhook))
        store.migrate()
        server.stop()
        assert [call(body=message).status, call("/health/ready", method="GET").status] == [503, 503]
        assert call("/health", method="GET").status == 200
        server.start()
        assert call(body=message).json == {"status": "processed"}
        assert call(body=message).json == {"status": "duplicate"}
        assert ADA in store.suppressions.get_many([ADA])
    assert hook.bounces == [ADA]


def test_workers_that_get_the_same_message_call_hooks_once(environment: LocalCloud, store: SqlStores):
    sns, sqs = environment.client("sns"), environment.client("sqs")
    topic = sns.create_topic(Name="events")["TopicArn"]
    message, hook = signed(sns, sqs, topic, load("bounce")), Seen()
    calls = [asgi(asgi_app(Webhook(stack_outputs(), store=store, hooks=[hook], topics=[topic]))) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: calls[number % 2](body=message).status, range(24)))
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert calls[0](body=message).json == {"status": "duplicate"}
    assert hook.bounces == [ADA]


def signed(sns: SNSClient, sqs: SQSClient, topic: str, event: dict[str, Any]) -> bytes:
    """A message as SNS signs it, from a queue."""
    attributes: Any = open_to("sns", "heard")
    url = sqs.create_queue(QueueName="heard", Attributes=attributes)["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:heard")
    sns.publish(TopicArn=topic, Message=json.dumps(event))
    return sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"].encode()
