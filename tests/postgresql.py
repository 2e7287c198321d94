"""A PostgreSQL of one's own for tests: on 127.0.0.1, in a temporary folder, as a user who is not root."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest

from tests.system import require_tool
from tests.waiting import PATIENCE, eventually

# Whom the server runs as where the tests run as root, which PostgreSQL refuses: Debian's package creates the user.
ORDINARY = "postgres"
# What a crash of the machine would lose is of no interest here.
SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "unix_socket_directories=",
    "max_connections=60",
)


class PostgreSQL:
    """A server that can be stopped and started again, with the same port and data."""

    def __init__(self, folder: Path, settings: Iterable[str] = SETTINGS) -> None:
        self._settings = tuple(settings)
        self._folder, self._password = folder / "data", secrets.token_hex(16)
        account = pwd.getpwnam(ORDINARY) if os.geteuid() == 0 else None
        self._user, self._group = (account.pw_uid, account.pw_gid) if account else (None, None)
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._create(folder)

    @property
    def url(self) -> str:
        return f"postgresql://mail:{self._password}@127.0.0.1:{self.port}/postgres"

    def of_django(self, schema: str) -> dict[str, Any]:
        """An entry of Django's DATABASES, with the tables in a schema."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "mail",
            "PASSWORD": self._password,
            "HOST": "127.0.0.1",
            "PORT": self.port,
            "OPTIONS": {"options": f"-c search_path={schema}"},
        }

    def start(self) -> None:
        options = [f"-c{setting}" for setting in (*self._settings, f"port={self.port}", "listen_addresses=127.0.0.1")]
        command = [require_tool("postgres"), f"-D{self._folder}", *options]
        with (self._folder.parent / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._user,
                group=self._group,
                extra_groups=self._groups(),
            )
        eventually(self._answers, "PostgreSQL does not start")

    def stop(self) -> None:
        """Stop at once: connections break, as when the machine is lost."""
        if self._process:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown
            self._process.wait(PATIENCE)
            self._process = None

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _create(self, folder: Path) -> None:
        password = folder / "password"
        password.write_text(self._password)
        if self._user is not None:
            for path in (folder, password):
                shutil.chown(path, ORDINARY)
        options = ["--username=mail", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        command = [require_tool("initdb"), f"--pgdata={self._folder}", "--no-sync", *options]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            cwd="/",
            timeout=PATIENCE,
            user=self._user,
            group=self._group,
            extra_groups=self._groups(),
        )

    def _groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder.parent / "log").read_text()
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(settings: Iterable[str] = SETTINGS) -> Generator[PostgreSQL]:
    """A server that runs until the end."""
    folder = Path(mkdtemp(prefix="mailstack-postgresql-"))
    try:
        server = PostgreSQL(folder, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server a worker."""
    with running() as server:
        yield server
