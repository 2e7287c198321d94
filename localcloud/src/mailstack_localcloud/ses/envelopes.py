"""Sender and recipients of a mail, and SES's rules for its form. Pure; does not authorize.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Message.html
"""

import codecs
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import getaddresses
from typing import Any

from mailstack_localcloud.ses import mime, raw_headers, rules
from mailstack_localcloud.ses.context import Parameters
from mailstack_localcloud.ses.errors import bad_request

# The two names that are SES's own put a sender's words into the Feedback-ID header.
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html
_TAG_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}|ses:feedback-id-[ab]")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.@-]{1,255}")
_MAX_TAG = 255
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]*")
_MAX_HEADER = 996
_LINE_BREAK = re.compile(r"[\r\n]")
_RECIPIENTS = frozenset({"to", "cc", "bcc"})
# One address, or what should be one, with neither a name nor a comment.
_ALONE = re.compile(r"""[^\s"(<,;][^"(<,;]*""")
_WRITTEN_BY_SES = re.compile(
    "from|to|cc|bcc|subject|reply-to|date|message-id|mime-version|return-path|content-type|content-disposition|"
    "content-transfer-encoding",
    re.IGNORECASE,
)
# Every identity in these must be verified: https://docs.aws.amazon.com/ses/latest/dg/verify-addresses-and-domains.html
_SENDERS = ("from", "sender", "return-path")
# https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
_UNSUPPORTED = (
    "ade|adp|app|asp|bas|bat|cer|chm|cmd|com|cpl|crt|csh|der|exe|fxp|gadget|hlp|hta|inf|ins|isp|its|js|jse|ksh|"
    "lib|lnk|mad|maf|mag|mam|maq|mar|mas|mat|mau|mav|maw|mda|mdb|mde|mdt|mdw|mdz|msc|msh|msh1|msh2|mshxml|msh1xml|"
    "msh2xml|msi|msp|mst|ops|pcd|pif|plg|prf|prg|reg|scf|scr|sct|shb|shs|sys|ps1|ps1xml|ps2|ps2xml|psc1|psc2|tmp|"
    "url|vb|vbe|vbs|vps|vsmacros|vss|vst|vsw|vxd|ws|wsc|wsf|wsh|xnk"
)
_ILLEGAL = re.compile(rf".*\.({_UNSUPPORTED})", re.IGNORECASE | re.DOTALL)
# Worth the time of looking into a raw mail's parts.
_MAY_BE_ILLEGAL = re.compile(rf"name\b(?:(?!name\b).)*\.({_UNSUPPORTED})\b".encode(), re.IGNORECASE)
# Senders repeat.
_REMEMBERED = 1000


@dataclass(slots=True)
class Envelope:
    """Sender and recipients, from the parameters or from a raw mail's headers; `recipients` are bare addresses.

    `senders` are the other senders in a raw mail's headers, `mail_from` is the SMTP envelope's, if known; `counted`
    is the number of recipients without the simulator's.
    """

    source: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    subject: str
    size: int
    senders: list[str] = field(default_factory=list[str])
    mail_from: str = ""
    recipients: list[str] = field(init=False)
    counted: int = field(init=False)

    def __post_init__(self) -> None:
        self.recipients = [mime.bare(address) for address in (*self.to, *self.cc, *self.bcc)]
        self.counted = len([recipient for recipient in self.recipients if not rules.is_simulator(recipient)])


def enveloped(p: Parameters, content: dict[str, Any]) -> Envelope:
    """The envelope of a mail that is well formed.

    Raises:
        SesError: It is not.
    """
    if "Raw" in content:
        envelope = _of_raw(p, content["Raw"]["Data"])
    else:
        source, reply_to = str(p.get("FromEmailAddress") or ""), p.get("ReplyToAddresses", [])
        envelope = addressed(source, reply_to, p.get("Destination", {}), content["Simple"])
    check_written(envelope.source, *envelope.senders, *envelope.reply_to)
    check_tags(p.get("EmailTags", ()))
    return envelope


def addressed(
    source: str, reply_to: list[str], destination: Mapping[str, list[str]], simple: Mapping[str, Any]
) -> Envelope:
    """The envelope of a simple mail; whether its sender's addresses are well formed is the caller's to check.

    Raises:
        SesError: Something else of it is not.
    """
    _check_simple(simple)
    return _checked(Envelope(source, *_listed(destination), reply_to, mime.text(simple["Subject"]), _size(simple)))


def _of_raw(p: Parameters, raw: bytes) -> Envelope:
    found = raw_headers.parsed(raw)
    _check_raw(found, raw)
    to, cc, bcc = _listed(p.get("Destination", {}))
    if not (to or cc or bcc):
        to, cc, bcc = (raw_headers.mailboxes(found, kind) for kind in ("to", "cc", "bcc"))
    senders = [mime.bare(address) for kind in _SENDERS for address in raw_headers.mailboxes(found, kind)]
    source = str(p.get("FromEmailAddress") or next(iter(raw_headers.mailboxes(found, "from")), ""))
    reply_to = p.get("ReplyToAddresses") or raw_headers.mailboxes(found, "reply-to")
    subject = raw_headers.decoded(next(iter(raw_headers.values(found, "subject")), ""))
    return _checked(Envelope(source, to, cc, bcc, reply_to, subject, len(raw), senders, str(p.get("MailFrom", ""))))


