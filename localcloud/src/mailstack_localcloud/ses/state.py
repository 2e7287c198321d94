"""The state of the emulated SES account. Records only: no rule, no protocol, no clock."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# The newest mails are kept for the inbox page and the control plane; memory stays bounded however many are sent.
KEPT_MESSAGES = 10_000
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class MailFrom:
    """A custom MAIL FROM domain."""

    domain: str
    behavior_on_mx_failure: str = "USE_DEFAULT_VALUE"
    status: str = "PENDING"
    # Since when SES has looked for its record.
    since: datetime | None = None


@dataclass(slots=True)
class Identity:
    """A domain or an address that mail is sent from."""

    name: str
    is_domain: bool
    created_at: datetime
    verified: bool = False
    dkim_tokens: list[str] = field(default_factory=list[str])
    dkim_status: str = "NOT_STARTED"
    # Since when SES has looked for the records of DKIM.
    dkim_since: datetime | None = None
    dkim_signing_enabled: bool = True
    dkim_origin: str = "AWS_SES"
    dkim_key_length: str = "RSA_2048_BIT"
    # Of a key of the customer's own, as DNS has to publish it.
    dkim_public_key: str = ""
    last_checked_at: datetime | None = None
    last_success_at: datetime | None = None
    mail_from: MailFrom | None = None
    feedback_forwarding: bool = True
    configuration_set: str | None = None
    policies: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    # Only SES's first API sets these: kind of notification → topic, and the kinds that carry headers.
    notification_topics: dict[str, str] = field(default_factory=dict[str, str])
    headers_in_notifications: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Reputation:
    """Recipients counted since the last fresh start. The mailbox simulator never counts."""

    sent: int = 0
    hard_bounces: int = 0
    complaints: int = 0


@dataclass(slots=True)
class ConfigurationSet:
    """A configuration set. `options` holds each option group as the API gives and takes it, by its member name."""

    name: str
    options: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    destinations: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    reputation: Reputation = field(default_factory=Reputation)

    def option(self, group: str, name: str, default: Any) -> Any:
        """One option, or what SES assumes where it was never set."""
        return self.options.get(group, {}).get(name, default)


@dataclass(slots=True)
class Account:
    """The account in its region. Production access, quota and enforcement are the control plane's to change."""

    production_access: bool = True
    sending_enabled: bool = True
    enforcement_status: str = "HEALTHY"
    max_24_hour_send: float = 1_000_000.0
    max_send_rate: float = 100.0
    verify_at_once: bool = False
    # Whether actions other than sends are limited to one request a second each.
    limit_other_actions: bool = False
    suppressed_reasons: list[str] = field(default_factory=lambda: ["BOUNCE", "COMPLAINT"])
    # ValidationAttributes as the API takes them; empty where they were never set.
    validation: dict[str, Any] = field(default_factory=dict[str, Any])
    vdm: dict[str, Any] = field(default_factory=lambda: {"VdmEnabled": "DISABLED"})
    details: dict[str, Any] | None = None
    dedicated_ip_warmup: bool = True
    pricing_plan: str = "NONE"
    # SES delivers events at least once and in no order; on command so does the local cloud.
    duplicate_events: bool = False
    # SES forwards bounces and complaints by mail; here only where that is wanted in the inbox.
    forward_feedback: bool = False
    reverse_events: bool = False
    reputation: Reputation = field(default_factory=Reputation)


@dataclass(slots=True)
class EmailTemplate:
    """A template stored in SES; `content` holds Subject, Text and Html, each where it was given."""

    name: str
    content: dict[str, str]
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class VerificationTemplate:
    """A custom verification mail, and where its link leads on."""

    name: str
    sender: str
    subject: str
    content: str
    success_url: str
    failure_url: str
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class VerificationLink:
    """A link that verifies an address; `template` is empty in SES's own mails."""

    address: str
    sent_at: datetime
    template: str = ""


@dataclass(slots=True)
class Contact:
    """A contact on a contact list; `preferences` holds the status (`OPT_IN`, `OPT_OUT`) by topic, if there is one."""

    address: str
    created_at: datetime
    updated_at: datetime
    preferences: dict[str, str] = field(default_factory=dict[str, str])
    unsubscribed_from_all: bool = False
    attributes: str | None = None


