"""The pytest plugin: the fixtures `outbox` and `ses`. It is loaded in every run, so it imports nothing until asked."""

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.testing.outbox import Outbox
    from mailer.testing.ses import Cloud, Ses

_NEEDED = ("mailstack_localcloud", "ministack", "httptools", "aiosmtpd")
# What would lead the application's AWS clients elsewhere.
_MISLEADING = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SESV2", "AWS_ENDPOINT_URL_DYNAMODB")
# Where warnings are errors, those of the server in this process are still its own matter.
_SERVERS = r"(mailstack_localcloud|ministack|hypercorn|h11|aiosmtpd)(\.|$)"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting `mailstack_cloud`."""
    parser.addini(
        "mailstack_cloud", "where SES runs for the fixture `ses`: inside (this process) or child", default="inside"
    )


@pytest.fixture
def outbox() -> "Outbox":
    """A transport that keeps what it is given, and `outbox.mailer`, whose mail ends there. No cloud, no network."""
    from mailer.testing.outbox import Outbox

    return Outbox()


@pytest.fixture
def ses(_mailstack_cloud: "Cloud", monkeypatch: pytest.MonkeyPatch) -> "Iterator[Ses]":
    """SES on this machine, empty but for a verified domain; the application's AWS clients find it by themselves.

    For the time of the test, the environment names the local cloud and the outputs of the stack `test`, so that
    `Mailer.from_stack("test")` and every boto3 client that is made in it reach nothing else. A client that would reach
    the real AWS all the same is refused, and fails the test.
    """
    from mailer.stack import VARIABLE
    from mailer.testing.guard import Guard
    from mailer.testing.ses import Ses

    prepared = Ses(_mailstack_cloud)
    for name in _MISLEADING:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**_mailstack_cloud.environment(), VARIABLE: prepared.outputs.to_json()}.items():
        monkeypatch.setenv(name, value)
    # pytest forgets it after the test, as every filter.
    warnings.filterwarnings("ignore", module=_SERVERS)
    guard = Guard()
    guard.install(monkeypatch)
    yield prepared
    guard.check()


@pytest.fixture(scope="session")
def _mailstack_cloud(pytestconfig: pytest.Config) -> "Iterator[Cloud]":
    """One local cloud for the whole run, or for each of its workers; started with the first test that needs it."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        from mailer.install import install_command

        pytest.fail(
            f"The fixture `ses` runs SES on this machine and needs {', '.join(missing)}: {install_command('testing')}",
            pytrace=False,
        )
    # By name: the library must not depend on the emulator, which is there only where its extra was installed.
    localcloud = import_module("mailstack_localcloud")
    try:
        inside = pytestconfig.getini("mailstack_cloud") == "inside"
        started = localcloud.LocalCloud.inside() if inside else localcloud.LocalCloud.start()
    except localcloud.LocalCloudError:  # pytest runs inside pytest, and the outer one has the process's only one
        started = localcloud.LocalCloud.start()
    with started as cloud:
        yield cloud
