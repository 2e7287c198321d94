"""SES's decisions as pure functions: DNS records, verified senders, suppression."""

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from mailstack_localcloud.ses.state import Account, ConfigurationSet, Identity, Tenant

# The regions whose DKIM keys are under a domain of their own:
# https://docs.aws.amazon.com/general/latest/gr/ses.html#ses_dkim_domains
REGIONS_WITH_OWN_DKIM_ZONE = frozenset(
    {
        "af-south-1",
        "ap-northeast-3",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-5",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "il-central-1",
        "me-central-1",
        "us-gov-east-1",
    }
)
SIMULATOR_DOMAIN = "simulator.amazonses.com"
_AT_SIMULATOR = f"@{SIMULATOR_DOMAIN}"
# https://docs.aws.amazon.com/ses/latest/dg/quotas.html: recipients a message; bytes after base64 encoding (API v2).
MAX_RECIPIENTS = 50
MAX_MESSAGE_BYTES = 40 * 1024 * 1024

_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$")
_PLAIN = re.compile(r"[A-Za-z0-9._%+=-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_CONTROL_OR_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
_MAX_IDENTITY = 320
# Addresses and domains come again and again.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record that must be published. For TXT it is enough that a value starts with `value`."""

    name: str
    type: str
    value: str


def dkim_zone(region: str) -> str:
    """The zone with the keys of Easy DKIM."""
    return f"dkim.{region}.amazonses.com" if region in REGIONS_WITH_OWN_DKIM_ZONE else "dkim.amazonses.com"


def dkim_records(identity: Identity, region: str) -> list[Record]:
    """The records that the owner of a domain must publish: three CNAMEs, or the TXT of an own key (BYODKIM)."""
    names = [f"{token}._domainkey.{identity.name}" for token in identity.dkim_tokens]
    if identity.dkim_origin == "EXTERNAL":
        return [Record(name, "TXT", f"p={identity.dkim_public_key}") for name in names]
    zone = dkim_zone(region)
    return [Record(n, "CNAME", f"{t}.{zone}") for n, t in zip(names, identity.dkim_tokens, strict=True)]


def mail_from_record(domain: str, region: str) -> Record:
    """The record that SES requires at a custom MAIL FROM domain: exactly one MX. SPF is for receivers.

    https://docs.aws.amazon.com/ses/latest/dg/mail-from.html#mail-from-states
    """
    return Record(domain, "MX", f"10 feedback-smtp.{region}.amazonses.com")


def is_published(record: Record, values: Collection[str]) -> bool:
    """Whether the values found under a record's name and type are what SES asks for."""
    if record.type == "TXT":
        return any(record.value in value.strip('"').replace('" "', "").replace('""', "") for value in values)
    return {value.rstrip(".").lower() for value in values} == {record.value}


@functools.lru_cache(maxsize=_REMEMBERED)
def suffixes(domain: str) -> tuple[str, ...]:
    """A domain and its parents, most specific first, down to two labels.

    Example:
        >>> suffixes("a.example.com")
        ('a.example.com', 'example.com')
    """
    labels = domain.lower().rstrip(".").split(".")
    return tuple(".".join(labels[i:]) for i in range(max(len(labels) - 1, 1)))


def identity_name(name: str) -> str:
    """The name of an identity: addresses are case-sensitive, as AWS documents, and domains are not."""
    return name if "@" in name else name.lower().rstrip(".")


def identities_of(address: str, identities: Mapping[str, Identity]) -> list[Identity]:
    """The identities that cover an address, most specific first; the address without its label is one of them.

    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html#verify-email-addresses-procedure-console
    """
    local, _, domain = address.rpartition("@")
    account, label, _ = local.partition("+")
    own = (address, f"{account}@{domain}") if label else (address,)
    return [identities[name] for name in (*own, *suffixes(domain)) if name in identities]


def may_send(address: str, identities: Mapping[str, Identity]) -> bool:
    """Whether a verified identity covers the address."""
    return any(identity.verified for identity in identities_of(address, identities))


def is_simulator(address: str) -> bool:
    """Whether the address is the mailbox simulator's, which neither counts nor needs verification."""
    return address.lower().endswith(_AT_SIMULATOR)


def unverified(addresses: Iterable[str], identities: Mapping[str, Identity]) -> list[str]:
    """Of the addresses, those that a sandboxed account may not write to."""
    return [a for a in addresses if not is_simulator(a) and not may_send(a, identities)]


def suppression(
    account: Account, tenant: Tenant | None, configuration_set: ConfigurationSet | None
) -> tuple[list[str], bool]:
    """The reasons in force, and whether the tenant's list is meant: the set's word, else the tenant's, the account's.

    An empty list of reasons is a word, too. Scope and reasons may come from different places.
    https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list-tenant-level.html
    """
    own = configuration_set.options.get("SuppressionOptions", {}) if configuration_set else {}
    theirs = tenant.suppression if tenant else {}
    reasons = next((g["SuppressedReasons"] for g in (own, theirs) if "SuppressedReasons" in g), None)
    scope = own.get("SuppressionScope") or theirs.get("SuppressionScope")
    return account.suppressed_reasons if reasons is None else reasons, tenant is not None and scope == "TENANT"


def is_plain(address: str) -> bool:
    """Whether it is one of the common addresses that are right, seen at one glance."""
    return _PLAIN.fullmatch(address) is not None


def keeps_back(account: Account, configuration_set: ConfigurationSet | None) -> bool:
    """Whether SES sends only to addresses that it thinks are valid: the set's word, else the account's.

    https://docs.aws.amazon.com/ses/latest/dg/email-validation.html
    """
    own = configuration_set.option("SuppressionOptions", "ValidationOptions", None) if configuration_set else None
    threshold = (own or account.validation).get("ConditionThreshold", {})
    return bool(threshold.get("ConditionThresholdEnabled") == "ENABLED")


def identity_problem(name: str) -> str:
    """Why the name cannot be an identity; empty if it can."""
    if len(name) > _MAX_IDENTITY or not _DOMAIN.match(name.rpartition("@")[2].lower()):
        return f"Invalid email address or domain: {name}."
    return address_problem(name) if "@" in name else ""


def address_problem(address: str) -> str:
    """Why SES refuses an address, in its own words; empty if it takes it."""
    if is_plain(address):
        return ""
    local, at, domain = address.rpartition("@")
    problems = (
        (not at or not domain or not local, "Missing final '@domain'"),
        (not local.isascii(), "Local address contains non-ASCII characters"),
        (_CONTROL_OR_SPACE.search(local), "Local address contains control or whitespace"),
        (_CONTROL_OR_SPACE.search(domain), "Domain contains control or whitespace"),
        (not domain.isascii(), "Domain contains non-ASCII characters"),
        (domain.startswith("."), "Domain starts with dot"),
        (domain.endswith("."), "Domain ends with dot"),
        (".." in domain, "Domain contains dot-dot"),
    )
    return next((text for wrong, text in problems if wrong), "")
