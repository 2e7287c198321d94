"""Compares DNS answers with the records that a stack needs: pure functions. Not for lookups."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mailer import dmarc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailer.stack import DnsRecord


class Status(StrEnum):
    """The state of a record in the DNS."""

    PUBLISHED = "published"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True)
class Answer:
    """What a name server said about one name and type.

    Attributes:
        values: As `mailer.stack.DnsRecord` has them: TXT whole and without quotes, no trailing dots.
        failure: Why there is no answer; empty if there is one, even that no record exists.
    """

    values: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class Finding:
    """The state of one record, and what to do about it.

    Attributes:
        found: The published values, without unrelated ones (other TXT values, for instance).
        advice: Empty where all is well.
    """

    record: "DnsRecord"
    status: Status
    found: tuple[str, ...] = ()
    advice: str = ""


def judge(record: "DnsRecord", answer: Answer) -> Finding:
    """Compare what is published with what the stack needs.

    Equivalent values are equal: order and blanks of tags, an SPF record that allows SES and others, upper case in
    host names.

    Example:
        >>> from mailer.stack import DnsRecord
        >>> wanted = DnsRecord(name="_dmarc.example.com", type="TXT", values=("v=DMARC1; p=none",))
        >>> judge(wanted, Answer(("v=DMARC1;p=none", "unrelated"))).status
        <Status.PUBLISHED: 'published'>
    """
    if answer.failure:
        return Finding(record, Status.UNKNOWN, advice=f"{answer.failure} Try again, or ask another server: --resolver.")
    kind = _kind(record.type, record.values[0])
    same = _SAME.get(kind, _same_text)
    found = tuple(value for value in answer.values if _kind(record.type, value) == kind)
    if not found:
        return Finding(record, Status.MISSING, advice="Publish it.")
    if len(found) > len(record.values):
        return Finding(record, Status.DIFFERENT, found, _SEVERAL.get(kind, "Leave what is wanted and nothing else."))
    if all(any(same(wanted, value) for value in found) for wanted in record.values):
        return Finding(record, Status.PUBLISHED, found)
    return Finding(record, Status.DIFFERENT, found, _OTHER.get(kind, "Replace it."))


def several_spf(name: str, answer: Answer) -> str:
    """What is wrong with a name that has more than one SPF record; empty where it has not."""
    found = [value for value in answer.values if _kind("TXT", value) == "v=spf1"]
    return f"{name} has {len(found)} SPF records. {_SEVERAL['v=spf1']}" if len(found) > 1 else ""


def _kind(record_type: str, value: str) -> str:
    """What a value is: a TXT value says so in its first word, `v=DMARC1`; of the other types there is one kind each."""
    return _words(value.replace(";", " "))[0] if record_type == "TXT" else record_type


def _words(value: str) -> list[str]:
    return value.lower().split() or [""]


def _tags(value: str) -> dict[str, str]:
    """`v=DMARC1; p=none` as a mapping (RFC 6376 §3.2); DKIM's key may hold blanks."""
    pairs = (part.partition("=") for part in value.split(";") if part.strip())
    return {name.strip().lower(): "".join(text.split()) for name, _, text in pairs}


def _same_text(wanted: str, found: str) -> bool:
    return _words(wanted) == _words(found)


def _same_tags(wanted: str, found: str) -> bool:
    return _tags(wanted) == _tags(found)


def _same_dmarc(wanted: str, found: str) -> bool:
    """A policy is the same as a whole; where consent is wanted, whatever else is said does no harm (RFC 9990 §4)."""
    one, other = dmarc.parse(wanted), dmarc.parse(found)
    return bool(one and other and (not one.tags or one.meaning == other.meaning))


def _same_key(wanted: str, found: str) -> bool:
    return _tags(wanted)["p"] == _tags(found).get("p")


def _allows(wanted: str, found: str) -> bool:
    """An SPF record allows whom another allows: what it includes, before its `all`."""
    includes = {word for word in _words(wanted) if word.startswith("include:")}
    return includes <= {word.removeprefix("+") for word in _words(found)}


_SAME: "Mapping[str, Callable[[str, str], bool]]" = {
    "v=spf1": _allows,
    "v=dmarc1": _same_dmarc,
    "v=dkim1": _same_key,
    "v=bimi1": _same_tags,
}
_SEVERAL: "Mapping[str, str]" = {
    "v=spf1": "Receivers ignore several (RFC 7208 §4.5): merge them into one, with include:amazonses.com.",
    "v=dmarc1": "Receivers ignore several (RFC 9989 §4.10): keep only the one that the stack needs.",
    "MX": "SES must have the only MX record of this name: remove the others, or choose another mailFrom.subdomain.",
}
_OTHER: "Mapping[str, str]" = {
    "v=spf1": "Add include:amazonses.com to it.",
    "MX": "Replace it; if something receives mail there, choose another mailFrom.subdomain instead.",
    "CNAME": "Replace it; at Cloudflare, it must not be proxied.",
}


def all_published(findings: "Iterable[Finding]") -> bool:
    """Whether nothing is left to do."""
    return all(finding.status in {Status.PUBLISHED, Status.NOT_NEEDED} for finding in findings)
