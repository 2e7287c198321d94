"""Runs a schedule in rounds: write mails, start relays, kill them, deliver events, compare with what SES accepted.

The outbox's clock is moved by hours only between rounds. So the absence of an event decides only when every relay is
dead and every event has arrived: the result does not depend on the speed of the machine.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from threading import Event
from typing import Any

from sqlalchemy import text

from mailer import OutboxMail, StackOutputs
from mailer.feedback.events import parse
from mailer.feedback.log_entries import entries_of
from mailer.message_id import time_of
from mailer.stores.outbox import OutboxStatus
from mailstack_localcloud import LocalCloud
from tests.outbox_schedule.schedule import STEP, Schedule, faults
from tests.outbox_schedule.worker import POLICY, opened, start_relay, write
from tests.waiting import eventually

_NO_LIMIT = 1_000_000_000.0
_ROUNDS_AT_MOST = 50
# More mails than a round can have.
_MANY = 1_000_000


@dataclass
class Report:
    """What was found. `lost`, `doubled` and `misreported` must be empty.

    Attributes:
        written: Mails whose transaction was committed.
        statuses: How often each status was the last.
        lost: Committed, and not accepted, without a dead letter that says so.
        doubled: Accepted more than once.
        misreported: Accepted and dead, or accepted although the transaction was rolled back.
        killed: Relays that were killed.
        unknown: Mails that a killed relay or a lost answer left undecided.
        attempts: Claims of all mails.
    """

    written: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    misreported: list[str] = field(default_factory=list[str])
    killed: int = 0
    unknown: int = 0
    attempts: int = 0

    @property
    def honest(self) -> bool:
        return not (self.lost or self.doubled or self.misreported)

    def __str__(self) -> str:
        counts = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        wrong = "; ".join(
            f"{name} {len(found)}{f', such as {found[:3]}' if found else ''}"
            for name, found in (("lost", self.lost), ("doubled", self.doubled), ("misreported", self.misreported))
        )
        return (
            f"{self.written:,} mails committed: {counts}; {self.attempts:,} attempts, {self.killed} relays killed, "
            f"{self.unknown} outcomes unknown at the end of a round\n{wrong}"
        )


class Run:
    """One run over one database, which is empty."""

    def __init__(self, cloud: LocalCloud, outputs: StackOutputs, schedule: Schedule, url: str) -> None:
        self._cloud, self._outputs, self._schedule, self._url = cloud, outputs, schedule, url
        self._offset, self._report = timedelta(0), Report()
        self._seen, self._held = set[str](), list[str]()
        self._accepted: dict[int, list[str]] = {}
        self._stores = opened(url, timedelta(0))
        self._chance = schedule.chance("kills")

    def __call__(self, progress: Callable[[int, Report], None] | None = None) -> Report:
        schedule = self._schedule
        self._cloud.control("PUT", "account", {"max_send_rate": _NO_LIMIT, "max_24_hour_send": _NO_LIMIT})
        self._stores.migrate()
        with self._stores._database.write("prepare") as connection:
            connection.execute(text("CREATE TABLE orders (number INTEGER PRIMARY KEY)"))
        for number, fault in enumerate(faults()):
            self._cloud.control("PUT", f"faults/{number}", {**fault, "seed": schedule.seed + number})
        for start in range(0, schedule.mails, schedule.batch):
            numbers = range(start, min(start + schedule.batch, schedule.mails))
            write(schedule, numbers, self._outputs, self._url, self._offset)
            self._round(kills=schedule.kills)
            if progress:
                progress(numbers.stop, self._report)
        for number in range(schedule.mails, schedule.mails + _ROUNDS_AT_MOST):
            if not self._open():
                break
            # The absence of an event is evidence once there is one of a mail that was sent later.
            write(replace(schedule, rolled_back=0), range(number, number + 1), self._outputs, self._url, self._offset)
            self._round(kills=0)
        self._compare()
        self._stores.close()
        return self._report

    def _round(self, *, kills: int) -> None:
        """Relays run and are killed one by one; then all of them; then every event arrives, and hours pass."""
        relays = [self._start() for _ in range(self._schedule.relays)]
        for _ in range(kills):
            self._wait_for_some()
            relays.append(self._start())
            self._kill(relays.pop(self._chance.randrange(len(relays) - 1)))
        if kills:
            self._wait_for_some()
        else:
            eventually(
                lambda: self._deliver(held=0) or (self._is_decided() and self._is_quiet()),
                "the relays do not go on",
            )
        for relay in relays:
            self._kill(relay)
        self._report.unknown += self._undecided()
        self._deliver_all()
        self._offset += STEP

    def _start(self) -> ForkServerProcess:
        return start_relay(self._schedule, self._outputs, self._url, self._offset)

    def _kill(self, relay: ForkServerProcess) -> None:
        relay.kill()
        relay.join()
        self._report.killed += 1

    def _wait_for_some(self) -> None:
        """Until a random number of mails more has ended, or nothing more is to be sent; and some milliseconds more."""
        share = self._schedule.batch // (self._schedule.kills + 1)
        wanted = self._ended() + self._chance.randrange(1, max(2, share))
        eventually(lambda: self._deliver() or self._ended() >= wanted or self._is_quiet(), "the relays do not go on")
        Event().wait(self._chance.random() * 0.05)

    def _count(self, *statuses: OutboxStatus) -> int:
        counts = self._stores.outbox.counts()
        return sum(counts[status].count for status in statuses if status in counts)

    def _ended(self) -> int:
        return self._count(*(status for status in OutboxStatus if status.is_final))

    def _open(self) -> int:
        return self._count(OutboxStatus.PENDING, OutboxStatus.SENDING, OutboxStatus.UNKNOWN)

    def _undecided(self) -> int:
        return self._count(OutboxStatus.SENDING, OutboxStatus.UNKNOWN)

    def _is_quiet(self) -> bool:
        """Whether no mail is to be sent now. Those that are tried again later are for the next round."""
        with opened(self._url, self._offset) as stores:
            counts = stores.outbox.counts()
        pending, sending = counts.get(OutboxStatus.PENDING), counts.get(OutboxStatus.SENDING)
        return not (pending and pending.due) and not sending

    def _is_decided(self) -> bool:
        """Whether no mail of an earlier round waits for evidence, all of which is there."""
        unknown = self._stores.outbox.find(status=OutboxStatus.UNKNOWN, limit=self._schedule.mails)
        decided_at = datetime.now(UTC) + self._offset - POLICY.decided_after
        return not any((time_of(mail.attempt_id) or decided_at) < decided_at for mail in unknown)

    def _listed(self, limit: int) -> list[dict[str, Any]]:
        listed = self._cloud.control("GET", "messages", {"limit": limit})["messages"]
        return [one for one in listed if one["to"] and str(one["to"][0]).startswith("reader-")]

    def _deliver(self, held: float | None = None) -> None:
        """Deliver events as SNS and SQS do: some at once, in any order; some late."""
        found = [one["message_id"] for one in self._listed(200)]
        for message_id in found:
            if message_id not in self._seen:
                self._seen.add(message_id)
                if self._chance.random() < (self._schedule.held if held is None else held):
                    self._held.append(message_id)
                else:
                    self._process(message_id)

    def _deliver_all(self) -> None:
        """Deliver every event of what SES accepted, once it accepts nothing more: no relay lives."""
        counts = list[int]()

        def is_still() -> bool:
            counts.append(len(self._listed(_MANY)))
            return counts[-4:] == [counts[-1]] * 4

        eventually(is_still, "SES accepts mails of dead relays")
        everything = {str(one["message_id"]): str(one["to"][0]) for one in self._listed(_MANY)}
        for message_id in (*self._held, *sorted(everything.keys() - self._seen)):
            self._process(message_id)
        self._held.clear()
        self._seen |= everything.keys()
        for message_id, recipient in everything.items():
            number = int(recipient.partition("@")[0].removeprefix("reader-"))
            self._accepted.setdefault(number, []).append(message_id)
        self._cloud.control("DELETE", "messages")

    def _process(self, message_id: str) -> None:
        assert self._stores.messages
        for event in self._cloud.control("GET", f"messages/{message_id}")["events"]:
            self._stores.messages.add(entries_of(parse(event, datetime.now(UTC))))

    def _compare(self) -> None:
        with self._stores._database.read("read orders from") as connection:
            orders = {int(number) for number in connection.execute(text("SELECT number FROM orders")).scalars()}
        mails = {mail.message_id or mail.id: mail for mail in self._stores.outbox.find(limit=_MANY)}
        self._report.written = len(orders)
        self._report.statuses.update(str(mail.status) for mail in mails.values())
        self._report.attempts = sum(mail.attempts for mail in mails.values())
        self._judge(orders, self._accepted, mails)

    def _judge(self, orders: set[int], accepted: dict[int, list[str]], mails: dict[str, OutboxMail]) -> None:
        report = self._report
        refused = report.statuses[OutboxStatus.DEAD]
        missing = sorted(orders - accepted.keys())
        if len(missing) > refused or len(mails) != len(orders):
            report.lost += [f"{number}: not accepted" for number in missing]
        report.doubled += [f"{number}: {ids}" for number, ids in accepted.items() if len(ids) > 1]
        report.misreported += [f"{number}: rolled back" for number in accepted.keys() - orders]
        known = {id_ for ids in accepted.values() for id_ in ids}
        report.misreported += [
            f"{mail}: {mail.message_id}"
            for mail in mails.values()
            if not mail.status.is_final or (mail.status is OutboxStatus.SENT) is not (mail.message_id in known)
        ]
