"""The DNS records that mail from a domain needs. Pure.

Not for publishing them (`zone.py`). The tokens of Easy DKIM are known only after SES has created the identity.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mailer.stack import DnsRecord
from mailstack_infra.settings import dkim_key
from mailstack_infra.settings.validators import within

if TYPE_CHECKING:
    from mailstack_infra.settings.domain import Bimi, Dmarc
    from mailstack_infra.settings.identity import IdentitySettings

# Easy DKIM has three tokens. https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html
DKIM_TOKENS = 3
# These regions have their own domain for DKIM keys; all others use dkim.amazonses.com.
# https://docs.aws.amazon.com/general/latest/gr/ses.html
REGIONS_WITH_DKIM_DOMAIN = frozenset(
    {
        *("af-south-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-5", "ca-west-1"),
        *("eu-central-2", "eu-south-1", "il-central-1", "me-central-1", "us-gov-east-1"),
    }
)
TTL_SECONDS: int = DnsRecord.model_fields["ttl"].default
LONGEST_STRING = 255
SPF = "v=spf1 include:amazonses.com ~all"


def dkim_domain(region: str) -> str:
    """The domain under which SES publishes the DKIM keys of a region.

    Example:
        >>> dkim_domain("eu-west-1"), dkim_domain("eu-south-1")
        ('dkim.amazonses.com', 'dkim.eu-south-1.amazonses.com')
    """
    return f"dkim.{region}.amazonses.com" if region in REGIONS_WITH_DKIM_DOMAIN else "dkim.amazonses.com"


def dkim_record(token: str, domain: str, region: str) -> DnsRecord:
    """The record that points to one DKIM key of SES."""
    return DnsRecord(name=f"{token}._domainkey.{domain}", type="CNAME", values=(f"{token}.{dkim_domain(region)}",))


def fixed_records(settings: "IdentitySettings", region: str) -> dict[str, DnsRecord]:
    """Every record that is known before SES creates the identity, by its key in the deployment.

    A single address has none.

    MAIL FROM: https://docs.aws.amazon.com/ses/latest/dg/mail-from.html. DMARC: RFC 9989 §4.7. BIMI:
    draft-brand-indicators-for-message-identification §4.
    """
    domain, mail_from = settings.domain, settings.mail_from_domain
    if settings.address:
        return {}
    records: dict[str, DnsRecord] = {}
    if settings.owns("mailFrom"):
        mx = f"10 feedback-smtp.{region}.amazonses.com"
        records["mail-from-mx"] = DnsRecord(name=mail_from, type="MX", values=(mx,))
        records["mail-from-spf"] = DnsRecord(name=mail_from, type="TXT", values=(SPF,))
    if not settings.owns("records"):
        return records | _tracking_records(settings, region)
    if settings.dmarc.publish:
        records["dmarc"] = DnsRecord(name=f"_dmarc.{domain}", type="TXT", values=(dmarc(settings.dmarc),))
    if settings.dkim.private_key:
        # RFC 6376 §3.6.1
        value = f"v=DKIM1; k=rsa; p={dkim_key.public_key(settings.dkim.private_key)}"
        records[f"dkim.{settings.dkim.selector}"] = DnsRecord(
            name=f"{settings.dkim.selector}._domainkey.{domain}", type="TXT", values=(value,)
        )
    if settings.bimi.logo:
        records["bimi"] = DnsRecord(name=f"default._bimi.{domain}", type="TXT", values=(bimi(settings.bimi),))
    if settings.spf:
        records["spf"] = DnsRecord(name=domain, type="TXT", values=(SPF,))
    return records | _tracking_records(settings, region) | _report_records(settings)


def dmarc(policy: "Dmarc") -> str:
    """The DMARC record. Receivers older than RFC 9989 require the tags in this order: `v`, `p`, then the others.

    Defaults of RFC 9989 §4.7 are left out.
    """
    tags = {
        "v": "DMARC1",
        "p": policy.policy,
        "sp": policy.subdomain_policy,
        "np": policy.nonexistent_policy,
        "adkim": "s" if policy.dkim_alignment == "strict" else "",
        "aspf": "s" if policy.spf_alignment == "strict" else "",
        "psd": "" if policy.psd == "u" else policy.psd,
        "t": "y" if policy.testing else "",
        "rua": ",".join(f"mailto:{_uri(address)}" for address in policy.reports),
        "ruf": ",".join(f"mailto:{_uri(address)}" for address in policy.failure_reports),
    }
    return "; ".join(f"{tag}={value}" for tag, value in tags.items() if value)


def bimi(shown: "Bimi") -> str:
    """The BIMI record: the URLs of the logo and of its certificate."""
    tags = {"v": "BIMI1", "l": shown.logo, "a": shown.certificate}
    return "; ".join(f"{tag}={value}" for tag, value in tags.items() if value)


def records(settings: "IdentitySettings", region: str, tokens: Sequence[str]) -> tuple[DnsRecord, ...]:
    """Every record that must exist, with those of Easy DKIM."""
    dkim = (dkim_record(token, settings.domain, region) for token in tokens)
    return (*dkim, *fixed_records(settings, region).values())


def outside(records: Mapping[str, DnsRecord], zone: str) -> dict[str, DnsRecord]:
    """The records outside the zone, which the owner of their zone must publish."""
    return {key: record for key, record in records.items() if not within(record.name, zone)}


def strings(text: str) -> list[str]:
    """A TXT value split into character strings of at most 255 bytes (RFC 1035 §3.3)."""
    return [text[start : start + LONGEST_STRING] for start in range(0, len(text), LONGEST_STRING)] or [""]


def quoted(text: str) -> str:
    """A TXT value as quoted strings, in the form of a zone file (RFC 1035 §5.1).

    Example:
        >>> quoted("v=DMARC1; p=none")
        '"v=DMARC1; p=none"'
    """
    escaped = (string.replace("\\", "\\\\").replace('"', '\\"') for string in strings(text))
    return " ".join(f'"{string}"' for string in escaped)


def _uri(address: str) -> str:
    """An address in a DMARC URI, escaped: `,`, `!` and `;` have a meaning there (RFC 9989 §4.8)."""
    escapes = {"%": "%25", "!": "%21", ",": "%2C", ";": "%3B", "#": "%23", "?": "%3F"}
    return "".join(escapes.get(character, character) for character in address)


def _tracking_records(settings: "IdentitySettings", region: str) -> dict[str, DnsRecord]:
    """One record for each tracking domain, which several streams may share.

    https://docs.aws.amazon.com/ses/latest/dg/configure-custom-open-click-domains.html
    """
    first = {tracking.domain: name for name, tracking in reversed([*settings.tracking.items()])}
    return {
        f"tracking-{name}": DnsRecord(
            name=tracked,
            type="CNAME",
            values=(settings.tracking[name].target or f"r.{region}.awstrack.me",),
        )
        for tracked, name in first.items()
        if tracked
    }


def _report_records(settings: "IdentitySettings") -> dict[str, DnsRecord]:
    """An external domain must state that it accepts reports about this one (RFC 9990 §4).

    A mailbox is external unless its domain is in the zone, or contains or is contained in this domain. Receivers
    compare organizational domains, by records that are unknown here; `mailer dns --check` does the same as receivers.
    """
    domain = settings.domain
    home = settings.zone if "." in settings.zone else domain
    mailboxes = (*settings.dmarc.reports, *settings.dmarc.failure_reports)
    hosts = sorted({address.rpartition("@")[2] for address in mailboxes})
    return {
        f"dmarc-report-{host}": DnsRecord(name=f"{domain}._report._dmarc.{host}", type="TXT", values=("v=DMARC1",))
        for host in hosts
        if not (within(host, home) or within(domain, host))
    }
