"""One SMTP connection: open it, log in, carry one message at a time. Not for what a reply means, nor for retries.

smtplib's client, with reads and writes of our own: its time-outs are for each read, so a server that drips bytes would
never meet them, and its `data` does not tell whether the final dot was written.
"""

import re
import select
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from mailer.wire.deadline import Deadline
from mailer.wire.forks import GATE
from mailer.wire.http import dial, tune

if TYPE_CHECKING:
    from collections.abc import Iterable

Security = Literal["starttls", "tls", "loopback"]
_READ = 64 * 1024
# RFC 5321 §4.5.3.1.5 has 512 octets a line; servers write more, and in several lines.
_MAX_LINE, _MAX_LINES = 8_192, 128
_OK, _CREATED_LIMIT, _CONTINUE, _READY = 250, 300, 354, 220
_CHALLENGE, _LOGGED_IN = 334, 235
_DOT = b".\r\n"
# RFC 5321 §4.5.2, and bare line ends as the line ends that a reader would take them for (SMTP smuggling).
_LINE_ENDS, _DOTS = re.compile(rb"\r\n|\r|\n"), re.compile(rb"^\.", re.MULTILINE)


class Moment(Enum):
    """Where in the transaction something ended. It decides what may be tried again."""

    BEFORE = "before the final dot"
    AFTER = "after the final dot"


class SmtpReply(NamedTuple):
    """A reply, its lines joined by spaces."""

    code: int
    words: str


class Lost(Exception):  # noqa: N818 - internal: what ended without a reply
    """The connection failed, or what came is no reply."""

    def __init__(self, moment: Moment, reason: str) -> None:
        super().__init__(reason)
        self.moment = moment


class SmtpRefusal(Exception):  # noqa: N818 - internal: becomes one of mailer.errors
    """The server refused."""

    def __init__(self, reply: SmtpReply, command: str) -> None:
        super().__init__(f"{reply.code} {reply.words}")
        self.reply, self.command = reply, command


