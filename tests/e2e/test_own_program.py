"""A team's own program, `examples/own_program/`, with mailstack installed from its wheel and the repository nowhere."""

import json
import shutil
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.e2e.inventory import inventory
from tests.e2e.terminal import ROOT, Terminal, build_wheel, made

pytestmark = pytest.mark.e2e

SEND = """
import json, mailer, mailstack_infra
from mailer import Mailer
from mailer.catalog import Welcome

welcome = Welcome(name="Ada", dashboard_url="https://app.example.com")
result = Mailer.from_stack("shop-dev").send(welcome, to="success@simulator.amazonses.com")
status = [recipient.status for recipient in result]
print(json.dumps([mailer.__file__, mailstack_infra.__file__, status, result.message_id]))
"""


def test_own_program_deploys_the_component_from_the_wheel(cloud: LocalCloud, pulumi: Path, tmp_path: Path):
    cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="own")
    before = inventory(cloud.client)
    wheel = build_wheel(made(tmp_path / "wheels"))
    environment = {**cloud.environment(), "MAILSTACK": wheel.as_uri()}
    terminal = Terminal(pulumi, tmp_path, environment)
    shop = Path(shutil.copytree(ROOT / "examples" / "own_program", tmp_path / "shop"))

    terminal.pulumi(shop, "stack", "init", "dev")
    terminal.pulumi(shop, "install")
    terminal.pulumi(shop, "up", "--yes", "--skip-preview")
    terminal.pulumi(shop, "up", "--yes", "--skip-preview", "--expect-no-changes")
    zips = {zipped.name for zipped in (shop / ".build").iterdir()}
    assert zips == {"account_monitor.zip", "feedback.zip", "sending_guard.zip"}

    outputs = json.loads(terminal.pulumi(shop, "stack", "output", "--json"))
    attached = cloud.client("iam").list_attached_role_policies(RoleName=outputs["web_role"])["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [outputs["sender_policy"]]
    python = shop / ".venv" / "bin" / "python"
    told = terminal.run(tmp_path, python, "-c", SEND, MAILSTACK_OUTPUTS=outputs["mailstack_outputs"])
    library, infrastructure, status, message = json.loads(told)
    assert all(Path(file).is_relative_to(shop / ".venv") for file in (library, infrastructure))
    assert status == ["sent"]
    sent = cloud.control("GET", f"messages/{message}")
    assert sent["source"] == "no-reply@example.com"

    terminal.pulumi(shop, "destroy", "--yes", "--skip-preview")
    assert inventory(cloud.client) == before
