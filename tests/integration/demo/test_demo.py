"""The demo sees the whole loop, and whatever is taken out of it makes it fail at the step that needs it."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import IO, cast
from unittest.mock import patch

import pytest

from demo.__main__ import STEPS, main
from demo.drills import DRILLS
from tests.processes import child
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]


ENGINE = ("--engine", "inprocess")  # needs no CLI


@dataclass(frozen=True)
class Kept:
    """A demo that stayed up until Ctrl-C: what it said, and what came of pasting the lines that it shows."""

    said: str
    pasted: subprocess.CompletedProcess[str]
    returncode: int


def paste(said: str) -> subprocess.CompletedProcess[str]:
    """Put the lines that are for a shell into one, and those for Python into the interpreter that it starts."""
    _, shell, _, python = said.partition("Play with it")[2].split("\n\n")[:4]
    exports, interpreter = shell.splitlines()
    lines = f"{exports}\n{interpreter} -i << 'PASTED'\n{python}\nPASTED\n"
    return subprocess.run(["bash"], input=lines, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)


@pytest.fixture(scope="module")
def kept() -> Kept:
    command = [sys.executable, "-m", "demo", *ENGINE, "--keep"]  # as `make demo KEEP=1` does
    with child(
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ) as demo:
        said = "".join(takewhile(lambda line: "Ctrl-C" not in line, cast("IO[str]", demo.stdout)))
        assert "Play with it" in said, said
        ran = paste(said)
        demo.send_signal(signal.SIGINT)
        demo.wait(PATIENCE)
    return Kept(said, ran, demo.returncode)


def test_every_step_is_seen_and_shown_with_its_time(kept: Kept):
    lines = [line for line in kept.said.splitlines() if line.startswith("✓")]
    assert [title for title, _ in STEPS] == [line[2:].rsplit(maxsplit=2)[0] for line in lines[3:]]
    assert all(line.endswith(" s") for line in lines)
    assert "in-process test engine" in kept.said
    assert "make pulumi" in kept.said
    assert "--sending-enabled" in kept.said


def test_lines_of_keep_run_in_a_shell_and_in_python(kept: Kept):
    assert "Error" not in kept.pasted.stderr
    assert "@example.com: sent" in kept.pasted.stdout


def test_a_demo_that_is_kept_ends_quietly_by_ctrl_c(kept: Kept):
    assert kept.returncode == 0


@pytest.mark.parametrize(
    ("part", "step"),
    [
        ("feedback", "Bounce and complaint reached the feedback Lambda through SNS and SQS"),
        ("topic-policy", "Bounce and complaint reached the feedback Lambda through SNS and SQS"),
        ("alarms", "Bounce-rate alarm in ALARM"),
        ("guard", "Sending guard paused the configuration set"),
    ],
)
def test_a_part_that_is_taken_out_is_missed_at_its_step(part: str, step: str, capsys: pytest.CaptureFixture[str]):
    def missed(patience: float) -> list[str]:
        with patch.dict(os.environ):
            assert main([*ENGINE, "--break", part, "--patience", str(patience)]) == 1
        said = capsys.readouterr().out
        assert "Not seen: " in said
        return [line[2:].rsplit(maxsplit=2)[0] for line in said.splitlines() if line.startswith("✗")]

    # A slow machine needs longer to come so far.
    assert [step] in map(missed, (4, 20, PATIENCE))


def test_each_broken_part_has_a_drill():
    assert set(DRILLS) == {"feedback", "topic-policy", "alarms", "guard"}
