"""Publishes events of accepted mails to the event destinations of their configuration sets."""

import asyncio
import functools
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.backend.policies import SES, Source, allows
from mailstack_localcloud.ses import metrics
from mailstack_localcloud.ses.events import KINDS, Event, events
from mailstack_localcloud.ses.simulator import disordered
from mailstack_localcloud.ses.state import Occurrence, State, StoredMessage

# A full queue makes SendEmail wait: slower, but nothing is lost and memory stays bounded.
QUEUE_LENGTH = 10_000
# Requests have their turn after so many mails: often enough to answer at once, seldom enough to cost nothing.
_MAILS_A_TURN = 32
SUBJECT = "Amazon SES Email Event Notification"
# SES sends this to a topic when a destination is made, to test its right to publish.
VALIDATION = "Successfully validated SNS topic for Amazon SES event publishing."
# https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html
DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "DeliveryDelay": "Email Delivery Delayed",
    "Open": "Email Opened",
    "Click": "Email Clicked",
    "Subscription": "Email Subscribed",
    "Rendering Failure": "Email Rendering Failed",
}
_LOG = logging.getLogger(__name__)
_Destination = dict[str, Any]
_Events = Sequence[Event]
Mail = tuple[State, StoredMessage, list[Occurrence]]
Listener = Callable[[Backend, State, StoredMessage, list[Occurrence]], None]


@dataclass(slots=True)
class _Batch:
    """The events for one destination in one turn; `wanted` are their kinds."""

    set_arn: str
    name: str
    destination: _Destination
    wanted: frozenset[str]
    events: list[Event] = field(default_factory=list[Event])


class Publisher:
    """Publishes events in order, in one task."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._listeners: list[Listener] = []
        self._waiting: deque[Mail] = deque()
        self._has_mail, self._has_room, self._is_idle = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_idle.set()

    def add_listener(self, listener: Listener) -> None:
        """Call `listener` with the occurrences of each mail, in its account's scope."""
        self._listeners.append(listener)

    async def wait_for_capacity(self) -> None:
        """Wait until the queue has capacity for another request."""
        while len(self._waiting) >= QUEUE_LENGTH:
            self._has_room.clear()
            await self._has_room.wait()

    def publish(self, state: State, message: StoredMessage, occurrences: list[Occurrence]) -> None:
        """Queue the occurrences of a mail."""
        message.occurrences += occurrences
        self._waiting.append((state, message, occurrences))
        self._has_mail.set()
        self._is_idle.clear()

    async def drain(self) -> None:
        """Wait until the queue is empty."""
        await self._is_idle.wait()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._has_mail.wait()
            mails = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAILS_A_TURN))]
            _attempt("a turn", self._deliver, mails)
            self._has_room.set()
            if not self._waiting:
                self._has_mail.clear()
                self._is_idle.set()
            await asyncio.sleep(0)

    def _deliver(self, mails: Sequence[Mail]) -> None:
        state, batches = mails[0][0], dict[str, list[_Batch]]()
        # One scope for all: there is one account and one region, whatever was reset in between.
        with self._backend.scope(state.account_id, state.region):
            metrics.count(self._backend, mails)
            for listener in self._listeners:
                _for_each(mails, functools.partial(listener, self._backend))
            _for_each(mails, functools.partial(_pack, batches))
            for batch in itertools.chain.from_iterable(batches.values()):
                _attempt(f"{batch.set_arn} {batch.name}", self._to, batch)

    def _to(self, batch: _Batch) -> None:
        for kind, deliver in _DELIVER.items():
            if kind in batch.destination and batch.events:
                deliver(self, batch.destination[kind], batch.events, batch.set_arn)

    def to_topic(self, destination: _Destination, published: _Events, set_arn: str) -> None:
        """SNS: only while the topic's policy lets SES publish for this configuration set."""
        arn = str(destination["TopicArn"])
        if may_publish(self._backend, arn, set_arn):
            self._backend.topics.notify(arn, SUBJECT, *(f"{event.text}\n" for event in published))

    def to_bus(self, destination: _Destination, published: _Events, set_arn: str) -> None:
        """EventBridge."""
        for event in published:
            entry = {
                "Source": "aws.ses",
                "DetailType": DETAIL_TYPES[event.kind],
                "Detail": event.text,
                "Resources": [set_arn],
                "EventBusName": str(destination["EventBusArn"]),
            }
            problem = self._backend.buses.put(entry)
            if problem:
                _LOG.warning("EventBridge refused an SES event: %s", problem)

    def to_stream(self, destination: _Destination, published: _Events, set_arn: str) -> None:
        """Firehose: one record an event, each with a newline after it; only while SES may take the role.

        https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-firehose-contents.html
        """
        stream, role = str(destination["DeliveryStreamArn"]), str(destination["IamRoleArn"])
        problem = stream_problem(self._backend, stream, role, set_arn)
        if problem:
            _LOG.warning("An SES event did not reach Firehose: %s", problem)
            return
        for event in published:
            self._backend.streams.put(stream, f"{event.text}\n".encode())

    def to_metrics(self, destination: _Destination, published: _Events, _: str) -> None:
        """CloudWatch: one metric an event type, with the destination's dimensions."""
        for event in published:
            dimensions = {d["DimensionName"]: _dimension(d, event) for d in destination["DimensionConfigurations"]}
            self._backend.cloudwatch.count(metrics.NAMESPACE, KINDS[event.kind][1], 1, dimensions)


