"""DMARC records, and the tree walk by which receivers find them (RFC 9989): pure functions.

The standard library only: `infra/` uses it, too. Not for asking the DNS (`dnscheck/`) or for writing a record.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

POLICIES = ("none", "quarantine", "reject")  # from watching to refusing
# RFC 9989 §4.10: a name of more labels is cut to seven after the first question, which bounds the walk to eight.
MOST_QUERIES = 8
# RFC 9989 §4.7, and RFC 7489 §6.3 for `pct`, which older receivers still apply.
_DEFAULTS = {
    "p": "none",
    "t": "n",
    "psd": "u",
    "adkim": "r",
    "aspf": "r",
    "fo": "0",
    "pct": "100",
    "rua": "",
    "ruf": "",
}
_LISTS = ("rua", "ruf")
# RFC 9989 §4.8: the name of a tag in any case, the version in this one.
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


@dataclass(frozen=True)
class Record:
    """A DMARC policy record.

    Attributes:
        domain: Whose it is: without `_dmarc`.
        tags: Its tags, in lower case; those that RFC 9989 does not know are left out, as receivers do.
    """

    domain: str
    tags: Mapping[str, str]

    @property
    def meaning(self) -> Mapping[str, str]:
        """Every tag, with defaults filled in: equal for equivalent records.

        Example:
            >>> parse("v=DMARC1; p=reject").meaning == parse("v=DMARC1;p=reject; sp=reject; adkim=r; x=1").meaning
            True
        """
        said = {**_DEFAULTS, **self.tags}
        below = said.get("sp", said["p"])
        lists = {name: ",".join(sorted(part.strip() for part in said[name].split(","))) for name in _LISTS}
        return MappingProxyType({**said, **lists, "sp": below, "np": said.get("np", below)})

    @property
    def policy(self) -> str:
        """What it asks receivers to do with mail of its own domain that fails."""
        return self._applied("p")

    @property
    def subdomain_policy(self) -> str:
        """What it asks them to do with mail of a domain below it that has no record of its own."""
        return self._applied("sp")

    def _applied(self, tag: str) -> str:
        """A policy as receivers apply it.

        A record with a wrong one counts as `none` (RFC 9989 §4.10.1), and test mode lowers it by a step (§4.7).
        """
        said = self.meaning
        if any(said[name] not in POLICIES for name in ("p", "sp", "np")):
            return "none"
        level = POLICIES.index(said[tag])
        return POLICIES[max(0, level - 1) if said["t"] == "y" else level]


@dataclass(frozen=True)
class Discovery:
    """What a tree walk from a domain found.

    Attributes:
        organizational: The organizational domain (RFC 9989 §4.10.2).
        applies: The record that holds for mail from the domain (§4.10.1); None where none does.
        above: The record that would hold if the domain had none of its own.
    """

    domain: str
    organizational: str
    applies: Record | None
    above: Record | None

    @property
    def weakened(self) -> str:
        """What the record above asks for mail of the domain, where the domain's own asks for less; else empty."""
        own, above = self.applies, self.above
        if not own or not above or own.domain != self.domain:
            return ""
        return above.subdomain_policy if stricter(above.subdomain_policy, own.policy) else ""


def parse(text: str, domain: str = "") -> Record | None:
    """Read a TXT value; None where it is no DMARC record, which must begin with its version (RFC 9989 §4.7).

    Args:
        text: The whole value.
        domain: Whose it is.
    """
    if not _VERSION.match(text.strip(" \t")):
        return None
    pairs = (part.partition("=") for part in text.split(";")[1:] if "=" in part)
    tags = {name.strip().lower(): value.strip() for name, _, value in pairs}
    known = {*_DEFAULTS, "sp", "np"}
    return Record(
        domain, {name: value if name in _LISTS else value.lower() for name, value in tags.items() if name in known}
    )


def stricter(one: str, other: str) -> bool:
    """Whether a policy asks for more than another.

    Example:
        >>> stricter("reject", "quarantine"), stricter("none", "none")
        (True, False)
    """
    return POLICIES.index(one) > POLICIES.index(other)


def targets(domain: str) -> Iterator[str]:
    """The domains that a tree walk asks for a record, from the longest (RFC 9989 §4.10).

    Example:
        >>> list(targets("mail.example.com"))
        ['mail.example.com', 'example.com', 'com']
    """
    yield domain
    labels = domain.split(".")
    for left in range(max(1, len(labels) - MOST_QUERIES + 1), len(labels)):
        yield ".".join(labels[left:])


def discover(domain: str, record_of: Callable[[str], Record | None]) -> Discovery:
    """Walk the tree from a domain (RFC 9989 §4.10).

    Args:
        domain: Where the walk begins.
        record_of: The one DMARC record of a domain; None where there is none, or several, which receivers discard.
    """
    found: list[Record] = []
    for target in targets(domain):
        record = record_of(target)
        if record:
            found.append(record)
            psd = record.meaning["psd"]
            if psd == "n" or (psd == "y" and target != domain):
                break
    organizational = _organizational(domain, found)
    by_domain = {record.domain: record for record in found}
    public = next((record for record in found if record.meaning["psd"] == "y"), None)
    above = by_domain.get(organizational) if organizational != domain else None
    above = above or (public if public and public.domain != domain else None)
    return Discovery(domain, organizational, by_domain.get(domain) or above, above)


def _organizational(domain: str, found: list[Record]) -> str:
    """Which domain the records of a walk say is the organization's (RFC 9989 §4.10.2)."""
    for record in found:
        psd = record.meaning["psd"]
        if psd == "n":
            return record.domain
        if psd == "y" and record.domain != domain:
            labels = domain.split(".")
            return ".".join(labels[-(record.domain.count(".") + 2) :])
    return found[-1].domain if found else domain
