"""`pulumi new` from the template: a project of its own, which deploys."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailstack_localcloud import LocalCloud
from tests.e2e.inventory import inventory
from tests.e2e.terminal import ROOT, Terminal, build_wheel, made

pytestmark = pytest.mark.e2e

TEMPLATE = ROOT / "template"
ANSWERS = {
    "mailstack:domain": "mail.example.org",
    "mailstack:zone": "example.org",
    "mailstack:page": "team@example.org",
    "mailstack:allowedRecipients": "*@example.org",
}


@pytest.fixture
def terminal(cloud: LocalCloud, pulumi: Path, tmp_path: Path) -> Terminal:
    wheel = build_wheel(made(tmp_path / "wheels"))
    return Terminal(pulumi, tmp_path, {**cloud.environment(), "MAILSTACK": wheel.as_uri()})


def new_project(terminal: Terminal, folder: Path, answers: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The project's file and the stack's configuration."""
    given = [part for key, value in answers.items() for part in ("-c", f"{key}={value}")]
    terminal.pulumi(folder.parent, "new", str(TEMPLATE), "--dir", str(folder), "--yes", "--stack", "dev", *given)
    project, stack = (yaml.safe_load((folder / name).read_text()) for name in ("Pulumi.yaml", "Pulumi.dev.yaml"))
    return project, stack["config"]


def test_new_project_holds_the_answers_and_deploys(cloud: LocalCloud, terminal: Terminal, tmp_path: Path):
    cloud.client("route53").create_hosted_zone(Name="example.org", CallerReference="template")
    before = inventory(cloud.client)
    new = tmp_path / "letters"
    project, config = new_project(terminal, new, ANSWERS)
    assert project["name"] == "letters"
    assert "template" not in project
    assert config == {**ANSWERS, "aws:region": "us-east-1"}
    written = [file.read_text() for file in new.iterdir() if file.is_file()]
    assert not [text for text in written if "example.com" in text or "${PROJECT}" in text or "${DESCRIPTION}" in text]

    terminal.pulumi(new, "up", "--yes", "--skip-preview")
    terminal.pulumi(new, "up", "--yes", "--skip-preview", "--expect-no-changes")
    outputs = json.loads(terminal.pulumi(new, "stack", "output", "outputs", "--json"))
    assert (outputs["stack"], outputs["domain"]) == ("dev", "mail.example.org")
    # As the guide tears a stack down: it is protected unless the file says otherwise.
    terminal.pulumi(new, "config", "set", "mailstack:protect", "false")
    terminal.pulumi(new, "up", "--yes", "--skip-preview")
    terminal.pulumi(new, "destroy", "--yes", "--skip-preview")
    assert inventory(cloud.client) == before


def test_new_project_mails_the_simulator_alone_by_default(terminal: Terminal, tmp_path: Path):
    _, config = new_project(terminal, tmp_path / "letters", {"mailstack:domain": "example.org"})
    assert config["mailstack:allowedRecipients"] == "*@simulator.amazonses.com"
