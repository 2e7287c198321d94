"""`mailer status`: the state of a stack in AWS on one screen, and what is left to do."""

import json
import math
import os
import sys
import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailer.cli.output import as_json, flush, line, table
from mailer.cli.stack import add_stack_option, outputs_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from mailer.doctor.site import Site
    from mailer.doctor.state.row import Row

HELP = "show the state of a stack in AWS, and what is left to do"
EXAMPLES = """\
examples:
  mailer status --stack prod
  mailer status --stack prod --watch 10
  mailer status --stack prod --wait 3600 && echo verified
  mailer status --stack prod --json

It shows the identity, DKIM and MAIL FROM as SES sees them; sandbox or production, quota and rate; streams that are
paused, and by whom where that is known; subscriptions, queues, and alarms that are not OK. It reads only. What is wrong
behind them, and how to fix it: mailer doctor.

exit status: 0 shown, 1 the identity was not verified in time (--wait), 2 wrong usage or configuration
"""
NOT_VERIFIED = 1
# Seconds between two looks of --wait. SES looks for new records every few minutes.
_PAUSE, _WEEK = 10.0, 604_800
# Move the cursor home, and clear what is below: ECMA-48 §8.3.21 and §8.3.39.
_CLEAR = "\x1b[H\x1b[J"


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    add_stack_option(command)
    command.add_argument("--json", action="store_true", help="as JSON; with --watch, a line for each look")
    again = command.add_mutually_exclusive_group()
    again.add_argument("--watch", metavar="SECONDS", type=_seconds, help="look again so often, until Ctrl+C")
    words = "look again until the identity, DKIM and MAIL FROM are verified, for so long"
    again.add_argument("--wait", metavar="SECONDS", type=_seconds, help=words)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= _WEEK:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 604800, a week")
    return seconds


def run(given: "Namespace") -> int:
    """Look once, again and again, or until the identity is verified."""
    from mailer.doctor.site import Site

    site = Site(outputs_of(given), None, os.environ)
    if given.watch:
        return _watch(site, given.watch, as_lines=given.json)
    if given.wait:
        return _wait(site, given.wait, as_objects=given.json)
    _print(site, _look(site), as_objects=given.json)
    return 0


def _look(site: "Site") -> "list[Row]":
    from mailer.doctor.state.read import read

    return read(site)


def _watch(site: "Site", seconds: float, *, as_lines: bool) -> int:
    """Look until the person has seen enough."""
    while True:
        rows = _look(site)
        if as_lines:
            line(json.dumps(_document(site, rows), ensure_ascii=False))
        else:
            line(f"{_CLEAR if sys.stdout.isatty() else ''}{datetime.now(UTC):%H:%M:%S} UTC")
            _print(site, rows, as_objects=False)
        flush()
        time.sleep(seconds)
        site = site.again()


def _wait(site: "Site", seconds: float, *, as_objects: bool) -> int:
    """Look until SES has verified the identity, and say on standard error what it waits for."""
    from mailer.doctor.state.read import is_verified

    ends, said = time.monotonic() + seconds, ""
    while True:  # ends in time
        rows = _look(site)
        waits = ", ".join(f"{row.what}: {row.state}" for row in rows if row.part == "identity" and row.then)
        if waits not in ("", said):
            sys.stderr.write(f"waiting for {waits}\n")
            said = waits
        left = ends - time.monotonic()
        if is_verified(rows) or left <= 0:
            _print(site, rows, as_objects=as_objects)
            return 0 if is_verified(rows) else NOT_VERIFIED
        time.sleep(min(_PAUSE, left))
        site = site.again()


def _print(site: "Site", rows: "Sequence[Row]", *, as_objects: bool) -> None:
    if as_objects:
        as_json(_document(site, rows))
        return
    marks = {"ok": " ", "open": "!", "unknown": "?"}
    line(f"stack {site.outputs.stack}, account {site.outputs.account_id}, {site.outputs.region}\n")
    table((marks[row.standing], row.what, row.state) for row in rows)
    for row in rows:
        if row.then:
            line(f"\n{row.what}: {row.then}")


def _document(site: "Site", rows: "Sequence[Row]") -> dict[str, object]:
    from mailer.doctor.state.read import is_verified

    shown = [
        {
            "part": row.part,
            "what": row.what,
            "state": row.state,
            "standing": row.standing,
            "then": row.then,
            "values": dict(row.values),
        }
        for row in rows
    ]
    outputs = site.outputs
    return {
        "stack": outputs.stack,
        "account": outputs.account_id,
        "region": outputs.region,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "verified": is_verified(rows),
        "rows": shown,
    }