class NoLogin(Exception):  # noqa: N818 - internal
    """The server offers no way to log in that is known here, or no TLS."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect.

    Attributes:
        host: Its name, which the certificate must have.
        port: The port.
        security: `starttls`, `tls` from the first byte, or `loopback`: neither, on this machine alone.
        context: What verifies the certificate.
    """

    host: str
    port: int
    security: Security
    context: ssl.SSLContext = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A user name with a password, or with an access token for XOAUTH2."""

    username: str
    secret: str = field(repr=False)
    is_token: bool = False


class Delivery(NamedTuple):
    """The final 250, and the replies to recipients that were refused."""

    reply: SmtpReply
    refused: dict[str, SmtpReply]


class Connection(smtplib.SMTP):
    """An open connection; one thread uses it at a time.

    Attributes:
        carried: How many messages it has carried.
        reusable: Whether another message may follow.
    """

    def __init__(self, server: Server, login: Login | None, deadline: Deadline) -> None:
        """Connect, encrypt and log in.

        Raises:
            Lost: No connection came about in time.
            SmtpRefusal: The server refused the connection or the login.
            NoLogin: It cannot encrypt, or offers no login that is known here.
        """
        super().__init__(local_hostname="localhost")  # looks nothing up
        self.deadline, self._rest, self._moment = deadline, b"", Moment.BEFORE
        self.carried, self.reusable, self._server = 0, False, server
        self._started = self._used = (time.monotonic(), time.time())
        try:
            self._open(server)
            self._greet(server)
            if login:
                self._log_in(login)
        except smtplib.SMTPException as error:
            self.close()
            raise Lost(Moment.BEFORE, str(error)) from error
        except BaseException:
            self.close()
            raise
        self.reusable = True

    def _open(self, server: Server) -> None:
        try:
            opened = dial(server.host, server.port, self.deadline)
            try:
                tune(opened)
                opened.settimeout(self.deadline.remaining())
                self.sock = opened
                if server.security == "tls":
                    with GATE.no_fork():
                        self.sock = server.context.wrap_socket(opened, server_hostname=server.host)
            except BaseException:
                opened.close()
                raise
        except (OSError, ValueError) as error:
            raise Lost(Moment.BEFORE, _reason(error)) from error
        name = socket.gethostname()
        # RFC 5321 §4.1.3: an address where there is no full name.
        address = cast("str", self._stream.getsockname()[0])
        literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        self.local_hostname = name if "." in name and name.isascii() else literal

    def _greet(self, server: Server) -> None:
        self._expect("CONNECT", SmtpReply(*self._reply()), _READY)
        self._hello()
        if server.security != "starttls":
            return
        if not self.has_extn("starttls"):
            raise NoLogin("the server offers no STARTTLS")
        self._expect("STARTTLS", self.command("STARTTLS"), _READY)
        if self._rest:  # RFC 3207 §6: what came before TLS must not be taken for what comes after
            raise Lost(Moment.BEFORE, "the server sent more than its reply to STARTTLS")
        try:
            self._stream.settimeout(self.deadline.remaining())
            with GATE.no_fork():
                self.sock = server.context.wrap_socket(self._stream, server_hostname=server.host)
        except (OSError, ValueError) as error:
            raise Lost(Moment.BEFORE, _reason(error)) from error
        self._hello()

    def _hello(self) -> None:
        code, words = self.ehlo()
        if code != _OK:
            raise SmtpRefusal(SmtpReply(code, _text(words)), "EHLO")

    def _log_in(self, login: Login) -> None:
        offered = self.esmtp_features.get("auth", "").upper().split()
        if login.is_token:
            # https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
            blob = f"user={login.username}\1auth=Bearer {login.secret}\1\1"
            steps = ("XOAUTH2", (blob,))
        elif "PLAIN" in offered:
            steps = ("PLAIN", (f"\0{login.username}\0{login.secret}",))  # RFC 4616
        else:
            steps = ("LOGIN", (login.username, login.secret))
        mechanism, answers = steps
        if mechanism not in offered:
            raise NoLogin(f"the server offers {', '.join(offered) or 'no login'}, not {mechanism}")
        reply = self.command(f"AUTH {mechanism}")
        for answer in answers:
            self._expect("AUTH", reply, _CHALLENGE)
            reply = self.command(b64encode(answer.encode()).decode())
        if reply.code == _CHALLENGE:  # an error of XOAUTH2 as JSON; an empty line fetches the reply
            reply = self.command("")
        self._expect("AUTH", reply, _LOGGED_IN)

    def carry(self, sender: str, recipients: "Iterable[str]", data: bytes, final: float) -> Delivery:
        """Carry one message. `reusable` says afterwards whether another may follow.

        Args:
            sender: The envelope's sender.
            recipients: The envelope's recipients.
            data: MIME.
            final: Seconds to wait for the reply to the final dot.

        Raises:
            Lost: The connection failed; its moment says when.
            SmtpRefusal: The server refused the message, or each recipient with the same reply.
        """
        self.reusable, self._moment = False, Moment.BEFORE
        size = f" SIZE={len(data)}" if self.has_extn("size") else ""  # RFC 1870
        self._expect("MAIL", self.command(f"MAIL FROM:<{sender}>{size}"), _OK)
        refused: dict[str, SmtpReply] = {}
        accepted = 0
        for recipient in recipients:
            reply = self.command(f"RCPT TO:<{recipient}>")
            if _OK <= reply.code < _CREATED_LIMIT:
                accepted += 1
            elif reply.code == _SHUTTING_DOWN:
                raise SmtpRefusal(reply, "RCPT")
            else:
                refused[recipient] = reply
        if not accepted:
            self._reset()
            return Delivery(SmtpReply(0, ""), refused)
        self._expect("DATA", self.command("DATA"), _CONTINUE)
        self._write(stuffed(data))
        self._moment = Moment.AFTER  # once a byte of the dot may have left
        self.deadline = Deadline(final)
        self._write(_DOT)
        reply = SmtpReply(*self._reply())
        self._expect(".", reply, _OK)
        self.carried, self.reusable = self.carried + 1, True
        self._used = (time.monotonic(), time.time())
        return Delivery(reply, refused)

    def _reset(self) -> None:
        try:
            self.reusable = self.command("RSET").code == _OK
        except Lost:
            self.reusable = False

    def is_fresh(self, idle: float, age: float, count: int) -> bool:
        """Whether a message may be carried now: idle, open and used for less than this, by either clock, and silent."""
        now = (time.monotonic(), time.time())
        if max(now[0] - self._used[0], now[1] - self._used[1]) > idle or self.carried >= count:
            return False
        return max(now[0] - self._started[0], now[1] - self._started[1]) <= age and not self._is_readable()

    @property
    def _stream(self) -> socket.socket:
        if self.sock is None:
            raise Lost(self._moment, "the connection is closed")
        return self.sock

    def _is_readable(self) -> bool:
        """Whether the server has closed it, or said 421."""
        if self._rest or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        if not hasattr(select, "poll"):
            return bool(select.select([self._stream], [], [], 0)[0])
        poll = select.poll()
        poll.register(self._stream, select.POLLIN)
        return bool(poll.poll(0))

    def leave(self) -> None:
        """Say QUIT and close, without waiting for the reply: whatever it says, what was sent is sent."""
        try:
            self.deadline = Deadline(1.0)
            self._write(b"QUIT\r\n")
        except Lost:
            pass
        self.close()

    def close(self) -> None:
        """Close this process's end. Says nothing to the server: a forked child closes what its parent goes on using."""
        self.reusable = False
        if self.sock:
            self.sock.close()

    def __del__(self) -> None:
        self.close()  # its transport is gone without a word

    def command(self, line: str) -> SmtpReply:
        """Write one command and read the reply."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command with a line break")
        self._write(f"{line}\r\n".encode("ascii"))
        return SmtpReply(*self._reply())

    def _expect(self, command: str, reply: SmtpReply, code: int) -> None:
        if reply.code == code or (code == _OK and reply.code // 100 == 2):  # noqa: PLR2004 - RFC 5321 §4.2.1
            return
        if reply.code < 400:  # noqa: PLR2004 - neither what was expected nor a refusal
            raise Lost(self._moment, f"an unexpected reply to {command}: {reply.code}")
        raise SmtpRefusal(reply, command)

    def send(self, s: object) -> None:
        """Overrides smtplib's: within the deadline."""
        self._write(s.encode("ascii") if isinstance(s, str) else bytes(cast("bytes", s)))

    def getreply(self) -> tuple[int, bytes]:
        """Overrides smtplib's: within the deadline."""
        code, words = self._reply(separator="\n")
        return code, words.encode("latin-1")

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                self._stream.settimeout(self.deadline.remaining())
                rest = rest[self._stream.send(rest) :]
        except OSError as error:
            raise Lost(self._moment, _reason(error)) from error

    def _reply(self, separator: str = " ") -> tuple[int, str]:
        lines: list[str] = []
        while len(lines) < _MAX_LINES:
            line = self._line()
            if not line[:3].isdigit() or line[3:4] not in {"", " ", "-"} or (lines and line[:3] != lines[0][:3]):
                raise Lost(self._moment, "what came is no SMTP reply")
            lines.append(line)
            if line[3:4] != "-":
                return int(line[:3]), separator.join(one[4:].strip() for one in lines)
        raise Lost(self._moment, "a reply without an end")

    def _line(self) -> str:
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > _MAX_LINE:
                raise Lost(self._moment, "a reply without an end")
            try:
                self._stream.settimeout(self.deadline.remaining())
                data = self._stream.recv(_READ)
            except OSError as error:
                raise Lost(self._moment, _reason(error)) from error
            if not data:
                raise Lost(self._moment, "the server closed the connection")
            self._rest += data
        line, self._rest = self._rest[:end], self._rest[end + 1 :]
        return line.rstrip(b"\r").decode("latin-1")


_SHUTTING_DOWN = 421


def stuffed(data: bytes) -> bytes:
    r"""MIME as DATA wants it: CRLF line ends, a dot before each dot that begins a line, CRLF at the end.

    Example:
        >>> stuffed(b"a\n.\r.b")
        b'a\r\n..\r\n..b\r\n'
    """
    lines = _LINE_ENDS.sub(b"\r\n", data)
    lines = _DOTS.sub(b"..", lines)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _text(words: bytes) -> str:
    return " ".join(words.decode("latin-1").split())


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
