"""`mailer verification`: what it lists, deletes and prints."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mailer.cli import main
from mailer.stores.base import utcnow
from mailer.stores.sql.stores import SqlStores
from mailer.stores.tokens import AUDIT, TokenEvent
from mailer.testing.outputs import stack_outputs
from mailstack_localcloud import LocalCloud
from tests.contract.token_store import TOKEN
from tests.integration.tables import new_table

NOW = utcnow()
RECENT = replace(
    TOKEN, issued_at=NOW - timedelta(hours=2), expires_at=NOW + timedelta(hours=1), account="eve@example.net"
)
OLD = replace(
    RECENT, id="ff" * 32, serial="f" * 32, address="bob@example.org", issued_at=NOW - AUDIT, expires_at=NOW - AUDIT
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/mail.db"
    with SqlStores(url, keys=()) as stores:
        stores.tokens.put(RECENT)
        stores.tokens.put(OLD)
        stores.tokens.record(TokenEvent.of(RECENT, "failed", NOW - timedelta(hours=1), "wrong"))
        stores.tokens.use(RECENT, at=NOW, by="asking")
    return url


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    assert main(["verification", "list", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list_shows_events_newest_first_with_masked_addresses(url: str, capsys: pytest.CaptureFixture[str]):
    rows = listed(capsys, "--store", url)
    assert [row["action"] for row in rows] == ["used", "failed", "issued"]
    assert rows[1] == {
        "at": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "action": "failed",
        "kind": "code",
        "purpose": "sign-in",
        "address": "a***@example.org",
        "account": "e***@example.net",
        "token": TOKEN.serial[:8],
        "detail": "wrong",
    }


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--hours", "1000"], 4),
        (["--hours", "1000", "--address", "Bob@Example.org"], 1),
        (["--action", "failed"], 1),
        (["--purpose", "sign-up"], 0),
        (["--limit", "2"], 2),
    ],
)
def test_list_chooses(url: str, capsys: pytest.CaptureFixture[str], arguments: list[str], count: int):
    assert len(listed(capsys, "--store", url, *arguments)) == count


def test_list_for_people_says_what_is_left_out(url: str, capsys: pytest.CaptureFixture[str]):
    assert main(["verification", "list", "--store", url, "--limit", "1"]) == 0
    assert "raise --limit" in capsys.readouterr().out
    assert main(["verification", "list", "--store", url, "--purpose", "sign-up"]) == 0
    assert capsys.readouterr().out == "Nothing was issued or used.\n"


def test_purge_deletes_what_is_not_needed(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MAILSTACK_STORE", url)
    assert main(["verification", "purge", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tokens": 1, "limits": 0, "events": 1}
    assert main(["verification", "purge"]) == 0
    assert "0 deleted" in capsys.readouterr().out


def test_new_key_is_32_bytes_in_base64(capsys: pytest.CaptureFixture[str]):
    assert main(["verification", "new-key"]) == 0
    assert len(base64.b64decode(capsys.readouterr().out.strip(), validate=True)) == 32


def test_wrong_address_is_a_usage_error(url: str, capsys: pytest.CaptureFixture[str]):
    assert main(["verification", "list", "--store", url, "--address", "ada"]) == 2
    assert "mailer: " in capsys.readouterr().err


@pytest.mark.integration
def test_without_a_sql_store_the_stack_s_table_is_read(
    cloud: LocalCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from mailer.stores.dynamodb.tokens import DynamoDBTokens

    client = cloud.client("dynamodb")
    store = DynamoDBTokens(new_table(client), client)
    store.put(RECENT)
    outputs = stack_outputs().model_copy(update={"table": store._table.name, "region": cloud.region})
    for name, value in {**cloud.environment(), "MAILSTACK_OUTPUTS": outputs.to_json()}.items():
        monkeypatch.setenv(name, value)
    assert [row["action"] for row in listed(capsys)] == ["issued"]
    assert main(["verification", "purge", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tokens": 0, "limits": 0, "events": 0}
