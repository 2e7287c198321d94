"""A message: a value, validated when it is created, so that every `Message` can be sent.

Not for sending, and not for MIME: SES takes the parts as parameters.
"""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict, cast
from uuid import UUID

from mailer.address import BIDI_CONTROL, UNPRINTABLE, Address
from mailer.attachment import Attachment
from mailer.content import RawMime, StoredTemplate
from mailer.errors import InvalidAddress, InvalidMessage, refuse
from mailer.message_id import ID_TAG, TEMPLATE_TAG
from mailer.options import NO_OPTIONS, SendOptions
from mailer.text import as_text

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html: To, Cc and Bcc together; the message with its attachments in
# base64 (API v2).
MAX_RECIPIENTS = 50
MAX_BYTES = 40 * 1024 * 1024
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html and API_MessageHeader.html
MAX_HEADERS = 15
MAX_HEADER_NAME, MAX_HEADER_VALUE, MAX_HEADER = 126, 995, 996
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
MAX_TAG = 256

# What SES or this library writes itself; https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
FORBIDDEN_HEADERS = frozenset(  # a list of words reads best as words
    "bcc cc content-disposition content-transfer-encoding content-type date dkim-signature from message-id "  # noqa: SIM905
    "mime-version received reply-to return-path sender subject to".split()
)
# The v1 way to name a configuration set and tags; here they are parameters.
FORBIDDEN_HEADER_PREFIX = "x-ses-"
# Names of tags that SES keeps for itself, but for these: they become parts of Gmail's Feedback-ID header.
# https://docs.aws.amazon.com/ses/latest/dg/feedback-id.html
SES_TAGS = frozenset({"ses:feedback-id-a", "ses:feedback-id-b"})
# RFC 5322 §2.2 has no NUL in a body; halves of a surrogate pair are no text at all.
_HEADER_NAME = re.compile(r"[!-9;-~]+\Z")  # RFC 5322 §2.2: printable ASCII without the colon
_HEADER_VALUE = re.compile(r"[ -~]+\Z")
_TAG = re.compile(r"[A-Za-z0-9_-]+\Z")
# RFC 2047 §2. SES writes a subject in ASCII as it is, and mail programs would show another one.
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bq]\?[^?]*\?=", re.IGNORECASE)

_URIS = re.compile(r"(?:<(?:https?|mailto|ftp|tel):[^<>\s]+>(?: ?, ?|\Z))+\Z")
_IDS = re.compile(r"(?:<[^<>\s]+>(?: +|\Z))+\Z")
# Headers that say nothing without the form that their RFC gives them: the form, and its name.
_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    **dict.fromkeys(
        ("list-archive", "list-help", "list-owner", "list-subscribe", "list-unsubscribe"),
        (_URIS, "must be URLs in angle brackets, such as <https://example.com/u/1> (RFC 2369)"),
    ),
    "list-post": (re.compile(rf"NO\Z|{_URIS.pattern}"), "must be NO or URLs in angle brackets (RFC 2369)"),
    "list-id": (re.compile(r"[^<>]*<[^<>\s]+>\Z"), "must end with an id in angle brackets (RFC 2919)"),
    "list-unsubscribe-post": (
        re.compile(r"List-Unsubscribe=One-Click\Z"),
        "must be List-Unsubscribe=One-Click (RFC 8058)",
    ),
    **dict.fromkeys(("in-reply-to", "references"), (_IDS, "must be message ids in angle brackets (RFC 5322 §3.6.4)")),
}

# What tells mail programs and auto-responders that no person wrote the mail, so that they do not answer it.
# RFC 3834 §5; [MS-OXCMAIL] 2.1.3.2.20 (X-Auto-Response-Suppress). NDR is left out: SES needs non-delivery reports.
_AUTOMATIC = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"))

Mailboxes = str | Address | Iterable[str | Address] | None
Pairs = Mapping[str, str | int] | Iterable[tuple[str, str | int]] | None


class Envelope(TypedDict, total=False):
    """The arguments of `Mailer.send` besides the content. See `Message` for each."""

    subject: str
    to: Mailboxes
    cc: Mailboxes
    bcc: Mailboxes
    reply_to: Mailboxes
    sender: str | Address | None
    headers: Pairs
    tags: Pairs
    attachments: "Attachment | Iterable[Attachment] | None"
    stream: str | None
    tenant: str | None
    options: SendOptions | None
    secret: bool | None


