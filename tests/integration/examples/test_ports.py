"""A port that another program uses: each example says so before it starts anything."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "example", ["django_moderation", "django_subscriptions", "fastapi_invitations", "ses_provider"]
)
def test_port_in_use_is_refused_before_anything_starts(example: str):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", f"examples.{example}", "--port", port]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"port {port} cannot be used" in ran.stderr
    assert "Name another one: --port" in ran.stderr
