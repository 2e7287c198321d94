"""A PostgreSQL of its own on 127.0.0.1 for as long as the example runs, where `DATABASE_URL` names none."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

# Where Debian and Homebrew install the server's programs, which PATH does not always lead to.
FOLDERS = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")
# PostgreSQL refuses to run as root; Debian's package creates this user.
ORDINARY = "postgres"
# Looks whether the server answers, and seconds between two.
_LOOKS, _PAUSE = 600, 0.1
_SECONDS = 60


@contextmanager
def database() -> Generator[str]:
    """The URL of an empty database that is deleted at the end.

    Raises:
        SystemExit: PostgreSQL is not installed, or does not start.
    """
    with TemporaryDirectory(prefix="ses-provider-", ignore_cleanup_errors=True) as name:
        folder, account = Path(name), _account()
        port, password = _free_port(), secrets.token_hex(16)
        _create(folder, password, account)
        settings = (f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [_program("postgres"), f"-D{folder / 'data'}", *(f"-c{one}" for one in settings)],
                stdout=log,
                stderr=log,
                cwd="/",
                # Ctrl-C is for the example, which stops the server when it has no connection left.
                start_new_session=True,
                **account,
            )
        try:
            url = f"postgresql://mail:{password}@127.0.0.1:{port}/postgres"
            _wait(server, url, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _account() -> Mapping[str, Any]:
    """As whom its programs run, as arguments of `subprocess`."""
    if os.geteuid() != 0:
        return {}
    try:
        found = pwd.getpwnam(ORDINARY)
    except KeyError:
        raise SystemExit(_missing(f"There is no user {ORDINARY}")) from None
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _program(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for folder in FOLDERS for path in sorted(Path(folder).glob(f"*/bin/{name}"), reverse=True)), ""
    )
    if not found:
        raise SystemExit(_missing(f"{name} is not installed"))
    return found


def _missing(what: str) -> str:
    return f"{what}. Install PostgreSQL (apt-get install postgresql), or set DATABASE_URL=postgresql://…"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _create(folder: Path, password: str, account: Mapping[str, Any]) -> None:
    file = folder / "password"
    file.write_text(password)
    if account:
        for path in (folder, file):
            shutil.chown(path, ORDINARY)
    command = [_program("initdb"), f"--pgdata={folder / 'data'}", "--username=mail", f"--pwfile={file}"]
    subprocess.run(
        [*command, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"],
        check=True,
        capture_output=True,
        cwd="/",
        timeout=_SECONDS,
        **account,
    )


def _wait(server: "subprocess.Popen[Any]", url: str, log: Path) -> None:
    for _ in range(_LOOKS):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(_PAUSE)
        else:
            return
    raise SystemExit(f"PostgreSQL does not start: {log.read_text()}")
