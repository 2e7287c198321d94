"""DNS in another AWS account and secret settings under the real CLI: who publishes, and what its state shows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mailstack_localcloud import LocalCloud
from mailstack_localcloud.pulumi.cli import CliStack
from mailstack_localcloud.pulumi.stack import DeploymentError
from tests.integration.infra.accounts import (
    EXTERNAL_ID,
    ROLE,
    ROOT,
    THEIRS,
    Accounts,
    assert_only_records_are_theirs,
    credentials,
)

pytestmark = pytest.mark.e2e

Open = Callable[..., CliStack]
ACCESS = {"role": ROLE, "externalId": EXTERNAL_ID}


@pytest.fixture
def accounts(cloud: LocalCloud) -> Accounts:
    return Accounts(cloud)


@pytest.fixture
def opened(cloud: LocalCloud, pulumi: Path, tmp_path: Path) -> Open:
    def opened(
        *, secrets: dict[str, object] | None = None, environment: dict[str, str] | None = None, **options: object
    ) -> CliStack:
        given = {"domain": "example.test", "page": [], "protect": False, **options}
        return CliStack(
            ROOT,
            "dev",
            config={f"mailstack:{key}": text(value) for key, value in given.items()},
            secrets={f"mailstack:{key}": text(value) for key, value in (secrets or {}).items()},
            environment={**cloud.environment(), **(environment or {})},
            pulumi=pulumi,
            state=tmp_path / "state",
        )

    return opened


def text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def holding(folder: Path, word: str) -> list[str]:
    """The files of the state, its history and backups that hold a word in plain text."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any("_dmarc.example.test" in file.read_text(errors="replace") for file in files)
    return [str(file) for file in files if word in file.read_text(errors="replace")]


def test_secret_role_and_recipients_are_encrypted_in_the_state(accounts: Accounts, opened: Open, tmp_path: Path):
    secrets: dict[str, object] = {"dnsAccess": ACCESS, "allowedRecipients": ["ada.private@example.org"]}
    with opened(secrets=secrets, access={"smtp": {"keys": [1]}}) as stack:
        stack.preview()
        stack.up()
        assert_only_records_are_theirs(accounts)
        assert not stack.up().any
        assert not stack.refresh().any
        for word in ("ada.private", EXTERNAL_ID, ROLE):
            assert holding(tmp_path / "state", word) == []
            assert word not in json.dumps(stack.outputs, default=str)
        stack.destroy()
    assert accounts.published(THEIRS) == set()


def test_profile_publishes_and_other_zones_are_explained(accounts: Accounts, opened: Open, tmp_path: Path):
    with opened(environment=credentials(tmp_path), dnsAccess={"profile": "dns"}) as stack:
        stack.up()
        assert_only_records_are_theirs(accounts)
        stack.destroy()
    assert accounts.published(THEIRS) == set()


def test_role_with_another_external_id_changes_nothing(accounts: Accounts, opened: Open):
    secrets: dict[str, object] = {"dnsAccess": {"role": ROLE, "externalId": "another-2026"}}
    with opened(secrets=secrets) as stack, pytest.raises(DeploymentError) as caught:
        stack.up()
    assert "The lookup used the role [secret] of mailstack:dnsAccess" in str(caught.value)
    assert "another-2026" not in str(caught.value)
    assert not any(accounts.others("000000000000").values())
