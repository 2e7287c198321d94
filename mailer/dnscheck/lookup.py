"""DNS lookups with time-outs, at a zone's authoritative servers or at a given one. Not for judging the answers."""

import socket
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mailer.dnscheck.verdict import Answer
from mailer.domain import ascii_domain
from mailer.errors import ConfigurationError
from mailer.install import install_command

try:
    import dns.exception
    import dns.resolver
    from dns.rdtypes.ANY.MX import MX
    from dns.rdtypes.ANY.TXT import TXT
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "Checking DNS records needs dnspython, which is not installed.", hint=install_command("dns")
    ) from error

if TYPE_CHECKING:
    from dns.rdata import Rdata

DNS_PORT = 53
# Seconds for one question, with every server asked again in between.
TIMEOUT = 5.0
NOBODY_ANSWERS = "No name server answered."


class Lookup(Protocol):
    """Answers one DNS question; a failure is an answer, too."""

    def __call__(self, name: str, kind: str) -> Answer:
        """The records under a name and type."""
        ...


def ask_server(host: str, port: int = DNS_PORT, *, timeout: float = TIMEOUT) -> Lookup:
    """Ask one server, which may answer from its cache.

    Args:
        host: Its name or address.
        port: UDP and TCP.
        timeout: Seconds for one question.

    Raises:
        ConfigurationError: There is no such host.
    """
    try:
        # Python's own translation of a host name is IDNA 2003.
        name = host if host.isascii() else ascii_domain(host)
        found = socket.getaddrinfo(name, port, type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"The name server {host} cannot be found: {why}.") from error
    return partial(_ask, _resolver([str(found[0][4][0])], port, timeout))


def ask_owners(*, by: "dns.resolver.Resolver | None" = None, port: int = DNS_PORT, timeout: float = TIMEOUT) -> Lookup:
    """Ask the authoritative servers of a name's zone, which have new records at once.

    Args:
        by: The resolver that finds the servers. Default: the machine's own.
        port: Where those servers listen.
        timeout: Seconds for one question; finding the servers of a zone takes at most four.

    Raises:
        ConfigurationError: The machine has no resolver.
    """
    try:
        return _Owners(by or dns.resolver.Resolver(), port, timeout)
    except dns.resolver.NoResolverConfiguration as error:
        raise ConfigurationError(
            "This machine has no DNS resolver.", hint="Name a server to ask: --resolver HOST."
        ) from error


@dataclass(frozen=True)
class _Owners:
    by: "dns.resolver.Resolver"
    port: int
    timeout: float
    known: "dict[str, dns.resolver.Resolver]" = field(default_factory=dict[str, dns.resolver.Resolver])

    def __call__(self, name: str, kind: str) -> Answer:
        try:
            zone = str(dns.resolver.zone_for_name(name, resolver=self.by, lifetime=self.timeout))
            if zone not in self.known:
                self.known[zone] = _resolver(self._servers(zone), self.port, self.timeout)
        except dns.exception.DNSException as error:
            return Answer(failure=f"The name servers of {name} could not be found: {_why(error)}")
        return _ask(self.known[zone], name, kind)

    def _servers(self, zone: str) -> list[str]:
        """The addresses of a zone's servers; the first two with an address are enough."""
        names = [str(record.to_text()) for record in self.by.resolve(zone, "NS", lifetime=self.timeout)]
        addresses: list[str] = []
        for name in sorted(names):
            found = self.by.resolve(name, "A", raise_on_no_answer=False, lifetime=self.timeout)
            addresses += [record.to_text() for record in _records(found)]
            if len(addresses) > 1:
                break
        if not addresses:
            raise dns.resolver.NoNameservers
        return addresses


def _resolver(addresses: list[str], port: int, timeout: float) -> "dns.resolver.Resolver":
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = list(addresses)
    resolver.port, resolver.lifetime, resolver.timeout = port, timeout, timeout / 2
    resolver.search = []
    return resolver


def _ask(resolver: "dns.resolver.Resolver", name: str, kind: str) -> Answer:
    try:
        answer = resolver.resolve(f"{name}.", kind, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Answer()
    except dns.exception.DNSException as error:
        return Answer(failure=_why(error))
    return Answer(tuple(_value(record) for record in _records(answer)))


def _records(answer: "dns.resolver.Answer") -> "list[Rdata]":
    return list(answer.rrset) if answer.rrset else []


def _value(record: "Rdata") -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {str(record.exchange).rstrip('.').lower()}"
    return record.to_text().rstrip(".").lower()


def _why(error: "dns.exception.DNSException") -> str:
    if isinstance(error, dns.exception.Timeout | dns.resolver.NoNameservers):
        return NOBODY_ANSWERS
    if isinstance(error, dns.resolver.NoRootSOA):  # asked up to the root, and no zone holds the name
        return "The resolver that was asked knows of no zone."
    return str(error).rstrip(".!") + "."
