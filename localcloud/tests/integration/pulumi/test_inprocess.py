"""The in-process engine does what every engine must, and says what it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from localcloud.tests.engine_suite import PROTECTED, EngineSuite, StackFactory, write
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi import fork_server
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from mailstack_localcloud.pulumi.stack import DeploymentError, Stack
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
REMOTE = """
import pulumi
pulumi.ComponentResource("tiny:index:Far", "far", remote=True)
"""
ELSEWHERE = """
import pulumi
pulumi.StackReference("organization/tiny/prod")
"""
DYNAMIC = """
from pulumi import dynamic
class Own(dynamic.Resource):
    def __init__(self):
        super().__init__(dynamic.ResourceProvider(), "own", {})
Own()
"""

LOADING = """
import os, helper, pulumi
pulumi.export("known", [helper.NAME, os.environ.get("LEFT_BEHIND", "")])
os.environ["LEFT_BEHIND"] = "yes"
"""


@pytest.fixture
def stack_factory(cloud: LocalCloud, tmp_path: Path) -> StackFactory:
    def opened(folder: Path, config: Mapping[str, str], secrets: Mapping[str, str] = MappingProxyType({})) -> Stack:
        state = tmp_path / "state.json"
        return InProcessStack(
            folder, "dev", config=config, secrets=secrets, environment=cloud.environment(), state=state
        )

    return opened


class TestInProcess(EngineSuite):
    @pytest.fixture
    def stack_factory(self, cloud: LocalCloud, tmp_path: Path) -> StackFactory:
        def opened(folder: Path, config: Mapping[str, str], secrets: Mapping[str, str] = MappingProxyType({})) -> Stack:
            state = tmp_path / "state.json"
            return InProcessStack(
                folder, "dev", config=config, secrets=secrets, environment=cloud.environment(), state=state
            )

        return opened


def test_engine_says_that_it_is_a_test_engine(tmp_path: Path):
    assert (
        InProcessStack(tmp_path, "dev", state=tmp_path / "state.json").engine
        == "in-process engine (a test engine, not Pulumi's)"
    )


def test_the_state_is_readable_by_its_owner_alone(stack_factory: StackFactory, tmp_path: Path):
    stack_factory(write(tmp_path / "project", PROTECTED), {}).up()
    state = tmp_path / "state.json"
    assert state.stat().st_mode & 0o777 == 0o600
    assert [record["type"] for record in json.loads(state.read_text())["resources"]][-1] == "aws:sns/topic:Topic"


def test_a_folder_without_a_project_is_an_error(tmp_path: Path):
    with pytest.raises(DeploymentError, match=r"Pulumi\.yaml"):
        InProcessStack(tmp_path, "dev", state=tmp_path / "state.json").preview()


def test_an_encrypted_value_is_asked_for_as_an_override(tmp_path: Path):
    folder = write(tmp_path / "project", PROTECTED)
    (folder / "Pulumi.dev.yaml").write_text("config:\n  tiny:key:\n    secure: AAAB\n")
    with pytest.raises(DeploymentError, match="tiny:key is encrypted"):
        InProcessStack(folder, "dev", state=tmp_path / "state.json").preview()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (REMOTE, "tiny:index:Far 'far': the in-process engine does not support remote components"),
        (
            ELSEWHERE,
            "'organization/tiny/prod': the in-process engine does not support references to other stacks",
        ),
        (DYNAMIC, "dynamic:Resource 'own': the in-process engine supports the aws provider only"),
    ],
    ids=["remote", "elsewhere", "dynamic"],
)
def test_unsupported_feature_is_refused(stack_factory: StackFactory, tmp_path: Path, program: str, said: str):
    with pytest.raises(DeploymentError, match=said):
        stack_factory(write(tmp_path / "project", program), {}).up()


def test_without_a_local_endpoint_nothing_is_sent(tmp_path: Path):
    folder = write(tmp_path / "project", PROTECTED)
    elsewhere = {"AWS_ENDPOINT_URL": "https://sns.us-east-1.amazonaws.com", "AWS_REGION": "us-east-1"}
    with pytest.raises(DeploymentError, match="never speaks to AWS itself"):
        InProcessStack(folder, "dev", state=tmp_path / "state.json", environment=elsewhere).up()


def test_an_operation_finds_nothing_that_another_has_left(tmp_path: Path, cloud: LocalCloud):
    def known(name: str) -> object:
        folder = write(tmp_path / name, LOADING)
        (folder / "helper.py").write_text(f"NAME = {name!r}")
        stack = InProcessStack(folder, "dev", state=tmp_path / f"{name}.json", environment=cloud.environment())
        stack.up()
        return stack.outputs["known"]

    assert [known("first"), known("second")] == [["first", ""], ["second", ""]]


@pytest.mark.parametrize("lost", ["never there", "killed"])
def test_engine_works_without_a_fork_server(
    lost: str, stack_factory: StackFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stack = stack_factory(write(tmp_path / "project", PROTECTED), {})
    if lost == "killed":
        stack.preview()
        fork_server.FORK_SERVER.close()
    else:
        monkeypatch.setattr(fork_server, "POSSIBLE", False)
    assert stack.up().create == 1


@pytest.mark.skipif(not fork_server.POSSIBLE, reason="nothing forks them")
def test_fork_server_may_exit_between_operations(stack_factory: StackFactory, tmp_path: Path):
    stack = stack_factory(write(tmp_path / "project", PROTECTED), {})
    stack.preview()
    forking = fork_server.FORK_SERVER._process
    assert forking
    forking.kill()
    forking.wait(PATIENCE)
    assert stack.up().create == 1


@pytest.mark.skipif(not fork_server.POSSIBLE, reason="the parent of an operation is this process")
def test_fork_server_may_crash(stack_factory: StackFactory, tmp_path: Path):
    folder = write(tmp_path / "project", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + PROTECTED)
    with pytest.raises(DeploymentError, match="ended without an answer"):
        stack_factory(folder, {}).preview()
    folder = write(tmp_path / "another", PROTECTED)
    assert stack_factory(folder, {}).preview().create == 1