@dataclass(frozen=True, init=False, repr=False)
class Message:
    r"""A message that can be sent: validated when created, immutable. `dataclasses.replace` creates a changed copy.

    All recipients share it: the addresses in `to` and `cc` are visible to everyone. To send separate mails, create it
    without recipients and call `Mailer.send(message, to=...)` for each. A duplicate mailbox is kept in its first place
    only.

    Args:
        subject: One line. Lazy translations are accepted wherever text is.
        text: Plain text. At least one of `text` and `html` is required; both are better.
        html: HTML.
        template: A template stored in SES, instead of subject, text and HTML.
        raw: Raw MIME, instead of subject, text, HTML, headers, attachments, `reply_to` and `sender`.
        to: One address or several: text (`ada@example.com`, `Ada <ada@example.com>`) or `Address`.
        cc: As `to`.
        bcc: As `to`; other recipients do not see them.
        reply_to: Where replies go. Default: the sender.
        sender: The From address. Default: the sender of the stack.
        headers: Further headers in ASCII, 15 at most. Headers that SES writes itself are refused.
        tags: Names and values for SES's events and metrics: ASCII letters, digits, `_` and `-`. The names
            `ses:feedback-id-a` and `ses:feedback-id-b` set Gmail's Feedback-ID.
        attachments: One `Attachment` or several.
        stream: The name of a stream of the stack. Default: the stack's default stream.
        tenant: The name of a tenant of the stack. Default: none.
        options: Further options of SES's `SendEmail`.
        secret: Whether it contains a link or a code that is as good as a password. SES then tracks neither opens nor
            clicks, unless `options` says so. Default: whether a value of the template is a `SecretText` or `SecretUrl`.

    Attributes:
        id: The id that `Mailer.send` gave it, which SES's events carry as the tag `mailstack-id`; empty before.
        template_name: The name of the `EmailTemplate` that it was composed from; empty without one.

    Raises:
        InvalidMessage: SES would refuse the message, or it would arrive changed. The error names every problem.
        InvalidAddress: An address is invalid.

    Example:
        >>> message = Message(subject="Hello", text="Hello Ada", to="Ada Lovelace <ada@example.com>")
        >>> message.to[0].name
        'Ada Lovelace'
        >>> Message(subject="Hello\nBcc: eve@example.org", text="Hello", to="ada@example.com")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        mailer.errors.InvalidMessage: The message cannot be sent: the subject contains a line break ...
    """

    subject: str
    text: str
    html: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sender: Address | None
    headers: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...] = field(hash=False)
    stream: str
    tenant: str
    template: StoredTemplate | None
    raw: RawMime | None
    options: SendOptions
    secret: bool
    id: str = field(init=False, compare=False)
    template_name: str = field(init=False, compare=False)

    def __init__(  # noqa: PLR0913 - a message has that many parts
        self,
        *,
        subject: str | None = "",
        text: str | None = "",
        html: str | None = "",
        to: Mailboxes = (),
        cc: Mailboxes = (),
        bcc: Mailboxes = (),
        reply_to: Mailboxes = (),
        sender: str | Address | None = None,
        headers: Pairs = (),
        tags: Pairs = (),
        attachments: "Attachment | Iterable[Attachment] | None" = (),
        stream: str | None = "",
        tenant: str | None = "",
        template: StoredTemplate | None = None,
        raw: RawMime | None = None,
        options: SendOptions | None = None,
        secret: bool | None = None,
    ) -> None:
        seen: set[str] = set()
        _check_types(template=template, raw=raw, options=options, secret=secret)
        if raw and _is_nothing(to) and _is_nothing(cc) and _is_nothing(bcc):
            to, cc, bcc = raw.to, raw.cc, raw.bcc
        self.__dict__.update(  # the class is frozen, so attributes cannot be assigned
            subject=as_text(subject, "The subject"),
            text=as_text(text, "The plain text"),
            html=as_text(html, "The HTML"),
            to=_first_of_each(_mailboxes(to, "to"), seen),
            cc=_first_of_each(_mailboxes(cc, "cc"), seen),
            bcc=_first_of_each(_mailboxes(bcc, "bcc"), seen),
            reply_to=_first_of_each(_mailboxes(reply_to, "reply_to"), set()),
            sender=_mailbox(sender, "sender") if sender is not None else raw.sender if raw else None,
            headers=as_pairs(headers, "headers"),
            tags=as_pairs(tags, "tags"),
            attachments=_attachments(attachments),
            stream=as_text(stream, "The stream"),
            tenant=as_text(tenant, "The tenant"),
            template=template,
            raw=raw,
            options=NO_OPTIONS if options is None else options,
            secret=bool(template and template.has_secret) if secret is None else secret,
            id="",
            template_name="",
        )
        refuse(_message_problems(self))

    @property
    def recipients(self) -> tuple[Address, ...]:
        """All recipients: to, cc, bcc."""
        return self.to + self.cc + self.bcc

    def filled_in(self, *, sender: Address, stream: str) -> "Message":
        """A copy with this stream, and with this sender if it has none."""
        return self._changed(sender=self.sender or sender, stream=stream)

    def identified(self, id_: str) -> "Message":
        """A copy with this id."""
        return self._changed(id=id_)

    def readdressed(
        self, *, subject: str, to: tuple[Address, ...], cc: tuple[Address, ...], bcc: tuple[Address, ...]
    ) -> "Message":
        """A copy to other recipients, of whom there are no more, under another subject."""
        return self._changed(subject=subject, to=to, cc=cc, bcc=bcc)

    def with_headers(self, headers: Mapping[str, str]) -> "Message":
        """A copy with further headers, which are checked."""
        checked = replace(self, headers=(*self.headers, *headers.items()))
        return self._changed(headers=checked.headers)

    def from_template(self, name: str) -> "Message":
        """A copy that says which template it was composed from."""
        return self._changed(template_name=name)

    def marked_automatic(self) -> "Message":
        """A copy with the headers of automatic mail, as far as SES's limit allows. Headers that it has win."""
        added = _AUTOMATIC
        if self.headers:
            names = {name.lower() for name, _ in self.headers}
            added = tuple(one for one in _AUTOMATIC if one[0].lower() not in names)
        return self._changed(headers=(*self.headers, *added[: max(0, MAX_HEADERS - len(self.headers))]))

    def without(self, keys: Container[str]) -> "Message | None":
        """The message without the recipients whose `Address.key` is among these; None if no recipient is left."""
        if not any(address.key in keys for address in self.recipients):
            return self
        kept = self._changed(
            to=tuple(address for address in self.to if address.key not in keys),
            cc=tuple(address for address in self.cc if address.key not in keys),
            bcc=tuple(address for address in self.bcc if address.key not in keys),
        )
        return kept if kept.recipients else None

    def _changed(self, **parts: object) -> "Message":
        """A copy that is not checked again: these parts cannot make a message wrong."""
        changed = object.__new__(Message)
        changed.__dict__.update(self.__dict__, **parts)
        return changed

    @property
    def size(self) -> int:
        """About how many bytes SES counts: the parts, with attachments in base64 (RFC 2045 §6.8, lines of 76)."""
        text = _bytes(self.text) + _bytes(self.html) + (len(self.raw.data) if self.raw else 0)
        return text + sum(-(-len(attachment.content) // 57) * 78 for attachment in self.attachments)

    def __repr__(self) -> str:
        # Not the subject: it may hold a code. And an error while it is made shows what there is of it.
        recipients = (one for part in ("to", "cc", "bcc") for one in getattr(self, part, ()))
        return f"<Message to {', '.join(one.masked for one in recipients)}>"


def _is_nothing(value: object) -> bool:
    return value is None or (type(value) is tuple and not value)


def _mailboxes(value: object, part: str) -> tuple[Address, ...]:
    """The addresses that were given; an error says which of them it is about."""
    if _is_nothing(value):
        return ()
    if isinstance(value, str | Address) or callable(getattr(value, "casefold", None)):
        return (_mailbox(value, part),)
    items = _items(value, part, "an address or a list of them")
    return tuple(_mailbox(one, part, f", address {number} of {len(items)}") for number, one in enumerate(items, 1))


def _mailbox(value: object, part: str, which: str = "") -> Address:
    try:
        return Address.parse(cast("str | Address", value))
    except InvalidAddress as error:
        found, hint = error.message, error.hint
    raise InvalidAddress(f"{part}{which if not which.endswith(' 1 of 1') else ''}: {found}", hint=hint)


def _items(value: object, part: str, wanted: str) -> tuple[object, ...]:
    """The items of any iterable except mappings and bytes."""
    no_list = isinstance(value, Mapping | str | bytes | bytearray | type)
    if no_list or not isinstance(value, Iterable):
        raise InvalidMessage(f"{part} is of type {type(cast('object', value)).__name__}.", hint=f"Pass {wanted}.")
    return tuple(cast("Iterable[object]", value))


def _attachments(value: object) -> tuple[Attachment, ...]:
    if _is_nothing(value):
        return ()
    if isinstance(value, Attachment):
        return (value,)
    items = _items(value, "attachments", "a mailer.Attachment or a list of them")
    for item in items:
        if not isinstance(item, Attachment):
            raise InvalidMessage(
                f"attachments contains an item of type {type(item).__name__}.",
                hint="Pass mailer.Attachment(filename, content) or Attachment.from_path(path).",
            )
    return cast("tuple[Attachment, ...]", items)


def _first_of_each(addresses: tuple[Address, ...], seen: set[str]) -> tuple[Address, ...]:
    if not addresses:
        return ()
    kept: list[Address] = []
    for address in addresses:
        if address.key not in seen:
            seen.add(address.key)
            kept.append(address)
    return tuple(kept)


def as_pairs(value: object, part: str) -> tuple[tuple[str, str], ...]:
    """The names and values of a mapping or of pairs, as text."""
    if _is_nothing(value):
        return ()
    wanted = "a mapping, or pairs of a name and a value"
    given: object = tuple(cast("Mapping[object, object]", value).items()) if isinstance(value, Mapping) else value
    return tuple(_pair(item, part, wanted) for item in _items(given, part, wanted))


def _pair(item: object, part: str, wanted: str) -> tuple[str, str]:
    both = cast("tuple[object, ...]", item) if isinstance(item, tuple | list) else ()
    if len(both) != 2:  # noqa: PLR2004 - a pair
        raise InvalidMessage(f"{part} contains an item that is not a pair.", hint=f"Pass {wanted}.")
    name, value = both
    number = isinstance(value, int | UUID) and not isinstance(value, str)
    return as_text(name, f"A name in {part}"), str(value) if number else as_text(value, f"A value in {part}")


def _message_problems(message: Message) -> Iterable[str]:
    count, size = len(message.recipients), message.size
    if count > MAX_RECIPIENTS:
        yield f"it has {count} recipients; SES allows {MAX_RECIPIENTS} per message"
    yield from _text_problems(message)
    if len(message.headers) > MAX_HEADERS:
        yield f"it has {len(message.headers)} headers; SES allows {MAX_HEADERS}"
    if size > MAX_BYTES:
        yield f"it is about {size:,} bytes; SES allows {MAX_BYTES:,}"
    if message.tenant and not _TAG.match(message.tenant):
        yield f"{message.tenant!r} is not a valid tenant name"
    yield from _content_problems(message)
    yield from _list_problems(message)
    yield from _headers_problems(message.headers)
    for name, value in message.tags:
        for what, text, known in (("name", name, name in SES_TAGS), ("value", value, False)):
            if not known and (len(text) > MAX_TAG or not _TAG.match(text)):
                yield f"the tag {what} {text[:MAX_TAG]!r} is not 1 to {MAX_TAG} ASCII letters, digits, '_' and '-'"
        if name in {ID_TAG, TEMPLATE_TAG}:
            yield f"the tag {name} is set by this library; use another name"


def _text_problems(message: Message) -> Iterable[str]:
    is_simple = not message.template and not message.raw
    checks = (
        (is_simple and not message.subject.strip(), "it has no subject"),
        (UNPRINTABLE.search(message.subject), "the subject contains a line break or another control character"),
        (BIDI_CONTROL.search(message.subject), "the subject contains a bidirectional control character"),
        (_ENCODED_WORD.search(message.subject), "the subject contains an encoded word (RFC 2047); pass the plain text"),
        (
            _is_no_text(message.text) or _is_no_text(message.html),
            "it contains a NUL or a lone surrogate, which cannot be sent as text",
        ),
        (is_simple and not message.text and not message.html, "it has neither text nor HTML"),
    )
    yield from (problem for wrong, problem in checks if wrong)


_TYPES = {"template": StoredTemplate, "raw": RawMime, "options": SendOptions, "secret": bool}
# The parts that the content brings itself, so that a message must not have its own.
_REPLACED = {
    "template": ("subject", "text", "html"),
    "raw": ("subject", "text", "html", "headers", "attachments", "reply_to", "template"),
}


def _check_types(**parts: object) -> None:
    for part, value in parts.items():
        if value is not None and not isinstance(value, _TYPES[part]):
            wanted = _TYPES[part].__name__
            raise InvalidMessage(f"{part} is of type {type(value).__name__}.", hint=f"Pass a {wanted}.")


def _content_problems(message: Message) -> Iterable[str]:
    """Parts that SES's `Content` does not take together."""
    if not message.template and not message.raw:
        return
    for content, parts in _REPLACED.items():
        if getattr(message, content):
            yield from (
                f"`{part}` cannot be used with `{content}`: put it there" for part in parts if getattr(message, part)
            )
    if message.raw and message.sender != message.raw.sender:
        yield "`sender` cannot differ from the From header of `raw`: put it there"


# https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html
_UNSUBSCRIBE_URL = re.compile(r"\{\{\s*amazonSESUnsubscribeUrl\s*\}\}")
_MAX_UNSUBSCRIBE_URLS = 2


def _list_problems(message: Message) -> Iterable[str]:
    if not message.options.contact_list:
        return
    if len(message.recipients) > 1:
        yield "a message with `contact_list` must have one recipient; send one message to each"
    if any(name.lower().startswith("list-unsubscribe") for name, _ in message.headers):
        yield "SES writes List-Unsubscribe itself for a message with `contact_list`; remove the header"
    if any(len(_UNSUBSCRIBE_URL.findall(body)) > _MAX_UNSUBSCRIBE_URLS for body in (message.text, message.html)):
        yield "it contains {{amazonSESUnsubscribeUrl}} more than twice"


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _is_no_text(text: str) -> bool:
    """Whether it holds a NUL or half of a surrogate pair, which UTF-8 has none for."""
    if text.isascii():
        return "\0" in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text


def _headers_problems(headers: tuple[tuple[str, str], ...]) -> Iterable[str]:
    if not headers:
        return
    seen: set[str] = set()
    for name, value in headers:
        yield from _header_problems(name, value, seen)
    values = {name.lower(): value.lower() for name, value in headers}
    if "list-unsubscribe-post" in values and "<https:" not in values.get("list-unsubscribe", ""):
        yield "List-Unsubscribe-Post needs a List-Unsubscribe with an https URL (RFC 8058)"


def _header_problems(name: str, value: str, seen: set[str]) -> Iterable[str]:
    key = name.lower()
    if len(name) > MAX_HEADER_NAME or len(value) > MAX_HEADER_VALUE or len(name) + len(value) > MAX_HEADER:
        yield f"the header {name[:MAX_HEADER_NAME]!r} is longer than SES allows"
        return
    form, words = _FORMS.get(key, (_HEADER_VALUE, ""))
    checks = (
        (not _HEADER_NAME.match(name), "has a name that RFC 5322 or SES does not allow"),
        (key in FORBIDDEN_HEADERS, "is set from the parts of the message; use those instead"),
        (key.startswith(FORBIDDEN_HEADER_PREFIX), "belongs to the SES v1 API; use `stream` and `tags`"),
        (key in seen, "is a duplicate"),
        (not _HEADER_VALUE.match(value), "has a value that is empty or not printable ASCII"),
        (not form.match(value.strip()), words),
    )
    seen.add(key)
    yield from (f"the header {name!r} {problem}" for wrong, problem in checks if wrong and problem)
