"""What stands in a zone before a deployment, and how the stack's own values go beside it: pure functions of values.

Not for reading the zone (`dns_route53.py`).
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mailer import dmarc
from mailer.stack import DnsRecord

# RFC 1035 §5.1; Route 53 writes other characters as octal numbers.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
SES = "include:amazonses.com"
# RFC 7208 §5.1 and §6.1: what stands behind `all` is ignored, and `redirect` holds only where nothing matched.
_LAST = re.compile(r"[+?~-]?all\Z|redirect=.*", re.IGNORECASE)


class Set(NamedTuple):
    """The values under one name and type; TXT whole and without quotes."""

    name: str
    type: str
    values: tuple[str, ...]


def unquoted(text: str) -> str:
    r"""A TXT value as it is meant, of the quoted strings that Route 53 shows.

    Example:
        >>> unquoted(r'"v=DMARC1; " "p=none"'), unquoted(r'"a\"b\101"')
        ('v=DMARC1; p=none', 'a"bA')
    """
    strings = _STRING.findall(text)
    if not strings:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if len(found[1]) > 1 else found[1], "".join(strings))


def kind(value: str) -> str:
    """What a TXT value is, as far as it says: its first word, `v=spf1`."""
    return value.replace(";", " ").strip().partition(" ")[0].lower()


def merged(wanted: DnsRecord, standing: Sequence[Set]) -> tuple[str, ...]:
    """The values of a set that holds the stack's own, and whatever else stands there and does no harm.

    A name has one TXT set, which others may share: verification tokens, for instance. Of what announces itself as the
    stack's own does, such as a DMARC record, there may be one. An SPF record keeps what it allows (RFC 7208 §4.5).
    """
    if wanted.type != "TXT":
        return wanted.values
    ours = {kind(value) for value in wanted.values}
    found = [value for each in standing if (each.name, each.type) == (wanted.name, "TXT") for value in each.values]
    others = [value for value in found if kind(value) not in ours]
    policies = [value for value in found if kind(value) == "v=spf1"]
    own = [with_ses(policies[0]) if kind(value) == "v=spf1" and policies else value for value in wanted.values]
    return (*others, *own)


def with_ses(policy: str) -> str:
    """An SPF record that allows SES, too.

    Example:
        >>> with_ses("v=spf1 include:_spf.example.net -all")
        'v=spf1 include:_spf.example.net include:amazonses.com -all'
    """
    words = policy.split()
    if SES in {word.lower().removeprefix("+") for word in words}:
        return policy
    end = next((number for number, word in enumerate(words) if _LAST.match(word)), len(words))
    return " ".join([*words[:end], SES, *words[end:]])


def weakened(wanted: DnsRecord, standing: Sequence[Set]) -> str:
    """The policy of a DMARC record that stands there and asks for more than the wanted one; empty where none does."""
    ours = dmarc.parse(wanted.values[0])
    if not ours:
        return ""
    found = _records(standing, wanted.name)
    return next((record.policy for record in found if dmarc.stricter(record.policy, ours.policy)), "")


def parents_policy(domain: str, wanted: DnsRecord, standing: Sequence[Set]) -> tuple[str, str]:
    """The domain above and what its record asks for mail of this one, where the wanted asks for less; else empty."""
    by_domain = {record.domain: record for each in standing for record in _records([each], each.name)}
    ours = dmarc.parse(wanted.values[0], domain)
    if ours:
        by_domain[domain] = ours
    found = dmarc.discover(domain, by_domain.get)
    return (found.above.domain, found.weakened) if found.above and found.weakened else ("", "")


def _records(standing: Iterable[Set], name: str) -> list[dmarc.Record]:
    values = [value for each in standing if (each.name, each.type) == (name, "TXT") for value in each.values]
    domain = name.removeprefix("_dmarc.")
    return [record for value in values if (record := dmarc.parse(value, domain))]
