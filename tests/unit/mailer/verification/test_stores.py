"""Where a mailer keeps codes and links if nothing else is said."""

from pathlib import Path

import pytest

from mailer import Mailer, SqlStores
from mailer.secret_keys import new_key
from mailer.stores.dynamodb.tokens import DynamoDBTokens
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.sql.tokens import SqlTokens
from mailer.testing.outbox import Outbox
from mailer.testing.outputs import stack_outputs
from mailer.verification.keys import VerificationKeys
from mailer.verification.policy import SIGN_IN
from mailer.verification.service import Verification
from tests.contract.suppression_store import NOW

from .kit import ADA


@pytest.fixture(autouse=True)
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILSTACK_STORE", raising=False)


def test_mailer_of_a_stack_keeps_tokens_in_its_table():
    assert isinstance(Mailer(stack_outputs(), transport=Outbox()).tokens, DynamoDBTokens)


def test_mailer_without_a_stack_keeps_tokens_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}")
    mailers = [
        Mailer.local(tmp_path, console=False),
        Mailer.over(Outbox(), sender="no-reply@example.com"),
        Mailer.from_stack("prod"),
        Outbox().mailer,
    ]
    assert [type(mailer.tokens) for mailer in mailers] == [MemoryTokens] * 4
    assert all(mailer.tokens is mailer.tokens for mailer in mailers)


def test_mailer_with_a_sql_store_keeps_tokens_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    url = f"sqlite:///{tmp_path}/mail.db"
    monkeypatch.setenv("MAILSTACK_OUTPUTS", f"local://{tmp_path}")
    mailers = [Mailer.local(tmp_path, store=url, console=False), Mailer.from_stack("prod", store=url)]
    monkeypatch.setenv("MAILSTACK_STORE", url)
    mailers.append(Mailer.over(Outbox(), sender="no-reply@example.com"))
    assert [type(mailer.tokens) for mailer in mailers] == [SqlTokens] * 3
    for mailer in mailers:
        mailer.close()


def test_verification_uses_the_store_of_its_mailer(tmp_path: Path):
    with SqlStores(f"sqlite:///{tmp_path}/mail.db", keys=()) as stores:
        mailer = Mailer.local(tmp_path, store=stores, console=False)
        verification = Verification(mailer, keys=VerificationKeys.parse([new_key()]))
        assert verification.send_code(SIGN_IN, ADA).ok
        verification.close()
        assert [one.address for one in stores.tokens.events(since=NOW.replace(year=2000))] == [ADA]
