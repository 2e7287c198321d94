"""A small authoritative name server on loopback, over UDP: it answers from a zone file, as BIND would."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from tests.waiting import PATIENCE

HEAD = """\
$ORIGIN {zone}.
@ 600 IN SOA ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 300
@ 600 IN NS ns.{zone}.
ns 600 IN A 127.0.0.1
"""


@dataclass
class NameServer:
    """A running server.

    Attributes:
        asked: Every question, as `name type`.
        silent: It takes questions and answers none.
    """

    port: int
    zones: dict[dns.name.Name, dns.zone.Zone] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    silent: bool = False

    def publish(self, zone: str, lines: str) -> None:
        """Replace a zone by these lines, after the records that every zone has."""
        text = HEAD.format(zone=zone) + lines
        self.zones[dns.name.from_text(zone)] = dns.zone.from_text(text, relativize=False, check_origin=False)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        self.asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        holding = [origin for origin in self.zones if question.name.is_subdomain(origin)]
        if not holding:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        zone = self.zones[max(holding, key=len)]
        node = zone.get_node(question.name)
        if node is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            return response
        for rdataset in node.rdatasets:
            if rdataset.rdtype in (question.rdtype, dns.rdatatype.CNAME):
                response.answer.append(dns.rrset.from_rdata_list(question.name, rdataset.ttl, list(rdataset)))
        return response


@contextmanager
def serving() -> Generator[NameServer]:
    """A server on a free port until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        server = NameServer(sock.getsockname()[1])
        worker = threading.Thread(target=_serve, args=(sock, server), daemon=True)
        worker.start()
        yield server
        sock.sendto(b"", sock.getsockname())  # an empty datagram ends it
        worker.join(PATIENCE)


def _serve(sock: socket.socket, server: NameServer) -> None:
    while True:
        data, sender = sock.recvfrom(4096)
        if not data:
            return
        if not server.silent:
            sock.sendto(server.answer(dns.message.from_wire(data)).to_wire(), sender)
