"""Replies over SMTP: of SES, of Microsoft 365, and of the servers of recipients."""

import re
from typing import TYPE_CHECKING, NamedTuple

from mailer.doctor.explain.explanation import Explanation, of_error, of_reply
from mailer.transports.smtp_replies import REPLIES, SES_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "SMTP"
# A reply code that begins a reply: of a log, of smtplib's errors, of a bounce. RFC 5321 §4.2.
_NUMBER = r"(4[2-7]\d|5[0-5]\d)"
_CODES = (
    re.compile(rf"(?<![\w.]){_NUMBER}[ \-]#?(?=[45]\.\d{{1,3}}\.\d)"),
    re.compile(rf"(?:^|[:(>;=]|\bsaid)[\s\"']*{_NUMBER}(?:[ \-]+|, ?b?['\"])(?=\S)", re.MULTILINE),
)
# An enhanced status code alone: RFC 3463.
_ENHANCED = re.compile(r"(?<![\w.])([45])\.\d{1,3}\.\d{1,3}\b")
# Enhanced codes that come with 535: RFC 4954 §6, and Microsoft's.
_LOGIN = re.compile(r"5\.7\.(8|139|3)\b")


class Receiver(NamedTuple):
    """What a large receiver says about the sender's authentication: regular expression, cause, remedy, page."""

    words: str
    cause: str
    remedy: str
    page: str = "docs/guides/dns.md"
    commands: tuple[str, ...] = ("mailer dns --check", "mailer doctor")


# https://support.google.com/a/answer/3726730 (Gmail SMTP errors and codes),
# https://learn.microsoft.com/defender-office-365/email-authentication-about, https://senders.yahooinc.com/smtp-error-codes/
RECEIVERS = (
    Receiver(
        r"5\.7\.26\b.*DMARC|DMARC policy|5\.7\.1\b.*DMARC",
        "The receiver applied the DMARC policy of the From domain: neither SPF nor DKIM passed for that domain.",
        "Sign with DKIM of the From domain, and use a MAIL FROM domain below it.",
        "docs/guides/dns.md#dmarc-policy",
    ),
    Receiver(
        r"[45]\.7\.26\b|sender is unauthenticated",
        "Gmail accepts only authenticated mail: neither SPF nor DKIM passed.",
        "Publish the stack's DNS records, and wait until SES has verified DKIM and MAIL FROM.",
    ),
    Receiver(
        r"[45]\.7\.27\b|SPF.{0,40}did not pass|SPF check failed",
        "SPF does not pass for the MAIL FROM domain.",
        "Publish the TXT record of the MAIL FROM domain as `mailer dns` shows it.",
    ),
    Receiver(
        r"[45]\.7\.30\b.*DKIM|DKIM.{0,40}(did|does) not pass",
        "DKIM does not pass.",
        "Publish the DKIM records, and let nothing change the mail after SES has signed it.",
    ),
    Receiver(
        r"5\.7\.515\b|required authentication level",
        "Outlook.com requires SPF, DKIM and an aligned DMARC record of domains that send much mail.",
        "Publish the stack's DNS records, the DMARC record included.",
        "docs/guides/dns.md#dmarc-policy",
    ),
    Receiver(
        r"[45]\.7\.25\b|PTR record|reverse DNS",
        "The sending IP address has no PTR record, or one that does not lead back to it. SES's addresses have one.",
        "Send through SES, or give the server a PTR record.",
    ),
)


def explain(text: str) -> "Iterator[Explanation]":
    """What the text means if it is a reply over SMTP."""
    for one in RECEIVERS:
        if re.search(one.words, text, re.IGNORECASE | re.DOTALL):
            yield Explanation(SOURCE, "Refused", one.cause, one.remedy, one.commands, one.page)
            return
    reply = reply_of(text)
    if not reply:
        return
    row = next(row for row in REPLIES if re.match(row.reply, reply, re.IGNORECASE))
    if row in SES_ROWS:
        yield of_error("Amazon SES", row.error.__name__, row.cause, row.hint)
    else:
        source = "Microsoft 365" if "microsoft365" in row.hint else SOURCE
        yield of_reply(source, row.error.__name__, row.cause, row.hint)


def reply_of(text: str) -> str:
    r"""The reply in a text, in one line, without the codes that continue it; empty if there is none.

    Example:
        >>> reply_of("host said: 550-5.1.1 no such\n550 5.1.1 user")
        '550 5.1.1 no such user'
    """
    if found := next(filter(None, (code.search(text) for code in _CODES)), None):
        code, rest = found.group(1), text[found.end() :]
        rest = re.sub(rf"\s*(?:\n|\\r?\\n)\s*{code}[ -](?:[45]\.\d+\.\d+ ?)?", " ", rest)
        return f"{code} {' '.join(rest.split())}"
    if found := _ENHANCED.search(text):
        rest = text[found.start() :]
        code = "535" if _LOGIN.match(rest) else f"{found.group(1)}50"
        return f"{code} {' '.join(rest.split())}"
    return ""
