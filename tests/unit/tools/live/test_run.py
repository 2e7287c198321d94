"""The order of a live check: what follows from a failure, and that it cleans up whatever happens."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from mailstack_localcloud.pulumi.stack import DeploymentError
from tools.live import report
from tools.live.claims import CLAIMS
from tools.live.finding import Finding, Outcome, Step, confirmed
from tools.live.run import Run, run
from tools.live.site import NotSeen, Options, Refused, Site
from tools.live.steps import STEPS

OPTIONS = Options("shop.test", "", "us-east-1", "live-a1b2c3", Path(), Path())


@dataclass
class Stack:
    calls: list[str] = field(default_factory=list)

    def unlock(self) -> None:
        self.calls.append("unlock")


def site() -> Site:
    return Site(OPTIONS, cast("Any", None), cast("Any", Stack()))


def step(name: str, look: Callable[[Site], Finding], *needs: str) -> Step:
    return Step(name, f"{name}.", look, needs)


def fails(error: BaseException) -> Callable[[Site], Finding]:
    def look(_: Site) -> Finding:
        raise error

    return look


def good(_: Site) -> Finding:
    return confirmed("Seen.")


def after(error: BaseException, deleted: list[str]) -> Run:
    """A run whose second step fails, and one that needs it."""

    def destroy(_: Site) -> Finding:
        deleted.append("destroyed")
        return confirmed("Gone.")

    steps = [step("deploy", good), step("send", fails(error), "deploy"), step("events", good, "send")]
    return run(site(), [*steps, step("destroy", destroy)], lambda _: None)


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (NotSeen("no event"), Outcome.REFUTED, "no event"),
        (DeploymentError("pulumi up failed"), Outcome.REFUTED, "pulumi up failed"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SendEmail"),
            Outcome.OPEN,
            "AWS refused SendEmail: AccessDenied. Allow it in the IAM policy of the caller.",
        ),
    ],
)
def test_failure_skips_what_needs_it_and_cleans_up(error: BaseException, outcome: Outcome, words: str):
    deleted: list[str] = []
    done = after(error, deleted)
    assert done.findings["send"] == Finding(outcome, words)
    assert done.findings["events"] == Finding(Outcome.OPEN, "It needs send.")
    assert (deleted, done.kept, done.interrupted) == (["destroyed"], [], False)


def test_interrupt_cleans_up_and_leaves_the_rest_open():
    deleted: list[str] = []
    done = after(KeyboardInterrupt(), deleted)
    assert done.interrupted
    assert deleted == ["destroyed"]
    assert done.findings["send"] == done.findings["events"] == Finding(Outcome.OPEN, "It did not run.")


def test_bug_in_a_step_is_raised_after_the_clean_up():
    deleted: list[str] = []
    with pytest.raises(ZeroDivisionError):
        after(ZeroDivisionError(), deleted)
    assert deleted == ["destroyed"]


def test_refused_run_deletes_nothing():
    steps = [step("account", fails(Refused("there is one"))), step("destroy", fails(AssertionError()))]
    with pytest.raises(Refused, match="there is one"):
        run(site(), steps, lambda _: None)


def test_undo_that_fails_is_reported_and_the_rest_goes_on():
    undone: list[str] = []
    looked_at = site()

    def refuse() -> None:
        raise DeploymentError("locked")

    looked_at.at_end += [lambda: undone.append("list"), refuse]
    done = run(looked_at, [step("deploy", good), step("destroy", fails(DeploymentError("left")))], lambda _: None)
    assert undone == ["list"]
    assert done.kept == ["locked", "left"]


def test_report_has_a_line_for_every_claim(tmp_path: Path):
    findings = {one.name: confirmed("Seen | here.") for one in STEPS}
    report.write(tmp_path, Run(findings), OPTIONS, ["sesv2.GetAccount: AWS answers more."])
    text = (tmp_path / report.MARKDOWN).read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and line.count(" | ") >= 3]
    assert [line.partition(" |")[0].removeprefix("| ") for line in lines[2:]] == [one.text for one in CLAIMS]
    assert f"| {CLAIMS[0].text} | confirmed | Seen \\| here. | README.md |" in text
    content = json.loads((tmp_path / report.JSON).read_text())
    assert [one["key"] for one in content["claims"]] == [one.key for one in CLAIMS]
    by_hand = {one["outcome"] for one in content["claims"] if not one["step"]}
    assert by_hand == {"open"}
    assert "shop.test" not in text + json.dumps(content)
