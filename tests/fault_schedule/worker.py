"""A worker process: sends its part of the messages and writes down each result before it goes on."""

import os
import random
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mailer import Limits, Mailer, Message, RetryPolicy, SesTransport, StackOutputs
from mailer.results import SendResult
from mailer.sending import pipeline
from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.stores.dynamodb.table import dynamodb_api
from mailer.wire.client import WireApi
from mailer.wire.errors import AnswerLost, ServiceError
from tests.fault_schedule.schedule import PATIENCE, Schedule

BEGUN = "begun"
LIMITS = Limits(connect=PATIENCE, attempt=PATIENCE)
RETRIES = RetryPolicy(attempts=3, first_delay=0.01, budget=3.0)


def address(number: int) -> str:
    return f"reader-{number}@example.org"


def drawn(schedule: Schedule, number: int, what: str) -> float:
    """0 to 1, the same for a message each time."""
    return random.Random(f"{schedule.seed} {number} {what}").random()


def has_key(schedule: Schedule, number: int) -> bool:
    return drawn(schedule, number, "key") < schedule.keyed


@dataclass(frozen=True)
class Roads:
    """The mailer, and those of the same stack that reach no service."""

    good: Mailer
    nowhere: Mailer
    no_tls: Mailer

    def of(self, schedule: Schedule, number: int) -> Mailer:
        chance = drawn(schedule, number, "road")
        if chance < schedule.unreachable / 2:
            return self.nowhere
        return self.no_tls if chance < schedule.unreachable else self.good


class UnsteadyApi:
    """DynamoDB, with requests that are throttled, or carried out without an answer."""

    def __init__(self, api: WireApi, schedule: Schedule) -> None:
        self._api, self._share = api, schedule.store_faults

    def call(self, operation: str, request: Mapping[str, object]) -> dict[str, object]:
        chance = random.random()
        if chance < self._share / 2:
            raise ServiceError("ProvisionedThroughputExceededException", "Injected.", 400)
        answer = self._api.call(operation, request)
        if chance < self._share:
            raise AnswerLost("injected")
        return answer


def roads(outputs: StackOutputs, endpoint: str, schedule: Schedule) -> Roads:
    """Mailers in an environment that points at the local cloud; SES's own variable names the broken endpoints."""
    store = UnsteadyApi(dynamodb_api(outputs.region), schedule)
    pipeline._LAST_ATTEMPT = 4  # a send ends sooner here than with the time-outs that applications have

    def mailer(ses: str) -> Mailer:
        os.environ["AWS_ENDPOINT_URL_SESV2"] = ses
        mail = Mailer(
            outputs,
            transport=SesTransport(outputs, limits=LIMITS),
            suppressions=DynamoDBSuppressions(outputs.table, store),
            idempotency=DynamoDBIdempotency(outputs.table, store),
            retries=RETRIES,
        )
        mail.send(Message(subject="Warm-up", text="Opens the connections.", to="success@simulator.amazonses.com"))
        return mail

    try:
        return Roads(
            good=mailer(endpoint),
            nowhere=mailer("http://ses.invalid:4566"),
            no_tls=mailer(endpoint.replace("http://", "https://")),
        )
    finally:
        del os.environ["AWS_ENDPOINT_URL_SESV2"]


def work(schedule: Schedule, numbers: Iterable[int], ways: Roads, file: int) -> None:
    """Send the messages; append a line before each and one with its result, in one write so that lines do not mix."""

    def one(number: int) -> None:
        key = f"message-{number}" if has_key(schedule, number) else None
        message = Message(subject="Hello", text="Hello", to=address(number), tags={"n": str(number)})
        os.write(file, f"{number} {BEGUN}\n".encode())
        try:
            line = told(number, ways.of(schedule, number).send(message, idempotency_key=key))
        except BaseException as error:  # noqa: BLE001 - written down: the run fails on it
            line = f"{number} raised {type(error).__name__} -\n"
        os.write(file, line.encode())

    with ThreadPoolExecutor(schedule.threads) as threads:
        list(threads.map(one, numbers))


def told(number: int, result: SendResult) -> str:
    (one,) = result
    return f"{number} {one.status} {one.message_id or '-'} {'replayed' if result.replayed else 'own'}\n"
