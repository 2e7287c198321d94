"""What a stack costs before a mail is sent: AWS's list prices, and how often each applies to what a stack has.

US dollars a month in us-east-1, as they were known in 2025; look again before you rely on one. Not for what depends on
how much is sent, which docs/reference/infrastructure.md says in words.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mailstack_infra.monitoring.metrics import COUNTED
from tools.docs.recording import Registered

# What the account monitor publishes: `mailer.functions.account.measure` and `pagers`.
MONITOR_METRICS = 9
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"


class Price(NamedTuple):
    """What one thing costs for being there.

    Attributes:
        what: What is paid for.
        each: Dollars a month.
        source: AWS's own page.
        counts: How many of it a resource is, by the last part of the resource's type and the end of its name.
    """

    what: str
    each: float
    source: str
    counts: dict[tuple[str, str], int]

    def count(self, resources: Iterable[Registered]) -> int:
        """How many of it there are."""
        return sum(
            number
            for resource in resources
            for (kind, end), number in self.counts.items()
            if resource.custom and resource.kind == kind and resource.name.endswith(end)
        )


PRICES = (
    Price("alarm on a metric", 0.10, _CLOUDWATCH, {("MetricAlarm", ""): 1}),
    Price("composite alarm", 0.50, _CLOUDWATCH, {("CompositeAlarm", ""): 1}),
    Price("dashboard", 3.00, _CLOUDWATCH, {("Dashboard", ""): 1}),
    Price(
        "custom metric",
        0.30,
        _CLOUDWATCH,
        {
            ("ConfigurationSetEventDestination", "-counts"): len(COUNTED),
            ("Function", "account-monitor"): MONITOR_METRICS,
        },
    ),
    Price("customer key", 1.00, "https://aws.amazon.com/kms/pricing/", {("Key", ""): 1}),
    Price("secret", 0.40, "https://aws.amazon.com/secrets-manager/pricing/", {("Secret", ""): 1}),
)


def table(resources: Sequence[Registered]) -> str:
    """What the resources cost for being there, as a table in Markdown."""
    counted = [(price, count) for price in PRICES if (count := price.count(resources))]
    rows = [f"| [{p.what}]({p.source}) | {n} | {p.each:.2f} | {n * p.each:.2f} |" for p, n in counted]
    total = sum(count * price.each for price, count in counted)
    head = ["| what | how many | each | a month |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*head, *rows, f"| together | | | **{total:.2f}** |"])
