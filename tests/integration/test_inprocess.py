"""The in-process engine does what every engine must, and says what it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from localcloud import LocalCloud
from localcloud.pulumi.inprocess import InProcessStack
from localcloud.pulumi.stack import DeploymentError, Stack
from tests.engine_suite import PROTECTED, EngineSuite, StackFactory, write

pytestmark = pytest.mark.integration
REMOTE = """
import pulumi
pulumi.ComponentResource("tiny:index:Far", "far", remote=True)
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


def test_it_says_that_it_is_a_test_engine(tmp_path: Path):
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


def test_what_it_cannot_do_it_refuses_in_a_sentence(stack_factory: StackFactory, tmp_path: Path):
    with pytest.raises(DeploymentError, match="tiny:index:Far 'far': the in-process engine runs no remote components"):
        stack_factory(write(tmp_path / "project", REMOTE), {}).up()


def test_without_a_local_endpoint_nothing_is_sent(tmp_path: Path):
    folder = write(tmp_path / "project", PROTECTED)
    elsewhere = {"AWS_ENDPOINT_URL": "https://sns.us-east-1.amazonaws.com", "AWS_REGION": "us-east-1"}
    with pytest.raises(DeploymentError, match="never speaks to AWS itself"):
        InProcessStack(folder, "dev", state=tmp_path / "state.json", environment=elsewhere).up()
