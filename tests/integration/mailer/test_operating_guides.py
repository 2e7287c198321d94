"""The commands of the pages for support, for staging and of the timetable run as they are written, in this process."""

import os
import re
import shlex
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer import SqlStores
from mailer.cli import main
from mailer.feedback.processor import Processor
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud

pytestmark = pytest.mark.integration

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FIELDS_OF_CRON = 5


@pytest.fixture
def ses(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ses:
    """A stack whose suppressions and message log are in SQLite, in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    given = Ses(cloud)
    cloud.control("PUT", "account", {"max_send_rate": 1000.0})
    return given


@pytest.fixture
def stores(ses: Ses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SqlStores]:
    url = f"sqlite:///{tmp_path / 'mail.db'}?log_days=30"
    found = {"MAILSTACK_STORE": url, "MAILSTACK_STORE_KEYS": b64encode(os.urandom(32)).decode()}
    for name, value in {**ses.cloud.environment(), **found}.items():
        monkeypatch.setenv(name, value)
    with SqlStores(url) as stores:
        yield stores


def named(ses: Ses, monkeypatch: pytest.MonkeyPatch, stack: str) -> None:
    monkeypatch.setenv("MAILSTACK_OUTPUTS", ses.outputs.model_copy(update={"stack": stack}).to_json())


def feed(ses: Ses, stores: SqlStores) -> None:
    """What the webhook does with the events of the mails that were sent."""
    processor = Processor(stores.suppressions, stores.events, messages=stores.messages)
    for event in (event for mail in ses.sent for event in mail.events):
        processor.process(event)


def commands(page: str, heading: str = "") -> Iterator[list[str]]:
    """The commands of a page, or of what follows one of its headings; the files are written on the way."""
    text = (GUIDES / page).read_text(encoding="utf-8")
    part = text.partition(f"\n{heading}\n")[2] if heading else text
    assert part, heading
    for block in _BLOCK.finditer(part):
        if block["file"]:
            Path(block["file"]).write_text(block["code"], encoding="utf-8")
            continue
        for line in block["code"].replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if block["kind"] == "crontab" and len(words) > _FIELDS_OF_CRON:
                words = words[_FIELDS_OF_CRON:]
            if words and (words[0] == "mailer" or block["kind"] == "sh"):
                yield words


def run(words: list[str]) -> int:
    if words[0] == "mailer":
        return main(words[1:])
    assert words[0] == "python"
    assert words[-2] == ">"
    with Path(words[-1]).open("wb") as output:
        return subprocess.run([sys.executable, *words[1:-2]], stdout=output, check=False).returncode


def test_guide_of_support_runs(
    ses: Ses, stores: SqlStores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    named(ses, monkeypatch, "prod")
    ses.behave("ada@example.com", "bounce")
    fields = ["--set", "name=Ada", "--set", "dashboard_url=https://app.example.com"]
    assert main(["send", "welcome", "--stack", "prod", "--to", "ada@example.com", *fields]) == 0
    feed(ses, stores)
    statuses = [(words[1], run(words)) for words in commands("support.md")]
    assert [status for _, status in statuses] == [0, 1, 0, 0, 0, 0, 0]
    printed = capsys.readouterr().out
    assert "Bounced: " in printed
    assert "ada@example.com" in Path("trace.html").read_text(encoding="utf-8")
    assert stores.suppressions.get_many(["ada@example.com"]) == {}


def test_timetable_runs(
    ses: Ses, stores: SqlStores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    named(ses, monkeypatch, "prod")
    stores.migrate()
    queues = ses.cloud.client("sqs")
    for url in (ses.outputs.feedback_queue_url, ses.outputs.feedback_dlq_url):
        queues.create_queue(QueueName=url.rpartition("/")[2])
    ran = [(words, run(words)) for words in commands("operations.md", "## Crontab")]
    assert len(ran) == 12
    assert [words for words, status in ran if status] == []
    assert "wrong usage" not in capsys.readouterr().err
    assert Path("suppressions.csv").exists()


def test_check_list_for_staging_runs(
    ses: Ses, stores: SqlStores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    named(ses, monkeypatch, "staging")
    listed = ""
    for words in commands("outside-production.md", "## Check-list for staging"):
        if words[:3] == ["mailer", "suppressions", "list"]:
            feed(ses, stores)
            capsys.readouterr()
            assert run(words) == 0
            listed = capsys.readouterr().out
        else:
            assert run(words) == 0
    assert {name for name in ("success", "bounce", "complaint", "ooto") if f"{name}@simulator" in listed} == {
        "bounce",
        "complaint",
    }
    assert len(ses.sent) == 4 + 2 + 200
