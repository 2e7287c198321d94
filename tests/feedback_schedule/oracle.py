"""What must be left in the stores after a history, computed from its meanings alone: no code of the library is used.

It restates docs/guides/feedback.md: of permanent suppressions the strongest, the latest among equals; nothing that
happened before a removal; soft bounces once a day, halved every 14 days, from 3.0 on for 3, 7, 14 and 30 days.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tests.feedback_schedule.history import SIMULATOR, Act, Happening, History

_STRENGTHS = ("bounce", "complaint", "manual")
_LENGTHS = (3, 7, 14, 30)
_DAY = 86_400.0


@dataclass(frozen=True)
class Expected:
    """A suppression.

    Attributes:
        reason: Why.
        since: When it began.
        until: When it ends, in whole seconds; None for never.
    """

    reason: str
    since: datetime
    until: datetime | None


@dataclass
class _Mailbox:
    permanent: list[tuple[int, datetime, str, str]] = field(default_factory=list[tuple[int, datetime, str, str]])
    soft: dict[date, tuple[datetime, str, str]] = field(default_factory=dict[date, tuple[datetime, str, str]])
    delivered: datetime | None = None
    removed: datetime | None = None


class Oracle:
    """The state that a history leads to, in whatever order it was learned of."""

    def __init__(self, history: History) -> None:
        self._mailboxes: defaultdict[str, _Mailbox] = defaultdict(_Mailbox)
        # Processed events by SES's kind and what they count as, and entries of the message log by kind.
        self.processed: Counter[tuple[str, str]] = Counter()
        self.logged: Counter[str] = Counter()
        self.counted = 0
        for happening in history.happenings:
            for address in happening.people:
                self._learn(happening, address)
        for act in history.acts:
            self._act(act)

    def _learn(self, happening: Happening, address: str) -> None:
        meaning, mailbox = happening.meaning, self._mailboxes[address]
        is_real = address != SIMULATOR
        counts_as = meaning.counts_as if is_real else ""
        if meaning.is_recorded:
            self.processed[meaning.kind, counts_as] += 1
            self.counted += bool(counts_as)
        # A report leaves out bounces and complaints of the simulator.
        if meaning.is_logged and (is_real or meaning.kind not in {"Bounce", "Complaint"}):
            self.logged[meaning.kind] += 1
        if meaning.suppresses:
            strength = _STRENGTHS.index(meaning.suppresses)
            mailbox.permanent.append((strength, happening.at, happening.feedback_id, happening.message_id))
        if meaning.soft:
            day, bounce = happening.at.date(), (happening.at, *meaning.soft)
            mailbox.soft[day] = max(bounce, mailbox.soft.get(day, bounce))
        if meaning.resets:
            mailbox.delivered = max(happening.at, mailbox.delivered or happening.at)

    def _act(self, act: Act) -> None:
        mailbox = self._mailboxes[act.address]
        if act.removes:
            mailbox.removed = max(act.at, mailbox.removed or act.at)
        else:
            mailbox.permanent.append((_STRENGTHS.index("manual"), act.at, "", ""))

    def suppressed(self, address: str, now: datetime) -> Expected | None:
        """The suppression of an address at a time after the last event; None if there must be none."""
        mailbox = self._mailboxes[address]
        standing = [one for one in mailbox.permanent if mailbox.removed is None or one[1] > mailbox.removed]
        if standing:
            strength, since, *_ = max(standing)
            return Expected(_STRENGTHS[strength], since, None)
        temporary = _temporary(mailbox)
        return temporary if temporary and temporary.until and temporary.until > now else None


def _temporary(mailbox: _Mailbox) -> Expected | None:
    """The last time without mail that soft bounces led to."""
    last = end = 0.0
    score, number, found = 0.0, 0, None
    for at, _, _ in sorted(mailbox.soft.values()):
        if any(moment and at <= moment for moment in (mailbox.delivered, mailbox.removed)):
            continue
        seconds = at.timestamp()
        if number and seconds < end:
            continue
        if last and seconds - max(last, end) > 60 * _DAY:
            score, number, end, last = 0.0, 0, 0.0, 0.0
        score = score * 2 ** (-(seconds - last) / (14 * _DAY)) + 1 if last else 1.0
        last = seconds
        if number or score >= 3:
            end = (at + timedelta(days=_LENGTHS[min(number, 3)])).timestamp()
            number += 1
            found = Expected("bounce", at, datetime.fromtimestamp(math.ceil(end), UTC))
        else:
            found = None
    return found
