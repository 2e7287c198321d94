"""What a log, a traceback with locals or an error tracker would show: no full address, no code, no body."""

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailer.catalog import PasswordReset, VerificationCode
from mailer.errors import MailerError
from mailer.feedback.events import parse
from mailer.mailer import Mailer
from mailer.results import NotSent
from mailer.stores.base import Suppression
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailer.testing.memory import MemorySuppressions
from mailer.transports.ses import SesTransport
from tests.unit.mailer.scripted_ses import ScriptedSes, hang_up, refuse, scripted_ses
from tests.unit.mailer.stack_outputs import outputs

# Each stands in one place alone, so that a failure says where it got out.
ADDRESS, CODE, LINK = "lovelace@example.com", "hush-4242", "https://example.com/reset/hush-4242"
SECRETS = ("lovelace", "hush", "4242")


@pytest.fixture
def ses() -> Iterator[ScriptedSes]:
    with scripted_ses() as server:
        yield server


def leaks(error: BaseException) -> list[str]:
    """What is shown of an error and of everything that it leads to, with the locals of every frame of the library."""
    seen: set[int] = set()
    shown: list[str] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        frames = [
            frame for frame, _ in traceback.walk_tb(one.__traceback__) if "/tests/" not in frame.f_code.co_filename
        ]
        shown += [repr(one), str(one), *(repr(value) for frame in frames for value in frame.f_locals.values())]
    return [text for text in shown if any(secret in text for secret in SECRETS)]


def mailer_for(ses: ScriptedSes) -> Mailer:
    stack = outputs()
    return Mailer(stack, transport=SesTransport(stack, client=ses.client(2.0)), suppressions=MemorySuppressions())


@pytest.mark.parametrize("template", [VerificationCode(code=CODE), PasswordReset(name="Ada", reset_url=LINK)])
@pytest.mark.parametrize("script", ["refuse", "hang up"])
def test_a_refusal_leads_to_nothing_private(ses: ScriptedSes, template: Any, script: str):
    words = f"Email address is not verified: Ada <{ADDRESS}>, %22lovelace%22%40example.com"
    ses.script += [refuse(400, "MessageRejected", words) if script == "refuse" else hang_up]
    result = mailer_for(ses).send(template, to=f"Ada <{ADDRESS}>")
    with pytest.raises(NotSent) as raised:
        result.raise_if_not_sent()
    assert leaks(raised.value) == []
    assert not any(secret in f"{result} {result!r} {result.to_dict()}" for secret in SECRETS)
    assert raised.value.__cause__ is not None
    assert raised.value.__cause__.__cause__ is not None  # what the service said, in masked words


@pytest.mark.parametrize(
    "envelope",
    [
        {"to": ADDRESS, "stream": "nope"},
        {"to": [ADDRESS, "Lovelace"]},
        {"to": ADDRESS, "headers": {"From": "x"}},
        {"to": ADDRESS, "subject": "\n"},
        {"to": ADDRESS, "attachments": "x"},
        {"to": f"Team: {ADDRESS};"},
        {"to": f"lovelace {ADDRESS}"},
    ],
)
def test_a_mistake_in_a_call_leads_to_nothing_private(ses: ScriptedSes, envelope: Any):
    with pytest.raises(MailerError) as raised:
        mailer_for(ses).send(VerificationCode(code=CODE), **envelope)
    error = raised.value
    assert not any(secret in f"{error} {error!r}" for secret in SECRETS)
    assert not any("hush" in text or "4242" in text for text in leaks(error))


def test_a_store_s_refusal_shows_no_address():
    class Refusing:
        exceptions = None

        def batch_get_item(self, **_: object) -> None:
            answer: Any = {"Error": {"Code": "ValidationException", "Message": f"SUPPRESSION#{ADDRESS} is too long"}}
            raise ClientError(answer, "BatchGetItem")

    client: Any = Refusing()
    with pytest.raises(MailerError) as raised:
        DynamoDBSuppressions("table", client).get_many([ADDRESS])
    assert "lovelace" not in f"{raised.value} {raised.value.__cause__}"
    assert raised.value.__context__ is None


def test_values_that_hold_an_address_mask_it():
    event = parse(
        {
            "eventType": "Bounce",
            "mail": {"messageId": "1", "destination": [ADDRESS], "source": "no-reply@example.test"},
            "bounce": {
                "bounceType": "Permanent",
                "bouncedRecipients": [{"emailAddress": ADDRESS, "diagnosticCode": f"smtp; 550 <{ADDRESS}>"}],
            },
        },
        datetime.now(UTC),
    )
    for value in (event, event.mail, event.recipients, Suppression(ADDRESS, "bounce")):
        assert "lovelace" not in f"{value} {value!r}"
        assert "l***@example.com" in repr(value)
