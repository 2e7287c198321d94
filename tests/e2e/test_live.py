"""`make live` whole, against the local cloud: what it settles, and that it leaves nothing, whatever happens."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailstack_localcloud import LocalCloud
from tests.e2e.inventory import inventory
from tests.waiting import PATIENCE, eventually
from tools.live.__main__ import _enter, _new, _options, _site, main, parser
from tools.live.claims import CLAIMS

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
DOMAIN, ZONE = "live.example.com", "example.com"
# What somebody recorded on AWS: a member that the local cloud does not have.
RECORDED = [{"operation": "sesv2.GetAccount", "answer": {"Odd": "text"}}]
# The account of the rehearsal has what these ask for: a profile, a rate.
MAY_BE_OPEN = {"deploy-policies", "rate", "bulk-rate"}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.start() as cloud:
        cloud.client("route53").create_hosted_zone(Name=ZONE, CallerReference="live")
        # A rate that 16 threads reach on a busy machine.
        cloud.control("PUT", "account", {"max_send_rate": 10.0})
        yield cloud


def command(cloud: LocalCloud, folder: Path, *more: str) -> list[str]:
    options = ["--local-cloud", cloud.endpoint, "--state", str(folder / "state"), "--report", str(folder / "report")]
    return [DOMAIN, "--zone", ZONE, "--yes", *options, *more]


def started(arguments: Sequence[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(("infra", "localcloud/src"))}
    return subprocess.Popen(
        [sys.executable, "-m", "tools.live", *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report" / "live-check.json").read_text())


def test_live_check_settles_every_claim_and_leaves_nothing(cloud: LocalCloud, pulumi: Path, tmp_path: Path):
    before = inventory(cloud.client)
    aws = tmp_path / "aws"
    aws.mkdir()
    (aws / "answers.json").write_text(json.dumps(RECORDED))
    (aws / "events.json").write_text('{"Send": {"mail": {"odd": true}}}')
    record = tmp_path / "record"
    process = started(command(cloud, tmp_path, "--record", str(record), "--compare", str(aws)))
    said, _ = process.communicate(timeout=PATIENCE * 4)
    found = report(tmp_path)
    steps = {one["step"]: (one["outcome"], one["seen"]) for one in found["steps"]}
    assert {name: seen for name, seen in steps.items() if seen[0] != "confirmed" and name not in MAY_BE_OPEN} == {}
    assert "refuted" not in {outcome for outcome, _ in steps.values()}
    assert [one["key"] for one in found["claims"]] == [claim.key for claim in CLAIMS]
    assert "sesv2.GetAccount: AWS answers Odd: str, the local cloud does not." in found["differences"]
    assert "event Send: AWS answers mail.odd: bool, the local cloud does not." in found["differences"]
    assert process.returncode == 1, said
    assert (found["kept"], found["interrupted"]) == ([], False)
    assert inventory(cloud.client) == before
    assert not (tmp_path / "state").exists()
    answers, events = ((record / name).read_text() for name in ("answers.json", "events.json"))
    assert "live.example.com" not in answers + events
    assert {"sesv2.SendEmail", "sns.GetTopicAttributes"} <= {one["operation"] for one in json.loads(answers)}
    assert {"Send", "Delivery", "Bounce", "Complaint"} <= json.loads(events).keys()


def test_interrupt_during_deployment_leaves_nothing(cloud: LocalCloud, pulumi: Path, tmp_path: Path):
    before = inventory(cloud.client)
    process = started(command(cloud, tmp_path))
    eventually(lambda: cloud.client("sns").list_topics()["Topics"], "nothing is deployed")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE * 2)
    assert process.returncode == 130, said
    assert inventory(cloud.client) == before
    assert report(tmp_path)["interrupted"]


def test_clean_up_deletes_what_a_killed_run_left(
    cloud: LocalCloud, pulumi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    before = inventory(cloud.client)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    given = parser().parse_args(command(cloud, tmp_path))
    endpoint = _enter(cloud.endpoint, given.state)
    saved = _new(given, endpoint)
    saved.write(given.state)
    _site(_options(given, endpoint, saved)).stack.up()
    assert inventory(cloud.client) != before
    assert main(command(cloud, tmp_path)) == 2
    assert "An earlier run left a stack" in capsys.readouterr().err
    assert main(["--clean-up", "--state", str(given.state)]) == 0
    assert inventory(cloud.client) == before
    assert main(["--clean-up", "--state", str(given.state)]) == 0


def test_domain_with_an_identity_is_refused(cloud: LocalCloud, pulumi: Path, tmp_path: Path):
    cloud.client("sesv2").create_email_identity(EmailIdentity=DOMAIN)
    process = started(command(cloud, tmp_path))
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, said
    assert cloud.client("sesv2").list_email_identities()["EmailIdentities"][0]["IdentityName"] == DOMAIN
    assert not (tmp_path / "state").exists()
