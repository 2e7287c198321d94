"""Texts of resolvers, of checks of DNS records, and of zones that refuse a record."""

import re
from typing import TYPE_CHECKING, NamedTuple

from mailer.doctor.explain.explanation import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE, _PAGE = "DNS", "docs/guides/dns.md"
_CHECK = ("mailer dns --check", "mailer doctor --only domain")


class Row(NamedTuple):
    """A text of the DNS: regular expression, cause, remedy, commands, part of the page."""

    words: str
    cause: str
    remedy: str
    commands: tuple[str, ...] = _CHECK
    part: str = "#check-of-published-records"


# RFC 1035 §4.1.1 and §3.6.2, RFC 7208 §2.6 and §4.6.4, RFC 8601 §2.7, RFC 9989; getaddrinfo(3).
ROWS = (
    Row(
        r"NXDOMAIN|domain name does not exist|query names does not exist",
        "The name does not exist in the DNS: the record is not published, or under another name.",
        "Publish it exactly as `mailer dns` shows it. Some providers add the zone to the name by themselves.",
    ),
    Row(
        r"SERVFAIL|server failed",
        "The resolver found no usable answer: a name server of the zone is broken, or DNSSEC does not validate.",
        "Ask the zone's own name servers, and check the DS record at the registrar.",
        ("mailer dns --check", "dig +trace NAME", "delv NAME"),
    ),
    Row(
        r"(?-i:\bNOERROR\b)|no answer|NoAnswer|does not contain an answer",
        "The name exists, but has no record of this type.",
        "Publish the record with the type that `mailer dns` shows.",
    ),
    Row(
        r"(?-i:\bREFUSED\b)",
        "The name server does not answer for this zone or this client.",
        "Check the NS records at the registrar: they must name the servers of the zone.",
        ("dig +trace NS DOMAIN",),
    ),
    Row(
        r"temporary failure in name resolution|name or service not known|nodename nor servname|getaddrinfo failed|"
        r"could not resolve host|EAI_AGAIN",
        "This machine cannot resolve the name of a server.",
        "Check its resolver and its network; in a private subnet also the DNS support of the VPC.",
        ("cat /etc/resolv.conf", "mailer doctor --only credentials"),
        "",
    ),
    Row(
        r"spf\W{0,3}permerror|too many (dns )?lookups|exceeds.{0,30}10 (dns )?lookups|multiple spf|more than one spf",
        "The SPF record cannot be evaluated: it needs more than ten lookups, or there are two of them.",
        "Keep one record that begins with v=spf1, and remove includes of services that no longer send for you.",
    ),
    Row(
        r"spf\W{0,3}(soft)?fail",
        "The server that sent the mail is not named by the SPF record of the MAIL FROM domain.",
        "Publish the TXT record of the MAIL FROM domain as `mailer dns` shows it.",
    ),
    Row(
        r"dkim\W{0,3}(fail|permerror|none)|no key for signature|body hash did not verify",
        "The DKIM signature is missing or invalid: the record is not published, or the mail was changed on its way.",
        "Publish the DKIM records; let no gateway change the mail after SES has signed it.",
        ("mailer status", "mailer dns --check"),
    ),
    Row(
        r"no (valid )?dmarc record|dmarc\W{0,3}(fail|none|permerror)",
        "The From domain has no DMARC record, or neither SPF nor DKIM passes for that domain.",
        "Publish the DMARC record, and send from the identity's domain.",
        _CHECK,
        "#dmarc-policy",
    ),
    Row(
        r"cname and other data|cname.{0,60}(conflict|not permitted|already exists)|record.{0,60}already exists",
        "Another record has the name: beside a CNAME there may be no other record.",
        "Remove the old record, or adopt it.",
        ("mailer dns",),
        "#existing-dns-record",
    ),
    Row(
        r"CharacterStringTooLong|txt.{0,60}(too long|255)",
        "A string of a TXT record has more than 255 characters.",
        "Split the value into strings in quotes of at most 255 characters each; they are joined without a space.",
        ("mailer dns",),
        "#dkim-key-of-your-own-byodkim",
    ),
)


def explain(text: str) -> "Iterator[Explanation]":
    """What the text means if it is about the DNS."""
    for row in ROWS:
        if re.search(row.words, text, re.IGNORECASE):
            yield Explanation(SOURCE, "", row.cause, row.remedy, row.commands, f"{_PAGE}{row.part}")
