"""Many sends over a network that fails in every way, held against what the server did: nothing lost or doubled."""

import json
import random
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from mailer.mailer import Mailer
from mailer.message import Message
from mailer.results import SendResult, Status
from mailer.sending.retry import RetryPolicy
from mailer.testing.memory import MemorySuppressions
from mailer.transports.ses import SesTransport
from mailer.wire.deadline import Limits
from tests.unit.mailer.stack_outputs import outputs
from tests.unit.mailer.wire.raw_server import Behaviour, Request, answer, hang_up, ok, raw, raw_server, reset
from tests.unit.mailer.wire.test_outcomes import LOST, LOST_ON_THE_WIRE, known
from tests.waiting import PATIENCE

SENDS, THREADS = 1500, 8
CODES = {
    "TooManyRequestsException": 429,
    "ThrottlingException": 400,
    "MessageRejected": 400,
    "AccessDeniedException": 403,
    "SendingPausedException": 400,
    "NotFoundException": 404,
    "ExpiredTokenException": 403,
}


def refusal(code: str, status: int) -> Behaviour:
    return answer(status, json.dumps({"message": "No."}).encode(), f"x-amzn-ErrorType: {code}")


REFUSALS = [
    *(refusal(code, status) for code, status in CODES.items()),
    *(answer(status, b"<html>no</html>") for status in (400, 403, 404, 407, 408, 413, 429)),
]
SERVER_ERRORS = [answer(status, b"<html>oops</html>") for status in (500, 502, 503, 504)]
LOSSES = [*LOST.values(), *LOST_ON_THE_WIRE.values(), hang_up, reset, raw(b"", then_close=True)]


@dataclass
class Truth:
    """What the server did with each mail that reached it: whom it accepted, and how often."""

    source: random.Random
    accepted: Counter[str] = field(default_factory=Counter[str])

    def __call__(self, stream: socket.socket, request: Request) -> None:
        number = next(tag["Value"] for tag in request.json["EmailTags"] if tag["Name"] == "n")
        chance = self.source.random()
        if chance < 0.25:
            self.source.choice(REFUSALS)(stream, request)
        elif chance < 0.5:
            if self.source.random() < 0.5:  # it had it, and the answer was lost; or it never came that far
                self.accepted[number] += 1
            self.source.choice(LOSSES + SERVER_ERRORS)(stream, request)
        else:
            self.accepted[number] += 1
            ok({"MessageId": f"message-for-{number}"})(stream, request)


def one(mail: Mailer) -> Callable[[int], SendResult]:
    def send(number: int) -> SendResult:
        message = Message(subject="Hello", text="Hello", to=f"reader-{number}@example.com", tags={"n": str(number)})
        return mail.send(message)

    return send


@pytest.mark.parametrize("seed", range(2))
def test_every_status_is_true_after_network_faults(seed: int, monkeypatch: pytest.MonkeyPatch):
    truth = Truth(random.Random(seed))
    with raw_server() as server:
        known(monkeypatch, server.url)
        server.default = truth
        mail = Mailer(
            outputs(),
            transport=SesTransport(outputs(), limits=Limits(PATIENCE, PATIENCE)),
            suppressions=MemorySuppressions(),
            retries=RetryPolicy(attempts=2, first_delay=0.001),
        )
        with ThreadPoolExecutor(THREADS) as threads:
            results = list(threads.map(one(mail), range(SENDS)))
    found = Counter(result.recipients[0].status for result in results)
    for number, result in enumerate(results):
        (recipient,) = result
        times = truth.accepted[str(number)]
        assert times <= 1, f"doubled: {recipient}"
        if recipient.status is Status.SENT:
            assert times == 1, f"lost: {recipient}"
            assert recipient.message_id == f"message-for-{number}"
        elif recipient.status is not Status.UNKNOWN:
            assert times == 0, f"misreported: {recipient}"
    assert set(found) >= {Status.SENT, Status.UNKNOWN, Status.REFUSED, Status.THROTTLED}
