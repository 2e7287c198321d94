"""What the library raises and returns survives pickle, copies and other processes. Its classes are found by looking."""

import copy
import dataclasses
import enum
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

import mailer
from mailer.address import Address
from mailer.attachment import Attachment
from mailer.catalog import DigestEntry, PasswordReset, VerificationCode
from mailer.content import RawMime, StoredTemplate
from mailer.django.config import Config
from mailer.errors import MailerError, OutcomeUnknown, TransportError
from mailer.feedback.events import Mail as SentMail
from mailer.feedback.events import Recipient, Send
from mailer.feedback.policy import Decision
from mailer.message import Message
from mailer.options import SendOptions
from mailer.outbox.policy import OutboxPolicy
from mailer.redaction import Cause, Secret
from mailer.results import NotSent, RecipientResult, SendResult, Status
from mailer.sending.many import Mail, MailResult
from mailer.sending.recipient_guard import RecipientGuard
from mailer.stores.base import Reason, Suppression
from mailer.stores.idempotency import IdempotencyRecord
from mailer.stores.tokens import Limit
from mailer.templates.base import EmailTemplate
from mailer.templates.brand import BrandLink, DarkColours
from mailer.templates.money import Money
from mailer.testing.outputs import stack_outputs
from mailer.verification.policy import Limits, Purpose
from mailer.verification.results import Checked, Outcome
from mailer.verification.web.pages import WebAnswer, WebRequest
from mailer.webhooks import Notice
from mailer.wire.errors import AnswerLost, CannotAsk, CredentialsFailed, NotWritten, ServiceError, WireError
from tests.django_project import set_up
from tests.waiting import PATIENCE

set_up()

