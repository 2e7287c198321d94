"""How much is sent, how often relays are killed, and what goes wrong besides. All draws come from the seed."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailer.outbox.policy import OnUnknown

# How far the clock of the outbox is moved between rounds: longer than the absence of an event must last to be evidence.
STEP = timedelta(hours=2)
SEND = "SendEmail"


def faults() -> tuple[dict[str, Any], ...]:
    """Faults of SES in the local cloud; shares of requests."""
    found: list[dict[str, Any]] = [
        {"effect": "throttle", "rate": 0.02},
        {"effect": "reset-before", "rate": 0.02},
        {"effect": "reset-after", "rate": 0.02},
        {"effect": "timeout-after", "rate": 0.002, "seconds": 3.0},
        {"effect": "malformed", "rate": 0.01},
        {"effect": "slow", "rate": 0.02, "seconds": 0.1},
        {"effect": "error", "code": "MessageRejected", "rate": 0.005},
        {"effect": "error", "code": "SendingPausedException", "rate": 0.01},
    ]
    return tuple({**one, "operation": SEND} for one in found)


@dataclass(frozen=True)
class Schedule:
    """What happens.

    Attributes:
        mails: Mails that the application tries to write.
        seed: Of every draw.
        relays: Processes that run at the same time.
        threads: In each.
        batch: Mails of a round. At the end of a round every relay is killed.
        kills: Relays that are killed in a round besides, while the others go on. Each is started again.
        rolled_back: The share of transactions that the application rolls back.
        held: The share of events that arrive only after every relay of the round is dead.
        unknown: The policy of the relays. With `resend`, mails must be doubled: the schedule would find that.
    """

    mails: int
    seed: int = 0
    relays: int = 2
    threads: int = 4
    batch: int = 250
    kills: int = 4
    rolled_back: float = 0.05
    held: float = 0.3
    unknown: OnUnknown = "evidence"

    def chance(self, *about: object) -> random.Random:
        """Draws about something, the same each time."""
        return random.Random(f"{self.seed} {about}")
