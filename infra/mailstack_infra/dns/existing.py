"""The records that exist in a zone before a deployment, and how the stack's own values are merged with them. Pure.

Not for reading the zone (`route53.py`).
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mailer import dmarc
from mailer.stack import DnsRecord
from mailstack_infra.settings.marks import NAMESPACE

# RFC 1035 §5.1; Route 53 writes other characters as octal numbers.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
SES = "include:amazonses.com"
# RFC 7208 §5.1 and §6.1: receivers ignore everything after `all`, and use `redirect` only if nothing matched.
_LAST = re.compile(r"[+?~-]?all\Z|redirect=.*", re.IGNORECASE)


class Set(NamedTuple):
    """The values of one name and type; TXT whole and without quotes."""

    name: str
    type: str
    values: tuple[str, ...]


def unquoted(text: str) -> str:
    r"""The TXT value in the quoted strings that Route 53 shows.

    Example:
        >>> unquoted(r'"v=DMARC1; " "p=none"'), unquoted(r'"a\"b\101"')
        ('v=DMARC1; p=none', 'a"bA')
    """
    strings = _STRING.findall(text)
    if not strings:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if len(found[1]) > 1 else found[1], "".join(strings))


def kind(value: str) -> str:
    """The kind of a TXT value: its first word, such as `v=spf1`."""
    return value.replace(";", " ").strip().partition(" ")[0].lower()


def merged(wanted: DnsRecord, current: Sequence[Set]) -> tuple[str, ...]:
    """The stack's own values, and the existing values that must be kept beside them.

    A name has one TXT set, which others may share, for example for verification tokens. There may be only one value of
    a kind that the stack has, such as a DMARC record. An SPF record keeps the sources that it allows (RFC 7208 §4.5).
    """
    if wanted.type != "TXT":
        return wanted.values
    ours = {kind(value) for value in wanted.values}
    found = [value for each in current if (each.name, each.type) == (wanted.name, "TXT") for value in each.values]
    others = [value for value in found if kind(value) not in ours]
    policies = [value for value in found if kind(value) == "v=spf1"]
    own = [with_ses(policies[0]) if kind(value) == "v=spf1" and policies else value for value in wanted.values]
    return (*others, *own)


def with_ses(policy: str) -> str:
    """An SPF record that also allows SES.

    Example:
        >>> with_ses("v=spf1 include:_spf.example.net -all")
        'v=spf1 include:_spf.example.net include:amazonses.com -all'
    """
    words = policy.split()
    if SES in {word.lower().removeprefix("+") for word in words}:
        return policy
    end = next((number for number, word in enumerate(words) if _LAST.match(word)), len(words))
    return " ".join([*words[:end], SES, *words[end:]])


def weakened(wanted: DnsRecord, current: Sequence[Set]) -> str:
    """The policy of an existing DMARC record that is stricter than the wanted one; empty if none is."""
    ours = dmarc.parse(wanted.values[0])
    if not ours:
        return ""
    found = _records(current, wanted.name)
    return next((record.policy for record in found if dmarc.stricter(record.policy, ours.policy)), "")


def weaker_than_parent(domain: str, wanted: DnsRecord, current: Sequence[Set]) -> str:
    """The warning that the wanted DMARC record is weaker than the policy of a parent domain; empty if it is not."""
    by_domain = {record.domain: record for each in current for record in _records([each], each.name)}
    ours = dmarc.parse(wanted.values[0], domain)
    if ours:
        by_domain[domain] = ours
    found = dmarc.discover(domain, by_domain.get)
    if not (found.above and found.weakened):
        return ""
    return (
        f"The DMARC record of {domain} is weaker than that of {found.above.domain}, which would ask for "
        f"{found.weakened} without it. Tighten {NAMESPACE}:dmarc.policy, or do not publish the record: "
        f"pulumi config set --path '{NAMESPACE}:dmarc.publish' false"
    )


def _records(current: Iterable[Set], name: str) -> list[dmarc.Record]:
    values = [value for each in current if (each.name, each.type) == (name, "TXT") for value in each.values]
    domain = name.removeprefix("_dmarc.")
    return [record for value in values if (record := dmarc.parse(value, domain))]
