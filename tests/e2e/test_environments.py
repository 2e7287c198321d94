"""Development and production in one account, under the real CLI with the policy pack on, gone in either order."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import DeploymentError
from tests.e2e.inventory import inventory

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PACK = ROOT / "infra" / "policy"
ZONES = ("example.com", "dev.example.com")

Open = Callable[..., CliStack]


@pytest.fixture
def opened(cloud: LocalCloud, pulumi: Path, tmp_path: Path) -> Open:
    """Opens an environment as its file in the repository says, and as `config` changes that."""
    for zone in ZONES:
        cloud.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)

    def opened(name: str, *, packs: tuple[Path, ...] = (PACK,), **config: str) -> CliStack:
        changed = {f"mailstack:{key}": value for key, value in config.items()}
        return CliStack(
            ROOT,
            name,
            config=changed,
            environment=cloud.environment(),
            pulumi=pulumi,
            state=tmp_path / "state",
            policy_packs=packs,
        )

    return opened


@pytest.mark.parametrize("order", [("dev", "prod"), ("prod", "dev")], ids="-".join)
def test_two_environments_share_an_account_and_leave_nothing(cloud: LocalCloud, opened: Open, order: tuple[str, str]):
    before = inventory(cloud.client)
    for name in ("dev", "prod"):
        deploy_and_look_again(opened, name)
    for name in order:
        destroy(opened, name)
    assert inventory(cloud.client) == before


def deploy_and_look_again(opened: Open, name: str) -> None:
    with opened(name) as stack:
        assert stack.up().create > 40
        assert not stack.up().any
        assert not stack.refresh().any
        outputs = StackOutputs.model_validate(stack.outputs["outputs"])
        assert outputs.domain == {"dev": "dev.example.com", "prod": "example.com"}[name]


def destroy(opened: Open, name: str) -> None:
    if name == "prod":
        with opened(name) as stack, pytest.raises(DeploymentError, match="protected"):
            stack.destroy()
        with opened(name, packs=(), protect="false") as stack:
            stack.up()
    with opened(name, packs=(), protect="false") as stack:
        stack.destroy()
