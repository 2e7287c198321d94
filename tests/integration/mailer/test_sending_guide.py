"""docs/sending.md runs as it is written: its files are put in place, its Python is executed, in order."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from mailer import Status
from mailer.cli import main
from mailstack_localcloud import LocalCloud
from tests.integration.tables import new_table
from tests.unit.mailer.stack_outputs import SET, outputs

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).parents[3] / "docs" / "sending.md"
_BLOCK = re.compile(r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_guide_runs(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    ses = cloud.client("sesv2")
    for domain in ("example.test", "example.com"):
        ses.create_email_identity(EmailIdentity=domain)
        cloud.control("POST", f"identities/{domain}/verify")
    ses.create_email_template(TemplateName="welcome", TemplateContent={"Subject": "Hi {{name}}", "Text": "{{name}}"})
    ses.create_configuration_set(ConfigurationSetName=SET)
    ses.create_tenant(TenantName="mailstack-prod-acme")
    for resource in ("identity/example.test", f"configuration-set/{SET}"):
        arn = f"arn:aws:ses:us-east-1:000000000000:{resource}"
        ses.create_tenant_resource_association(TenantName="mailstack-prod-acme", ResourceArn=arn)
    stack = outputs(new_table(cloud.client("dynamodb"))).model_copy(update={"stack": "prod"})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": stack.to_json()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(tmp_path)

    blocks = [match.groupdict() for match in _BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]
    shared: dict[str, Any] = {}
    for block in blocks:
        if block["file"]:
            path = tmp_path / block["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block["code"], encoding="utf-8")
        elif block["kind"] == "python":
            exec(compile(block["code"], str(GUIDE), "exec"), shared)  # noqa: S102 - our own guide

    kept = cloud.control("GET", "messages")["messages"]
    subjects = [mail["subject"] for mail in kept]
    welcome = "Welcome to example.test"
    assert subjects == ["Order 7 is on its way", welcome, "Hello", "Hi Ada", welcome, "Your invoice", welcome]
    assert main(["templates", "compile", str(tmp_path / "shop")]) == 0
    assert "Follow the parcel" in (tmp_path / "shop" / "order_shipped.html").read_text(encoding="utf-8")
    for name in ("shop", "shop.mails"):
        sys.modules.pop(name, None)


def test_the_guide_names_every_status():
    text = GUIDE.read_text(encoding="utf-8")
    assert [status for status in Status if f"| `{status}` |" not in text] == []
