"""What goes wrong, how often. Shares are of requests, drawn from the seed."""

from dataclasses import dataclass, field
from typing import Any

# What a client waits for an answer, and by how much longer the server keeps one back. Seconds.
PATIENCE, HELD_BACK = 1.0, 3.0
SEND = "SendEmail"
_REFUSALS = {
    "MessageRejected": 0.01,
    "AccessDeniedException": 0.005,
    "SendingPausedException": 0.005,
    "AccountSuspendedException": 0.002,
    "MailFromDomainNotVerifiedException": 0.005,
    "NotFoundException": 0.005,
    "BadRequestException": 0.005,
    "LimitExceededException": 0.002,
    "ExpiredTokenException": 0.005,
    "UnrecognizedClientException": 0.005,
    "InternalFailure": 0.01,
    "ServiceUnavailable": 0.01,
}
_STATUSES = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "UnrecognizedClientException": 403,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
}


def faults() -> tuple[dict[str, Any], ...]:
    """Faults of SES in the local cloud: throttling, refusals, time-outs, resets, unreadable and slow answers."""
    of_ses: list[dict[str, Any]] = [
        {"effect": "throttle", "rate": 0.05},
        {"effect": "timeout-before", "rate": 0.0005, "seconds": HELD_BACK},
        {"effect": "timeout-after", "rate": 0.0005, "seconds": HELD_BACK},
        {"effect": "reset-before", "rate": 0.02},
        {"effect": "reset-after", "rate": 0.02},
        {"effect": "malformed", "rate": 0.02},
        {"effect": "malformed", "rate": 0.01, "body": "<html>proxy</html>"},
        {"effect": "malformed", "rate": 0.01, "body": "{}"},
        {"effect": "malformed", "rate": 0.01, "body": "[]"},
        {"effect": "slow", "rate": 0.005, "seconds": 0.2},
        *({"effect": "error", "code": code, "rate": rate} for code, rate in _REFUSALS.items()),
    ]
    return tuple(_with_status({**one, "operation": SEND}) for one in of_ses)


def _with_status(fault: dict[str, Any]) -> dict[str, Any]:
    status = _STATUSES.get(str(fault.get("code")))
    return {**fault, "status": status} if status else fault


@dataclass(frozen=True)
class Schedule:
    """How much is sent, by how many, and from which seed.

    Attributes:
        sends: Messages.
        seed: Of every draw.
        workers: Processes at a time, forked from one that has sent.
        threads: In each.
        batch: Messages between two looks at what the server accepted.
        kills: Workers that are killed with SIGKILL in each batch.
        keyed: The share of messages with an idempotency key: those that a killed worker leaves are sent again.
        suppressed: The share of recipients on the suppression list.
        unreachable: The share of messages sent to a name that does not resolve, and through a failing TLS handshake.
        store_faults: The share of the store's requests that are throttled, or whose answer is lost.
        faults: Faults of SES, for the local cloud's control plane.
    """

    sends: int
    seed: int = 0
    workers: int = 2
    threads: int = 8
    batch: int = 5_000
    kills: int = 3
    keyed: float = 0.25
    suppressed: float = 0.05
    unreachable: float = 0.02
    store_faults: float = 0.05
    faults: tuple[dict[str, Any], ...] = field(default_factory=faults)
