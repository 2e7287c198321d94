"""Starts a local cloud, in a child process that ends with its parent or in a thread, and controls it."""

import functools
import json
import os
import selectors
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Self, Unpack, cast

from mailstack_localcloud.backend.credentials import environment
from mailstack_localcloud.isolation import isolated
from mailstack_localcloud.paths import IMPORT_PATH

if TYPE_CHECKING:
    from mailstack_localcloud.faults.rules import Effect, Options
    from mailstack_localcloud.smtp.access import SmtpAccess

# Generous bounds: a machine under load takes many times as long as usual.
START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_ANSWER_SECONDS = 120.0


class LocalCloudError(Exception):
    """The local cloud did not start, or refused what the control plane was asked."""


class LocalCloud:
    """A running local cloud; a context manager that stops it.

    Example:
        >>> with LocalCloud.start() as cloud:  # doctest: +SKIP
        ...     cloud.client("s3").create_bucket(Bucket="example")
    """

    def __init__(self, endpoint: str, region: str, stop: Callable[[], None]) -> None:
        self.endpoint = endpoint
        self.region = region
        self._stop = stop
        self._clients: dict[tuple[str, str], Any] = {}
        self._smtp: SmtpAccess | None = None

    @classmethod
    def start(
        cls,
        port: int = 0,
        region: str = "us-east-1",
        *,
        smtp_port: int = 0,
        smtps_port: int = 0,
        state: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Start a server on 127.0.0.1 and wait until it answers (well under a second).

        Args:
            port: 0 takes a free one.
            region: The one region that SES is emulated in.
            smtp_port: For SMTP with STARTTLS; 0 takes a free one.
            smtps_port: For SMTP over TLS; 0 takes a free one.
            state: A folder that keeps everything across restarts; left out, nothing is kept.

        Raises:
            LocalCloudError: A port is taken, the folder cannot be used, a package is missing, or the server did not
                come up; the message has its output.
        """
        folder = os.path.abspath(state) if state else ""  # noqa: PTH100 - a plain string is wanted
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mailstack_localcloud.server.runner",
                region,
                folder,
                *map(str, (port, smtp_port, smtps_port)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=isolated(
                os.environ,
                {"PYTHONPATH": os.pathsep.join(filter(None, [IMPORT_PATH, os.environ.get("PYTHONPATH", "")]))},
            ),
            start_new_session=True,
        )
        line = _first_line(cast("IO[str]", process.stdout))
        if not line:
            process.kill()
            said = process.communicate()[1].strip()
            raise LocalCloudError(said or f"The local cloud did not start within {START_SECONDS:.0f} seconds.")
        # Drain it: a full pipe would block the server.
        _forward(cast("IO[str]", process.stderr))
        known = json.loads(line)
        return cls(known["endpoint"], known["region"], functools.partial(_end, process, known["scratch"]))

    @classmethod
    def inside(cls, region: str = "us-east-1") -> Self:
        """Start a server in a thread of this process, on a free port of 127.0.0.1.

        It starts faster and can be debugged, and shares the process's fate: what freezes time or replaces sockets meets
        it, too. Environment, logging, signals and temporary files of the process stay as they are.

        Raises:
            LocalCloudError: There was one in this process already: there can only be one. Or a package is missing.
        """
        from mailstack_localcloud.server.runner import NotInstalledError
        from mailstack_localcloud.server.thread import AlreadyStartedError, ServerThread

        try:
            server = ServerThread(region)
        except (NotInstalledError, AlreadyStartedError) as error:
            raise LocalCloudError(str(error)) from error
        return cls(server.endpoint, region, server.stop)

    @property
    def inbox_url(self) -> str:
        """The page that shows every mail."""
        return f"{self.endpoint}/inbox"

    @property
    def smtp(self) -> "SmtpAccess":
        """How to send over SMTP: ports, certificate, user name and password."""
        from mailstack_localcloud.smtp.access import SmtpAccess

        self._smtp = self._smtp or SmtpAccess(**self.control("GET", "smtp"))
        return self._smtp

    def environment(self) -> dict[str, str]:
        """Environment variables with which a process's AWS clients reach this cloud and no other."""
        return environment(self.endpoint, self.region)

    def client(self, service: str, *, region: str = "") -> Any:
        """A boto3 client for this cloud, with timeouts and without retries; cached."""
        import boto3
        from botocore.config import Config

        key = (service, region or self.region)
        if key not in self._clients:
            known = environment(self.endpoint, key[1])
            self._clients[key] = boto3.Session().client(
                cast("Any", service),
                endpoint_url=self.endpoint,
                region_name=key[1],
                aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
                config=Config(
                    connect_timeout=_ANSWER_SECONDS,
                    read_timeout=_ANSWER_SECONDS,
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                ),
            )
        return self._clients[key]

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        """Ask the control plane, e.g. `cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})`.

        Raises:
            LocalCloudError: It refused; the message says why.
        """
        from http.client import OK, HTTPConnection  # imported here to keep the start quick

        connection = HTTPConnection(self.endpoint.removeprefix("http://"), timeout=_ANSWER_SECONDS)
        try:
            connection.request(method, f"/_localcloud/{path}", json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            said = cast("dict[str, Any]", json.load(answer))
        finally:
            connection.close()
        if answer.status != OK:
            __tracebackhide__ = True  # a failing test shows the line that asked wrongly
            raise LocalCloudError(f"{method} {path}: {said['message']}")
        return said

    def fault(self, effect: "Effect", **options: "Unpack[Options]") -> "ArmedFault":
        """Inject a fault into SES: `mailstack_localcloud.faults.rules.Fault` says what each effect and option means.

        Example:
            `with cloud.fault("throttle", operation="SendEmail", times=2) as fault:` has the next two sends refused, and
            everything as usual at the end of the block. Without `with` it stays until `remove` or `reset`.

        Raises:
            LocalCloudError: The fault makes no sense; the message says why.
        """
        return ArmedFault(self, os.urandom(4).hex(), {"effect": effect, **options})

    def reset(self) -> None:
        """Empty every service."""
        self.control("POST", "reset")

    def snapshot(self) -> None:
        """Keep the state of every service, for `restore`. The local cloud must have a state folder.

        Raises:
            LocalCloudError: It has none.
        """
        self.control("POST", "snapshot")

    def restore(self) -> None:
        """Return every service to the snapshot, in a fraction of a second: one deployment serves many tests.

        Raises:
            LocalCloudError: There is no snapshot.
        """
        self.control("POST", "restore")

    def stop(self) -> None:
        """Stop the server and remove what it wrote."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ArmedFault:
    """A fault in force; a context manager that lets requests through again at the end."""

    def __init__(self, cloud: LocalCloud, name: str, fault: dict[str, object]) -> None:
        self.name = name
        self._cloud = cloud
        self._last = cloud.control("PUT", f"faults/{name}", fault)
        self._in_force = True

    @property
    def matched(self) -> int:
        """How many requests fitted it so far."""
        return int(self._known()["matched"])

    @property
    def struck(self) -> int:
        """How many of them it struck."""
        return int(self._known()["struck"])

    def remove(self) -> None:
        """Let requests through again."""
        if self._in_force:
            self._in_force = False
            self._last = self._cloud.control("DELETE", f"faults/{self.name}")

    def _known(self) -> dict[str, Any]:
        return self._cloud.control("GET", f"faults/{self.name}") if self._in_force else self._last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _end(process: "subprocess.Popen[str]", scratch: str) -> None:
    if process.poll() is None:
        cast("IO[str]", process.stdin).close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    cast("IO[str]", process.stdout).close()
    shutil.rmtree(scratch, ignore_errors=True)


def _first_line(stream: IO[str]) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(START_SECONDS) else ""


def _forward(stream: IO[str]) -> None:
    """Pass the server's complaints on."""
    import threading

    def pump() -> None:
        for line in stream:
            sys.stderr.write(line)
        stream.close()

    threading.Thread(target=pump, daemon=True).start()