def _listed(destination: Mapping[str, list[str]]) -> tuple[list[str], list[str], list[str]]:
    return destination.get("ToAddresses", []), destination.get("CcAddresses", []), destination.get("BccAddresses", [])


def _checked(envelope: Envelope) -> Envelope:
    check_written(*envelope.to, *envelope.cc, *envelope.bcc)
    if not envelope.recipients:
        raise bad_request("At least one recipient is required.")
    if len(envelope.recipients) > rules.MAX_RECIPIENTS:
        raise bad_request(f"Recipient count exceeds {rules.MAX_RECIPIENTS}.")
    if envelope.size > rules.MAX_MESSAGE_BYTES:
        raise bad_request(f"Message length is more than {rules.MAX_MESSAGE_BYTES} bytes long: '{envelope.size}'.")
    return envelope


def check_written(*addresses: str) -> None:
    """Check that addresses, with or without names, are well formed.

    Raises:
        SesError: One is not.
    """
    for address in addresses:
        problem = _written_problem(address)
        if problem:
            raise bad_request(problem)


def _written_problem(address: str) -> str:
    """Why SES refuses an address, with or without a name, as it is written; empty if it takes it."""
    return "" if rules.is_plain(address) else _named_problem(address)


@functools.lru_cache(maxsize=_REMEMBERED)
def _named_problem(address: str) -> str:
    if _LINE_BREAK.search(address):
        return "An address contains a line break."
    return "Illegal address" if len(getaddresses([address])) > 1 else rules.address_problem(mime.bare(address))


def check_tags(tags: Sequence[Mapping[str, str]]) -> None:
    """Check that a mail's tags are well formed.

    Raises:
        SesError: One is not.
    """
    for tag in tags:
        if not _TAG_NAME.fullmatch(tag["Name"]):
            raise bad_request(_tag_problem("name", tag["Name"], "'_',  '-'"))
        if not _TAG_VALUE.fullmatch(tag["Value"]):
            raise bad_request(_tag_problem("value", tag["Value"], "'_',  '-' , '.', '@'"))


def _tag_problem(part: str, text: str, allowed: str) -> str:
    if not text:
        return f"The tag {part} must be specified."
    if len(text) > _MAX_TAG:
        return f"Tag {part} cannot exceed {_MAX_TAG} characters."
    return f"Invalid tag {part} <{text}>: only alphanumeric ASCII characters, {allowed} are allowed."


def _check_simple(simple: Mapping[str, Any]) -> None:
    if not simple["Body"]:
        raise bad_request("Body must have text or HTML.")
    if _LINE_BREAK.search(simple["Subject"]["Data"]):
        raise bad_request("The subject contains a line break.")
    for name in {mime.charset(part) for part in (simple["Subject"], *simple["Body"].values())}:
        if not _is_charset(name):
            raise bad_request(f"Unsupported character set: {name}.")
    if simple.get("Headers"):
        _check_headers(simple["Headers"])
    for attachment in simple.get("Attachments", ()):
        _check_file_name(attachment["FileName"])
        if _LINE_BREAK.search(f"{attachment.get('ContentDescription')}{attachment.get('ContentType')}"):
            raise bad_request("The description or the type of an attachment contains a line break.")


@functools.lru_cache(maxsize=_REMEMBERED)
def _is_charset(name: str) -> bool:
    try:
        "".encode(codecs.lookup(name).name)
    except LookupError:  # not known, or no character set: `base64` is a codec, too
        return False
    return True


def _check_headers(headers: Sequence[Mapping[str, str]]) -> None:
    for header in headers:
        name, value = header["Name"], header["Value"]
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or len(name + value) > _MAX_HEADER:
            raise bad_request(f"Invalid header <{name}>: only printable ASCII characters are allowed.")
        if _WRITTEN_BY_SES.fullmatch(name):
            raise bad_request(f"Header <{name}> cannot be set: SES writes it.")
    _check_twice([header["Name"] for header in headers])


def _check_raw(headers: raw_headers.Headers, raw: bytes) -> None:
    _check_twice([name for name, _ in headers])
    for name, value in headers:
        # Judged even where the mail goes to others.
        problem = name.lower() in _RECIPIENTS and _ALONE.fullmatch(value) and rules.address_problem(value)
        if problem:
            raise bad_request(problem)
    if _MAY_BE_ILLEGAL.search(raw):
        for name in _file_names(raw):
            _check_file_name(name)


def _check_twice(names: list[str]) -> None:
    name = raw_headers.twice(names)
    if name:
        raise bad_request(f"Duplicate header '{name}'.")


def _file_names(raw: bytes) -> Iterator[str]:
    return (name for part in message_from_bytes(raw).walk() if (name := part.get_filename()))


def _check_file_name(name: str) -> None:
    if _ILLEGAL.fullmatch(name) or _LINE_BREAK.search(name):
        raise bad_request(f"Illegal filename '{name}'.")


def _size(simple: Mapping[str, Any]) -> int:
    """Bytes after base64 encoding, headers left out of account."""
    attached = sum([len(attachment["RawContent"]) for attachment in simple.get("Attachments", ())])
    return attached * 4 // 3 + sum([_bytes(part["Data"]) for part in simple["Body"].values()])


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
