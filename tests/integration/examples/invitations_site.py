"""The example of FastAPI on a port of this machine, and a person who uses it without a browser."""

import re
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn

from examples.fastapi_invitations.__main__ import environment
from examples.fastapi_invitations.app import create_app
from examples.fastapi_invitations.settings import Settings
from mailer.testing import Sent, Ses
from mailstack_localcloud import LocalCloud
from tests.waiting import eventually

SECONDS = 60.0


class Site:
    """The application's address, and the mails that it sent."""

    def __init__(self, ses: Ses, folder: Path, monkeypatch: pytest.MonkeyPatch, database: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url, self.ses = f"http://127.0.0.1:{self.port}", ses
        database = database or f"sqlite:///{folder / 'families.db'}"
        self.settings = Settings(url=self.url, database=database, stack=ses.outputs.stack)
        self.variables = environment(ses, self.url)
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    def mails(self, address: str, subject: str = "") -> list[Sent]:
        """The mails to an address whose subject contains a text."""
        return [mail for mail in self.ses.sent if mail.to == (address,) and subject in mail.subject]

    def mail(self, address: str, subject: str) -> Sent:
        """The newest of them; wait for one."""
        eventually(lambda: bool(self.mails(address, subject)), f"no mail {subject!r} arrived")
        return self.mails(address, subject)[-1]

    def code(self, address: str, earlier: int = 0) -> str:
        """The code that was sent last, after so many earlier ones."""
        eventually(lambda: len(self.mails(address, "code")) > earlier, "no code arrived")
        found = re.search(r"\b\d{6}\b", self.mails(address, "code")[-1].text)
        assert found
        return found[0]

    def invitation(self, address: str, group: str) -> str:
        """The link of an invitation."""
        return next(link for link in self.mail(address, group).links if "/invitation/" in link and "#" not in link)

    @contextmanager
    def running(self) -> Generator[None]:
        """Serve the application in a thread."""
        config = uvicorn.Config(create_app(self.settings), port=self.port, log_level="critical")
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started, "the application does not start")
            yield
        finally:
            server.should_exit = True
            thread.join()

    @contextmanager
    def person(self, address: str = "") -> Generator["Person"]:
        """A person with a browser of their own, signed in if there is an address."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=SECONDS) as client:
            person = Person(self, client)
            if address:
                person.sign_in(address)
            yield person


class Person:
    """Somebody who sends the forms of the pages."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self._site, self._client = site, client

    @property
    def cookies(self) -> dict[str, str]:
        """What the browser keeps for the application."""
        return dict(self._client.cookies)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._client.get(path)

    def post(self, path: str, site: str = "same-origin", **form: str) -> httpx.Response:
        """Send a form."""
        return self._client.post(path, data=form, headers={"sec-fetch-site": site})

    def sign_in(self, address: str) -> httpx.Response:
        """Ask for a code, and enter it."""
        earlier = len(self._site.mails(address, "code"))
        self.post("/verify/sign-in", address=address)
        return self.post("/verify/sign-in", address=address, code=self._site.code(address, earlier))

    def start(self, name: str, family: str) -> httpx.Response:
        """Start a family."""
        return self.post("/family", name=name, family=family)

    def invite(self, name: str, email: str) -> httpx.Response:
        """Invite a parent."""
        return self.post("/invitations", name=name, email=email)


@contextmanager
def site_on(cloud: LocalCloud, folder: Path, monkeypatch: pytest.MonkeyPatch, database: str = "") -> Generator[Site]:
    """The application, running, on an empty local cloud; its database is SQLite, or that of the URL."""
    site = Site(Ses(cloud), folder, monkeypatch, database)
    with site.running():
        yield site
