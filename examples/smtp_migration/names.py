"""The name server of the shop's domain, on loopback: it publishes the records of the stack."""

import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.zone

from mailer import StackOutputs

_HEAD = "$ORIGIN {zone}.\n@ 600 IN SOA ns.{zone}. hostmaster.{zone}. 1 7200 900 1209600 300\n@ 600 IN NS ns.{zone}.\n"


@contextmanager
def serving(domain: str, outputs: StackOutputs) -> Generator[int]:
    """A server on a free port, which is yielded.

    Args:
        domain: The zone.
        outputs: Of the stack, whose records it publishes.
    """
    text = _HEAD.format(zone=domain) + "\n".join(_lines(outputs)) + "\n"
    zone = dns.zone.from_text(text, relativize=False, check_origin=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        worker = threading.Thread(target=_serve, args=(sock, zone), daemon=True)
        worker.start()
        yield sock.getsockname()[1]
        sock.sendto(b"", sock.getsockname())  # an empty datagram ends it
        worker.join()


def _lines(outputs: StackOutputs) -> Iterator[str]:
    for record in outputs.dns_records:
        for value in record.values:
            quoted = f'"{value}"' if record.type == "TXT" else value if value.endswith(".") else f"{value}."
            yield f"{record.name}. {record.ttl} IN {record.type} {quoted}"


def _serve(sock: socket.socket, zone: dns.zone.Zone) -> None:
    while True:  # until the empty datagram
        data, client = sock.recvfrom(65_535)
        if not data:
            return
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            continue
        sock.sendto(_answer(query, zone).to_wire(), client)


def _answer(query: dns.message.Message, zone: dns.zone.Zone) -> dns.message.Message:
    question = query.question[0]
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA | dns.flags.RA
    node = zone.get_node(question.name)
    if node is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
        return response
    for kind in (question.rdtype, dns.rdatatype.CNAME):
        found = zone.get_rrset(question.name, kind)
        if found is not None:
            response.answer.append(found)
    return response
