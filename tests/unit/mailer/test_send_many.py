"""Many mails: a stream in, a stream out, each result with its mail, nothing sent twice or forgotten."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from mailer.errors import ConfigurationError, InvalidMessage, Refused, UnknownStream
from mailer.message import Message
from mailer.results import RecipientResult, Status
from mailer.sending.many import Mail, MailResult
from mailer.stores.base import Suppression
from mailer.testing.outbox import Outbox

NEWS = Message(subject="News", text="News")


def mails(count: int) -> Iterator[Mail]:
    for number in range(count):
        yield Mail(NEWS, to=f"reader-{number}@example.com", reference=number)


def recipients(outbox: Outbox) -> list[str]:
    return [address.email for message in outbox for address in message.recipients]


async def sent_async(outbox: Outbox, count: int, threads: int = 4) -> list[MailResult]:
    return [result async for result in outbox.mailer.asend_many(mails(count), threads=threads)]


Outcomes = Callable[[Outbox, int], list[MailResult]]


@pytest.fixture(params=["sync", "async"])
def outcomes(request: pytest.FixtureRequest) -> Outcomes:
    """Sends so many mails, one way or the other."""

    def send(outbox: Outbox, count: int) -> list[MailResult]:
        if request.param == "async":
            return asyncio.run(sent_async(outbox, count))
        return list(outbox.mailer.send_many(mails(count), threads=4))

    return send


def test_each_mail_is_sent_once_with_its_result(outcomes: Outcomes):
    outbox = Outbox()
    results = outcomes(outbox, 100)
    assert {result.mail.reference for result in results} == set(range(100))
    assert len(results) == 100
    assert all(result.ok for result in results)
    assert sorted(recipients(outbox)) == sorted(f"reader-{number}@example.com" for number in range(100))
    for result in results:
        assert result.result is not None
        assert result.result.recipients[0].address.email == f"reader-{result.mail.reference}@example.com"


def test_no_mails_give_no_results(outcomes: Outcomes):
    assert outcomes(Outbox(), 0) == []


def test_undeliverable_mails_are_in_their_results(outcomes: Outcomes):
    outbox = Outbox()
    outbox.suppressions.put(Suppression("reader-3@example.com", "bounce"))
    outbox.fail(Refused("no"))
    found = [one.status for result in outcomes(outbox, 10) if result.result for one in result.result]
    assert (found.count(Status.SENT), found.count(Status.SUPPRESSED), found.count(Status.REFUSED)) == (8, 1, 1)


def test_invalid_mail_does_not_stop_the_others():
    outbox = Outbox()
    given = [
        Mail(NEWS, to="ada@example.com", reference="good"),
        Mail(NEWS, to="no address", reference="address"),
        Mail(NEWS, to="ada@example.com", stream="nope", reference="stream"),
        Mail(NEWS, to="bob@example.com", reference="good, too"),
    ]
    results = {result.mail.reference: result for result in outbox.mailer.send_many(given, threads=2)}
    assert isinstance(results["address"].error, InvalidMessage)
    assert isinstance(results["stream"].error, UnknownStream)
    assert results["good"].ok
    assert results["good, too"].ok
    assert len(outbox) == 2


def test_input_is_read_only_a_little_ahead():
    outbox, taken = Outbox(), 0

    def endless() -> Iterator[Mail]:
        nonlocal taken
        while True:
            taken += 1
            yield Mail(NEWS, to=f"reader-{taken}@example.com")

    results = outbox.mailer.send_many(endless(), threads=4)
    for _ in range(20):
        next(results)
    results.close()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator
    assert taken <= 20 + 2 * 4
    assert len(outbox) <= taken


def test_stopping_early_sends_nothing_that_has_not_begun():
    gate, entered = threading.Event(), threading.Semaphore(0)

    class Gated(Outbox):
        def send(self, message: Message) -> tuple[RecipientResult, ...]:
            entered.release()
            if message.recipients[0].email != "reader-0@example.com":
                gate.wait()
            return super().send(message)

    outbox = Gated()
    results = outbox.mailer.send_many(mails(100), threads=2)
    next(results)
    closing = threading.Thread(target=results.close)  # pyright: ignore[reportAttributeAccessIssue]
    closing.start()
    gate.set()
    closing.join()
    assert len(outbox) < 10


def broken() -> Iterator[Mail]:
    yield from mails(3)
    raise OSError("the file is gone")


def test_error_of_the_input_is_raised_after_every_result():
    outbox = Outbox()
    results, found = outbox.mailer.send_many(broken(), threads=1), list[bool]()
    found += [next(results).ok for _ in range(3)]
    with pytest.raises(OSError, match="the file is gone"):
        next(results)
    assert (found, len(outbox)) == ([True] * 3, 3)


def test_async_error_of_the_input_is_raised_after_every_result():
    outbox = Outbox()

    async def main() -> None:
        results = outbox.mailer.asend_many(broken())
        assert [(await anext(results)).ok for _ in range(3)] == [True] * 3
        with pytest.raises(OSError, match="the file is gone"):
            await anext(results)

    asyncio.run(main())
    assert len(outbox) == 3


def test_async_input_is_accepted():
    async def stream() -> AsyncIterator[Mail]:
        for mail in mails(5):
            await asyncio.sleep(0)
            yield mail

    async def main() -> list[MailResult]:
        return [result async for result in Outbox().mailer.asend_many(stream())]

    assert [result.ok for result in asyncio.run(main())] == [True] * 5


@pytest.mark.parametrize("threads", [0, 65, -1])
def test_number_of_threads_is_checked_at_once(threads: int):
    mail = Outbox().mailer
    with pytest.raises(ConfigurationError, match="1 to 64"):
        mail.send_many([], threads=threads)
    with pytest.raises(ConfigurationError, match="1 to 64"):
        mail.asend_many([], threads=threads)


def test_every_argument_of_send_is_passed_on():
    outbox = Outbox()
    mail = Mail(
        NEWS,
        to="ada@example.com",
        subject="Changed",
        reply_to="help@example.com",
        stream="marketing",
        tags={"kind": "news"},
        idempotency_key="news-1",
    )
    first, second = (next(iter(outbox.mailer.send_many([mail]))) for _ in range(2))
    (message,) = outbox
    assert (message.subject, message.stream, message.tags) == ("Changed", "marketing", (("kind", "news"),))
    assert [one.result.replayed for one in (first, second) if one.result] == [False, True]