ADA = Address("ada@example.com", "Ada")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESULT = SendResult((
    RecipientResult(ADA, Status.SENT, "1"),
    RecipientResult.of_error(Address("bob@example.com"), OutcomeUnknown("No answer.", hint="Look.", code="x")),
))  # fmt: skip
COMMON: Any = {
    "kind": "Send",
    "mail": SentMail("1"),
    "recipients": (Recipient("ada@example.com"),),
    "occurred_at": NOW,
    "distinction": "",
    "feedback_id": "",
}
# Values that are checked when they are made, so that none can be made up.
MADE: dict[type, Any] = {
    Address: ADA,
    Attachment: Attachment("a.txt", b"x"),
    Message: Message(subject="s", text="t", to=ADA, tags={"a": 1}, attachments=Attachment("a.txt", b"x")),
    Config: Config(stack="test"),
    Mail: Mail(Message(subject="s", text="t"), to=ADA, reference=7),
    MailResult: MailResult(Mail(Message(subject="s", text="t"), to=ADA), RESULT),
    SendOptions: SendOptions(feedback_address="feedback@example.com", track_opens=False),
    RecipientGuard: RecipientGuard(allowed=("*@example.com",), redirect_to="team@example.com"),
    StoredTemplate: StoredTemplate("welcome", {"name": "Ada"}),
    RawMime: RawMime(b"From: shop@example.com\nTo: ada@example.org\n\nHello\n"),
    RecipientResult: RESULT.recipients[1],
    SendResult: RESULT,
    NotSent: NotSent(RESULT),
    IdempotencyRecord: IdempotencyRecord("0a" * 32, "0b" * 32, "message-1", NOW, NOW),
    Suppression: Suppression("ada@example.com", "bounce", created_at=NOW),
    Notice: Notice(Send(**COMMON), Recipient("ada@example.com"), Decision("ignore", None, "", "", False), "0a"),
    OutboxPolicy: OutboxPolicy(unknown="dead"),
    Limit: Limit(5),
    Limits: Limits(),
    WebRequest: WebRequest(method="POST", form={"address": "ada@example.com"}),
    WebAnswer: WebAnswer(
        status=200, body="x", headers=(("a", "b"),), checked=Checked(Outcome.ACCEPTED, "sign-in", "ada@example.com")
    ),
    Purpose: Purpose("sign-in"),
    Secret: Secret("424242"),
    Cause: Cause("OSError: ***"),
    VerificationCode: VerificationCode(code="424242").localized("es", timezone="Asia/Kathmandu"),
    PasswordReset: PasswordReset(reset_url="https://example.com/"),
    DigestEntry: DigestEntry.model_validate({"title": "News", "url": "https://example.com/"}),
    Money: Money.model_validate({"amount": "12.50", "currency": "EUR"}),
    BrandLink: BrandLink(label="Terms", url="https://example.com/terms"),
    DarkColours: DarkColours(accent="#ffd400"),
    type(stack_outputs()): stack_outputs(),
    WireError: WireError("It failed."),
    NotWritten: NotWritten("It failed."),
    CredentialsFailed: CredentialsFailed("It failed."),
    CannotAsk: CannotAsk("It failed.", "NoRegionError"),
    AnswerLost: AnswerLost("It failed."),
    ServiceError: ServiceError("Code", "Words.", 400, {"message": "Words."}),
}
# What holds locks, clients, sockets or a process, and is neither raised nor returned by what an application calls.
MACHINERY = {
    "Processor",
    "Outbox",
    "Ses",
    "_Owners",
    "_Rule",
    "Files",
    "_Environment",
    "Reply",
    "Access",
    "FunctionAccess",
    "Past",
    "Service",
    "Malformed",
    "Lost",
    "NoLogin",
    "Server",
    "SmtpRefusal",
    "Once",
    "BulkContent",
    "BulkEntry",
    "Pipeline",
    "Steps",
    "Stores",
    "CsvRun",
    "Journal",
    "Format",
    "Key",
    "Keyring",
    "Location",
    "Tables",
    "Check",
    "Result",
    "Site",
    "_Answers",
    "Missing",
    "NotApplicable",
    "Unanswered",
    "Answer",
    "Endpoint",
    "Request",
    "_Statements",
    "VerificationKey",
    "VerificationKeys",
    "CheckedMjml",
    "_Check",
    "Element",
    "TemplateFiles",
    # mailer/migrate/templates: one import of templates.
    *("Variable", "Imported", "Untranslated"),
    "Page",
    "Order",
    "Converted",
    "_Read",
    # mailer/migrate: settings of a project, which may hold secrets, for one run of the command.
    *("Setting", "Scope", "Sources", "PythonFiles", "OldMail", "Plan", "Scene"),
    "Course",
    "Task",
    "Account",
    "InvalidPolicy",
    "LoginRefused",
    "NoPage",
    "NotReached",
    "Web",
}


def classes() -> Iterator[type]:
    """Every class of the library that is a value or an error."""
    for found in pkgutil.walk_packages(mailer.__path__, "mailer."):
        if found.name.endswith("__main__"):
            continue
        for kind in vars(import_module(found.name)).values():
            own = inspect.isclass(kind) and kind.__module__ == found.name
            value = own and (
                dataclasses.is_dataclass(kind) or issubclass(kind, BaseException | BaseModel | enum.Enum | str)
            )
            if value and kind.__name__ not in MACHINERY and not (issubclass(kind, BaseModel) and _is_a_base(kind)):
                yield kind


def _is_a_base(kind: type[BaseModel]) -> bool:
    return not kind.model_fields


KINDS = sorted(set(classes()), key=lambda kind: (kind.__module__, kind.__name__))


