"""The first day of a new account: the sandbox, a domain that is not verified, pagers that have not confirmed."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailer.cli import main
from mailer.stack import StackOutputs
from mailstack_localcloud import LocalCloud
from tests.integration.infra.test_access import ADA, send, signed
from tests.integration.infra.test_options import Program

pytestmark = pytest.mark.integration
DOMAIN = "example.test"
# Many new accounts have a limit of ten concurrent executions, in which AWS refuses every reservation.
OPTIONS: dict[str, Any] = {
    "domain": DOMAIN,
    "dns": "none",  # others publish the records later
    "page": ["oncall@example.com"],
    "access": {"services": ["ecs"]},
    "functionConcurrency": 2,
}


@pytest.fixture
def program(cloud: LocalCloud, tmp_path: Path) -> Program:
    cloud.control("PUT", "account", {"production_access": False, "verify_at_once": False})
    return Program(cloud, tmp_path / "state.json")


def application(program: Program, outputs: StackOutputs) -> Any:
    """SES with the credentials of the application's role."""
    sts = program.cloud.client("sts")
    taken = sts.assume_role(RoleArn=outputs.roles["ecs"], RoleSessionName="shop")["Credentials"]
    return signed(program, "sesv2", taken)


def refusal(ses: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        send(ses)
    error = caught.value.response["Error"]
    return error.get("Code", ""), error.get("Message", "")


def verify(program: Program, identity: str) -> None:
    """What the owner of an identity does: publish its records, or follow the link."""
    program.cloud.control("POST", f"identities/{identity}/verify")


def test_application_sends_after_the_documented_steps(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stack = program.deploy(**OPTIONS)
    outputs = StackOutputs.model_validate(stack.outputs["outputs"])
    ses = application(program, outputs)
    code, message = refusal(ses)
    assert code == "MessageRejected"
    assert "not verified" in message

    for name, value in {**program.cloud.environment(), "MAILSTACK_OUTPUTS": outputs.to_json()}.items():
        monkeypatch.setenv(name, value)
    assert main(["status", "--stack", "local"]) == 0
    told = capsys.readouterr().out
    assert "publish the records that `mailer dns` shows" in told
    assert "aws sesv2 create-email-identity --email-identity RECIPIENT" in told
    assert "nobody is paged" in told
    assert "pulumi up --refresh" in told

    verify(program, DOMAIN)
    code, message = refusal(ses)
    assert (code, ADA in message) == ("MessageRejected", True)

    program.cloud.client("sesv2").create_email_identity(EmailIdentity=ADA)
    verify(program, ADA)
    assert send(ses), "SES also authorizes the recipient's identity in the sandbox"
    assert not program.stack(**OPTIONS).up().any


def test_no_function_reserves_concurrency(program: Program):
    stack = program.deploy(**OPTIONS)
    functions = program.cloud.client("lambda")
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    assert len(names) == 3
    for name in names:
        assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName=name)
        (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        assert mapping.get("ScalingConfig") == {"MaximumConcurrency": 2}
    stack.destroy()
