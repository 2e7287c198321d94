"""What all examples have in common: a port in use, the end of what they started, the commands of their READMEs."""

import os
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.processes import child
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
# Each with a page that answers when it has started.
EXAMPLES = {
    "django_moderation": "/mail/health",
    "django_subscriptions": "/mail/health",
    "fastapi_invitations": "/mail/health",
    "ses_provider": "/api/health",
}


READMES = sorted((ROOT / "examples").glob("*/README.md"))


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_commands_of_a_readme_are_installed_or_it_says_how(readme: Path):
    blocks = re.findall(r"^```(?:console|sh)\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for line in block.splitlines() for part in line.split(" && ")]
    known = {"export", *(path.name for path in Path(sys.executable).parent.iterdir())}
    for part in parts:
        words = [word for word in part.split() if "=…" not in word]
        if words[:2] == ["pip", "install"]:
            known.add(words[2])
        assert "/" in words[0] or words[0] in known, part


# The variables that the settings of each example of Django need, and a part of what a missing one says.
REQUIRED = {
    "django_moderation": {"SECRET_KEY": "secrets.token_urlsafe(48)", "DATABASE_URL": "sqlite:///db.sqlite3"},
    "django_subscriptions": {
        "SECRET_KEY": "secrets.token_urlsafe(48)",
        "SITE_URL": "https://signals.example.com",
        "PAYMENT_WEBHOOK_SECRETS": "signing secret",
    },
}
VARIABLES = [(example, name) for example, names in REQUIRED.items() for name in names]


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize(("example", "name"), VARIABLES)
def test_missing_variable_is_named_with_a_remedy(example: str, name: str, value: str | None):
    given = {one: "sqlite:///x" for one in REQUIRED[example] if one != name}
    given |= {"DJANGO_SETTINGS_MODULE": f"examples.{example}.settings"} | ({} if value is None else {name: value})
    inherited = {key: one for key, one in os.environ.items() if key not in REQUIRED[example]}
    command = [sys.executable, "-m", "django", "check"]
    ran = subprocess.run(command, cwd=ROOT, env=inherited | given, capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert f"ImproperlyConfigured: The environment variable {name} is not set. " in last
    assert REQUIRED[example][name] in last


@pytest.mark.parametrize("example", EXAMPLES)
def test_port_in_use_is_refused_before_anything_starts(example: str):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", f"examples.{example}", "--port", port]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"port {port} cannot be used" in ran.stderr
    assert "Name another one: --port" in ran.stderr


@pytest.mark.parametrize("example", EXAMPLES)
def test_sigterm_ends_everything_that_was_started(example: str, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    mark, log = secrets.token_hex(), tmp_path / "log"
    command = [sys.executable, "-u", "-m", f"examples.{example}", "--port", str(port)]
    environment = {**os.environ, "MARK_OF_THE_TEST": mark}
    with (
        log.open("wb") as output,
        child(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)) as started,
    ):
        eventually(lambda: "Ctrl-C ends it" in log.read_text(), "it does not start")
        eventually(lambda: answers(f"http://127.0.0.1:{port}{EXAMPLES[example]}"), "it does not answer")
        started.terminate()
        started.wait(PATIENCE)
    eventually(lambda: not any(has(mark, one) for one in Path("/proc").glob("[0-9]*/environ")), "something still runs")
    assert "Traceback" not in log.read_text()


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def has(mark: str, environment: Path) -> bool:
    """Whether a process was started with a mark in its environment."""
    try:
        return mark.encode() in environment.read_bytes()
    except OSError:  # the process has ended, or belongs to another user
        return False