@dataclass(slots=True)
class ContactList:
    """A contact list. `topics` have the API's form; `contacts` are by address in lower case."""

    name: str
    created_at: datetime
    updated_at: datetime
    topics: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    description: str | None = None
    contacts: dict[str, Contact] = field(default_factory=dict[str, Contact])
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Tenant:
    """A tenant: the ARNs of its resources with the time since when, and whether it may send (`status`)."""

    name: str
    tenant_id: str
    arn: str
    created_at: datetime
    status: str = "ENABLED"
    status_since: datetime | None = None
    policy: str | None = None
    # Scope and reasons as the API takes them; empty where the account's hold.
    suppression: dict[str, Any] = field(default_factory=dict[str, Any])
    suppressed: dict[str, "Suppressed"] = field(default_factory=dict[str, "Suppressed"])
    resources: dict[str, datetime] = field(default_factory=dict[str, datetime])
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class IpPool:
    """A pool of dedicated IP addresses, of which the local cloud has none."""

    name: str
    scaling_mode: str = "STANDARD"
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class MultiRegionEndpoint:
    """An endpoint over two regions. Only this one is here, and it takes all the mail."""

    name: str
    endpoint_id: str
    regions: list[str]
    created_at: datetime
    tags: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Job:
    """An export or import job; `source` and `destination` have the API's form.

    `counted` are the records that were exported, or that could not be imported; `failure` is the API's FailureInfo.
    """

    job_id: str
    is_import: bool
    source: dict[str, Any]
    destination: dict[str, Any]
    created_at: datetime
    status: str = "CREATED"
    completed_at: datetime | None = None
    processed: int = 0
    counted: int = 0
    failure: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One entry of the suppression list of the account or of a tenant."""

    address: str
    reason: str
    updated_at: datetime
    message_id: str | None = None
    feedback_id: str | None = None


@dataclass(slots=True)
class Occurrence:
    """Something that happened to a mail, in a compact form; `events.event` makes its JSON.

    `recipient` is empty if it concerns the whole mail, `feedback_id` if it is not feedback; `detail` chooses among the
    variants of a kind. Never changed; not frozen, since creating a frozen one takes four times as long.
    """

    kind: str
    at: datetime
    feedback_id: str
    recipient: str = ""
    detail: str = ""


@dataclass(slots=True)
class StoredMessage:
    """One accepted mail, as it was requested; `mime.source` makes its MIME source on demand."""

    message_id: str
    accepted_at: datetime
    source: str
    identity: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    subject: str
    content: dict[str, Any]
    configuration_set: str | None
    tags: dict[str, list[str]]
    size: int
    # The contact list and the topic, which may be empty, that its recipients can leave.
    subscription: tuple[str, str] | None = None
    # Kinds of events that SES was asked not to look out for.
    untracked: list[str] = field(default_factory=list[str])
    # The envelope's sender, where it is known beside the one that the mail names.
    mail_from: str = ""
    # Where feedback is forwarded to, if that was asked for.
    return_path: str = ""
    occurrences: list[Occurrence] = field(default_factory=list[Occurrence])

    @property
    def recipients(self) -> list[str]:
        """Everybody in the envelope."""
        return [*self.to, *self.cc, *self.bcc]

    @property
    def tenant(self) -> str | None:
        """The tenant that it was sent for."""
        return next(iter(self.tags.get("ses:tenant-name", ())), None)


@dataclass(slots=True)
class Refused:
    """Mails that SES refused for one reason: how many `times`, and what the newest of them was."""

    operation: str
    code: str
    reason: str
    source: str
    recipients: list[str]
    subject: str
    configuration_set: str
    at: datetime
    times: int = 1


class Messages:
    """The newest mails, by id, bounded in number and bytes."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredMessage] = {}
        self._order: deque[StoredMessage] = deque()
        self._bytes = 0

    def add(self, message: StoredMessage) -> None:
        """Keep a mail, dropping the oldest if the bounds are exceeded."""
        self._by_id[message.message_id] = message
        self._order.append(message)
        self._bytes += message.size
        while len(self._order) > KEPT_MESSAGES or (self._bytes > KEPT_BYTES and len(self._order) > 1):
            oldest = self._order.popleft()
            self._bytes -= oldest.size
            del self._by_id[oldest.message_id]

    def get(self, message_id: str) -> StoredMessage | None:
        """One mail, if it is still kept."""
        return self._by_id.get(message_id)

    def newest(self, limit: int) -> list[StoredMessage]:
        """The newest first."""
        return [self._order[-1 - i] for i in range(min(limit, len(self._order)))]

    def clear(self) -> None:
        """Drop them all."""
        self.__init__()

    def __len__(self) -> int:
        return len(self._order)


@dataclass(slots=True)
class State:
    """Everything; a reset makes a new one."""

    region: str
    account_id: str = "000000000000"
    account: Account = field(default_factory=Account)
    identities: dict[str, Identity] = field(default_factory=dict[str, Identity])
    configuration_sets: dict[str, ConfigurationSet] = field(default_factory=dict[str, ConfigurationSet])
    templates: dict[str, EmailTemplate] = field(default_factory=dict[str, EmailTemplate])
    contact_lists: dict[str, ContactList] = field(default_factory=dict[str, ContactList])
    tenants: dict[str, Tenant] = field(default_factory=dict[str, Tenant])
    ip_pools: dict[str, IpPool] = field(default_factory=dict[str, IpPool])
    endpoints: dict[str, MultiRegionEndpoint] = field(default_factory=dict[str, MultiRegionEndpoint])
    suppressed: dict[str, Suppressed] = field(default_factory=dict[str, Suppressed])
    verification_templates: dict[str, VerificationTemplate] = field(default_factory=dict[str, VerificationTemplate])
    verification_links: dict[str, VerificationLink] = field(default_factory=dict[str, VerificationLink])
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    messages: Messages = field(default_factory=Messages)
    refused: list[Refused] = field(default_factory=list[Refused])
    outcomes: dict[str, str] = field(default_factory=dict[str, str])

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource, e.g. of kind `identity`, `configuration-set` or `template`."""
        return f"arn:aws:ses:{self.region}:{self.account_id}:{kind}/{name}"
