"""The demo sees the whole loop, and whatever is taken out of it makes it fail at the step that needs it."""

import os
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import IO, cast
from unittest.mock import patch

import pytest

from demo.__main__ import STEPS, main
from demo.drills import DRILLS
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]


ENGINE = ("--engine", "inprocess")  # needs no CLI


def test_every_step_is_seen_and_shown_with_its_time():
    command = [sys.executable, "-m", "demo", *ENGINE]  # as `make demo` does
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = [line for line in ended.stdout.splitlines() if line.startswith("✓")]
    assert [title for title, _ in STEPS] == [line[2:].rsplit(maxsplit=2)[0] for line in lines[3:]]
    assert all(line.endswith(" s") for line in lines)
    assert "in-process test engine" in ended.stdout
    assert "make pulumi" in ended.stdout
    assert "--sending-enabled" in ended.stdout


def test_what_keep_prints_can_be_pasted_into_a_shell_and_into_python():
    command = [sys.executable, "-m", "demo", *ENGINE, "--keep"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        said = "".join(takewhile(lambda line: "Ctrl-C" not in line, cast("IO[str]", demo.stdout)))
        _, shell, _, python = said.partition("Play with it")[2].split("\n\n")[:4]
        exports, interpreter = shell.splitlines()
        pasted = f"{exports}\n{interpreter} -i << 'PASTED'\n{python}\nPASTED\n"
        ran = subprocess.run(
            ["bash"], input=pasted, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        demo.send_signal(signal.SIGINT)
    assert demo.returncode == 0
    assert "Error" not in ran.stderr
    assert "@example.com: sent" in ran.stdout


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


def test_there_is_a_drill_for_each_part_that_the_test_above_takes_out():
    assert set(DRILLS) == {"feedback", "topic-policy", "alarms", "guard"}
