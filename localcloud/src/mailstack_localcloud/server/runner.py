"""Serves the local cloud: sockets on 127.0.0.1, one event loop. For a child process, a thread or the CLI."""

import asyncio
import contextlib
import functools
import gc
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailstack_localcloud.smtp.access import Listeners, SmtpAccess
from mailstack_localcloud.state_folder import StateError, StateFolder

HOST = "127.0.0.1"
_BACKLOG = 512
_COLLECT_AFTER = (50_000, 20, 20)


class PortTakenError(Exception):
    """Something else listens on the port."""


class NotInstalledError(Exception):
    """A package that the server needs is not installed."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server that listens: its endpoint, region and folders."""

    endpoint: str
    region: str
    scratch: str
    smtp: SmtpAccess


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes a free one.

    Raises:
        PortTakenError: The port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"Port {port} on {HOST} cannot be used: {error.strerror}. Choose another, or 0 for a free one."
        ) from error
    listener.listen(_BACKLOG)
    listener.set_inheritable(False)
    return listener


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports to listen on; 0 takes a free one."""

    http: int = 0
    smtp: int = 0
    smtps: int = 0


# Arranges that the event is set when the server must stop; called on the server's event loop.
Until = Callable[[asyncio.Event], None]


def serve(
    ports: Ports, region: str, ready: Callable[[ServerInfo], None], until: Until, *, state: str | None = None
) -> None:
    """Serve until `until` sets the stop event.

    All files go to a scratch directory, which is removed at the end, except for the folder `state`.

    Raises:
        NotInstalledError: A package is missing.
        PortTakenError: A port is in use.
        StateError: The folder cannot be used.
    """
    with StateFolder(Path(state)) if state else contextlib.nullcontext() as folder:
        _run(ports, region, ready, until, folder)


def _run(
    ports: Ports, region: str, ready: Callable[[ServerInfo], None], until: Until, folder: StateFolder | None
) -> None:
    # The event loop closes them; if a port is taken, the process exits.
    http, smtp, smtps = (listen(port) for port in (ports.http, ports.smtp, ports.smtps))
    scratch = tempfile.mkdtemp(prefix="localcloud-")
    listeners = Listeners(smtp, smtps, f"{scratch}/smtp.pem")
    known = ServerInfo(f"http://{HOST}:{http.getsockname()[1]}", region, scratch, listeners.access(region))
    try:
        asyncio.run(_serve(http, listeners, known, ready, until, folder))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _serve(
    listener: socket.socket,
    smtp: Listeners,
    known: ServerInfo,
    ready: Callable[[ServerInfo], None],
    until: Until,
    folder: StateFolder | None,
) -> None:
    try:
        from mailstack_localcloud.backend.ministack import Backend
        from mailstack_localcloud.server.gateway import Gateway
        from mailstack_localcloud.server.http11.listener import Server
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"The local cloud needs {error.name}, which is not installed. Install it with its dependencies: "
            'pip install "mailstack-localcloud @ $MAILSTACK_LOCALCLOUD" (see docs/guides/install.md)'
        ) from error

    stop = asyncio.Event()
    until(stop)
    port = int(listener.getsockname()[1])
    backend = Backend(port=port, region=known.region, scratch=known.scratch, folder=folder)
    await Server(Gateway(backend, smtp, folder)).serve(listener, functools.partial(ready, known), stop)


def disable_gc() -> None:
    """Disable garbage collection while modules load: it would find nothing. For a process that only serves."""
    gc.disable()


def freeze_gc() -> None:
    """Enable it again once the server listens: loaded modules are exempt, and collections are rare."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    gc.enable()


def until_signal(stop: asyncio.Event) -> None:
    """Stop at SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


def until_parent_exits(stop: asyncio.Event) -> None:
    """Stop at SIGTERM or SIGINT, or when standard input ends: the parent process has exited then."""
    until_signal(stop)
    threading.Thread(target=_wait_for_end_of_stdin, args=(asyncio.get_running_loop(), stop), daemon=True).start()


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def main() -> None:
    """The child process of `LocalCloud.start`: region, state folder, ports; one line of JSON on standard output."""
    disable_gc()
    logging.basicConfig(level=logging.ERROR, format="localcloud: %(message)s")
    region, state, *ports = sys.argv[1:]

    def ready(known: ServerInfo) -> None:
        freeze_gc()
        line = json.dumps({"endpoint": known.endpoint, "region": known.region, "scratch": known.scratch})
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        serve(Ports(*map(int, ports)), region, ready, until_parent_exits, state=state or None)
    except (NotInstalledError, PortTakenError, StateError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
