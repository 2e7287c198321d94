"""A server that answers as SES and DynamoDB do and does no more: a thread a connection. A process of its own.

Prints its port, and ends when its standard input does. `GET /counts` tells which operations it has answered: a client
that leaves out work is found out.
"""

import json
import socket
import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import count
from threading import Lock, Thread
from zlib import crc32

_END_OF_HEAD = b"\r\n\r\n"
_DATE = b"Thu, 01 Jan 2026 00:00:00 GMT"
# Of each entry of a bulk request once, and in no mail.
_ENTRY = b'"Destination":{'
# How many mails came in bulk requests.
BULK_MAILS = "mails of SendBulkEmail"
_NOTHING_SUPPRESSED = b'{"Responses":{},"UnprocessedKeys":{}}'


class Stub:
    """What was asked so far, and how it is answered."""

    def __init__(self) -> None:
        self._counts = Counter[str]()
        self._lock = Lock()
        self._ids = count(1)

    def serve(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        received = bytearray()
        with connection:
            while True:
                while (end := received.find(_END_OF_HEAD)) < 0:
                    if not _receive(connection, received):
                        return
                head = bytes(received[:end]).lower()
                whole = end + len(_END_OF_HEAD) + _content_length(head)
                while len(received) < whole:
                    if not _receive(connection, received):
                        return
                entries = received.count(_ENTRY, end, whole)
                del received[:whole]
                connection.sendall(self._answer(head, entries))

    def _answer(self, head: bytes, entries: int) -> bytes:
        operation = _operation(head)
        with self._lock:
            self._counts[operation] += operation != "GetCounts"
            self._counts[BULK_MAILS] += entries if operation == "SendBulkEmail" else 0
            number = next(self._ids)
        match operation:
            case "SendBulkEmail":
                accepted = [
                    b'{"Status":"SUCCESS","MessageId":"0100019%012x-benchmark-%06d"}' % (number, n)
                    for n in range(entries)
                ]
                return _response(200, b'{"BulkEmailEntryResults":[%b]}' % b",".join(accepted), number)
            case "SendEmail":
                return _response(200, b'{"MessageId":"0100019%012x-benchmark-000000"}' % number, number)
            case "BatchGetItem":
                return _response(200, _NOTHING_SUPPRESSED, number, b"x-amz-crc32: %d\r\n" % crc32(_NOTHING_SUPPRESSED))
            case "GetItem":  # the account's sending rate, which mailer reads four times a minute
                body = json.dumps({"Item": {"at": {"S": datetime.now(UTC).isoformat()}}}).encode()
                return _response(200, body, number, b"x-amz-crc32: %d\r\n" % crc32(body))
            case "GetCounts":
                return _response(200, json.dumps(self._counts).encode(), number)
            case _:
                return _response(404, b"{}", number)


def _operation(head: bytes) -> str:
    if head.startswith(b"post /v2/email/outbound-emails "):
        return "SendEmail"
    if head.startswith(b"post /v2/email/outbound-bulk-emails "):
        return "SendBulkEmail"
    if b"x-amz-target: dynamodb_20120810.batchgetitem\r\n" in head + b"\r\n":
        return "BatchGetItem"
    if b"x-amz-target: dynamodb_20120810.getitem\r\n" in head + b"\r\n":
        return "GetItem"
    return "GetCounts" if head.startswith(b"get /counts ") else "Unknown"


def _content_length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def _receive(connection: socket.socket, received: bytearray) -> bool:
    try:
        data = connection.recv(65536)
    except ConnectionError:
        return False
    received += data
    return bool(data)


def _response(status: int, body: bytes, number: int, further: bytes = b"") -> bytes:
    """With the headers that AWS's answers have: clients read the request's id, and botocore the checksum."""
    head = b"HTTP/1.1 %d OK\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    named = b"Connection: keep-alive\r\nx-amzn-RequestId: 00000000-0000-0000-0000-%012x\r\n" % number
    return head % (status, _DATE, len(body)) + named + further + b"\r\n" + body


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    Thread(target=Stub().serve, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
