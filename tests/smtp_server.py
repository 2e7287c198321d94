"""An SMTP server on loopback that does whatever a server can do: verbatim replies, silence, an end at any byte.

What it acknowledged with 250 after the final dot is in `accepted`; what arrived up to that dot, in `complete`.
"""

import base64
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Arrived:
    """A message up to its final dot, the stuffing removed."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


@dataclass
class SmtpServer:
    """What arrived, and what is done.

    Attributes:
        replies: By command, the replies in turn; `CONNECT`, `.` and `TOKEN` (after XOAUTH2) are commands, too. An
            empty reply closes the connection; None says nothing.
        end_at: Close each connection after it sent so many bytes.
        tokens: The access tokens that are valid.
    """

    port: int = 0
    context: ssl.SSLContext | None = None
    implicit: bool = False
    replies: dict[str, list[str | None]] = field(default_factory=dict[str, list[str | None]])
    end_at: int | None = None
    tokens: set[str] = field(default_factory=set[str])
    features: tuple[str, ...] = ("SIZE 41943040", "8BITMIME", "AUTH PLAIN LOGIN XOAUTH2")
    accepted: list[Arrived] = field(default_factory=list[Arrived])
    complete: list[Arrived] = field(default_factory=list[Arrived])
    commands: list[str] = field(default_factory=list[str])
    connections: int = 0
    received: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, command: str, usual: str) -> str | None:
        with self.lock:
            scripted = self.replies.get(command)
            return scripted.pop(0) if scripted else usual


class _Gone(Exception):  # noqa: N818 - internal
    pass


@dataclass
class _Session:
    server: SmtpServer
    stream: socket.socket
    encrypted: bool = False
    rest: bytes = b""
    count: int = 0
    sender: str = ""
    recipients: list[str] = field(default_factory=list[str])

    def run(self) -> None:
        if self.server.implicit:
            self._encrypt()
        self.say("CONNECT", "220 localhost ESMTP")
        while True:
            line = self.line()
            verb = line.partition(" ")[0].upper()
            with self.server.lock:
                self.server.commands.append(line if verb != "AUTH" else " ".join(line.split()[:2]))
            if verb == "QUIT":
                self.say("QUIT", "221 2.0.0 Bye")
                raise _Gone
            getattr(self, f"do_{verb.lower()}", self.unknown)(line)

    def unknown(self, line: str) -> None:
        self.say(line, "500 5.5.1 Invalid command")

    def do_ehlo(self, _: str) -> None:
        offered = [*self.server.features, *(() if self.encrypted or not self.server.context else ("STARTTLS",))]
        self.say("EHLO", "\r\n".join(f"250-{one}" for one in ["localhost", *offered]) + "\r\n250 HELP")

    def do_starttls(self, _: str) -> None:
        self.say("STARTTLS", "220 2.0.0 SMTP server ready")
        self._encrypt()

    def do_auth(self, line: str) -> None:
        mechanism = line.split()[1].upper()
        said, prompts = "", ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] if mechanism == "LOGIN" else [""]
        if len(line.split()) > 2:
            if mechanism == "XOAUTH2":
                self.say("AUTH", "501 5.5.4 no initial response, please")
                return
            prompts = prompts[1:]  # RFC 4954 §4: the first answer stands in the command
        for prompt in prompts:
            self.say("CHALLENGE", f"334 {prompt}")
            said = base64.b64decode(self.line()).decode()
        if mechanism == "XOAUTH2":
            token = said.partition("auth=Bearer ")[2].rstrip("\1")
            refusal = "535 5.7.3 Authentication unsuccessful [AM0PR01CA0100.eurprd01.prod.exchangelabs.com]"
            self.say("TOKEN", "235 2.7.0 Authentication successful" if token in self.server.tokens else refusal)
        else:
            self.say("AUTH", "235 2.7.0 Authentication successful")

    def do_mail(self, line: str) -> None:
        self.sender, self.recipients = line.partition("<")[2].partition(">")[0], []
        self.say("MAIL", "250 2.1.0 Ok")

    def do_rcpt(self, line: str) -> None:
        said = self.say("RCPT", "250 2.1.5 Ok")
        if said.startswith("2"):
            self.recipients.append(line.partition("<")[2].partition(">")[0])

    def do_rset(self, _: str) -> None:
        self.say("RSET", "250 2.0.0 Ok")

    def do_data(self, _: str) -> None:
        if not self.say("DATA", "354 End data with <CR><LF>.<CR><LF>").startswith("3"):
            return
        lines: list[bytes] = []
        while (line := self.line_bytes()) != b".":
            lines.append(line.removeprefix(b"."))
        arrived = Arrived(self.sender, tuple(self.recipients), b"".join(line + b"\r\n" for line in lines))
        with self.server.lock:
            self.server.complete.append(arrived)
        said = self.server.reply(".", f"250 2.0.0 Ok: queued as Q{len(self.server.complete)}")
        if said is not None and said.startswith("2"):
            with self.server.lock:
                self.server.accepted.append(arrived)
        self.write(said)

    def say(self, command: str, usual: str) -> str:
        reply = self.server.reply(command, usual)
        self.write(reply)
        return reply or ""

    def write(self, reply: str | None) -> None:
        if reply is None:
            while self.stream.recv(65536):  # nothing is said for as long as the client stays
                pass
            raise _Gone
        if not reply:
            raise _Gone
        self.stream.sendall(f"{reply}\r\n".encode())

    def line(self) -> str:
        return self.line_bytes().decode()

    def line_bytes(self) -> bytes:
        while b"\r\n" not in self.rest:
            limit = self.server.end_at
            data = self.stream.recv(65536 if limit is None else min(65536, max(limit - self.count, 0)) or 1)
            self.count += len(data)
            with self.server.lock:
                self.server.received = max(self.server.received, self.count)
            if not data or (limit is not None and self.count > limit):
                raise _Gone
            self.rest += data
            if limit is not None and self.count == limit and b"\r\n" not in self.rest:
                raise _Gone
        line, _, self.rest = self.rest.partition(b"\r\n")
        return line

    def _encrypt(self) -> None:
        assert self.server.context
        self.stream = self.server.context.wrap_socket(self.stream, server_side=True)
        self.encrypted = True


@contextmanager
def smtp_server(context: ssl.SSLContext | None = None, *, implicit: bool = False) -> Generator[SmtpServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = SmtpServer(listener.getsockname()[1], context, implicit)
    threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
    try:
        yield server
    finally:
        listener.close()


def _accept(listener: socket.socket, server: SmtpServer) -> None:
    with suppress(OSError):
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=_serve, args=(stream, server), daemon=True).start()


def _serve(stream: socket.socket, server: SmtpServer) -> None:
    with server.lock:
        server.connections += 1
    session = _Session(server, stream)
    try:
        with suppress(OSError, _Gone, ValueError):
            session.run()
    finally:
        session.stream.close()
