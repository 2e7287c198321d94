"""The demo sees the whole loop, and whatever is taken out of it makes it fail at the step that needs it."""

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from localcloud.demo.__main__ import STEPS, main
from localcloud.demo.drills import DRILLS
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


ENGINE = ("--engine", "inprocess")  # needs no CLI


def test_every_step_is_seen_and_shown_with_its_time():
    command = [sys.executable, "-m", "localcloud.demo", *ENGINE]  # as `make demo` does
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
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
