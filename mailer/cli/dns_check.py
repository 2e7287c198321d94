"""`mailer dns --check`: whether the records are published. Not for asking the DNS (`mailer.dnscheck`)."""

import sys
import time
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from mailer.cli.output import as_json, line, table

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from mailer.dnscheck.check import Report
    from mailer.dnscheck.lookup import Lookup
    from mailer.dnscheck.verdict import Finding
    from mailer.stack import StackOutputs

NOT_THERE = 1
DNS_PORT = 53
MAX_PORT = 65_535
MAX_WAIT = 72 * 3600  # how long SES itself looks for DKIM's records
# Seconds between two checks: short at first, because a record may appear within moments.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0


def configure(command: "ArgumentParser") -> None:
    """Give the command its options."""
    command.add_argument("--check", action="store_true", help="check that they are published; exit 1 if one is not")
    command.add_argument(
        "--resolver",
        metavar="HOST[:PORT]",
        type=server,
        help="with --check: the name server to ask, instead of the zone's own",
    )
    command.add_argument(
        "--wait", metavar="SECONDS", type=_seconds, default=0.0, help="with --check: how long to wait until they are"
    )


def run(outputs: "StackOutputs", given: "Namespace") -> int:
    """Check until every record is published or time is up; then print the report."""
    from mailer.dnscheck.check import check
    from mailer.dnscheck.lookup import ask_owners, ask_server

    ask: Lookup = ask_server(*given.resolver) if given.resolver else ask_owners()
    report = check(outputs, ask)
    end, pause = time.monotonic() + given.wait, FIRST_PAUSE
    while not report.ok and (left := end - time.monotonic()) > 0:
        sys.stderr.write(f"{_summary(report)} Checking again for {left:.0f} s.\n")
        time.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE)
        report = check(outputs, ask)
    _as_json(report) if given.json else _show(report)
    return 0 if report.ok else NOT_THERE


def _show(report: "Report") -> None:
    from mailer.dnscheck.verdict import Status

    table((finding.status, finding.record.type, finding.record.name) for finding in report.findings)
    for finding in report.findings:
        if finding.status not in {Status.PUBLISHED, Status.NOT_NEEDED}:
            _explain(finding)
    for text in (*report.warnings, *report.notes):
        line(f"\n{text}")
    line(f"\n{_summary(report)}")


def _explain(finding: "Finding") -> None:
    from mailer.zonefile import lines

    line(f"\n{finding.record.name} {finding.record.type} is {finding.status}: {finding.advice}")
    rows = [("  wanted", wanted) for wanted in lines([finding.record])]
    table([*rows, *(("  found", value) for value in finding.found)])


def _summary(report: "Report") -> str:
    from mailer.dnscheck.verdict import Status

    needed = [finding for finding in report.findings if finding.status is not Status.NOT_NEEDED]
    there = sum(finding.status is Status.PUBLISHED for finding in needed)
    return f"{there} of {len(needed)} records are published."


def _as_json(report: "Report") -> None:
    records: list[dict[str, Any]] = [
        {
            **finding.record.model_dump(mode="json"),
            "status": finding.status,
            "found": list(finding.found),
            "advice": finding.advice,
        }
        for finding in report.findings
    ]
    as_json({"ok": report.ok, "records": records, "warnings": list(report.warnings), "notes": list(report.notes)})


def server(text: str) -> tuple[str, int]:
    """`HOST`, `HOST:PORT`, or an IPv6 address, in brackets where a port follows."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, str(DNS_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> float:
    if not text.isdecimal() or int(text) > MAX_WAIT:
        raise ArgumentTypeError(f"{text!r} is not a whole number of seconds, at most {MAX_WAIT}")
    return float(text)
