"""A message log and a suppression list with a known history, for the tests of reports."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mailer.stores.base import Suppression
from tests.contract.message_log import entry
from tests.contract.suppression_store import NOW

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.stores.base import SuppressionStore
    from mailer.stores.messages import LogEntry, MessageLog

NEWS = "mailstack-dev-news"
# Kind, category and how many of each day before the last, the newest first.
_PLAN: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("Send", "", (40, 20, 0, 10)),
    ("Delivery", "192.0.2.1", (36, 20, 0, 9)),
    ("Bounce", "Permanent General", (2, 0, 0, 1)),
    ("Bounce", "Transient MailboxFull", (1, 0, 0, 0)),
    ("Bounce", "Permanent OnAccountSuppressionList", (1, 0, 0, 0)),
    ("Complaint", "abuse", (0, 1, 0, 0)),
    ("Complaint", "not-spam", (1, 0, 0, 0)),
)


def history(now: "datetime" = NOW) -> "list[LogEntry]":
    """Entries of four days. Every second mail is of the stream `news`, and has no template."""
    return [
        entry(
            kind,
            f"person{number}@example.org",
            key=f"{kind} {category} {day} {number}",
            at=now - timedelta(days=day),
            sent_at=now - timedelta(days=day),
            category=category,
            code="5.1.1" if kind == "Bounce" else "",
            words="smtp; 550 5.1.1 unknown" if kind == "Bounce" else "",
            configuration_set=NEWS if number % 2 else "mailstack-dev-transactional",
            template="" if number % 2 else "welcome",
        )
        for kind, category, counts in _PLAN
        for day, count in enumerate(counts)
        for number in range(count)
    ]


def fill(log: "MessageLog", suppressions: "SuppressionStore", now: "datetime" = NOW) -> None:
    """Write the history."""
    log.add(history(now))
    for number in range(3):
        address, at = f"person{number}@example.org", now - timedelta(days=number * 2)
        added = Suppression(address, "bounce", "smtp; 550 5.1.1", at)
        suppressions.put(replace(added, reason="complaint", scope="stream:news") if number == 2 else added)
