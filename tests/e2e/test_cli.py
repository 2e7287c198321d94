"""The real CLI as a stack, proved with programs of a few lines."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import Changes, DeploymentError

pytestmark = pytest.mark.e2e

Project = Callable[..., Path]

SETTINGS = """
import os
import pulumi

config = pulumi.Config()
pulumi.export("domain", config.require("domain"))
pulumi.export("labels", config.require_object("labels"))
pulumi.export("secret", pulumi.Output.secret("plain"))
pulumi.export("stack", pulumi.get_stack())
pulumi.export("seen", sorted(name for name in os.environ if name.startswith("AWS_")))
"""
SECRETS = """
import pulumi

config = pulumi.Config()
pulumi.export("key", config.require_secret("key"))
pulumi.export("closed", config.require_secret_object("object").apply(lambda found: found["closed"]))
"""
# Written by `pulumi config set --secret` of v3.259.0, passphrase "correct horse".
ENCRYPTED = """
encryptionsalt: v1:MFsWxTb1mJM=:v1:jZAg3Tbq1QaHgvaD:h8/5ELzqIZqPidw9ymG3sdRH8624HQ==
config:
  tiny:key: {secure: "v1:Aml2+Hd6NtMvzdD9:WXDEXFTEd1pJHE87tk4CSuelr7iZHP0FLJ8S"}
  tiny:object: {closed: {secure: "v1:y6kqnJAYt02fQoP+:tPfmMr9g3EH4Bn2XOe4xiosbiZvWbA=="}, open: x}
"""
STACK_FILE = "config:\n  tiny:domain: example.org\n  tiny:labels: {team: mail}\n"
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

def refuse(args, report):
    if any(resource.resource_type == "tiny:index:Thing" for resource in args.resources):
        report("no Thing may be deployed")

PolicyPack("small", policies=[StackValidationPolicy(
    name="no-things", description="Refuses every Thing.", enforcement_level=EnforcementLevel.MANDATORY, validate=refuse,
)])
"""
SUBSCRIPTION = """
import pulumi_aws as aws

arn = "arn:aws:sqs:us-east-1:000000000000:nowhere"
aws.sns.TopicSubscription("nowhere", topic=arn.replace("sqs", "sns"), protocol="sqs", endpoint=arn)
"""
THING = """
import pulumi

pulumi.ComponentResource("tiny:index:Thing", "thing")
"""


def stack_of(project: Path, pulumi: Path, **options: object) -> CliStack:
    settings: dict[str, object] = {"config": {}, "environment": {}, **options}
    return CliStack(project, "dev", pulumi=pulumi, **settings)  # pyright: ignore[reportArgumentType]


def contents(folder: Path) -> dict[Path, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file: file.read_bytes() for file in files}


def test_given_settings_override_the_stack_file(pulumi: Path, write_project: Project):
    project = write_project(SETTINGS, stack_file=STACK_FILE)
    with stack_of(project, pulumi, config={"domain": "example.com"}, environment={"AWS_REGION": "eu-west-1"}) as stack:
        assert stack.preview() == Changes()
        assert stack.outputs == {}
        assert stack.up() == Changes()
        assert stack.outputs == {
            "domain": "example.com",
            "labels": {"team": "mail"},
            "secret": "plain",
            "stack": "dev",
            "seen": ["AWS_REGION"],
        }
        assert stack.refresh() == Changes()
        assert stack.destroy() == Changes()
        assert stack.engine.startswith("pulumi v3.")


