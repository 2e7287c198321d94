"""Receives SES's events from SNS over HTTP: verifies each message, processes its event, calls the hooks.

Not for HTTP itself (`endpoints.py`), and not for what an event means (`mailer.feedback`).
"""

import hashlib
import logging
from typing import TYPE_CHECKING

from mailer.errors import ConfigurationError, MalformedEvent, SnsMessageRefused
from mailer.feedback.events import parse
from mailer.feedback.processor import Processor
from mailer.feedback.soft_bounces import SoftBounces
from mailer.functions.envelope import unwrap
from mailer.stores.base import REMEMBERED, ProcessedEvent, utcnow
from mailer.stores.bundle import chosen_outbox, chosen_stores
from mailer.unsubscribe import Unsubscribe
from mailer.webhooks.certificates import Certificates
from mailer.webhooks.confirmation import confirm
from mailer.webhooks.hooks import Hooks
from mailer.webhooks.sns import check_age, check_signature, check_topic, parse_message
from mailer.webhooks.unsubscription import UnsubscribeHandler
from mailer.wire.access import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path
    from typing import Literal, Self

    from boto3.session import Session

    from mailer.feedback.processor import Outcome
    from mailer.outbox.redelivery import Redelivery
    from mailer.stack import StackOutputs
    from mailer.stores.bundle import Stores
    from mailer.stores.sql.outbox import SqlOutbox
    from mailer.stores.sql.stores import SqlStores
    from mailer.webhooks.hooks import FeedbackHook
    from mailer.webhooks.sns import SnsMessage

    Done = Literal["processed", "duplicate", "setup notice", "confirmed", "unsubscribed"]

log = logging.getLogger("mailer")


