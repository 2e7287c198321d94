"""The real CLI does what every engine must."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from localcloud.tests.engine_suite import EngineSuite, StackFactory
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import Stack

pytestmark = pytest.mark.e2e


class TestCli(EngineSuite):
    @pytest.fixture
    def stack_factory(self, cloud: LocalCloud, pulumi: Path, tmp_path: Path) -> Iterator[StackFactory]:
        stacks: list[CliStack] = []

        def opened(folder: Path, config: Mapping[str, str], secrets: Mapping[str, str] = MappingProxyType({})) -> Stack:
            state = tmp_path / "state"
            stack = CliStack(
                folder,
                "dev",
                config=config,
                secrets=secrets,
                environment=cloud.environment(),
                state=state,
                pulumi=pulumi,
            )
            stacks.append(stack)
            return stack

        yield opened
        for stack in stacks:
            stack.close()
