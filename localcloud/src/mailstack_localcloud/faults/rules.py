"""The rules by which a fault strikes requests: operation, recipient, count, rate. Pure; `effects` applies the fault."""

import fnmatch
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, cast, get_args

Effect = Literal[
    "throttle",
    "error",
    "timeout-before",
    "timeout-after",
    "reset-before",
    "reset-after",
    "slow",
    "malformed",
]
EFFECTS: tuple[Effect, ...] = get_args(Effect)
# Seconds that an answer is kept back: longer than a client waits by default, and shorter than a person.
SLOW_SECONDS, TIMEOUT_SECONDS = 2.0, 60.0
MAX_SECONDS = 3600.0
_ERROR_STATUSES = range(400, 600)
# What a bulk call answers for an entry of its own, beside SUCCESS; the first API says the same in other letters.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
BULK_OPERATIONS = ("SendBulkEmail", "SendBulkTemplatedEmail")
BULK_STATUSES = frozenset(
    {
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "ACCOUNT_THROTTLED",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "FAILED",
        "INVALID_PARAMETER",
        "INVALID_SENDING_POOL_NAME",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "MESSAGE_REJECTED",
        "TEMPLATE_NOT_FOUND",
        "TRANSIENT_FAILURE",
    }
)


class FaultError(Exception):
    """The description of a fault makes no sense; the message says why."""


class Options(TypedDict, total=False):
    """How a fault is narrowed down and what it says; see `Fault` for each."""

    operation: str
    recipient: str
    times: int | None
    skip: int
    rate: float
    seed: int
    code: str
    status: int | None
    message: str
    seconds: float | None
    body: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and the requests that it strikes.

    Attributes:
        effect: `throttle`: SES's own refusal, nothing is accepted. `error`: any error of SES's, by `code`.
            `timeout-before`, `timeout-after`: no answer, before or after the request was carried out. `reset-before`,
            `reset-after`: likewise, with the connection reset at once. `slow`: the answer comes late. `malformed`: the
            request is carried out and the answer cannot be read.
        operation: Pattern of operation names, e.g. `Send*`.
        recipient: Pattern of addresses; one recipient that fits is enough. `*` fits requests without recipients, too.
            Any other has `throttle` and `error` strike single entries of a bulk call instead of the whole.
        times: How often it strikes at most; None is always.
        skip: How many fitting requests are let through first.
        rate: The share of fitting requests that it strikes, drawn from `seed`: the same draws each time it is set.
        seed: Of the draws.
        code: The error's name, for `error`: e.g. `MessageRejected`; or an entry's status, e.g. `TRANSIENT_FAILURE`.
        status: HTTP status, for an error that SES's service model does not know.
        message: What the error says.
        seconds: How long an answer is kept back, for `slow` and time-outs.
        body: What a malformed answer is; the first half of the right one if None.
    """

    effect: Effect
    operation: str = "*"
    recipient: str = "*"
    times: int | None = None
    skip: int = 0
    rate: float = 1.0
    seed: int = 0
    code: str = ""
    status: int | None = None
    message: str = "Injected by the local cloud."
    seconds: float | None = None
    body: str | None = None

    def __post_init__(self) -> None:
        wrong = [
            (self.effect not in EFFECTS, f"effect must be one of {', '.join(EFFECTS)}, not {self.effect!r}"),
            (self.effect == "error" and not self.code, "effect error needs a code"),
            (self.times is not None and self.times < 1, "times must be at least 1"),
            (self.skip < 0, "skip must not be negative"),
            (not 0 < self.rate <= 1, "rate must be above 0 and at most 1"),
            (self.status is not None and self.status not in _ERROR_STATUSES, "status must be 400 to 599"),
            (
                self.seconds is not None and not 0 <= self.seconds <= MAX_SECONDS,
                f"seconds must be 0 to {MAX_SECONDS:.0f}",
            ),
        ]
        if self.code in BULK_STATUSES:
            whole = self.operation not in BULK_OPERATIONS or self.recipient == "*"
            needed = f"the operation {' or '.join(BULK_OPERATIONS)} and a recipient"
            wrong.append((whole, f"{self.code} is the status of an entry: it needs {needed}"))
        problem = next((text for applies, text in wrong if applies), "")
        if problem:
            raise FaultError(f"{problem}.")

    @property
    def delay(self) -> float:
        """Seconds that the answer is kept back."""
        default = SLOW_SECONDS if self.effect == "slow" else TIMEOUT_SECONDS
        return default if self.seconds is None else self.seconds

    def strikes_entries(self, operation: str) -> bool:
        """Whether it strikes single entries of such a call, rather than the call."""
        return operation in BULK_OPERATIONS and self.effect in {"throttle", "error"} and self.recipient != "*"

    def fits(self, operation: str, recipients: Sequence[str]) -> bool:
        """Whether a request is one that it may strike.

        Example:
            >>> Fault("throttle", operation="Send*", recipient="*@example.com").fits("SendEmail", ["Ada@example.com"])
            True
        """
        if not fnmatch.fnmatchcase(operation, self.operation):
            return False
        wanted = self.recipient.lower()
        return wanted == "*" or any(fnmatch.fnmatchcase(address.lower(), wanted) for address in recipients)


@dataclass(slots=True)
class Armed:
    """A fault in force, and what came of it."""

    fault: Fault
    matched: int = 0
    struck: int = 0
    draws: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draws = random.Random(self.fault.seed)  # noqa: S311 - the same each time, and guards nothing

    def strikes(self, operation: str, recipients: Sequence[str]) -> bool:
        """Whether it strikes this request, which counts as seen."""
        fault = self.fault
        if self.struck == fault.times or not fault.fits(operation, recipients):
            return False
        self.matched += 1
        if self.matched <= fault.skip or self.draws.random() >= fault.rate:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults in force, by name. The first one set that strikes a request decides."""

    def __init__(self) -> None:
        self.armed: dict[str, Armed] = {}

    def put(self, name: str, fault: Fault) -> Armed:
        """Set a fault, with its counts at zero; one of the same name goes."""
        self.armed.pop(name, None)
        self.armed[name] = Armed(fault)
        return self.armed[name]

    def choose(self, operation: str, recipients: Sequence[str], *, is_entry: bool = False) -> Fault | None:
        """The fault that strikes a request, or an entry of a bulk call; None if it goes through."""
        asked = (one for one in self.armed.values() if one.fault.strikes_entries(operation) == is_entry)
        return next((one.fault for one in asked if one.strikes(operation, recipients)), None)


