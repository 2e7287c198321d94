"""The command behind `make live`: its options, what it refuses, and what it costs at most."""

import shlex
import subprocess
from pathlib import Path

import pytest

from mailstack_infra.settings.loading import read
from tools.docs.recording import record
from tools.live.__main__ import _new, _texts, parser
from tools.live.costs import estimate
from tools.live.saved import Saved, SavedError
from tools.live.site import Options, Refused
from tools.live.steps.deployment import settings

ROOT = Path(__file__).parents[4]
OPTIONS = Options("live.example.com", "example.com", "eu-west-1", "live-a1b2c3", Path(), Path())


def made(*variables: str) -> list[str]:
    """The arguments that `make live` passes on."""
    said = subprocess.run(["make", "-n", "live", *variables], cwd=ROOT, capture_output=True, text=True, check=True)
    command = said.stdout.replace("\\\n", " ").partition("-m tools.live")[2].splitlines()[0]
    return shlex.split(command)


def test_make_passes_its_variables_on():
    given = parser().parse_args(made("DOMAIN=live.example.com", "ZONE=example.com", "RECORD=aws-answers"))
    assert (given.domain, given.zone, given.record) == ("live.example.com", "example.com", Path("aws-answers"))
    assert parser().parse_args(made("CLEAN=1")).clean_up
    assert parser().parse_args(made("COMPARE=aws-answers")).compare == Path("aws-answers")
    assert parser().parse_args(made("LIVE=--local-cloud")).local_cloud == "new"
    assert (
        parser().parse_args(made("DOMAIN=a.example.com", "LIVE=--deploy-profile deployer")).deploy_profile == "deployer"
    )


def test_run_costs_less_than_a_dollar():
    texts = {key: value for key, value in _texts(settings(OPTIONS)).items() if key.startswith("mailstack:")}
    assert 0.02 < estimate(record(read(OPTIONS.stack, texts), OPTIONS.stack)) < 1


def test_settings_reach_no_pager_and_no_protection():
    given = settings(OPTIONS)
    assert given["mailstack:page"] == "success@simulator.amazonses.com"
    assert given["mailstack:protect"] is False
    assert given["mailstack:zone"] == "example.com"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "No domain is named"),
        (["live.example.com", "--region", ""], "No region is named"),
        (["not a domain", "--region", "eu-west-1"], "cannot be used"),
    ],
)
def test_incomplete_command_is_refused(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Refused, match=words):
        _new(parser().parse_args([*arguments, "--state", str(tmp_path)]), "")


def test_region_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert _new(parser().parse_args(["live.example.com", "--state", str(tmp_path)]), "").region == "eu-west-3"


def test_run_that_left_something_is_cleaned_up_first(tmp_path: Path):
    saved = Saved("live.example.com", "", "eu-west-1", "live-a1b2c3", "", "")
    saved.write(tmp_path)
    assert Saved.read(tmp_path) == saved
    with pytest.raises(Refused, match="make live CLEAN=1"):
        _new(parser().parse_args(["live.example.com", "--state", str(tmp_path)]), "")


def test_damaged_state_is_not_guessed(tmp_path: Path):
    (tmp_path / "run.json").write_text('{"domain": "x"}')
    with pytest.raises(SavedError, match="Delete the stack by hand"):
        Saved.read(tmp_path)