def _attempt(what: str, publish: Callable[..., None], *arguments: object) -> None:
    """Call `publish`; an error must not stop the events of others."""
    try:
        publish(*arguments)
    except Exception:  # noqa: BLE001 - whatever it is
        _LOG.exception("Publishing events failed: %s", what)


def _for_each(mails: Sequence[Mail], publish: Callable[[State, StoredMessage, list[Occurrence]], None]) -> None:
    """Call `publish` for each mail; an error concerns that mail alone."""
    for mail in mails:
        try:
            publish(*mail)
        except Exception:  # noqa: BLE001 - whatever it is
            _LOG.exception("Publishing events failed: %s", mail[1].message_id)


def _pack(
    batches: dict[str, list[_Batch]], state: State, message: StoredMessage, occurrences: list[Occurrence]
) -> None:
    """Add a mail's events to the batches of their destinations; `batches` is by configuration set."""
    name = message.configuration_set or ""
    if name not in batches:
        batches[name] = _batches(state, name)
    its = batches[name]
    telling = [h for h in disordered(occurrences, state.account) if any(h.kind in batch.wanted for batch in its)]
    if not telling:
        return
    source_arn = state.arn("identity", message.identity)
    for event in events(message, telling, source_arn=source_arn, account_id=state.account_id):
        for batch in its:
            if event.kind in batch.wanted:
                batch.events.append(event)


def _batches(state: State, configuration_set: str) -> list[_Batch]:
    found = state.configuration_sets.get(configuration_set)
    arn, known = state.arn("configuration-set", configuration_set), found.destinations.items() if found else ()
    return [_Batch(arn, name, d, _kinds(d["MatchingEventTypes"])) for name, d in known if d.get("Enabled")]


def _kinds(event_types: Sequence[str]) -> frozenset[str]:
    return frozenset(kind for kind, names in KINDS.items() if names[0] in event_types)


def stream_problem(backend: Backend, stream_arn: str, role_arn: str, set_arn: str) -> str:
    """Why SES cannot put records on a delivery stream for a configuration set; empty if it can. Call in their scope."""
    trust = backend.access.trust_policy(role_arn)
    if trust is None:
        return f"the role {role_arn} does not exist."
    if not allows(trust, action="sts:AssumeRole", resource=role_arn, context=Source(SES, set_arn).context()):
        return f"the trust policy of {role_arn} does not let ses.amazonaws.com take it for {set_arn}."
    if not backend.streams.has(stream_arn):
        return f"the delivery stream {stream_arn} does not exist."
    if not backend.access.role_may(role_arn, "firehose:PutRecordBatch", stream_arn):
        return f"the policies of {role_arn} do not allow firehose:PutRecordBatch on {stream_arn}."
    return ""


def may_publish(backend: Backend, topic_arn: str, set_arn: str) -> bool:
    """Whether a topic exists and its policy lets SES publish for the configuration set. Call in the topic's scope."""
    return not backend.grants.publish(topic_arn, Source(SES, set_arn))


def _dimension(configuration: dict[str, str], event: Event) -> str:
    name = configuration["DimensionName"]
    values = {
        "MESSAGE_TAG": lambda: event.mail["tags"].get(name, []),
        "EMAIL_HEADER": lambda: [
            h["value"] for h in event.mail.get("headers", ()) if h["name"].lower() == name.lower()
        ],
        "LINK_TAG": lambda: (event.link_tags or {}).get(name, []),
    }[configuration["DimensionValueSource"]]()
    return str(next(iter(cast("list[str]", values)), configuration["DefaultDimensionValue"]))


_DELIVER: dict[str, Callable[[Publisher, _Destination, _Events, str], None]] = {
    "SnsDestination": Publisher.to_topic,
    "EventBridgeDestination": Publisher.to_bus,
    "CloudWatchDestination": Publisher.to_metrics,
    "KinesisFirehoseDestination": Publisher.to_stream,
}
EMULATED_DESTINATIONS = frozenset(_DELIVER)
