"""The guide of migration runs as it is written, against the local cloud, and names every step of the check-list."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer import Mailer
from mailer.cli import main
from mailer.migrate.env_file import read_env
from mailer.migrate.steps import STEPS
from mailer.testing import Ses
from mailer.transports.failover import name_of
from mailstack_localcloud import LocalCloud

pytestmark = pytest.mark.integration
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "migration.md"
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a project, whose stack `prod` is deployed, with a list of bounces."""
    prod = Ses(cloud).outputs.model_copy(update={"stack": "prod"})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": prod.to_json()}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bounces.csv").write_text("address,reason\ngone@example.com,bounce\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("mailstack_migration", None)


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: str) -> dict[str, object]:
    """Run a block: commands by themselves, Python with the variables of `.env`."""
    names: dict[str, object] = {}
    if kind == "sh":
        for line in code.splitlines():
            program, *arguments = shlex.split(line)
            checks = "--check" in arguments
            assert (program, main(arguments)) in {("mailer", 0), ("mailer", 1 if checks else 0)}, line
    else:
        for one in read_env((folder / ".env").read_text(), ".env"):
            monkeypatch.setenv(one.name, str(one.value))
        exec(compile(code, str(GUIDE), "exec"), names)  # noqa: S102 - our own guide
    return names


def test_guide_of_migration_runs(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    names: dict[str, object] = {}
    for block in (match.groupdict() for match in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))):
        if block["file"]:
            (folder / block["file"]).write_text(block["code"])
        else:
            names |= run(folder, monkeypatch, block["kind"], block["code"])
    created = names["mailer"]
    assert isinstance(created, Mailer)
    assert name_of(created._pipeline.transport) == "split(smtp, failover(ses, smtp))"
    created.close()
    assert 'MAILSTACK_TEMPLATES="welcome"' in (folder / ".env").read_text()
    output = capsys.readouterr().out
    assert "the password" not in output
    assert "[x] suppressions" in output


def test_guide_of_migration_names_every_step():
    table = GUIDE.read_text(encoding="utf-8").partition("<!-- steps: begin -->")[2].partition("<!-- steps: end -->")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([\w-]+)`", " ".join(rows))) == sorted(step.name for step in STEPS)
