"""DNS records as lines of a zone file (RFC 1035 §5). Not for deciding which records there are: the stack does."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.stack import DnsRecord, StackOutputs

_LONGEST_STRING = 255  # RFC 1035 §3.3


def fragment(outputs: "StackOutputs") -> str:
    """A stack's records, for the end of its domain's zone or for an `$INCLUDE` there.

    Names are absolute, so that the lines also work in a parent's zone. Records that another domain's owner must publish
    are comments. A single address needs no records.
    """
    domain = outputs.domain
    if not outputs.dns_records:
        return f"; Stack {outputs.stack}: mail from {outputs.identity} needs nothing.\n"
    ours = [record for record in outputs.dns_records if _within(record.name, domain)]
    theirs = [record for record in outputs.dns_records if not _within(record.name, domain)]
    return "\n".join(
        [
            f"; Stack {outputs.stack}: what mail from {domain} needs.",
            *lines(ours),
            *(f"; Ask the owner of that name to publish: {line}" for line in lines(theirs)),
            "",
        ]
    )


def lines(records: "Iterable[DnsRecord]") -> list[str]:
    """One line a value.

    Example:
        >>> from mailer.stack import DnsRecord
        >>> lines([DnsRecord(name="_dmarc.example.com", type="TXT", values=("v=DMARC1; p=none",))])
        ['_dmarc.example.com. 600 IN TXT "v=DMARC1; p=none"']
    """
    return [
        f"{record.name}. {record.ttl} IN {record.type} {_data(record.type, value)}"
        for record in records
        for value in record.values
    ]


def _data(kind: str, value: str) -> str:
    if kind != "TXT":
        return f"{value.rstrip('.')}."  # a host name comes last in the data of CNAME and MX
    strings = [value[start : start + _LONGEST_STRING] for start in range(0, len(value), _LONGEST_STRING)]
    return " ".join('"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"' for string in strings)


def _within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
