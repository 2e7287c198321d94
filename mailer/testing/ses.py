"""SES on this machine, for tests: sent mails, behaviour of recipients, faults. The cloud is `mailstack_localcloud`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from mailer.message_id import ID_TAG, TEMPLATE_TAG
from mailer.table import PARTITION_KEY, SORT_KEY
from mailer.testing.outputs import DOMAIN, stack_outputs

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mailer.feedback.events import Event
    from mailer.mailer import Mailer
    from mailer.stack import StackOutputs
    from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions

# SES's own tags and this library's begin so; an application's do not.
_OWN_TAGS = ("ses:", ID_TAG, TEMPLATE_TAG)
_MANY = 10_000
# Every type that a mail can have: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html
_PUBLISHED = [
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "OPEN",
    "CLICK",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
]


class Fault(Protocol):
    """A fault in force; see docs/guides/local-cloud.md."""

    @property
    def matched(self) -> int:
        """How many requests fitted it so far."""
        ...

    @property
    def struck(self) -> int:
        """How many of them it struck."""
        ...

    def remove(self) -> None:
        """Let requests through again."""


class Cloud(Protocol):
    """A running `mailstack_localcloud.LocalCloud`, as far as tests need it; this package does not import that one."""

    endpoint: str

    @property
    def inbox_url(self) -> str:
        """The page that shows every mail."""
        ...

    @property
    def smtp(self) -> Any:
        """How to send over SMTP: `host`, `port`, `tls_port`, `username`, `password`, and `context()` for TLS."""
        ...

    def environment(self) -> dict[str, str]:
        """The environment variables that point AWS clients at it."""
        ...

    def client(self, service: str) -> Any:
        """A boto3 client."""
        ...

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        """Ask the control plane."""
        ...

    def reset(self) -> None:
        """Empty every service."""

    def fault(self, effect: Any, **options: Any) -> Any:
        """Have SES fail on command."""
        ...


@dataclass(frozen=True, slots=True)
class SentAttachment:
    """A file that travelled; its size in bytes."""

    filename: str
    content_type: str
    content_id: str
    size: int


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """One mail that SES accepted, as its reader would see it.

    Attributes:
        message_id: SES's.
        sender: The From address with its name.
        to: Addresses as they were given; so are `cc` and `bcc`.
        subject: Its subject.
        text: Its plain text.
        html: Its HTML.
        headers: By name, as they arrive.
        tags: The application's own.
        links: The addresses that the HTML or the text links to.
        attachments: The files.
        configuration_set: The name of the set that it was sent with.
        events: What happened to it, as the application's feedback would get it, in order.
    """

    message_id: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    tags: dict[str, str]
    links: tuple[str, ...]
    attachments: tuple[SentAttachment, ...]
    configuration_set: str
    events: "tuple[Event, ...]"

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The kinds of its events, e.g. `("Send", "Bounce")`."""
        return tuple(event.kind for event in self.events)

    def __repr__(self) -> str:
        """What a failing test needs to tell one from another."""
        to = ", ".join((*self.to, *self.cc, *self.bcc))
        return f"<Sent {self.subject!r} to {to}: {', '.join(self.outcomes)}>"


