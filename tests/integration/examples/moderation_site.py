"""The example of moderation with Django on a port of this machine, and people who use it without a browser."""

import re
import socket
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from examples.django_moderation.__main__ import ADMINISTRATORS, environment, manage, prepare, serving
from mailer.testing import Sent, Ses
from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

SECONDS = 60.0
PASSWORD = "a long pass phrase"
ADMIN, REVIEWER = ADMINISTRATORS
# Rows of one test; the tables of accounts keep the administrators.
_OF_A_TEST = (
    "mailstack_tokens",
    "mailstack_token_events",
    "mailstack_token_limits",
    "mailstack_idempotency",
    "mailstack_outbox",
    "mailstack_messages",
    "mailstack_suppressions",
    "moderation_candidate",
    "moderation_sentmail",
    "django_session",
    "django_admin_log",
)
_CLIENTS = count(1)


@dataclass
class Server:
    """A running application."""

    url: str
    folder: Path
    variables: dict[str, str]


@contextmanager
def server_on(cloud: LocalCloud, folder: Path) -> Generator[Server]:
    """One for the tests of a module."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    more = {"CLIENT_HEADER": "X-Real-IP", "DJANGO_SETTINGS_MODULE": "tests.integration.examples.moderation_settings"}
    variables = environment(Ses(cloud), url, folder, **more)
    prepare(variables, PASSWORD)
    with serving(variables, url):
        yield Server(url, folder, variables)


def site_of(server: Server, cloud: LocalCloud) -> "Site":
    """The application, with administrators and nobody else, on an empty local cloud."""
    site = Site(server, Ses(cloud))
    for table in _OF_A_TEST:
        site.sql(f"DELETE FROM {table}")  # noqa: S608 - our own names
    site.sql("DELETE FROM moderation_user WHERE NOT is_staff")
    site.sql("UPDATE moderation_user SET language = 'en'")
    return site


class Site:
    """The application's address, its database, and the mails that it sent."""

    def __init__(self, server: Server, ses: Ses) -> None:
        self.url, self.ses, self._server = server.url, ses, server

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Run a statement in the database."""
        with closing(sqlite3.connect(self._server.folder / "moderation.db", timeout=SECONDS)) as database, database:
            return database.execute(statement, values).fetchall()

    def manage(self, *command: str, **variables: str) -> str:
        """Run a command of `manage.py`; return its output."""
        return manage({**self._server.variables, **variables}, *command)

    @property
    def log(self) -> str:
        """The log file."""
        return (self._server.folder / "mail.log").read_text(encoding="utf-8")

    def mails(self, address: str, words: str = "") -> list[Sent]:
        """The mails to an address whose subject contains a text."""
        return [mail for mail in self.ses.sent if address in mail.to[0] and words in mail.subject]

    def mail(self, address: str, words: str, earlier: int = 0) -> Sent:
        """The newest of them, after so many earlier ones; wait for it."""
        eventually(lambda: len(self.mails(address, words)) > earlier, f"no mail {words!r} arrived")
        return self.mails(address, words)[-1]

    def link(self, address: str, part: str, earlier: int = 0) -> str:
        """The newest link to an address that contains a part, after so many earlier mails with one."""

        def links() -> list[str]:
            found = [{link for link in mail.links if part in link} for mail in self.mails(address)]
            return [min(one) for one in found if one]

        eventually(lambda: len(links()) > earlier, f"no link {part!r} arrived")
        return links()[-1]

    @contextmanager
    def person(self, **headers: str) -> Generator["Person"]:
        """A person with a browser and a network address of their own."""
        given = {"x-real-ip": f"198.51.100.{next(_CLIENTS)}", **headers}
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=SECONDS, headers=given) as client:
            yield Person(self, client)

    @contextmanager
    def candidate(self, address: str) -> Generator["Person"]:
        """A person who has verified an address and is signed in."""
        with self.person() as person:
            person.post("/sign-up", name="Ada", email=address)
            person.choose_password(self.link(address, "/verify/"))
            yield person

    @contextmanager
    def administrator(self, address: str = ADMIN) -> Generator["Person"]:
        """An administrator who is signed in."""
        with self.person() as person:
            person.sign_in(address)
            yield person


class Person:
    """Somebody who sends the forms of the pages."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self._site, self._client = site, client

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._client.get(path)

    def post(self, path: str, form_of: str = "", **form: str) -> httpx.Response:
        """Open a page, and send its form, or a form to another path of it."""
        return self.send(path, self.get(form_of or path).text, **form)

    def send(self, path: str, page: str, **form: str) -> httpx.Response:
        """Send a form of a page that was opened before."""
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        return self._client.post(path, data={**hidden, **form})

    def choose_password(self, link: str, password: str = PASSWORD) -> httpx.Response:
        """Use the form behind a link."""
        return self.post(link, new_password1=password, new_password2=password)

    def sign_in(self, address: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in."""
        return self.post("/sign-in", username=address, password=password)

    def submit(self, **changed: str) -> httpx.Response:
        """Take the four steps."""
        given = {
            "full_name": "Ada Lovelace",
            "phone": "",
            "office": "Mayor",
            "district": "Kaski",
            "statement": "Clean water.",
            **changed,
        }
        for number, names in enumerate((("full_name", "phone"), ("office", "district"), ("statement",)), 1):
            self.post(f"/candidacy/{number}", **{name: given[name] for name in names})
        return self.post("/candidacy/4", is_true="on")
