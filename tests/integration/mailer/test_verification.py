"""Verification over real databases: many servers and threads at one token, and what a sender's role may do."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import boto3
import pytest

from mailer.errors import StoreError
from mailer.secret_keys import new_key
from mailer.stores.dynamodb.tokens import DynamoDBTokens
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.sql.stores import SqlStores
from mailer.stores.tokens import AUDIT, Limit, TokenStore
from mailer.testing import Ses
from mailer.verification.keys import VerificationKeys
from mailer.verification.policy import RESET_PASSWORD, SIGN_IN, SIGN_UP, Limits, Purpose
from mailer.verification.results import Outcome
from mailer.verification.service import Verification
from mailstack_infra.iam.statements import sender
from mailstack_localcloud import LocalCloud, LocalCloudError
from tests.contract.suppression_store import NOW
from tests.contract.token_store import HOURLY, TOKEN
from tests.integration.tables import new_table
from tests.postgresql import PostgreSQL
from tests.unit.mailer.verification.kit import ADA, BROWSER, URL, Kit

pytestmark = pytest.mark.integration
NUMBERS = count()
SERVERS, THREADS = 3, 12


@pytest.fixture
def url(postgresql: PostgreSQL) -> str:
    return f"{postgresql.url}?schema=verification_{next(NUMBERS)}"


@pytest.fixture
def servers(url: str) -> Iterator[tuple[Kit, list[TokenStore]]]:
    """Several servers with connections of their own to one database."""
    opened = [SqlStores(url, keys=()) for _ in range(SERVERS)]
    yield Kit(opened[0].tokens), [one.tokens for one in opened]
    for one in opened:
        one.close()


def at_once(stores: list[TokenStore], act: Callable[[TokenStore], object]) -> "Counter[object]":
    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(act, stores * 8))


def test_guesses_at_many_servers_get_three_comparisons(servers: tuple[Kit, list[TokenStore]]):
    kit, stores = servers
    kit.verification().send_code(SIGN_IN, ADA, browser=BROWSER)
    wrong = f"{(int(kit.delivery.code) + 1) % 10**6:06}"

    def guess(store: TokenStore) -> Outcome:
        return kit.verification(store=store).check_code(SIGN_IN, ADA, wrong, browser=BROWSER).outcome

    found = at_once(stores, guess)
    assert found == {Outcome.WRONG: 2, Outcome.EXHAUSTED: len(stores) * 8 - 2}
    failed = [one for one in kit.store.events(since=NOW - AUDIT) if one.action == "failed"]
    assert len(failed) == 3


def test_link_at_many_servers_is_used_once(servers: tuple[Kit, list[TokenStore]]):
    kit, stores = servers
    kit.verification().send_link(SIGN_UP, ADA, url=URL)
    found = at_once(stores, lambda store: kit.verification(store=store).use_link(SIGN_UP, kit.delivery.token).outcome)
    assert found == {Outcome.ACCEPTED: 1, Outcome.REPEATED: len(stores) * 8 - 1}
    used = [one for one in kit.store.events(since=NOW - AUDIT) if one.action == "used"]
    assert len(used) == 1


def test_reset_link_is_used_once_by_each_kind_of_browser(servers: tuple[Kit, list[TokenStore]]):
    kit, stores = servers
    kit.verification().send_link(RESET_PASSWORD, ADA, url=URL, browser=BROWSER)
    token, browsers = kit.delivery.token, count()

    def use(store: TokenStore) -> tuple[str, Outcome]:
        browser = BROWSER if next(browsers) % 2 else ""
        return browser, kit.verification(store=store).use_link(RESET_PASSWORD, token, browser=browser).outcome

    found = at_once(stores, use)
    assert found[BROWSER, Outcome.ACCEPTED] == 1
    assert found["", Outcome.ACCEPTED] <= 1


def test_requests_at_many_servers_keep_the_limit(servers: tuple[Kit, list[TokenStore]]):
    kit, stores = servers
    found = at_once(stores, lambda store: kit.verification(store=store).send_code(SIGN_IN, ADA).ok)
    assert found[True] == len(kit.delivery.mails) == Limits().per_address.count


def test_resend_during_a_check_leaves_one_valid_code(servers: tuple[Kit, list[TokenStore]]):
    kit, stores = servers
    wide = Limits(per_address=Limit(1000))
    kit.verification(limits=wide).send_code(SIGN_IN, ADA)
    first, turns = kit.delivery.code, count()

    def act(store: TokenStore) -> object:
        verification = kit.verification(store=store, limits=wide)
        if next(turns) % 2:
            return verification.send_code(SIGN_IN, ADA).ok
        return verification.check_code(SIGN_IN, ADA, first).ok

    at_once(stores, act)
    used = [one for one in kit.store.events(since=NOW - AUDIT) if one.action == "used"]
    assert len(used) <= 1
    kit.verification(limits=wide).send_code(SIGN_IN, ADA)
    assert kit.verification(limits=wide).check_code(SIGN_IN, ADA, kit.delivery.code).ok


def test_server_that_stops_is_a_store_error_and_sends_nothing():
    kit = Kit(SqlStores("postgresql://mail@127.0.0.1:9/none", keys=()).tokens)
    with pytest.raises(StoreError):
        kit.verification().send_code(SIGN_IN, ADA)
    assert kit.delivery.mails == []


def test_sender_policy_allows_tokens_and_no_other_items(cloud: LocalCloud):
    admin, iam = cloud.client("dynamodb"), cloud.client("iam")
    table = new_table(admin)
    arn = admin.describe_table(TableName=table)["Table"]["TableArn"]
    iam.create_user(UserName="application")
    document = sender([], table_arn=arn, parameter_arn="arn:aws:ssm:us-east-1:000000000000:parameter/x")
    iam.put_user_policy(UserName="application", PolicyName="send", PolicyDocument=document)
    key = iam.create_access_key(UserName="application")["AccessKey"]
    client = boto3.client(
        "dynamodb",
        endpoint_url=cloud.endpoint,
        region_name=cloud.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    kit = Kit(DynamoDBTokens(table, client))
    verification = kit.verification(keys=[*kit.keys, *Kit().keys])
    verification.send_code(SIGN_IN, ADA)
    assert not verification.check_code(SIGN_IN, ADA, f"{(int(kit.delivery.code) + 1) % 10**6:06}").ok
    assert verification.check_code(SIGN_IN, ADA, kit.delivery.code).ok
    verification.send_link(SIGN_UP, ADA, url=URL)
    assert verification.use_link(SIGN_UP, kit.delivery.token).ok
    with pytest.raises(StoreError, match=r"AccessDenied|not authorized"):
        list(kit.store.events(since=NOW))


def test_items_have_a_time_to_live(cloud: LocalCloud):
    admin = cloud.client("dynamodb")
    store = DynamoDBTokens(new_table(admin), admin)
    store.put(TOKEN)
    store.take("key", HOURLY, NOW)
    items = admin.scan(TableName=store._table.name)["Items"]
    assert len(items) == 3
    assert all(float(item["expires_at"]["N"]) > NOW.timestamp() for item in items)
    assert all(item["pk"]["S"].startswith("VERIFICATION#") for item in items)


@pytest.mark.parametrize("purpose", [SIGN_UP, SIGN_IN, RESET_PASSWORD])
def test_mails_of_verification_are_not_tracked(cloud: LocalCloud, purpose: Purpose):
    ses = Ses(cloud)
    verification = Verification(ses.mailer, store=MemoryTokens(), keys=VerificationKeys.parse([new_key()]))
    verification.send_code(purpose, ADA)
    verification.send_link(purpose, ADA, url=URL)
    verification.close()
    assert len(ses.sent) == 2
    for message in cloud.control("GET", "messages")["messages"]:
        for event in ("open", "click"):
            with pytest.raises(LocalCloudError, match="the sender switched it off"):
                cloud.control("POST", f"messages/{message['message_id']}/events", {"event": event})
