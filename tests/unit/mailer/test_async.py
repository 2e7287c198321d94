"""`asend` is `send` for coroutines: same result, never twice, and safe to cancel."""

import asyncio
import contextvars
import os
import threading

import pytest

from mailer.errors import InvalidMessage
from mailer.message import Message
from mailer.results import RecipientResult
from mailer.sending.threads import Threads
from mailer.testing.outbox import Outbox
from tests.waiting import eventually

MAIL = Message(subject="Hello", text="Hello", to="ada@example.com")
request_id = contextvars.ContextVar("request_id", default="")


class Gated(Outbox):
    """Sends when the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.seen: list[str] = []

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        self.seen.append(request_id.get())
        self.entered.release()
        self.gate.wait()
        return super().send(message)


@pytest.fixture
def gated() -> Gated:
    return Gated()


def test_asend_returns_the_result_of_send():
    outbox = Outbox()

    async def main() -> None:
        async with outbox.mailer as mail:
            result = await mail.asend(MAIL, subject="Changed")
        assert result.ok
        assert [message.subject for message in outbox] == ["Changed"]

    asyncio.run(main())


def test_asend_raises_what_send_raises():
    with pytest.raises(InvalidMessage):
        asyncio.run(Outbox().mailer.asend(MAIL, subject="two\nlines"))


def test_many_sends_run_at_once(gated: Gated):
    async def main() -> None:
        sends = [asyncio.create_task(gated.mailer.asend(MAIL)) for _ in range(20)]
        for _ in range(20):
            await asyncio.to_thread(gated.entered.acquire)
        gated.gate.set()
        assert all(result.ok for result in await asyncio.gather(*sends))

    asyncio.run(main())
    assert len(gated) == 20


def test_context_variables_reach_the_send(gated: Gated):
    gated.gate.set()

    async def main() -> None:
        request_id.set("request-7")
        await gated.mailer.asend(MAIL)

    asyncio.run(main())
    assert gated.seen == ["request-7"]


def test_cancelled_send_that_has_begun_is_completed(gated: Gated):
    async def main() -> None:
        send = asyncio.create_task(gated.mailer.asend(MAIL, idempotency_key="welcome-1"))
        await asyncio.to_thread(gated.entered.acquire)
        send.cancel()
        with pytest.raises(asyncio.CancelledError):
            await send
        gated.gate.set()
        again = await gated.mailer.asend(MAIL, idempotency_key="welcome-1")
        assert again.ok
        assert again.replayed

    asyncio.run(main())
    assert len(gated) == 1


def test_cancelled_send_that_waits_for_a_thread_is_never_sent(gated: Gated, monkeypatch: pytest.MonkeyPatch):
    gated.mailer._threads = Threads(1)

    async def main() -> None:
        first = asyncio.create_task(gated.mailer.asend(MAIL))
        await asyncio.to_thread(gated.entered.acquire)
        second = asyncio.create_task(gated.mailer.asend(MAIL))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gated.gate.set()
        assert (await first).ok
        await gated.mailer.aclose()

    asyncio.run(main())
    assert len(gated) == 1


def test_close_waits_for_sends_that_have_begun(gated: Gated):
    async def main() -> None:
        send = asyncio.create_task(gated.mailer.asend(MAIL))
        await asyncio.to_thread(gated.entered.acquire)
        closing = asyncio.create_task(gated.mailer.aclose())
        gated.gate.set()
        await closing
        assert len(gated) == 1
        assert (await send).ok
        assert (await gated.mailer.asend(MAIL)).ok

    asyncio.run(main())


def test_mailer_is_shared_by_event_loops():
    outbox = Outbox()
    for _ in range(3):
        assert asyncio.run(outbox.mailer.asend(MAIL)).ok
    assert len(outbox) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_forked_process_has_threads_of_its_own():
    outbox = Outbox()
    assert asyncio.run(outbox.mailer.asend(MAIL)).ok
    child = os.fork()
    if not child:
        os._exit(0 if asyncio.run(outbox.mailer.asend(MAIL)).ok else 1)
    ended: list[int] = []

    def look() -> bool:
        pid, status = os.waitpid(child, os.WNOHANG)
        ended.extend([status] if pid else [])
        return bool(pid)

    eventually(look, "the child does not end")
    assert ended == [0]