SIMPLE: dict[Any, Any] = {
    str: "x",
    int: 7,
    float: 0.5,
    bool: True,
    bytes: b"x",
    datetime: NOW,
    date: NOW.date(),
    Path: Path("a"),
}
OF_ORIGIN: dict[Any, Callable[[tuple[Any, ...]], Any]] = {
    Literal: lambda inner: inner[0],
    tuple: lambda inner: tuple(sample(one) for one in inner if one is not Ellipsis),
    list: lambda inner: [sample(inner[0])],
    dict: lambda inner: {sample(inner[0]): sample(inner[1])},
    Mapping: lambda inner: {sample(inner[0]): sample(inner[1])},
    UnionType: lambda inner: sample(inner[0]),
    Union: lambda inner: sample(inner[0]),
}


def sample(annotation: Any) -> Any:
    """A value of a type."""
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    of_origin = OF_ORIGIN.get(get_origin(annotation))
    return of_origin(get_args(annotation)) if of_origin else instance(annotation)


def instance(kind: type) -> Any:
    """An object of a class, whatever it needs."""
    if kind in MADE:
        return MADE[kind]
    if issubclass(kind, MailerError):
        return kind("It failed.", hint="Look.", **({"code": "Code"} if issubclass(kind, TransportError) else {}))
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    if issubclass(kind, BaseModel):
        if issubclass(kind, EmailTemplate) and kind.sample:
            return kind.model_validate(kind.sample)
        needed = {name: field for name, field in kind.model_fields.items() if field.is_required()}
        examples = {"type": "TXT", "dashboard_url": "https://example.com/"}
        return kind(**{name: examples.get(name) or sample(field.annotation) for name, field in needed.items()})
    hints = get_type_hints(kind, {**vars(import_module(kind.__module__)), **_names()})
    return kind(**{field.name: sample(hints[field.name]) for field in dataclasses.fields(kind) if field.init})


def _names() -> dict[str, Any]:
    """Names that modules import for type checkers alone."""
    return {kind.__name__: kind for kind in KINDS} | {
        "date": date,
        "datetime": datetime,
        "Callable": Callable,
        "Reason": Reason,
    }


def same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, BaseException):
        assert (str(one), one.args, repr(vars(one))) == (str(other), other.args, repr(vars(other)))
    else:
        assert (repr(one), str(one)) == (repr(other), str(other))
        # An error is equal to itself alone, and so is what holds one.
        assert one == other or isinstance(one, RecipientResult | SendResult | MailResult)


def again(value: Any) -> Any:
    return value


def fail(error: BaseException) -> None:
    raise error


def test_there_is_something_to_test():
    names = {kind.__name__ for kind in KINDS}
    assert {"NotSent", "StoreError", "MalformedEvent", "Bounce", "SendResult", "Status", "StackOutputs"} <= names
    assert len(KINDS) >= 60


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_value_survives_pickle_and_copies(kind: type):
    value = instance(kind)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        same(pickle.loads(pickle.dumps(value, protocol)), value)  # noqa: S301 - our own
    same(copy.copy(value), value)
    same(copy.deepcopy(value), value)


def test_value_survives_a_process_boundary():
    values = [instance(kind) for kind in KINDS]
    errors = [value for value in values if isinstance(value, Exception)]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for value, returned in zip(values, pool.map(again, values, timeout=PATIENCE), strict=True):
            same(returned, value)
        for error in errors:
            with pytest.raises(type(error)) as raised:
                pool.submit(fail, error).result(timeout=PATIENCE)
            assert str(raised.value) == str(error)


def test_an_error_keeps_its_parts_and_its_cause():
    with pytest.raises(NotSent) as raised:
        RESULT.raise_if_not_sent()
    copied = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own
    assert [one.status for one in copied.result] == [Status.SENT, Status.UNKNOWN]
    assert (copied.hint, str(copied.__cause__), copied.__cause__.code) == ("Look.", "No answer. Look.", "x")
    assert copied.result["bob@example.com"].error.hint == "Look."


class Mine(EmailTemplate):
    subject = "x"
    name: str


def test_a_template_of_one_s_own_crosses_too():
    same(pickle.loads(pickle.dumps(Mine(name="Ada"))), Mine(name="Ada"))  # noqa: S301 - our own
