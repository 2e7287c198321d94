"""`pulumi new` from this repository: a project of its own, which deploys."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from localcloud import LocalCloud
from tests.e2e.inventory import inventory
from tests.e2e.terminal import ROOT, Terminal

pytestmark = pytest.mark.e2e

ANSWERS = {
    "mailstack:domain": "mail.example.org",
    "mailstack:zone": "example.org",
    "mailstack:page": "team@example.org",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """This repository as a clean clone has it."""
    made_here = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    return Path(shutil.copytree(ROOT, tmp_path / "clone", ignore=shutil.ignore_patterns(".git", *made_here)))


def test_a_new_project_asks_few_questions_is_a_copy_of_this_one_and_deploys(
    cloud: LocalCloud, pulumi: Path, tmp_path: Path, clone: Path
):
    cloud.client("route53").create_hosted_zone(Name="example.org", CallerReference="template")
    before = inventory(cloud.client)
    terminal = Terminal(pulumi, tmp_path, cloud.environment())
    answers = [part for key, value in ANSWERS.items() for part in ("-c", f"{key}={value}")]
    new = tmp_path / "letters"
    naming = ("--name", "letters", "--description", "Letters", "--stack", "dev")
    terminal.pulumi(tmp_path, "new", str(clone), "--dir", str(new), "--yes", *naming, *answers)

    project = yaml.safe_load((new / "Pulumi.yaml").read_text())
    assert (project["name"], project["description"]) == ("letters", "Letters")
    assert "template" not in project
    config = yaml.safe_load((new / "Pulumi.dev.yaml").read_text())["config"]
    assert {**ANSWERS, "aws:region": "us-east-1"}.items() <= config.items()
    assert changed(clone, new) == {"Pulumi.yaml", "Pulumi.dev.yaml"}

    terminal.pulumi(new, "up", "--yes", "--skip-preview")
    terminal.pulumi(new, "up", "--yes", "--skip-preview", "--expect-no-changes")
    outputs = json.loads(terminal.pulumi(new, "stack", "output", "outputs", "--json"))
    assert (outputs["stack"], outputs["domain"]) == ("dev", "mail.example.org")
    terminal.pulumi(new, "destroy", "--yes", "--skip-preview")
    assert inventory(cloud.client) == before


def changed(clone: Path, new: Path) -> set[str]:
    """The files of the clone that the new project has otherwise or not at all."""
    files = (file.relative_to(clone) for file in clone.rglob("*") if file.is_file())
    return {str(file) for file in files if not same(clone / file, new / file)}


def same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
