"""What happens in a run, all of it decided by the seed: events of mailboxes, and what people do to the list.

Nothing here knows how the library reads an event: each happening says itself what it means.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

START = datetime(2026, 3, 2, tzinfo=UTC)
SPAN = timedelta(days=90)
SIMULATOR = "bounce@simulator.amazonses.com"
Json = dict[str, Any]


@dataclass(frozen=True)
class Meaning:
    """What an event means for each of its recipients.

    Attributes:
        kind: SES's event type.
        weight: How often it happens, for a healthy, a failing and a dead mailbox.
        suppresses: The reason; empty: the address is not suppressed.
        counts_as: What it counts as.
        soft: SES's class and the status code of a bounce that counts as soft.
        is_recorded: Whether it leaves a processed event.
        is_logged: Whether the message log keeps it.
        body: The event's own part; the recipients are added.
    """

    kind: str
    weight: tuple[int, int, int]
    suppresses: Literal["", "bounce", "complaint"] = ""
    counts_as: str = ""
    soft: tuple[str, str] | None = None
    is_recorded: bool = True
    is_logged: bool = True
    body: tuple[tuple[str, str], ...] = ()
    status: str = ""

    @property
    def resets(self) -> bool:
        return self.kind == "Delivery"


def _bounce(type_: str, sub_type: str, status: str, weight: tuple[int, int, int], **means: Any) -> Meaning:
    body = (("bounceType", type_), ("bounceSubType", sub_type))
    soft = (f"{type_} {sub_type}", status) if means.pop("soft", False) else None
    return Meaning("Bounce", weight, soft=soft, body=body, status=status, **means)


def _complaint(feedback: str, weight: tuple[int, int, int], **means: Any) -> Meaning:
    return Meaning("Complaint", weight, body=(("complaintFeedbackType", feedback),), **means)


MEANINGS = (
    Meaning("Send", (40, 20, 10), is_recorded=False),
    Meaning("Delivery", (40, 6, 1), is_recorded=False),
    Meaning("Open", (6, 1, 0), is_recorded=False, is_logged=False),
    Meaning("DeliveryDelay", (3, 8, 4), body=(("delayType", "MailboxFull"),)),
    _bounce("Transient", "MailboxFull", "4.2.2", (1, 30, 4), soft=True),
    _bounce("Transient", "General", "4.4.7", (1, 20, 4), soft=True),
    _bounce("Permanent", "General", "5.2.2", (0, 5, 2), soft=True, counts_as="bounce"),
    _bounce("Permanent", "General", "5.1.1", (0, 0, 20), suppresses="bounce", counts_as="bounce"),
    _bounce("Permanent", "OnAccountSuppressionList", "", (0, 0, 6), suppresses="bounce"),
    _bounce("Transient", "General", "5.7.1", (1, 2, 2), counts_as="sender"),
    _bounce("Transient", "MessageTooLarge", "5.3.4", (1, 1, 1)),
    _bounce("Transient", "General", "", (3, 1, 0)),  # out of office
    _complaint("abuse", (1, 0, 0), suppresses="complaint", counts_as="complaint"),
    _complaint("not-spam", (1, 0, 0)),
)
_PARTS = {"Bounce": "bounce", "Complaint": "complaint", "DeliveryDelay": "deliveryDelay"}
_LISTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients", "DeliveryDelay": "delayedRecipients"}


@dataclass(frozen=True)
class Happening:
    """An event of SES: what it says, what it means, and for whom."""

    number: int
    at: datetime
    meaning: Meaning
    people: tuple[str, ...]
    has_unreadable: bool

    @property
    def message_id(self) -> str:
        return f"0100-{self.number:08}"

    @property
    def feedback_id(self) -> str:
        return f"f-{self.number:08}" if self.meaning.kind in {"Bounce", "Complaint"} else ""

    def payload(self) -> Json:
        meaning, listed = self.meaning, list[object]()
        for one in self.people:
            report = {"action": "failed", "status": meaning.status} if meaning.status else {}
            listed.append({"emailAddress": one, **report})
        if self.has_unreadable:
            listed.insert(len(listed) // 2, {"emailAddress": "one@example.org, two@example.org"})
        own: Json = {"timestamp": self.at.isoformat(), **dict(meaning.body)}
        if self.feedback_id:
            own["feedbackId"] = self.feedback_id
        own[_LISTS.get(meaning.kind, "recipients")] = listed if meaning.kind in _LISTS else list(self.people)
        sent = self.at - timedelta(seconds=5)
        mail = {"timestamp": sent.isoformat(), "messageId": self.message_id, "destination": list(self.people)}
        return {"eventType": meaning.kind, "mail": mail, _PARTS.get(meaning.kind, meaning.kind.lower()): own}


@dataclass(frozen=True)
class Act:
    """What a person does to the list."""

    at: datetime
    address: str
    removes: bool


class History:
    """Events and acts of 90 days.

    Args:
        events: How many events.
        seed: Decides everything.
    """

    def __init__(self, events: int, seed: int) -> None:
        chance = random.Random(seed)
        self.people = [f"reader-{n}@example.org" for n in range(max(4, events // 60))] + [SIMULATOR]
        # 0: healthy, 1: failing, 2: dead; most mailboxes fail here, because that is where faults would show.
        moods = {one: chance.choices((0, 1, 2), (3, 5, 2))[0] for one in self.people}
        self.happenings = [self._happening(chance, number, moods) for number in range(events)]
        acts = (
            Act(START + SPAN * chance.random(), chance.choice(self.people), removes=chance.random() < 0.8)
            for _ in range(len(self.people) // 2)
        )
        self.acts = sorted(acts, key=lambda act: act.at)

    def _happening(self, chance: random.Random, number: int, moods: dict[str, int]) -> Happening:
        first = chance.choice(self.people)
        weights = [meaning.weight[moods[first]] for meaning in MEANINGS]
        meaning = chance.choices(MEANINGS, weights)[0]
        at = (START + SPAN * chance.random()).replace(microsecond=chance.randrange(1000) * 1000)
        others = chance.sample(self.people, 2) if meaning.kind in _LISTS and chance.random() < 0.1 else []
        people = tuple(dict.fromkeys([first, *others]))
        unreadable = meaning.kind in {"Bounce", "Complaint"} and chance.random() < 0.01
        return Happening(number, at, meaning, people, unreadable)


def _truncated(event: Json, chance: random.Random) -> str:
    text = json.dumps(event)
    return text[: chance.randrange(1, len(text) - 1)]


def _without(*names: str) -> Callable[[Json, random.Random], str]:
    def corrupted(event: Json, _: random.Random) -> str:
        return json.dumps({name: value for name, value in event.items() if name not in names})

    return corrupted


def _with(value: object, *path: str) -> Callable[[Json, random.Random], str]:
    def corrupted(event: Json, _: random.Random) -> str:
        copy: Json = json.loads(json.dumps(event))
        place = copy
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        return json.dumps(copy)

    return corrupted


def _noise(_: Json, chance: random.Random) -> str:
    return "".join(map(chr, chance.choices(range(1, 0x300), k=chance.randrange(1, 200))))


# Each makes a body that is no event any more. None may be taken for one.
CORRUPTIONS: tuple[Callable[[Json, random.Random], str], ...] = (
    _truncated,
    _noise,
    _without("mail"),
    _without("eventType"),
    _with(None, "mail"),
    _with([], "mail", "messageId"),
    _with("", "mail", "messageId"),
    lambda event, _: json.dumps([event]),
    lambda event, _: json.dumps(json.dumps(event)),
)


def copies(history: History, seed: int) -> Iterator[tuple[datetime, Happening]]:
    """When each event is delivered, and delivered again: in another order than it happened, some days late."""
    chance = random.Random(f"copies {seed}")
    for happening in history.happenings:
        for _ in range(chance.choices((1, 2, 3), (80, 15, 5))[0]):
            late = timedelta(seconds=chance.choice((1, 60, 3600, 86_400, 10 * 86_400)) * (0.01 + chance.random()))
            yield happening.at + late, happening
