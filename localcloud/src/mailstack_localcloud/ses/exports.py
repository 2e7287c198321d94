"""The content of an export job: message insights, or metrics. The columns are ours, since AWS documents none."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from mailstack_localcloud.ses import mime
from mailstack_localcloud.ses.context import Parameters
from mailstack_localcloud.ses.events import BOUNCES, timestamp
from mailstack_localcloud.ses.operations.insights import counts_as, dimensions_of, measured
from mailstack_localcloud.ses.state import Occurrence, State, StoredMessage

Row = dict[str, Any]
DEFAULT_RESULTS = 1000
_ANY = "*"
# The later of these is the last, whenever it happened.
_DELIVERY = ("SEND", "UNDETERMINED_BOUNCE", "TRANSIENT_BOUNCE", "PERMANENT_BOUNCE", "DELIVERY", "COMPLAINT")
_ENGAGEMENT = ("OPEN", "CLICK")
_COLUMNS = (
    "MessageId",
    "Timestamp",
    "FromEmailAddress",
    "Destination",
    "Subject",
    "TenantName",
    "LastDeliveryEvent",
    "LastEngagementEvent",
)


@dataclass(frozen=True, slots=True)
class Export:
    """The exported rows, and the number of records that were searched."""

    columns: Sequence[str]
    rows: Sequence[Row]
    looked_at: int

    def file(self, data_format: str) -> bytes:
        """CSV with a header, or a JSON list."""
        if data_format == "JSON":
            return json.dumps(self.rows).encode()
        text = io.StringIO()
        table = csv.DictWriter(text, self.columns)
        table.writeheader()
        table.writerows(self.rows)
        return text.getvalue().encode()


def insights(state: State, source: Parameters) -> Export:
    """The mails that a MessageInsightsDataSource asks for, newest first, a row a recipient."""
    looked = [
        _insight(message, recipient)
        for message in state.messages.newest(len(state.messages))
        if source["StartDate"] <= message.accepted_at <= source["EndDate"]
        for recipient in map(mime.bare, message.recipients)
    ]
    include, exclude = source.get("Include", {}), source.get("Exclude", {})
    wanted = [row for row in looked if _fits(row, include) and not (exclude and _fits(row, exclude))]
    return Export(_COLUMNS, wanted[: source.get("MaxResults", DEFAULT_RESULTS)], len(looked))


def metrics(state: State, source: Parameters) -> Export:
    """The metrics that a MetricsDataSource asks for, a row a day and combination of dimensions."""
    dimensions, wanted = source["Dimensions"], [(m["Name"], m.get("Aggregation", "VOLUME")) for m in source["Metrics"]]
    counted = {"SEND", *(name for name, _ in wanted)}
    groups, events = dict[tuple[str, ...], Counter[str]](), 0
    for values, occurrence in _grouped(state, dimensions):
        if source["StartDate"] <= occurrence.at <= source["EndDate"]:
            events += 1
            group = (occurrence.at.astimezone(UTC).date().isoformat(), *values)
            groups.setdefault(group, Counter()).update(name for name in counted if counts_as(occurrence, name))
    columns = ["Date", *dimensions]
    rows = [dict(zip(columns, group, strict=True)) | _aggregated(groups[group], wanted) for group in sorted(groups)]
    return Export([*columns, *(f"{name}_{kind}" for name, kind in wanted)], rows, events)


def _grouped(state: State, dimensions: dict[str, list[str]]) -> Iterator[tuple[list[str], Occurrence]]:
    """The occurrences of mails that have a value of each dimension, with those values."""
    for message in measured(state):
        of = dimensions_of(message)
        values = [str(of[name] or "") for name in dimensions]
        pairs = zip(values, dimensions.values(), strict=True)
        if all(value and (allowed == [_ANY] or value in allowed) for value, allowed in pairs):
            yield from ((values, occurrence) for occurrence in message.occurrences)


def _aggregated(counts: Counter[str], wanted: Iterable[tuple[str, str]]) -> Row:
    """Volumes, and rates relative to the volume of SEND."""
    rates = {name: counts[name] / counts["SEND"] if counts["SEND"] else 0.0 for name, _ in wanted}
    return {f"{name}_{kind}": rates[name] if kind == "RATE" else counts[name] for name, kind in wanted}


def _insight(message: StoredMessage, recipient: str) -> Row:
    own = [h for h in message.occurrences if h.recipient == recipient or h.kind == "Send"]
    values = (
        message.message_id,
        timestamp(message.accepted_at),
        message.source,
        recipient,
        message.subject,
        dimensions_of(message)["TENANT_NAME"] or "",
        _last(own, _DELIVERY),
        _last(own, _ENGAGEMENT),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _last(occurrences: Iterable[Occurrence], order: Sequence[str]) -> str:
    kinds = {kind for occurrence in occurrences for kind in _kinds(occurrence)}
    return max((kind for kind in order if kind in kinds), key=order.index, default="")


def _kinds(occurrence: Occurrence) -> Iterator[str]:
    if occurrence.kind == "Bounce":
        yield f"{BOUNCES[occurrence.detail][0].upper()}_BOUNCE"
    else:
        yield occurrence.kind.upper()


def _fits(row: Row, filters: Parameters) -> bool:
    """Whether a row fits every filter, each of which has several values of which one is enough."""
    return all(any(_like(row[name], value) for value in values) for name, values in filters.items())


def _like(value: str, pattern: str) -> bool:
    r"""A star at either end matches anything; a backslash escapes a star or a backslash.

    Example:
        >>> _like("ada@example.com", "*@example.com"), _like("ada", "a*a"), _like("2*2", r"2\\*2")
        (True, False, True)
    """
    start, end = pattern.startswith("*"), len(pattern) > 1 and re.search(r"(?<!\\)(?:\\\\)*\*$", pattern) is not None
    middle = pattern[start : len(pattern) - end]
    before, after = ".*" * start, ".*" * end
    literal = re.escape(re.sub(r"\\([*\\])", r"\1", middle))
    return re.fullmatch(before + literal + after, value, re.DOTALL) is not None
