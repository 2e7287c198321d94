"""What every store of verification tokens promises. A store's test file inherits it and gives the `make` fixture."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.stores.tokens import AUDIT, KEPT, Limit, Token, TokenEvent, TokenStore, UsedBy

from .suppression_store import ADA, NOW

LIFETIME = timedelta(minutes=10)
TOKEN = Token(
    id="0a" * 32,
    serial="0b" * 16,
    kind="code",
    purpose="sign-in",
    address=ADA,
    account="user 7 \N{GREEK SMALL LETTER ALPHA}",
    digest="0c" * 32,
    key_id="0d" * 8,
    browser="0e" * 32,
    issued_at=NOW + timedelta(microseconds=1),
    expires_at=NOW + LIFETIME,
)
OTHER = replace(TOKEN, serial="1b" * 16, digest="1c" * 32, issued_at=NOW + timedelta(seconds=5))
HOURLY = Limit(3)


@pytest.mark.contract
class TokenStoreContract:
    @pytest.fixture
    def make(self) -> Callable[[], TokenStore]:
        """Makes an empty store."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[], TokenStore]) -> TokenStore:
        return make()

    def test_unknown_token_is_none_everywhere(self, store: TokenStore):
        assert store.get(TOKEN.id) is None
        assert store.attempt(TOKEN.id) is None
        assert store.use(TOKEN, at=NOW, by="asking") is False
        assert list(store.events(since=NOW - AUDIT)) == []

    def test_token_is_returned_as_it_was_written(self, store: TokenStore):
        store.put(TOKEN)
        assert store.get(TOKEN.id) == TOKEN

    def test_expired_token_is_still_returned(self, store: TokenStore):
        old = replace(TOKEN, issued_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(days=1))
        store.put(old)
        assert store.get(TOKEN.id) == old

    def test_later_token_with_the_same_id_replaces_it(self, store: TokenStore):
        store.put(TOKEN)
        store.attempt(TOKEN.id)
        store.use(TOKEN, at=NOW, by="asking")
        store.put(OTHER)
        assert store.get(TOKEN.id) == OTHER

    def test_token_replaces_those_with_other_ids(self, store: TokenStore):
        store.put(replace(TOKEN, id="ff" * 32))
        store.put(OTHER, replaces=["ff" * 32, "ee" * 32, OTHER.id])
        assert store.get("ff" * 32) is None
        assert store.get(OTHER.id) == OTHER

    def test_attempts_are_counted_without_end(self, store: TokenStore):
        store.put(TOKEN)
        counts = [found.attempts for _ in range(5) if (found := store.attempt(TOKEN.id))]
        assert counts == [1, 2, 3, 4, 5]
        assert store.get(TOKEN.id) == replace(TOKEN, attempts=5)

    def test_concurrent_attempts_count_each(self, store: TokenStore):
        store.put(TOKEN)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(store.attempt, [TOKEN.id] * 24))
        assert sorted(one.attempts for one in found if one) == list(range(1, 25))

    def test_token_is_used_once(self, store: TokenStore):
        store.put(TOKEN)
        at = NOW + timedelta(seconds=30)
        assert store.use(TOKEN, at=at, by="asking") is True
        assert store.use(TOKEN, at=at, by="asking") is False
        assert store.use(TOKEN, at=at, by="other") is False
        assert store.get(TOKEN.id) == TOKEN.used(at, "asking")

    def test_concurrent_uses_have_one_winner(self, store: TokenStore):
        store.put(TOKEN)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: store.use(TOKEN, at=NOW, by="other"), range(24)))
        assert found.count(True) == 1
        assert Counter(one.action for one in store.events(since=NOW - AUDIT)) == {"issued": 1, "used": 1}

    @pytest.mark.parametrize(("after_other", "second"), [(False, False), (True, True)])
    def test_asking_browser_may_use_it_after_another_one(self, store: TokenStore, after_other: bool, second: bool):
        store.put(TOKEN)
        tries: list[UsedBy] = ["other", "other", "asking", "asking", "other"]
        used = [store.use(TOKEN, at=NOW, by=by, after_other=after_other) for by in tries]
        assert used == [True, False, second, False, False]
        there = store.get(TOKEN.id)
        assert there
        assert there.used_by == ("asking" if second else "other")

    def test_replaced_token_cannot_be_used(self, store: TokenStore):
        store.put(TOKEN)
        store.put(OTHER)
        assert store.use(TOKEN, at=NOW, by="asking") is False
        assert store.use(OTHER, at=NOW, by="asking") is True

    def test_limit_allows_its_count_in_every_period(self, store: TokenStore):
        times = [NOW + timedelta(minutes=minute) for minute in (0, 10, 20, 30, 59, 61, 62)]
        refused = [store.take("key", HOURLY, at) for at in times]
        free, later = NOW + timedelta(minutes=60), NOW + timedelta(minutes=70)
        assert refused == [None, None, None, free, free, None, later]

    def test_limits_of_two_keys_do_not_affect_each_other(self, store: TokenStore):
        for _ in range(HOURLY.count):
            assert store.take("key", HOURLY, NOW) is None
        assert store.take("key", HOURLY, NOW)
        assert store.take("another", HOURLY, NOW) is None

    def test_concurrent_requests_never_exceed_the_limit(self, store: TokenStore):
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: store.take("key", HOURLY, NOW), range(16)))
        assert found.count(None) == HOURLY.count

    def test_audit_lists_events_newest_first(self, store: TokenStore):
        store.put(TOKEN, detail="ineligible")
        failed = TokenEvent.of(TOKEN, "failed", NOW + timedelta(seconds=2), "wrong")
        store.record(failed)
        store.put(replace(OTHER, id="ff" * 32, address="bob@example.org"))
        store.use(TOKEN, at=NOW + timedelta(seconds=9), by="asking")
        used = TokenEvent.of(TOKEN, "used", NOW + timedelta(seconds=9), "asking")
        issued = TokenEvent.of(TOKEN, "issued", TOKEN.issued_at, "ineligible")
        assert list(store.events(since=NOW, address="Ada@Example.org")) == [used, failed, issued]
        assert [one.address for one in store.events(since=NOW)] == [ADA, "bob@example.org", ADA, ADA]
        assert list(store.events(since=NOW, limit=1)) == [used]
        assert list(store.events(since=NOW + timedelta(seconds=9))) == [used]

    def test_purge_deletes_what_is_not_needed_any_more(self, store: TokenStore):
        store.put(TOKEN)
        store.put(replace(OTHER, id="ff" * 32, expires_at=NOW + timedelta(days=3)))
        store.take("key", HOURLY, NOW)
        store.take("another", HOURLY, NOW + timedelta(days=1))
        assert store.purge(NOW + LIFETIME) == {"tokens": 0, "limits": 0, "events": 0}
        assert store.purge(TOKEN.expires_at + KEPT) == {"tokens": 1, "limits": 1, "events": 0}
        assert store.get(TOKEN.id) is None
        assert store.get("ff" * 32)
        assert store.purge(NOW + AUDIT + timedelta(days=9)) == {"tokens": 1, "limits": 1, "events": 2}
        assert list(store.events(since=NOW - AUDIT)) == []
