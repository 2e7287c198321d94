"""The example of Django in processes of its own, a person who uses it without a browser, and the payment provider.

Django has one configuration a process, and that of this one belongs to the tests of the library.
"""

import itertools
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from examples.django_subscriptions.__main__ import HOST, environment, relay
from examples.django_subscriptions.payments.samples import sample
from examples.django_subscriptions.payments.signature import HEADER, sign
from mailer import Address
from mailer.testing import Sent, Ses
from mailstack_localcloud import LocalCloud
from tests.processes import child
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
SECONDS = 60.0
PASSWORD, ADMIN = "a long pass phrase", "the administrator's pass phrase"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_NUMBERS = itertools.count(1)
# Not the limits of a client: all tests are one.
VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "tests.integration.examples.subscriptions_settings",
    "DJANGO_SUPERUSER_PASSWORD": ADMIN,
    "MAILS_PER_CLIENT": "1000",
    "ADMINS": "errors@example.test",
}


@dataclass(frozen=True)
class Account:
    """Somebody who has registered."""

    number: int
    name: str
    email: str


class Site:
    """The application's address, the mails that it sent, and what its processes log."""

    def __init__(self, ses: Ses, folder: Path, port: int, variables: Mapping[str, str]) -> None:
        self.ses, self.folder, self.url, self.variables = ses, folder, f"http://{HOST}:{port}", variables
        self.secret = variables["PAYMENT_WEBHOOK_SECRETS"].split(",")[0]

    def mails(self, address: str, subject: str = "") -> list[Sent]:
        """The mails to an address whose subject contains a text, oldest first."""
        listed = self.ses.cloud.control("GET", "messages?limit=10000")["messages"]
        found = [one for one in reversed(listed) if subject in one["subject"]]
        # Looked at often: the contents of the others stay unread.
        return [self.ses._sent(one["message_id"]) for one in found if [parsed(to) for to in one["to"]] == [address]]

    def mail(self, address: str, subject: str, count: int = 1) -> Sent:
        """The newest of them; wait for so many. Each has both parts and the configuration set of its stream."""
        eventually(lambda: len(self.mails(address, subject)) >= count, f"no mail {subject!r} arrived")
        found = self.mails(address, subject)[-1]
        assert found.text
        assert found.html.startswith("<!doctype html>")
        assert found.configuration_set == self.ses.outputs.streams["transactional"].configuration_set
        return found

    def absent(self, address: str, subject: str = "") -> bool:
        """Whether there is no such mail, when all that was written is sent."""
        waiting = "SELECT COUNT(*) FROM mailstack_outbox WHERE status IN ('pending', 'sending')"
        eventually(lambda: self.rows(waiting) == [(0,)], "mails wait in the outbox")
        return self.mails(address, subject) == []

    def log(self, words: str = "") -> list[str]:
        """The lines of the logger `security` that contain a text."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if " security " in line and words in line]

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Ask the application's database, with a `?` for each value."""
        if "PGDATABASE" in self.variables:
            names = {"PGDATABASE": "dbname", "PGHOST": "host", "PGPORT": "port", "PGUSER": "user"}
            given: dict[str, Any] = {key: self.variables[name] for name, key in names.items()}
            with psycopg.connect(**given, password=self.variables["PGPASSWORD"]) as server:
                cursor = server.execute(statement.replace("?", "%s").encode(), values)
                return cursor.fetchall() if cursor.description else []
        with closing(sqlite3.connect(self.variables["DATABASE"], timeout=SECONDS)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def manage(self, *command: str) -> tuple[int, str]:
        """Run a management command; its exit status and output."""
        ran = subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=ROOT,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def send_event(self, name: str, account: Account, **replaced: Any) -> httpx.Response:
        """Have the payment provider send one of its test events."""
        now = int(time.time())
        return self.send_body(json.dumps(sample(name, user=account.number, now=now, **replaced)).encode())

    def send_body(self, body: bytes, header: str | None = None) -> httpx.Response:
        """Send a body to the webhook, signed unless a header is given."""
        signed = sign(body, self.secret, now=int(time.time())) if header is None else header
        headers = {"content-type": "application/json", HEADER: signed}
        return httpx.post(f"{self.url}/webhooks/payments/", content=body, headers=headers, timeout=SECONDS)

    @contextmanager
    def person(self) -> Generator["Person"]:
        """A person with a browser of their own."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=SECONDS) as client:
            yield Person(self, client)

    @contextmanager
    def registered(self, first_name: str = "Ada") -> Generator[tuple["Person", Account]]:
        """Somebody who has registered and is signed in, and whose welcome has arrived."""
        with self.person() as person:
            account = person.register(first_name)
            self.mail(account.email, "Welcome")
            yield person, account


def parsed(recipient: str) -> str:
    """The address of a recipient."""
    return Address.parse(recipient).email


class Person:
    """Somebody who sends the forms of the pages."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self._site, self.client = site, client

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, *, page: str = "", **form: str) -> httpx.Response:
        """Fill in the form of a page, and send it."""
        return self.send(path, self.get(page or path).text, **form)

    def send(self, path: str, page: str, **form: str) -> httpx.Response:
        """Send a form of a page that was opened before."""
        found = _TOKEN.search(page)
        assert found, f"{path}: no form"
        return self.client.post(path, data={"csrfmiddlewaretoken": found[1], **form})

    def register(self, first_name: str = "Ada", email: str = "") -> Account:
        """Create an account with a name of its own."""
        name = f"person{next(_NUMBERS)}"
        email = email or f"{name}@example.com"
        given = {"username": name, "first_name": first_name, "email": email}
        answer = self.post("/register/", **given, password1=PASSWORD, password2=PASSWORD)
        assert answer.url.path == "/account/", answer.text
        ((number,),) = self._site.rows("SELECT id FROM auth_user WHERE username = ?", name)
        return Account(number, name, email)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in."""
        return self.post("/login/", username=name, password=password)

    def sign_out(self) -> None:
        """Sign out."""
        self.post("/logout/", page="/")

    def change_status(self, symbol: str, status: str, reason: str = "") -> httpx.Response:
        """Change an item's status in Django's admin."""
        ((name,),) = self._site.rows("SELECT name FROM subscriptions_item WHERE symbol = ?", symbol)
        path = f"/admin/subscriptions/item/{symbol}/change/"
        return self.post(path, symbol=symbol, name=name, status=status, reason=reason)


@contextmanager
def subscriptions_site(cloud: LocalCloud, folder: Path, **variables: str) -> Generator[Site]:
    """The application and its relay, running, on an empty local cloud.

    Args:
        cloud: The local cloud.
        folder: A folder for the database and the log.
        **variables: Environment variables beside those of a try on one machine.
    """
    ses = Ses(cloud)
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    given = environment(ses, f"http://{HOST}:{port}", folder / "db.sqlite3") | VARIABLES | variables
    prepare = [sys.executable, "-m", "examples.django_subscriptions.preparing"]
    subprocess.run(prepare, cwd=ROOT, env={**os.environ, **given}, check=True)
    site = Site(ses, folder, port, given)
    with (folder / "log").open("ab") as log, relay(given, log), _served(given, port, log) as process:
        eventually(lambda: process.poll() is not None or _answers(port), "the application does not start")
        assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")[-2000:]
        yield site


def _served(variables: Mapping[str, str], port: int, log: Any) -> AbstractContextManager[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "django", "runserver", "--noreload", "--insecure", f"{HOST}:{port}"]
    return child(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stdout=log, stderr=log))


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}/", timeout=SECONDS).status_code == 200
    except httpx.TransportError:
        return False
