"""The lines of `localcloud pulumi-plugin`, in a real shell."""

import subprocess
import sys
from pathlib import Path

import pytest

from mailstack_localcloud.pulumi.shell import prepare

ENDPOINT = "http://127.0.0.1:4599"
MISLEADING = {"AWS_PROFILE": "prod", "PULUMI_ACCESS_TOKEN": "", "PULUMI_STACK": "prod"}
COMMAND = [sys.executable, "-m", "mailstack_localcloud", "pulumi-plugin"]


def shell(lines: str, command: str, **environment: str) -> str:
    ran = subprocess.run(
        ["sh"], input=f"{lines}\n{command}", env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_the_shell_points_at_the_local_cloud_and_keeps_the_rest(tmp_path: Path):
    environ = {"PATH": "/usr/bin:/bin", "EDITOR": "vi", "AWS_REGION": "eu-west-1", **MISLEADING}
    lines = prepare(tmp_path / "a folder", ENDPOINT, "us-east-1", environ)
    seen = dict(line.split("=", 1) for line in shell(lines, "env", **environ).splitlines())
    assert not MISLEADING.keys() & seen.keys()
    assert (seen["AWS_ENDPOINT_URL"], seen["AWS_REGION"], seen["EDITOR"]) == (ENDPOINT, "us-east-1", "vi")
    assert seen["PULUMI_BACKEND_URL"] == (tmp_path / "a folder" / "state").as_uri()
    assert seen["PULUMI_HOME"] == str(tmp_path / "a folder" / "home")
    assert seen["PATH"].endswith(":/usr/bin:/bin")


def test_the_plugin_is_found_on_the_path_of_the_shell(tmp_path: Path):
    environ = {"PATH": "/usr/bin:/bin"}
    lines = prepare(tmp_path / "a folder", ENDPOINT, "us-east-1", environ)
    found = Path(shell(lines, "command -v pulumi-resource-aws", **environ).strip())
    assert found == tmp_path / "a folder" / "bin" / "pulumi-resource-aws"


@pytest.mark.parametrize(
    ("variable", "endpoint"), [({"AWS_ENDPOINT_URL": ENDPOINT}, ENDPOINT), ({}, "http://127.0.0.1:4566")]
)
def test_endpoint_from_environment_or_default(variable: dict[str, str], endpoint: str, tmp_path: Path):
    ran = subprocess.run(
        [*COMMAND, str(tmp_path)],
        env=variable,
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"export AWS_ENDPOINT_URL={endpoint}\n" in ran.stdout
