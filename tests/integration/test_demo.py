"""The demo sees the whole loop, and whatever is taken out of it makes it fail at the step that needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.demo.__main__ import STEPS
from localcloud.demo.drills import DRILLS

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it as `make demo` does, with the engine that needs no CLI."""
    command = [sys.executable, "-m", "localcloud.demo", "--engine", "inprocess", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_every_step_is_seen_and_shown_with_its_time():
    ended = demo()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = [line for line in ended.stdout.splitlines() if line.startswith("✓")]
    assert [title for title, _ in STEPS] == [line[2:].rsplit(maxsplit=2)[0] for line in lines[3:]]
    assert all(line.endswith(" s") for line in lines)
    assert "in-process test engine" in ended.stdout
    assert "make pulumi" in ended.stdout
    assert "--sending-enabled" in ended.stdout


@pytest.mark.parametrize(
    ("part", "step"),
    [
        ("feedback", "Bounce and complaint reached the feedback Lambda through SNS and SQS"),
        ("topic-policy", "Bounce and complaint reached the feedback Lambda through SNS and SQS"),
        ("alarms", "Bounce-rate alarm in ALARM"),
        ("guard", "Sending guard paused the configuration set"),
    ],
)
def test_a_part_that_is_taken_out_is_missed_at_its_step(part: str, step: str):
    ended = demo("--break", part, "--patience", "4")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert [line[2:].rsplit(maxsplit=2)[0] for line in ended.stdout.splitlines() if line.startswith("✗")] == [step]
    assert "Not seen: " in ended.stdout


def test_there_is_a_drill_for_each_part_that_the_test_above_takes_out():
    assert set(DRILLS) == {"feedback", "topic-policy", "alarms", "guard"}