def test_the_callers_own_aws_and_pulumi_settings_reach_nothing(
    pulumi: Path, write_project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
    with stack_of(write_project(SETTINGS, stack_file=STACK_FILE), pulumi) as stack:
        stack.up()
        assert stack.outputs["seen"] == []


def test_the_project_is_left_as_it_was(pulumi: Path, write_project: Project):
    project = write_project(SETTINGS, stack_file=STACK_FILE)
    before = contents(project)
    with stack_of(project, pulumi, config={"domain": "example.com"}) as stack:
        stack.up()
    assert contents(project) == before


def test_salt_of_another_backend_in_the_stack_file_is_ignored(pulumi: Path, write_project: Project):
    salted = f"encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n{STACK_FILE}"
    with stack_of(write_project(SETTINGS, stack_file=salted), pulumi) as stack:
        assert stack.preview() == Changes()


def test_secrets_of_another_backend_open_with_its_passphrase(pulumi: Path, write_project: Project):
    with stack_of(
        write_project(SECRETS, stack_file=ENCRYPTED), pulumi, environment={"PULUMI_CONFIG_PASSPHRASE": "correct horse"}
    ) as stack:
        stack.up()
        assert stack.outputs == {"key": "open sesame", "closed": "hidden"}
        assert stack.secrets == {"key", "closed"}


def test_hanging_operation_ends_with_its_last_output(
    pulumi: Path, write_project: Project, monkeypatch: pytest.MonkeyPatch
):
    project = write_project("import time\nprint('still here', flush=True)\ntime.sleep(3600)\n")

    def is_told(seconds: int) -> bool:
        monkeypatch.setattr("mailstack_localcloud.pulumi.cli.SECONDS_TO_FINISH", seconds)
        with pytest.raises(DeploymentError, match=f"pulumi preview had not ended after {seconds} s;") as caught:
            stack.preview()
        return "still here" in str(caught.value)

    with stack_of(project, pulumi) as stack:  # a slow machine needs longer to come so far
        assert any(map(is_told, (3, 10, 30, 100, 300)))


def test_a_given_state_folder_outlives_the_stack(pulumi: Path, write_project: Project, tmp_path: Path):
    project = write_project(SETTINGS, stack_file=STACK_FILE)
    with stack_of(project, pulumi, state=tmp_path / "state") as stack:
        stack.up()
    assert list((tmp_path / "state").rglob("dev.json"))
    with stack_of(project, pulumi, state=tmp_path / "state") as stack:
        assert stack.up() == Changes()


def test_exception_of_a_program_is_shown(pulumi: Path, write_project: Project):
    project = write_project("raise ValueError('the domain is missing')\n")
    with stack_of(project, pulumi) as stack, pytest.raises(DeploymentError) as caught:
        stack.up()
    assert str(caught.value).startswith("pulumi up of stack 'dev' failed: Program failed with an unhandled exception")
    assert "ValueError: the domain is missing" in str(caught.value)
    assert "code: " not in str(caught.value)


def test_cloud_error_names_the_resource_once_with_its_reason(pulumi: Path, write_project: Project):
    project = write_project(SUBSCRIPTION)
    with (
        LocalCloud.start() as cloud,
        stack_of(project, pulumi, environment=cloud.environment()) as stack,
        pytest.raises(DeploymentError) as caught,
    ):
        stack.up()
    message = str(caught.value)
    assert message.count("aws:sns/topicSubscription:TopicSubscription") == 1
    assert "nowhere" in message
    assert "Topic does not exist" in message


def test_missing_program_is_an_error_that_names_it(pulumi: Path, write_project: Project):
    project = write_project("")
    (project / "program" / "__main__.py").unlink()
    with stack_of(project, pulumi) as stack, pytest.raises(DeploymentError, match=r"unable to find main.*program"):
        stack.preview()


def test_policy_pack_runs_through_the_language_host(pulumi: Path, write_project: Project, tmp_path: Path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
    (pack / "__main__.py").write_text(PACK)
    with (
        stack_of(write_project(THING), pulumi, policy_packs=[pack]) as stack,
        pytest.raises(DeploymentError, match="no Thing may be deployed"),
    ):
        stack.preview()
    with stack_of(
        write_project(SETTINGS, name="other", stack_file=STACK_FILE.replace("tiny", "other")),
        pulumi,
        policy_packs=[pack],
    ) as stack:
        assert stack.preview() == Changes()
