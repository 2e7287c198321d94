"""The pages for kinds of teams run as they are written: their files, their commands in one shell, their Python."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from mailer.stack import parameter_name
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.integration.mailer.test_django_guides import SETTINGS
from tests.microsoft import microsoft
from tests.processes import child
from tests.smtp_server import smtp_server
from tests.unit.mailer.wire.certificates import server_context
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_EXAMPLE_PORT = "8000"
_SERVING = """
for _ in $(seq 600); do
    python -c 'import socket; socket.create_connection(("127.0.0.1", {port}), 1)' 2>/dev/null && break
    kill -0 $!
    sleep 0.1
done
"""
# Names of the internet that lead to servers of the test: read by each Python that the shell starts.
_NAMES = """
import json, os, socket

_places, _found = json.loads(os.environ["PLACES"]), socket.getaddrinfo


def getaddrinfo(host, port, *args, **options):
    there = _places.get(f"{host}:{port}")
    return _found("127.0.0.1", there, *args, **options) if there else _found(host, port, *args, **options)


socket.getaddrinfo = getaddrinfo
"""


class Team:
    """A team that follows a page, in a folder of its own, beside a cloud with a stack named `prod`."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder, self._port = folder, _free_port()
        programs = str(Path(sys.executable).parent)
        found = {"PATH": os.pathsep.join((programs, os.environ["PATH"])), "PYTHONPATH": str(folder)}
        self.variables = {**os.environ, **found, "DJANGO_SETTINGS_MODULE": "shop.settings", **variables}
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        (folder / "shop" / "urls.py").write_text("urlpatterns = []\n")
        (folder / "shop" / "settings.py").write_text(SETTINGS)
        (folder / "manage.py").write_text(
            "from django.core.management import execute_from_command_line as run\n\nrun()\n"
        )

    def follow(self, page: str) -> str:
        """Put the page's files in place, and run its commands and its other Python in order, in one shell."""
        script, number = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"], 0
        for block in _BLOCK.finditer((GUIDES / page).read_text(encoding="utf-8")):
            name, kind, code = block["file"], block["kind"], block["code"]
            if name:
                before = SETTINGS if name == "shop/settings.py" else ""
                (self.folder / name).write_text(before + code, encoding="utf-8")
            elif kind == "python":
                number += 1
                (self.folder / f"program{number}.py").write_text(code, encoding="utf-8")
                script.append(f"python program{number}.py")
            else:
                assert kind == "sh", f"{page} has a block of {kind} that nobody runs"
                script.append(self._commands(code))
        return self._run("\n".join(script))

    def _run(self, script: str) -> str:
        started = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.variables,
            text=True,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with child(started) as ran:
            try:
                printed, _ = ran.communicate(timeout=PATIENCE)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(ran.pid, signal.SIGKILL)
        assert ran.returncode == 0, printed
        return printed

    def _commands(self, code: str) -> str:
        """A server keeps running beside what follows, on a port that is free."""
        served = f"uvicorn \\1 &{_SERVING.format(port=self._port)}"
        return re.sub("^uvicorn (.*)$", served, code.replace(_EXAMPLE_PORT, str(self._port)), flags=re.MULTILINE)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def ses(cloud: LocalCloud) -> Ses:
    """A stack named `prod`, whose outputs are in Systems Manager, and whose account may send from example.com, too."""
    given = Ses(cloud)
    prod = given.outputs.model_copy(update={"stack": "prod"})
    cloud.client("ssm").put_parameter(Name=parameter_name("prod"), Value=prod.to_json(), Type="String", Tier="Advanced")
    cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    cloud.control("POST", "identities/example.com/verify")
    return given


@pytest.fixture
def team(ses: Ses, tmp_path: Path) -> Team:
    return Team(tmp_path, ses.cloud.environment())


def arrived(ses: Ses) -> list[tuple[str, str]]:
    return [(mail.to[0], mail.subject) for mail in ses.sent]


def test_guide_for_a_django_project_runs(team: Team, ses: Ses):
    team.follow("start-django.md")
    assert len(list((team.folder / "mails").glob("*.eml"))) == 1, "the project's own tests send nothing"
    assert arrived(ses) == [
        ("success@simulator.amazonses.com", "Test mail"),
        ("ada@example.com", "Welcome to example.test"),
    ]


def test_guide_for_a_fastapi_application_runs(team: Team, ses: Ses):
    printed = team.follow("start-fastapi.md")
    assert "2 passed" in printed
    assert "/mail/webhooks/ses" in printed
    assert len(list((team.folder / "mails").glob("*.eml"))) == 1
    assert arrived(ses) == [("success@simulator.amazonses.com", "Welcome to example.test")]


def test_guide_for_a_team_on_smtp_runs(team: Team, ses: Ses):
    smtp = ses.cloud.smtp
    team.variables |= {"SMTP_HOST": smtp.host, "SMTP_PORT": str(smtp.port), "SSL_CERT_FILE": smtp.certificate}
    team.variables |= {"SMTP_USERNAME": smtp.username, "SMTP_PASSWORD": smtp.password}
    printed = team.follow("start-smtp.md")
    assert "sent " in printed
    assert "\nses\n" in printed
    subjects = [subject.partition(" from ")[0] for _, subject in arrived(ses)]
    assert subjects == ["Hello", "Test mail", "Test email", "Moved"]


@pytest.fixture
def tenant(team: Team, tmp_path: Path) -> Iterator[Team]:
    """The team with servers that take Microsoft's names."""
    hosts, trusted = ("smtp.office365.com", "login.microsoftonline.com"), tmp_path / "trusted.pem"
    contexts = {host: server_context(_folder(tmp_path / host), host) for host in hosts}
    trusted.write_text("".join(certificate.read_text() for _, certificate in contexts.values()))
    with microsoft(contexts[hosts[1]][0]) as entra, smtp_server(contexts[hosts[0]][0]) as smtp:
        places = {f"{hosts[0]}:587": smtp.port, f"{hosts[1]}:443": int(entra.url.rpartition(":")[2])}
        entra.url, smtp.tokens = f"https://{hosts[1]}", entra.tokens
        (tmp_path / "sitecustomize.py").write_text(_NAMES)
        team.variables |= {
            "PLACES": json.dumps(places),
            "M365_CLIENT_SECRET": entra.secret,
            "M365_TENANT": "example.com",
        }
        team.variables |= {"M365_MAILBOX": "shop@example.com", "M365_CLIENT_ID": "client", "M365_APP_PASSWORD": "p"}
        team.variables |= {name: str(trusted) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
        yield team
        smtp_commands = " ".join(smtp.commands)
        assert "AUTH XOAUTH2" in smtp_commands
        assert len(smtp.accepted) == 3


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_guide_for_a_team_on_microsoft_365_runs(tenant: Team, ses: Ses):
    printed = tenant.follow("start-microsoft365.md")
    assert "New-ServicePrincipal" in printed
    assert "Set-CASMailbox" in printed
    assert "\nses\n" in printed
    assert arrived(ses) == [("success@simulator.amazonses.com", "Welcome to example.test")]
