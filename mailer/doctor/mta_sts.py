"""What MTA-STS (RFC 8461) and TLS reports (RFC 8460) publish: pure functions. Not for asking DNS or web."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION, REPORT_VERSION = "STSv1", "TLSRPTv1"
MODES = ("enforce", "testing", "none")
# RFC 8461 §3.2, in seconds: a year.
MAX_AGE = 31_557_600
# RFC 8461 §3.1.
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_MX = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]\Z")


class InvalidPolicy(ValueError):  # noqa: N818 - it says what is wrong
    """A record or policy that senders ignore; the message says why, and names the section."""


@dataclass(frozen=True)
class Policy:
    """A policy of MTA-STS.

    Attributes:
        mode: `enforce`, `testing` or `none`.
        hosts: Patterns of the MX hosts, in lower case.
    """

    mode: str
    hosts: tuple[str, ...]

    def covers(self, host: str) -> bool:
        """Whether a pattern fits an MX host: a wildcard stands for one label (RFC 8461 §4.1).

        Example:
            >>> Policy("enforce", ("*.example.com",)).covers("mx1.example.com")
            True
            >>> Policy("enforce", ("*.example.com",)).covers("a.mx1.example.com")
            False
        """
        host = host.lower().rstrip(".")
        return any(_fits(pattern, host) for pattern in self.hosts)


def _fits(pattern: str, host: str) -> bool:
    return host.partition(".")[2] == pattern[2:] if pattern.startswith("*.") else host == pattern


def only(values: "Iterable[str]", version: str, section: str) -> "dict[str, str] | None":
    """The tags of the one record of a version; None if there is none.

    Args:
        values: The TXT values of a name.
        version: What the record begins with.
        section: Of the RFC, which says that several count as none.

    Raises:
        InvalidPolicy: There are several.
    """
    found = [value for value in values if value.partition(";")[0].strip() == f"v={version}"]
    if len(found) > 1:
        raise InvalidPolicy(f"There are {len(found)} records, which count as none ({section}).")
    if not found:
        return None
    pairs = (part.partition("=") for part in found[0].split(";") if part.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def checked_id(tags: "dict[str, str]") -> str:
    """The id of a record `_mta-sts`.

    Raises:
        InvalidPolicy: It has none, or one that is not 1 to 32 letters and digits.
    """
    if not _ID.match(tags.get("id", "")):
        raise InvalidPolicy(f"Its id is {tags.get('id', '')[:40]!r}, not 1 to 32 letters and digits (RFC 8461 §3.1).")
    return tags["id"]


def parse(text: str) -> Policy:
    r"""Read a policy.

    Raises:
        InvalidPolicy: Senders ignore it.

    Example:
        >>> parse("version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n").hosts
        ('mx.example.com',)
    """
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    known = {name.strip(): value.strip() for name, _, value in reversed(pairs)}  # the first counts: RFC 8461 §3.2
    hosts = tuple(value.strip().lower() for name, _, value in pairs if name.strip() == "mx")
    if known.get("version") != VERSION:
        raise InvalidPolicy(f"Its version is {known.get('version', '')[:40]!r}, not {VERSION} (RFC 8461 §3.2).")
    if known.get("mode") not in MODES:
        raise InvalidPolicy(
            f"Its mode is {known.get('mode', '')[:40]!r}, not one of {', '.join(MODES)} (RFC 8461 §3.2)."
        )
    age = known.get("max_age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 10 and int(age) <= MAX_AGE):  # noqa: PLR2004 - ten digits, RFC 8461 §3.2
        raise InvalidPolicy(f"Its max_age is {age[:40]!r}, not a number of seconds up to {MAX_AGE} (RFC 8461 §3.2).")
    bad = [host for host in hosts if not _MX.match(host)]
    if bad:
        raise InvalidPolicy(f"Its mx {bad[0][:60]!r} is no host name (RFC 8461 §3.2).")
    if not hosts and known["mode"] != "none":
        raise InvalidPolicy("It names no mx (RFC 8461 §3.2).")
    return Policy(known["mode"], hosts)


def checked_addresses(tags: "dict[str, str]") -> tuple[str, ...]:
    """Where the reports of a record `_smtp._tls` go.

    Raises:
        InvalidPolicy: It names no address, or one that is neither mailto: nor https: (RFC 8460 §3).
    """
    addresses = tuple(one.strip() for one in tags.get("rua", "").split(",") if one.strip())
    if not addresses:
        raise InvalidPolicy("It names no address: rua is missing (RFC 8460 §3).")
    for one in addresses:
        if not re.match(r"mailto:[^@\s]+@[^@\s]+\Z|https://[^\s/]+", one):
            raise InvalidPolicy(f"Its rua {one[:60]!r} is neither mailto: nor https: (RFC 8460 §3).")
    return addresses
