"""How receivers apply a stack's DMARC record and those above it (RFC 9989). Not for comparing records."""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from mailer import dmarc
from mailer.dnscheck.verdict import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.dnscheck.lookup import Lookup
    from mailer.stack import StackOutputs

CONSENT = "._report._dmarc."


class Walk:
    """Tree walks that ask each name once. A name without an answer counts as one without a record.

    Args:
        ask: See `mailer.dnscheck.lookup`.
    """

    def __init__(self, ask: "Lookup") -> None:
        @cache
        def records(domain: str) -> tuple[dmarc.Record, ...]:
            values = ask(f"_dmarc.{domain}", "TXT").values
            return tuple(record for value in values if (record := dmarc.parse(value, domain)))

        self.records = records

    def from_domain(self, domain: str) -> dmarc.Discovery:
        """Walk the tree from a domain."""
        return dmarc.discover(domain, lambda name: found[0] if len(found := self.records(name)) == 1 else None)


def without_needless(findings: "Iterable[Finding]", domain: str, walk: Walk) -> "Iterator[Finding]":
    """The findings; a mailbox of the same organization needs no consent to get reports (RFC 9990 §4)."""
    for finding in findings:
        _, consent, host = finding.record.name.partition(CONSENT)
        if consent and finding.status is Status.MISSING and _same(domain, host, walk):
            yield replace(finding, status=Status.NOT_NEEDED, advice="")
        else:
            yield finding


def _same(domain: str, host: str, walk: Walk) -> bool:
    return walk.from_domain(domain).organizational == walk.from_domain(host).organizational


def warnings(outputs: "StackOutputs", walk: Walk) -> "Iterator[str]":
    """Problems that keep mail from arriving."""
    found = walk.from_domain(outputs.domain)
    wanted = {record.name for record in outputs.dns_records}
    if not found.applies and f"_dmarc.{outputs.domain}" not in wanted:
        yield (
            f"No DMARC record holds for mail from {outputs.domain}. Gmail, Yahoo and Outlook ask bulk senders for one: "
            "publish it, or let the stack: mailstack:dmarc.publish."
        )
    for target in dmarc.targets(outputs.domain):
        if target != outputs.domain and len(walk.records(target)) > 1:
            yield f"{target} has several DMARC records. Receivers ignore all of them (RFC 9989 §4.10): keep one."


def notes(outputs: "StackOutputs", walk: Walk) -> "Iterator[str]":
    """Remarks, which do not affect delivery."""
    found = walk.from_domain(outputs.domain)
    if found.weakened and found.applies and found.above:
        yield (
            f"The DMARC record of {found.domain} asks for {found.applies.policy}. Without it, that of "
            f"{found.above.domain} would ask for {found.weakened}: raise mailstack:dmarc.policy, or leave the record "
            "out with mailstack:dmarc.publish: false."
        )
    own = found.applies
    if own and own.domain == found.domain != found.organizational and {"sp", "np"} & own.tags.keys():
        yield (
            f"Receivers read sp and np in the record of {found.organizational} alone (RFC 9989 §4.7), not in that of "
            f"{found.domain}."
        )
