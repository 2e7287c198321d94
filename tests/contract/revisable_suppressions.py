"""What a suppression list promises to rules that change their minds. A store's test file inherits it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.stores.base import REMEMBERED, PutOutcome, RevisableSuppressions, Suppression

from .suppression_store import ADA, NOW, Clock, suppression

RULE = "a rule"


def by_rule(days: int, *, start: datetime = NOW) -> Suppression:
    return Suppression(ADA, "bounce", "soft", created_at=start, expires_at=start + timedelta(days=days), actor=RULE)


@pytest.mark.contract
class RevisableSuppressionsContract:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def make(self) -> Callable[[Clock], RevisableSuppressions]:
        """Makes an empty store that tells the time by the clock."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Callable[[Clock], RevisableSuppressions], clock: Clock) -> RevisableSuppressions:
        return make(clock)

    def test_own_suppression_can_be_shortened_and_ended(self, store: RevisableSuppressions):
        for row in (by_rule(7), by_rule(3)):
            assert store.replace(row) is PutOutcome.WRITTEN
            assert store.get_many([ADA]) == {ADA: row}
        assert store.replace(replace(by_rule(3), expires_at=NOW)) is PutOutcome.WRITTEN
        assert store.get_many([ADA]) == {}

    def test_suppression_of_others_is_left(self, store: RevisableSuppressions):
        day = NOW + timedelta(days=1)
        for other in (
            Suppression(ADA, "manual", created_at=NOW, expires_at=day, actor="Eve"),
            suppression("complaint"),
        ):
            store.put(other)
            assert store.replace(by_rule(7)) is PutOutcome.OUTRANKED
            assert store.get_many([ADA]) == {ADA: other}

    def test_ended_suppression_of_others_is_replaced(self, store: RevisableSuppressions, clock: Clock):
        store.put(Suppression(ADA, "manual", created_at=NOW, expires_at=NOW + timedelta(days=1), actor="Eve"))
        clock.now = NOW + timedelta(days=1)
        row = by_rule(3, start=clock.now)
        assert store.replace(row)
        assert store.get_many([ADA]) == {ADA: row}

    def test_stronger_suppression_replaces_the_rule_s(self, store: RevisableSuppressions):
        store.replace(by_rule(7))
        assert store.put(suppression("complaint"))
        assert store.get_many([ADA]) == {ADA: suppression("complaint")}

    def test_ended_one_does_not_outlive_a_shorter_one(self, store: RevisableSuppressions):
        store.replace(replace(by_rule(7), expires_at=NOW))
        row = Suppression(ADA, "bounce", created_at=NOW, expires_at=NOW + timedelta(hours=1))
        assert store.put(row)
        assert store.get_many([ADA]) == {ADA: row}

    def test_removal_is_not_undone_by_an_earlier_decision(self, store: RevisableSuppressions, clock: Clock):
        store.replace(by_rule(7))
        clock.now = NOW + timedelta(hours=1)
        assert store.remove(ADA)
        assert store.replace(by_rule(7)) is PutOutcome.REMOVED_SINCE
        assert store.get_many([ADA]) == {}

    def test_time_of_a_removal_is_known_for_a_while(self, store: RevisableSuppressions, clock: Clock):
        assert store.removed_at(ADA) is None
        store.remove(ADA)
        assert store.removed_at(ADA.upper()) == NOW
        store.remove(ADA, scope="stream:news")
        assert store.removed_at("bob@example.org") is None
        clock.now = NOW + REMEMBERED
        assert store.removed_at(ADA) is None
