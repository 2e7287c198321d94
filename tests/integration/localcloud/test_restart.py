"""A deployed stack outlives its local cloud: after a restart nothing differs, and a bounce closes the loop."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailer.catalog import VerificationCode
from mailer.mailer import Mailer
from mailer.results import Status
from mailer.stack import StackOutputs
from mailer.stores.dynamodb.suppressions import DynamoDBSuppressions
from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.inprocess import InProcessStack
from tests.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
CODE = VerificationCode(code="424242")
GONE = "ada@gone.test"


def deployed(cloud: LocalCloud, state: Path) -> InProcessStack:
    return InProcessStack(ROOT, "local", state=state, config={}, environment=cloud.environment())


def test_a_stack_is_whole_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept: dict[str, Any] = {"state": tmp_path / "cloud"}
    with LocalCloud.start(**kept) as cloud:
        kept["port"] = urlsplit(cloud.endpoint).port
        cloud.client("route53").create_hosted_zone(Name="example.test", CallerReference="restart")
        deployed(cloud, tmp_path / "stack.json").up()
        cloud.control("PUT", "recipients/*@gone.test", {"outcome": "bounce"})
    with LocalCloud.start(**kept) as cloud:
        stack = deployed(cloud, tmp_path / "stack.json")
        changes = stack.refresh()
        assert not changes.any, changes.names
        assert not stack.up().any
        for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": ""}.items():
            monkeypatch.setenv(name, value)
        table = StackOutputs.model_validate(stack.outputs["outputs"]).table
        suppressions = DynamoDBSuppressions(table, cloud.client("dynamodb"))
        mailer = Mailer.from_stack("local")
        assert mailer.send(CODE, to=GONE).ok
        eventually(lambda: suppressions.get_many([GONE]), "no suppression of an address that bounced")
        (one,) = mailer.send(CODE, to=GONE)
        assert one.status is Status.SUPPRESSED
