"""The example of FastAPI, behind a real server: invitations, codes, events, unsubscribe links, restarts."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import create_engine, text

from examples.fastapi_invitations.families import MAX_INVITATIONS
from examples.fastapi_invitations.settings import Settings
from examples.fastapi_invitations.subscription import subscribed
from mailer import ConfigurationError, SqlStores
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.integration.examples.invitations_site import Site, site_on
from tests.integration.examples.subscriptions import is_subscribed
from tests.postgresql import PostgreSQL
from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
BOUNCE = "bounce@simulator.amazonses.com"


@pytest.fixture
def site(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site_on(cloud, tmp_path, monkeypatch) as running:
        yield running


def test_co_parent_joins_with_a_code(site: Site):
    join(site)


def test_application_runs_on_postgresql(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: PostgreSQL
):
    postgresql.execute("CREATE DATABASE families")
    url = postgresql.url.replace("postgresql://", "postgresql+psycopg://").removesuffix("postgres") + "families"
    with site_on(cloud, tmp_path, monkeypatch, url) as site:
        join(site)
    postgresql.execute("DROP DATABASE families")


def join(site: Site) -> None:
    with site.person(ADA) as ada, site.person() as bob:
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        link = site.invitation(BOB, "Compilers")
        assert "Ada invites you to Compilers" in bob.get(link).text
        assert "Sign in" in bob.post(f"{link}/accept").text
        assert "<h1>Compilers</h1>" in bob.sign_in(BOB).text
        assert "accepted" in ada.get("/family").text
        assert "Bob has joined Compilers." in site.mail(ADA, "Your invitation was accepted").text
        assert bob.get(link).status_code == 404


def test_declined_invitation_notifies_and_is_final(site: Site):
    with site.person(ADA) as ada, site.person() as bob:
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        link = site.invitation(BOB, "Compilers")
        assert "You declined" in bob.post(f"{link}/decline").text
        assert "Bob has declined" in site.mail(ADA, "Your invitation was declined").text
        assert ada.invite("Bob", BOB).status_code == 409
        assert bob.post(f"{link}/accept").status_code == 404


def test_opened_link_changes_nothing(site: Site):
    with site.person(ADA) as ada, site.person() as scanner:
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        link = site.invitation(BOB, "Compilers")
        assert [scanner.get(link).status_code for _ in range(3)] == [200, 200, 200]
        assert "pending" in ada.get("/family").text


def test_invitation_is_refused_for_another_address(site: Site):
    with site.person(ADA) as ada, site.person() as eve:
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        eve.post(f"{site.invitation(BOB, 'Compilers')}/accept")
        answer = eve.sign_in(EVE)
        assert (answer.status_code, "another address" in answer.text) == (403, True)
        assert "pending" in ada.get("/family").text
        assert "Start a family" in eve.get("/family").text
        assert eve.sign_in(EVE).status_code == 200


def test_expired_invitation_cannot_be_accepted(site: Site):
    with site.person(ADA) as ada, site.person() as bob:
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOB)
        link = site.invitation(BOB, "Compilers")
        with database(site) as connection:
            connection.execute(text("UPDATE invitations SET expires_at = '2026-01-01 00:00:00'"))
        assert bob.get(link).status_code == 404


@contextmanager
def database(site: Site) -> Generator[Any]:
    engine = create_engine(site.settings.database)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_refused_invitation_sends_no_mail(site: Site):
    with site.person(ADA) as ada:
        ada.start("Ada", "Compilers")
        assert ada.invite("Bob", "bob@").status_code == 422
        assert ada.invite("Ada", ADA).status_code == 409
        assert [ada.invite("Bob", f"bob{n}@example.com").status_code for n in range(MAX_INVITATIONS + 1)] == [
            *[200] * MAX_INVITATIONS,
            409,
        ]
        eventually(lambda: len(site.ses.sent) == MAX_INVITATIONS + 1, "mails are missing")


def test_names_are_escaped(site: Site):
    with site.person(ADA) as ada:
        page = ada.start("<script>", "<b>Compilers</b>").text
        assert "&lt;script&gt;" in page
        assert "<b>Compilers" not in page


@pytest.mark.parametrize("name", [" ", "Bob\r\nBcc: eve@example.com", "Bob\u2028b", "B\x00b", "B\u202eob", "b" * 61])
def test_name_that_is_no_line_of_text_is_refused(site: Site, name: str):
    with site.person(ADA) as ada:
        ada.start("Ada", "Compilers")
        assert ada.invite(name, BOB).status_code == 422


@pytest.mark.parametrize("name", ["see https://example.org", "Zoë 👩‍👧", "a" * 60, "{{ brand }}", "=?utf-8?q?Bob?="])
def test_any_line_of_text_is_a_name(site: Site, name: str):
    with site.person(ADA) as ada, site.person() as bob:
        ada.start(name, "Compilers")
        assert ada.invite(name, BOB).status_code == 200
        link = next(link for link in site.mail(BOB, "").links if "/invitation/" in link and "#" not in link)
        assert bob.post(f"{link}/decline").status_code == 200
        assert f"{name} has declined" in site.mail(ADA, "was declined").text


def test_pages_need_a_session(site: Site):
    with site.person() as nobody:
        assert "Sign in" in nobody.get("/family").text
        assert "Sign in" in nobody.invite("Bob", BOB).text
        assert "Sign in" in nobody.post("/news").text
    assert site.ses.sent == []


def test_forms_of_other_sites_are_refused(site: Site):
    with site.person(ADA) as ada:
        assert ada.post("/family", "cross-site", name="Ada", family="Compilers").status_code == 403
        assert ada.post("/sign-out", "cross-site").status_code == 403
        assert "Start a family" in ada.get("/family").text


def test_pages_name_the_person_who_is_signed_in(site: Site):
    with site.person(ADA) as ada, site.person() as nobody:
        ada.start("Ada", "Compilers")
        for path in ("/", "/family", "/invitation/unknown"):
            assert f"Signed in as {ADA}" in ada.get(path).text, path
            assert "Signed in as" not in nobody.get(path).text, path
        assert ("/verify/sign-in" in ada.get("/").text, "/verify/sign-in" in nobody.get("/").text) == (False, True)


def test_sign_out_ends_the_session(site: Site):
    with site.person(ADA) as ada, site.person(ADA) as other:
        stolen = ada.cookies
        assert "/verify/sign-in" in ada.post("/sign-out").text
        assert "session" not in ada.cookies
        answer = httpx.get(f"{site.url}/family", cookies=stolen)
        assert (answer.status_code, answer.headers["location"]) == (303, "/verify/sign-in")
        assert "Start a family" in other.get("/family").text
        assert other.post("/sign-out").status_code == 200
        assert other.post("/sign-out").status_code == 200


def test_bounced_invitation_suppresses_the_address(site: Site):
    stores = SqlStores(site.settings.database)
    with subscribed(site.ses, site.url), site.person(ADA) as ada:
        eventually(lambda: is_subscribed(site.ses), "no subscription")
        ada.start("Ada", "Compilers")
        ada.invite("Bob", BOUNCE)
        eventually(lambda: BOUNCE in stores.suppressions.get_many([BOUNCE]), "the bounce did not arrive")
    stores.close()


def test_news_ends_with_one_click(site: Site):
    with site.person(ADA) as ada, site.person() as program:
        ada.start("Ada", "Compilers")
        assert "on its way" in ada.post("/news").text
        header = site.mail(ADA, "One new thing").headers["List-Unsubscribe"]
        path = urlsplit(header.strip("<>")).path
        assert program.post(path, **{"List-Unsubscribe": "One-Click"}).status_code == 200
    stores = SqlStores(site.settings.database)
    assert ADA in stores.suppressions.get_many([ADA], ["stream:marketing"])
    stores.close()


def test_metrics_count_the_mails(site: Site):
    with site.person(ADA) as ada:
        metrics = ada.get("/metrics/").text
        assert 'mailstack_messages_total{status="sent",stream="transactional"} 1.0' in metrics
        assert "mailstack_outbox_up 1.0" in metrics


def test_openapi_document_has_no_schema_of_any(site: Site):
    document = httpx.get(f"{site.url}/openapi.json").json()
    assert "/mail/webhooks/ses" in document["paths"]
    assert list(untyped(document)) == []


def untyped(part: Any, path: str = "") -> Iterator[str]:
    """Where the document has a schema that allows everything."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from untyped(one, f"{path}/{number}")
    elif isinstance(part, dict):
        for name, one in part.items():
            if name in {"schema", "items", "additionalProperties"} and one in ({}, True):
                yield f"{path}/{name}"
            yield from untyped(one, f"{path}/{name}")


