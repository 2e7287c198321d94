"""A Prometheus of one's own for tests, on 127.0.0.1: it scrapes one address and evaluates rules."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.processes import child
from tests.system import require_tool
from tests.waiting import PATIENCE, eventually


class Prometheus:
    """A server that runs."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._root}/-/ready", timeout=PATIENCE) as answer:  # noqa: S310 - our own
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def api(self, path: str, **query: str) -> Any:
        """What the HTTP API answers: https://prometheus.io/docs/prometheus/latest/querying/api/"""
        url = f"{self._root}/api/v1/{path}?{urlencode(query)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - our own
            return json.loads(answer.read())["data"]

    def value(self, expression: str) -> float | None:
        """The value of an expression with one result; None where it has none."""
        found = self.api("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def alerts(self) -> dict[str, str]:
        """The state of each alert that is pending or firing."""
        return {one["labels"]["alertname"]: one["state"] for one in self.api("alerts")["alerts"]}


@contextmanager
def running(folder: Path, target: str, rules: Iterable[Path]) -> Generator[Prometheus]:
    """A server that scrapes an address every second and evaluates the rules as often."""
    config = folder / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(rule) for rule in rules],
                "scrape_configs": [{"job_name": "mail", "static_configs": [{"targets": [target]}]}],
            }
        )
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [
        require_tool("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with child(subprocess.Popen(command, cwd=folder)):
        server = Prometheus(port)
        eventually(server.is_ready, "Prometheus did not start.")
        yield server