class Ses:
    """SES with a verified domain, example.test, and a stack's outputs and table for it. Empty at the start of a test.

    Attributes:
        cloud: The local cloud; `ses.cloud.client("s3")` is a boto3 client of another service.
        outputs: The outputs of the stack `test`.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.outputs: StackOutputs = stack_outputs()
        self._mailer: Mailer | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Create what `pulumi up` creates, as far as sending needs it."""
        self.cloud.reset()
        ses = self.cloud.client("sesv2")
        ses.create_email_identity(EmailIdentity=DOMAIN)
        self.cloud.control("POST", f"identities/{DOMAIN}/verify")
        for stream in self.outputs.streams.values():
            ses.create_configuration_set(ConfigurationSetName=stream.configuration_set)
        names = {PARTITION_KEY: "HASH", SORT_KEY: "RANGE"}
        self.cloud.client("dynamodb").create_table(
            TableName=self.outputs.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
        )

    @property
    def mailer(self) -> "Mailer":
        """A mailer of the stack `test`, which sends to this SES and hardly waits between attempts."""
        if self._mailer is None:
            from mailer.mailer import Mailer
            from mailer.sending.retry import RetryPolicy
            from mailer.stores.dynamodb.idempotency import DynamoDBIdempotency
            from mailer.transports.ses import SesTransport

            self._mailer = Mailer(
                self.outputs,
                transport=SesTransport(self.outputs, client=self.cloud.client("sesv2")),
                suppressions=self.suppressions,
                idempotency=DynamoDBIdempotency(self.outputs.table, self.cloud.client("dynamodb")),
                retries=RetryPolicy(first_delay=0.01),
            )
        return self._mailer

    @property
    def suppressions(self) -> "DynamoDBSuppressions":
        """The stack's suppression list."""
        from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions

        return DynamoDBSuppressions(self.outputs.table, self.cloud.client("dynamodb"))

    @property
    def sent(self) -> list[Sent]:
        """Every mail that SES accepted in this test, oldest first."""
        listed = self.cloud.control("GET", f"messages?limit={_MANY}")["messages"]
        # SES itself writes to addresses that are to be verified, and of bounces where that is wanted.
        own = (one for one in reversed(listed) if not str(one["source"]).endswith(("@amazon.com", "amazonses.com")))
        return [self._sent(str(one["message_id"])) for one in own]

    def behave(self, pattern: str, outcome: str) -> None:
        """How recipients behave: `ses.behave("*@gone.test", "bounce")`; docs/guides/testing.md lists the outcomes."""
        __tracebackhide__ = True  # a failing test shows the line that asked wrongly
        self.cloud.control("PUT", f"recipients/{quote(pattern, safe='*@')}", {"outcome": outcome})

    def fault(self, effect: str, **options: str | float | None) -> "AbstractContextManager[Fault]":
        """Have SES fail on command: `with ses.fault("throttle", operation="SendEmail", times=2) as fault:`.

        docs/guides/testing.md lists effects, docs/guides/local-cloud.md the options.
        """
        return self.cloud.fault(effect, **options)

    def subscribe(self, url: str) -> None:
        """Publish the stack's events to its topic, and subscribe a webhook: `ses.subscribe(f"{url}/webhooks/ses")`.

        The webhook must be served by now, since SNS asks it to confirm the subscription.

        Args:
            url: Of the webhook, with its path.
        """
        sns, ses = self.cloud.client("sns"), self.cloud.client("sesv2")
        topic = sns.create_topic(Name=self.outputs.events_topic_arn.rpartition(":")[2])["TopicArn"]
        destination = {"Enabled": True, "MatchingEventTypes": _PUBLISHED, "SnsDestination": {"TopicArn": topic}}
        for stream in self.outputs.streams.values():
            ses.create_configuration_set_event_destination(
                ConfigurationSetName=stream.configuration_set, EventDestinationName="sns", EventDestination=destination
            )
        sns.subscribe(TopicArn=topic, Protocol=url.partition(":")[0], Endpoint=url)

    def process_feedback(self) -> None:
        """Process every event as the stack's feedback Lambda does: suppress hard bounces and complaints.

        Events that were processed before are skipped.
        """
        from mailer.feedback.processor import Processor
        from mailer.feedback.soft_bounces import SoftBounces
        from mailer.stores.dynamodb.events import DynamoDBEvents
        from mailer.stores.dynamodb.soft_bounces import DynamoDBSoftBounces

        events = DynamoDBEvents(self.outputs.table, self.cloud.client("dynamodb"))
        facts = DynamoDBSoftBounces(self.outputs.table, self.cloud.client("dynamodb"))
        processor = Processor(self.suppressions, events, soft_bounces=SoftBounces(facts, self.suppressions))
        for event in (event for mail in self.sent for event in mail.events):
            processor.process(event)

    def _sent(self, message_id: str) -> Sent:
        from mailer.feedback.events import parse

        found = self.cloud.control("GET", f"messages/{message_id}")
        content = self.cloud.control("GET", f"messages/{message_id}/content")
        files = content["attachments"]
        return Sent(
            message_id=message_id,
            sender=found["source"],
            to=tuple(found["to"]),
            cc=tuple(found["cc"]),
            bcc=tuple(found["bcc"]),
            subject=found["subject"],
            text=content["text"] or "",
            html=content["html"] or "",
            headers={header["name"]: header["value"] for header in content["headers"]},
            tags={name: values[0] for name, values in found["tags"].items() if not name.startswith(_OWN_TAGS)},
            links=tuple(content["links"]),
            attachments=tuple(
                SentAttachment(one["name"], one["content_type"], one["content_id"] or "", one["size"]) for one in files
            ),
            configuration_set=found["configuration_set"] or "",
            events=tuple(parse(event, datetime.now(UTC)) for event in found["events"]),
        )
