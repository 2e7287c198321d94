"""`mailer send --csv` sends each row once, however often it is killed and resumed."""

from pathlib import Path

import pytest

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.csv_schedule.run import run

pytestmark = pytest.mark.integration


def test_killed_and_resumed_each_row_is_sent_once(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    report = run(cloud, Ses(cloud).outputs, tmp_path, rows=1_000, kills=1, seed=1)
    assert report.is_honest, str(report)
    assert report.kills
    assert report.begun
