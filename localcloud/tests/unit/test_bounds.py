"""Memory stays bounded however long the local cloud runs: each store has a limit."""

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from mailstack_localcloud.backend import policies, queues
from mailstack_localcloud.server import cross_site
from mailstack_localcloud.ses import envelopes, events, handlebars, mime, publishing, rules, state
from mailstack_localcloud.ses.publishing import Mail, Publisher
from mailstack_localcloud.ses.state import Messages, State, StoredMessage
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from mailstack_localcloud.backend.ministack import Backend

ROOT = Path(__file__).parents[3]


def mail(number: int, size: int = 100) -> StoredMessage:
    return StoredMessage(
        message_id=f"id-{number}",
        accepted_at=datetime.now(UTC),
        source="ada@example.com",
        identity="example.com",
        to=["grace@example.org"],
        cc=[],
        bcc=[],
        reply_to=[],
        subject="",
        content={"Simple": {}},
        configuration_set=None,
        tags={},
        size=size,
    )


def test_the_newest_mails_are_kept_and_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state, "KEPT_MESSAGES", 5)
    kept = Messages()
    for number in range(12):
        kept.add(mail(number))
    assert [message.message_id for message in kept.newest(100)] == ["id-11", "id-10", "id-9", "id-8", "id-7"]
    assert len(kept) == 5
    assert kept.get("id-6") is None


def test_large_mails_push_out_older_ones_by_their_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state, "KEPT_BYTES", 1000)
    kept = Messages()
    for number in range(6):
        kept.add(mail(number, size=400))
    assert [message.message_id for message in kept.newest(100)] == ["id-5", "id-4"]
    kept.add(mail(6, size=5000))
    assert [message.message_id for message in kept.newest(100)] == ["id-6"]


def test_full_publisher_applies_backpressure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publishing, "QUEUE_LENGTH", 3)
    published: list[str] = []

    class Recorder(Publisher):
        def _deliver(self, mails: Sequence[Mail]) -> None:
            published.extend(message.message_id for _, message, _ in mails)

    async def run() -> bool:
        publisher, account = Recorder(cast("Backend", None)), State("us-east-1")
        for number in range(3):
            await publisher.wait_for_capacity()
            publisher.publish(account, mail(number), [])
        room = asyncio.create_task(publisher.wait_for_capacity())
        await asyncio.sleep(0)  # its turn
        waited = not room.done()
        running = asyncio.create_task(publisher.run())
        await room
        publisher.publish(account, mail(3), [])
        await publisher.drain()
        running.cancel()
        return waited

    assert asyncio.run(run())
    assert published == ["id-0", "id-1", "id-2", "id-3"]


def test_full_queue_drops_the_oldest_and_warns_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr(queues, "KEPT", 5)
    queues.warn_of_full_queue.cache_clear()
    queue: dict[str, Any] = {"name": "events", "messages": [{"id": number} for number in range(5)]}
    queues.bound(queue)
    assert (len(queue["messages"]), caplog.messages) == (5, [])
    for number in (5, 6):
        queue["messages"].append({"id": number})
        queues.bound(queue)
    assert [message["id"] for message in queue["messages"]] == [2, 3, 4, 5, 6]
    assert caplog.messages == ["Queue events holds 5 messages. From here on its oldest are dropped."]


def test_caches_of_client_input_are_bounded():
    remembered: list[Any] = [
        mime.named,
        cross_site._is_loopback,
        rules.suffixes,
        envelopes._named_problem,
        envelopes._is_charset,
        events.timestamp,
        handlebars.compiled,
        policies._document,
    ]
    assert all(isinstance(function.cache_info().maxsize, int) for function in remembered)


def test_metrics_keep_a_day_and_a_limit_of_client_points():
    """In a process of its own, since ministack keeps its state in modules and reads the environment once."""
    program = textwrap.dedent("""
        import sys, tempfile, time
        from mailstack_localcloud.backend import cloudwatch
        from mailstack_localcloud.backend.cloudwatch import KEPT_FOREIGN_POINTS, KEPT_POINTS
        from mailstack_localcloud.backend.ministack import Backend

        with tempfile.TemporaryDirectory() as scratch:
            backend = Backend(port=1, region="us-east-1", scratch=scratch)
            cloud = backend.cloudwatch
            began = time.time()
            for minute in range(KEPT_POINTS + 100):
                cloudwatch.time.time = lambda: began + 60 * minute
                cloud.count("AWS/SES", "Send", 3, {})
            bucket = cloud._bucket("AWS/SES", "Send", {})
            newest = (began + 60 * (KEPT_POINTS + 99)) // 60 * 60
            foreign = cloud._bucket("App", "Orders", {})
            foreign += [{"Timestamp": began, "Value": 1.0}] * (KEPT_FOREIGN_POINTS + 50)
            backend.trim()
            ok = (len(bucket), bucket[-1]["Timestamp"], len(foreign)) == (KEPT_POINTS, newest, KEPT_FOREIGN_POINTS)
            sys.exit(0 if ok else f"{len(bucket)} {bucket[-1]['Timestamp'] - newest} {len(foreign)}")
    """)
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
