"""`pulumi` typed into a shell deploys to a running local cloud, after one command: `localcloud pulumi-plugin`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from tests.e2e.inventory import inventory
from tests.e2e.terminal import ROOT
from tests.waiting import PATIENCE

pytestmark = pytest.mark.e2e

GUIDE = ROOT / "docs" / "guides" / "deploying.md"
# What is made here, and what belongs to no program: the copy is small.
LEFT_OUT = (".*", "tests", "docs", "benchmarks", "demo", "dist", "__pycache__")


def commands(heading: str) -> str:
    """The first block of shell under a heading of the guide."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    found = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which `make install` was run, as far as the program needs it."""
    folder = Path(shutil.copytree(ROOT, tmp_path / "clone", ignore=shutil.ignore_patterns(*LEFT_OUT)))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def test_the_guides_commands_deploy_to_a_running_local_cloud(cloud: LocalCloud, pulumi: Path, clone: Path):
    before = inventory(cloud.client)
    path = os.pathsep.join((str(pulumi.parent), os.environ["PATH"]))
    # A shell's own settings, which lead elsewhere; the guide says the usual port, and this local cloud has another.
    environment = {"PATH": path, "HOME": str(clone), "AWS_PROFILE": "prod", "AWS_ENDPOINT_URL": cloud.endpoint}
    typed = f"set -eu\n{commands('Local cloud')}pulumi --non-interactive destroy --yes\n"
    limit = PATIENCE * typed.count("pulumi ")
    ran = subprocess.run(
        ["bash"], input=typed, cwd=clone, env=environment, capture_output=True, text=True, timeout=limit, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert '"domain": "example.test"' in ran.stdout
    zones = cloud.client("route53").list_hosted_zones()["HostedZones"]
    for zone in zones:
        cloud.client("route53").delete_hosted_zone(Id=zone["Id"])
    assert inventory(cloud.client) == before
