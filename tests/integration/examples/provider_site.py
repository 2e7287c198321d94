"""The example of a mail service on a port of this machine, with a database of its own in a real PostgreSQL."""

import itertools
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn

from examples.ses_provider.__main__ import environment
from examples.ses_provider.app import create_app
from examples.ses_provider.settings import Provider, Settings
from examples.ses_provider.subscription import subscribed
from mailer.testing import Ses
from mailstack_localcloud import LocalCloud
from tests.integration.examples.subscriptions import is_subscribed
from tests.postgresql import PostgreSQL
from tests.waiting import PATIENCE, eventually

_NUMBERS = itertools.count()


class Service:
    """The service's address, and a program that uses it."""

    def __init__(self, ses: Ses, variables: dict[str, str], port: int) -> None:
        self.ses, self.variables, self.port = ses, variables, port
        self.url = f"http://127.0.0.1:{port}"
        self.settings = Settings.from_environment(variables)

    def send(self, *to: str, key: str = "", idempotency: str = "", **values: Any) -> httpx.Response:
        """Send a mail, as a caller does."""
        headers = {"authorization": f"Bearer {key or self.settings.callers[0]}"}
        headers |= {"idempotency-key": idempotency} if idempotency else {}
        mail = {"to": to, "subject": "Hello", "text": "Hello", **values}
        return httpx.post(f"{self.url}/api/mails", json=mail, headers=headers, timeout=PATIENCE)

    def statuses(self, *to: str) -> list[str]:
        """Send a mail, and return what became of it for each recipient."""
        answer = self.send(*to)
        return [one["status"] for one in answer.json()["recipients"]]

    def metrics(self, path: str, method: str = "GET", *, admin: bool = False, key: str = "") -> httpx.Response:
        """Ask the metrics API."""
        key = key or self.variables["MAILSTACK_METRICS_ADMIN_KEYS" if admin else "MAILSTACK_METRICS_KEYS"]
        url = f"{self.url}/api/metrics/email/{path}"
        return httpx.request(method, url, headers={"authorization": f"Bearer {key}"}, timeout=PATIENCE)

    def counters(self) -> str:
        """What Prometheus gets."""
        return httpx.get(f"{self.url}/metrics/", timeout=PATIENCE).text

    def await_subscription(self) -> None:
        """Wait until the webhook has confirmed its subscription."""
        eventually(lambda: is_subscribed(self.ses), "no subscription")


@contextmanager
def service_on(
    cloud: LocalCloud,
    postgresql: PostgreSQL,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str = "aws_ses",
    **changed: str,
) -> Generator[Service]:
    """The service, running, on an empty local cloud and an empty database."""
    ses, name = Ses(cloud), f"provider_{os.getpid()}_{next(_NUMBERS)}"
    postgresql.execute(f"CREATE DATABASE {name}")
    variables = environment(ses, postgresql.url.removesuffix("postgres") + name, provider, str(folder / "mails"))
    for key, value in {**variables, **changed}.items():
        monkeypatch.setenv(key, value) if value else monkeypatch.delenv(key, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    try:
        with running(Service(ses, {**variables, **changed}, port)) as service:
            yield service
    finally:
        postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(service: Service) -> Generator[Service]:
    """Serve it in a thread; with SES, subscribe its webhook."""
    server = uvicorn.Server(uvicorn.Config(create_app(service.settings), port=service.port, log_level="critical"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, "the service does not start")
        if service.settings.provider is not Provider.AWS_SES:
            yield service
            return
        with subscribed(service.ses, service.url, lambda: server.started):
            service.await_subscription()
            yield service
    finally:
        server.should_exit = True
        thread.join()
