"""Does the time of an answer tell whether an address has an account? `python -m benchmarks.verification`.

Requests for known and unknown addresses come in random order, over SQLite in a temporary folder. The transport takes
100 ms a mail, as a network may. The page also shows the chance that an attacker who compares one request of each
kind names the known address: 50 % is a guess. The last row waits for the mail, as the library does not: it shows that
the measurement can tell.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import show
from mailer import Mail, Mailer, Message, RecipientResult, SqlStores, Status
from mailer.verification import (
    SIGN_IN,
    BackgroundDelivery,
    CatalogMails,
    Delivery,
    Limit,
    Limits,
    TokenStore,
    Verification,
    VerificationKeys,
    new_key,
)

# What docs/guides/verification.md states: the medians' difference, in milliseconds.
TOLERANCE = 5.0
_MAIL_SECONDS, _THREADS, _MOST_INLINE = 0.1, 8, 60
_WIDE = Limits(per_address=Limit(1000))
Times = dict[bool, list[float]]


class Slow:
    """A transport that takes as long as a network may."""

    def send(self, message: Message) -> tuple[RecipientResult, ...]:
        time.sleep(_MAIL_SECONDS)
        return tuple(RecipientResult(one, Status.SENT, "1") for one in message.recipients)


class Inline:
    """A delivery that waits for the mail."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def deliver(self, mail: Mail | None, *, expires_at: datetime) -> None:  # noqa: ARG002
        if mail is not None:
            mail.send_with(self._mailer.send)


def measured(ask: Callable[[str, bool], object], requests: int, rng: random.Random) -> Times:
    """The milliseconds of each request, for known (True) and unknown addresses."""
    times: Times = {True: [], False: []}
    for number in range(requests):
        known = rng.random() < 1 / 2
        began = time.perf_counter()
        ask(f"user{number}@example.com", known)
        times[known].append((time.perf_counter() - began) * 1000)
    return times


def advantage(times: Times) -> float:
    """The chance that a request for a known address takes longer than one for an unknown one."""
    ordered = sorted((value, known) for known, values in times.items() for value in values)
    below = wins = 0
    for _, known in ordered:
        if known:
            wins += below
        else:
            below += 1
    return wins / (len(times[True]) * len(times[False]))


def row(times: Times) -> dict[str, float]:
    """The figures of one table row."""
    known, unknown = statistics.median(times[True]), statistics.median(times[False])
    right = advantage(times)
    return {
        "known ms": known,
        "unknown ms": unknown,
        "difference ms": abs(known - unknown),
        "attacker right %": 100 * max(right, 1 - right),
    }


def compare(store: TokenStore, requests: int) -> dict[str, dict[str, float]]:
    """One row for each kind of delivery and mail."""
    mailer, rng = Mailer.over(Slow(), sender="no-reply@example.com"), random.Random(7)  # noqa: S311 - an order
    keys = VerificationKeys.parse([new_key()])

    def asking(delivery: Delivery, *, say: bool) -> Callable[[str, bool], object]:
        mails = CatalogMails(say_no_account=say)
        verification = Verification(mailer, store=store, keys=keys, mails=mails, delivery=delivery, limits=_WIDE)
        return lambda address, known: verification.send_code(SIGN_IN, address, eligible=known)

    rows: dict[str, dict[str, float]] = {}
    for name, say in (("background, unknown gets a mail", True), ("background, unknown gets none", False)):
        with BackgroundDelivery(mailer, threads=_THREADS, waiting=requests) as delivery:
            rows[name] = row(measured(asking(delivery, say=say), requests, rng))
    inline = asking(Inline(mailer), say=False)
    rows["inline (not in the library)"] = row(measured(inline, min(requests, _MOST_INLINE), rng))
    return rows


def main() -> int:
    """Measure and print; the exit status is 1 if the stated tolerance does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000, metavar="N", help="of each kind of delivery")
    parser.add_argument("--json", action="store_true", help="as one line of JSON")
    given = parser.parse_args()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory()))
        stores = opened.enter_context(SqlStores(f"sqlite:///{folder}/mail.db", keys=()))
        rows = compare(stores.tokens, given.requests)
    show("Time of an answer, by whether the address has an account", rows, as_json=given.json)
    library = [figures for name, figures in rows.items() if name.startswith("background")]
    return int(any(figures["difference ms"] > TOLERANCE for figures in library))


if __name__ == "__main__":
    raise SystemExit(main())