class Webhook:
    """Receives the events of a stack. Create one and keep it; threads may share it.

    Args:
        outputs: What the stack exported. `Webhook.from_stack("prod")` finds them by the stack's name.
        store: Where suppressions, processed events and the message log are: the URL of a SQL database or a `SqlStores`.
            Default: as for `Mailer`.
        hooks: `FeedbackHook` objects.
        topics: The ARNs of the topics whose messages are accepted. Default: the stack's events topic.
        session: A boto3 session, or a `mailer.Access`, that confirms subscriptions. Default: what boto3 finds.
        confirms: Whether it confirms subscriptions of the topics, which takes the permission `sns:ConfirmSubscription`.
        unsubscribe: Reads the unsubscribe links of marketing mail, and serves them. Default: as for `Mailer`.
        outbox: The database of the outbox, whose mail is sent again after soft bounces. Default: as for `Mailer`.
        clock: The time now, with a zone.

    Attributes:
        outputs: See above.
        topics: See above.
        access: How AWS is reached.
        stores: Where suppressions, processed events and the message log are.
        unsubscription: Answers requests with an unsubscribe link; None without links.

    Raises:
        ConfigurationError: The stack has no events topic and `topics` names none, or a package is missing.

    Example:
        >>> webhook = Webhook.from_stack("prod", store="postgresql://…")  # doctest: +SKIP
        >>> app = asgi_app(webhook)  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913 - the parts of a webhook, written out for help() and completion
        self,
        outputs: "StackOutputs",
        *,
        store: "str | SqlStores | Stores | None" = None,
        hooks: "Iterable[FeedbackHook]" = (),
        topics: "Iterable[str]" = (),
        session: "Session | Access | None" = None,
        confirms: bool = True,
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        check_installed("cryptography")
        self.outputs = outputs
        self.topics = frozenset(topics) or frozenset(filter(None, [outputs.events_topic_arn]))
        if not self.topics:
            hint = "Pass topics=[...] with the ARN of the topic that the webhook is subscribed to."
            raise ConfigurationError(f"The stack {outputs.stack!r} has no events topic.", hint=hint)
        self.access = session if isinstance(session, Access) else Access(session)
        self.stores = chosen_stores(store, outputs, self.access)
        queue, self._close_outbox = chosen_outbox(outbox, self.stores)
        self._certificates = Certificates(self.access, clock=clock)
        hooks = tuple(hooks)
        self._hooks = Hooks(hooks, self.stores.idempotency, clock=clock)
        self._confirms, self._clock = confirms, clock
        self._processor = Processor(
            self.stores.suppressions,
            self.stores.events,
            clock=clock,
            report=_report,
            messages=self.stores.messages,
            soft_bounces=SoftBounces(self.stores.soft_bounces, self.stores.suppressions, clock=clock),
            redelivery=_redelivery(queue, self.stores) if queue else None,
        )
        links = Unsubscribe.from_environment() if unsubscribe is None else unsubscribe
        self.unsubscription = UnsubscribeHandler(links, self.stores.suppressions, hooks, clock) if links else None

    @classmethod
    def from_stack(  # noqa: PLR0913 - as the constructor
        cls,
        stack: str,
        *,
        outputs: "StackOutputs | str | Path | None" = None,
        store: "str | SqlStores | Stores | None" = None,
        hooks: "Iterable[FeedbackHook]" = (),
        topics: "Iterable[str]" = (),
        session: "Session | Access | None" = None,
        confirms: bool = True,
        unsubscribe: "Unsubscribe | None" = None,
        outbox: "str | SqlStores | None" = None,
    ) -> "Self":
        """Create one from the name of a stack. `mailer.load` documents where the outputs are found.

        Args:
            stack: The name of the stack.
            outputs: The outputs, their JSON, or the path of a file.
            store: See `Webhook`.
            hooks: See `Webhook`.
            topics: See `Webhook`.
            session: See `Webhook`.
            confirms: See `Webhook`.
            unsubscribe: See `Webhook`.
            outbox: See `Webhook`.

        Raises:
            StackNotFound: The outputs were not found.
            StackOutputsInvalid: The outputs cannot be read.
        """
        from mailer.stack import load

        access = session if isinstance(session, Access) else Access(session)
        found = load(stack, outputs=outputs, access=access)
        return cls(
            found,
            store=store,
            hooks=hooks,
            topics=topics,
            session=access,
            confirms=confirms,
            unsubscribe=unsubscribe,
            outbox=outbox,
        )

    def receive(self, body: bytes) -> "Done":
        """Process the body of one request of SNS.

        Returns:
            `processed`; `duplicate`: the message was processed before; `setup notice`: SES's test message;
            `confirmed`: a subscription is confirmed; `unsubscribed`: a subscription ended.

        Raises:
            SnsMessageRefused: It is not a message of SNS for one of the topics; nothing was done.
            MalformedEvent: It is one, and holds no event of SES. SNS must not send it again.
            StoreError: The store failed. SNS must send the message again.
            HookFailed: A hook failed. SNS must send the message again.
        """
        message = self.verify(body)
        if message.kind == "Notification":
            return self._notified(message)
        if message.kind == "SubscriptionConfirmation":
            return self._confirm(message)
        log.error("The webhook was unsubscribed from %s: no events arrive. Subscribe it again.", message.topic)
        return "unsubscribed"

    def verify(self, body: bytes) -> "SnsMessage":
        """Read a message and check its topic, age and signature, cheapest first.

        Raises:
            SnsMessageRefused: A check failed.
        """
        message = parse_message(body)
        check_topic(message, self.topics)
        check_age(message, self._clock())
        check_signature(message, self._certificates.key_of(message))
        return message

    def close(self) -> None:
        """Close the connections of the store."""
        self._close_outbox()
        self.stores.close()

    def _notified(self, message: "SnsMessage") -> "Done":
        key = _message_key(message)
        if self.stores.events.get(key):
            return "duplicate"
        data = unwrap(message.text)
        if data is not None:
            event, malformed = parse(data, message.sent_at), None
            try:
                self._processor.process(event)
            except MalformedEvent as error:  # the recipients that can be read are done, and their hooks are due
                malformed = error
            self._hooks.call(event)
            if malformed:
                raise malformed
        # Last: a message whose processing failed must not look like one that was processed.
        self.stores.events.record(self._mark(message, key))
        return "setup notice" if data is None else "processed"

    def _mark(self, message: "SnsMessage", key: str) -> ProcessedEvent:
        return ProcessedEvent(
            key=key,
            kind="SNS message",
            outcome="recorded",
            detail="",
            recipient="",
            message_id=message.id,
            simulator=False,
            occurred_at=message.sent_at,
            expires_at=self._clock() + REMEMBERED,
        )

    def _confirm(self, message: "SnsMessage") -> "Done":
        if not self._confirms:
            hint = "Confirm it yourself, or use Webhook(confirms=True)."
            raise SnsMessageRefused(f"The subscription to {message.topic} is not confirmed.", hint=hint)
        confirm(message, self.access)
        log.info("Confirmed the subscription to %s.", message.topic)
        return "confirmed"


def check_installed(package: str, extra: str = "web") -> None:
    """Raise `ConfigurationError` if a package of an extra is missing."""
    from importlib.util import find_spec

    from mailer.install import install_command

    if find_spec(package) is None:
        raise ConfigurationError(f"The webhook needs the package {package}.", hint=install_command(extra))


def _redelivery(outbox: "SqlOutbox", stores: "Stores") -> "Redelivery":
    from mailer.outbox.redelivery import Redelivery

    return Redelivery(outbox, stores.soft_bounces)


def _message_key(message: "SnsMessage") -> str:
    return hashlib.sha256(f"sns\n{message.topic}\n{message.id}".encode()).hexdigest()


def _report(outcome: "Outcome") -> None:
    level = logging.WARNING if outcome.counts and outcome.counts_as == "sender" else logging.INFO
    log.log(level, "event %s %s: %s %s", outcome.kind, outcome.recipient, outcome.status, outcome.detail)
