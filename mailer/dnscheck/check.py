"""Looks at every record of a stack at once. Not for printing what was found."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.dnscheck import dmarc
from mailer.dnscheck.verdict import Finding, all_published, judge, several_spf

if TYPE_CHECKING:
    from mailer.dnscheck.lookup import Lookup
    from mailer.stack import StackOutputs

AT_ONCE = 8


@dataclass(frozen=True)
class Report:
    """The state of a stack's DNS records.

    Attributes:
        findings: One for each record.
        warnings: Other problems of the domain that keep mail from arriving.
        notes: Other remarks, which do not affect delivery.
    """

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every record is published, and nothing else is wrong."""
        return all_published(self.findings) and not self.warnings


def check(outputs: "StackOutputs", ask: "Lookup") -> Report:
    """Look each record up. Takes as long as the slowest answer.

    Args:
        outputs: Whose records.
        ask: See `mailer.dnscheck.lookup`.
    """
    records = outputs.dns_records
    if not records:
        return Report(())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        apex = pool.submit(ask, outputs.domain, "TXT")
        asked = [pool.submit(ask, record.name, record.type) for record in records]
    told_anyway = any(record.name == outputs.domain for record in records)
    warning = "" if told_anyway else several_spf(outputs.domain, apex.result())
    judged = (judge(record, answer.result()) for record, answer in zip(records, asked, strict=True))
    walk = dmarc.Walk(ask)
    findings = tuple(dmarc.without_needless(judged, outputs.domain, walk))
    warnings = (*([warning] if warning else []), *dmarc.warnings(outputs, walk))
    return Report(findings, warnings, tuple(dmarc.notes(outputs, walk)))