_JSON_NAMES = {str: "a string", int: "an integer", float: "a number", type(None): "null"}
_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "effect": (str,),
    "operation": (str,),
    "recipient": (str,),
    "times": (int, type(None)),
    "skip": (int,),
    "rate": _NUMBER,
    "seed": (int,),
    "code": (str,),
    "status": (int, type(None)),
    "message": (str,),
    "seconds": (*_NUMBER, type(None)),
    "body": (str, type(None)),
}


def parse(given: dict[str, object]) -> Fault:
    """A fault from JSON.

    Raises:
        FaultError: A member is missing, unknown, of the wrong type or out of bounds.
    """
    unknown = set(given) - set(_TYPES)
    if unknown:
        known = ", ".join(_TYPES)
        raise FaultError(f"{', '.join(sorted(unknown))} is not a member of a fault; the members are {known}.")
    wrong = [name for name, value in given.items() if isinstance(value, bool) or not isinstance(value, _TYPES[name])]
    if wrong:
        kinds = " or ".join(_JSON_NAMES[kind] for kind in _TYPES[wrong[0]])
        raise FaultError(f"{wrong[0]} must be {kinds}, not {given[wrong[0]]!r}.")
    effect = cast("Effect", given.get("effect", ""))
    options = cast("Options", {name: value for name, value in given.items() if name != "effect"})
    return Fault(effect, **options)
