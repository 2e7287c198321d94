"""The example of a move from SMTP to SES, walked once: what each step changed, and that nothing is left at the end."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.smtp_migration.__main__ import MISLEADING, main, walk
from examples.smtp_migration.postfix import Postfix, running
from examples.smtp_migration.walk import MODULE, Shop
from mailstack_localcloud import LocalCloud
from tests.processes import child
from tests.system import require_tool
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
SES, SMTP = "sent by ses", "sent by smtp"


@dataclass
class Walked:
    """The walk, and everything that it wrote."""

    shop: Shop
    lines: list[str]
    arrived: int

    @property
    def orders(self) -> list[dict[str, int]]:
        found = [line for line in self.lines if "orders confirmed:" in line]
        return [{way: int(count) for count, way in re.findall(r"(\d+) (sent by \w+)", line)} for line in found]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    require_tool("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root alone")
    scratch = tmp_path_factory.mktemp("shop")
    with ExitStack() as ends, pytest.MonkeyPatch.context() as patch:
        smtp: Postfix = ends.enter_context(running())
        cloud = ends.enter_context(LocalCloud.start())
        for name in MISLEADING:
            patch.delenv(name, raising=False)
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        lines: list[str] = []
        shop = Shop(scratch / "shop", say=lines.append)
        walk(shop, cloud, smtp.port, scratch, ends)
        yield Walked(shop, lines, smtp.count())


def test_share_of_the_customers_goes_through_ses(walked: Walked):
    part = walked.orders[0]
    assert part[SES] + part[SMTP] == 30
    assert 0 < part[SES] < part[SMTP]


def test_old_server_carries_the_mail_while_ses_is_down(walked: Walked):
    assert walked.orders[1:] == [{SMTP: 3}, {SES: 10}, {SES: 5}]
    assert walked.arrived == 1 + walked.orders[0][SMTP] + 3


def test_check_list_says_what_is_left_on_the_way(walked: Walked):
    first = next(said for said in walked.shop.said if "[x]" in said)
    boxes = dict(re.findall(r"^\[(.)\] (\S+)", first, re.MULTILINE))
    assert boxes
    left = {name for mark, name in re.findall(r"^\[(.)\] (\S+)", first, re.MULTILINE) if mark == " "}
    assert left == {"share", "old-variables", "copies"}


def test_nothing_is_left_at_the_end(walked: Walked):
    """A check that takes too long on a busy machine is unknown, so that the list is ticked again."""
    eventually(lambda: walked.shop.check() == 0, "the check-list is not done")
    assert "0 are left" in walked.shop.said[-1]
    assert sorted(path.name for path in walked.shop.folder.iterdir()) == [
        ".env",
        "Pulumi.local.yaml",
        "old-bounces.csv",
    ]
    assert not (walked.shop.folder / MODULE).exists()


@pytest.mark.parametrize(
    ("path", "why"),
    [("notes.txt", "it is a file"), ("notes.txt/shop", "Not a directory"), ("n" * 300, "name too long")],
)
def test_folder_that_cannot_be_created_is_refused(tmp_path: Path, path: str, why: str):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    command = [sys.executable, "-m", "examples.smtp_migration", "--folder", str(tmp_path / path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (2, "", False)
    for words in (f"{tmp_path / path} cannot hold the shop's files: ", why, "Name a folder, or a path"):
        assert words in ran.stderr
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_folder_with_files_is_refused_and_kept(tmp_path: Path):
    (tmp_path / ".env").write_text("mine", encoding="utf-8")
    command = [sys.executable, "-m", "examples.smtp_migration", "--folder", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, "Traceback" in ran.stderr) == (2, "", False)
    assert f"{tmp_path} is not empty" in ran.stderr
    assert [file.read_text(encoding="utf-8") for file in tmp_path.iterdir()] == ["mine"]


def test_person_who_is_not_root_reads_what_to_do(monkeypatch: pytest.MonkeyPatch):
    require_tool("postfix")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["smtp_migration"])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # for the process of the command
    with pytest.raises(SystemExit, match=r"Run this as root, or in a container\.$"):
        main()


def test_sigterm_ends_the_old_server(tmp_path: Path):
    require_tool("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root alone")
    command = [sys.executable, "-m", "examples.smtp_migration", "--folder", str(tmp_path / "shop")]
    variables = tmp_path / "shop" / ".env"
    with child(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) as walking:
        eventually(lambda: variables.exists() and "SMTP_PORT" in variables.read_text(), "it does not begin")
        walking.terminate()
        walking.wait(PATIENCE)
    found = re.search(r"SMTP_PORT=\W*(\d+)", variables.read_text())
    assert found
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found[1])))