def test_invitation_survives_a_killed_process(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = Site(Ses(cloud), tmp_path, monkeypatch)
    with site.person() as ada:
        with site.running():
            ada.sign_in(ADA)
            ada.start("Ada", "Compilers")
        with process(site, relay="no") as killed:
            assert ada.invite("Bob", BOB).status_code == 200
            killed.kill()
            killed.wait()
        assert site.mails(BOB) == []
    with process(site):
        assert site.invitation(BOB, "Compilers")
    assert len(site.mails(BOB)) == 1


@contextmanager
def process(site: Site, relay: str = "yes") -> Generator[subprocess.Popen[bytes]]:
    """The application in a process of its own."""
    names = {"APP_URL": site.url, "DATABASE_URL": site.settings.database, "MAILSTACK_STACK": site.settings.stack}
    names["RELAY"] = relay
    command = [sys.executable, "-m", "uvicorn", "--factory", "examples.fastapi_invitations.app:application"]
    command += ["--port", str(site.port), "--log-level", "critical"]
    with child(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **site.variables, **names})) as started:
        eventually(lambda: answers(f"{site.url}/mail/health/ready"), "the application does not start")
        yield started


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def test_one_command_runs_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-u", "-m", "examples.fastapi_invitations", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as output, child(subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)) as started:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/mail/health/ready"), "it does not start")
        started.send_signal(signal.SIGINT)
        started.wait(PATIENCE)
    assert f"http://127.0.0.1:{port}" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("name", ["APP_URL", "DATABASE_URL", "MAILSTACK_STACK"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_missing_variable_of_settings_is_named(name: str, value: str | None, monkeypatch: pytest.MonkeyPatch):
    for each in ("APP_URL", "DATABASE_URL", "MAILSTACK_STACK"):
        monkeypatch.setenv(each, "https://family.example.com")
    monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=f"{name} is not set. Set it to the ") as raised:
        Settings.from_environment()
    assert "such as" in raised.value.hint
