"""The policy pack under the real CLI, over programs of a few lines: what it sees only there, the exports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import DeploymentError

pytestmark = pytest.mark.e2e

PACK = Path(__file__).resolve().parents[2] / "infra" / "policy"


@pytest.mark.parametrize(
    "exported",
    ["{'smtp': {'password': 'sesame'}}", "pulumi.Output.secret('AKIAIOSFODNN7EXAMPLE')"],
    ids=["nested", "encrypted"],
)
def test_a_secret_among_the_exports_is_refused(pulumi: Path, write_project: Callable[..., Path], exported: str):
    project = write_project(f"import pulumi\npulumi.export('domain', 'example.com')\npulumi.export('x', {exported})\n")
    with (
        CliStack(project, "dev", pulumi=pulumi, config={}, environment={}, policy_packs=[PACK]) as stack,
        pytest.raises(DeploymentError, match=r"(?s)No secret is exported.*\nx(\.smtp\.password)? holds a secret"),
    ):
        stack.up()


def test_exports_without_a_secret_pass(pulumi: Path, write_project: Callable[..., Path]):
    project = write_project("import pulumi\npulumi.export('smtp_secret', 'mailstack-prod-smtp')\n")
    with CliStack(project, "dev", pulumi=pulumi, config={}, environment={}, policy_packs=[PACK]) as stack:
        stack.up()
        assert stack.outputs == {"smtp_secret": "mailstack-prod-smtp"}
