"""Nothing is lost, doubled or misreported under faults of SES, the store and the network, killed workers and forks."""

import pytest

from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.fault_schedule.run import run
from tests.fault_schedule.schedule import Schedule

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


def test_twenty_thousand_sends_under_faults_are_reported_truly(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    report = run(cloud, Ses(cloud).outputs, Schedule(sends=20_000, seed=7))
    assert report.honest, str(report)
    assert report.statuses.keys() >= {"sent", "unknown", "refused", "throttled", "failed", "suppressed", "killed"}
    assert report.killed
    assert report.resent
