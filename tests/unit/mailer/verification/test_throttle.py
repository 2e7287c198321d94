"""Limits for acts other than codes and links."""

from datetime import timedelta

import pytest

from mailer import InvalidAddress
from mailer.stores.memory_tokens import MemoryTokens
from mailer.stores.tokens import Limit
from mailer.verification import Throttle, VerificationKeys, new_key
from tests.contract.suppression_store import Clock

HOUR = timedelta(hours=1)


class Acts:
    """Throttles over one store, and the time."""

    def __init__(self) -> None:
        self.clock, self.store = Clock(), MemoryTokens()
        self.keys = VerificationKeys.parse([new_key()])

    def throttle(self, name: str = "sign-up", **limits: Limit) -> Throttle:
        return Throttle(name, self.store, keys=self.keys, clock=self.clock, **limits)


@pytest.fixture
def acts() -> Acts:
    return Acts()


def test_sixth_act_of_a_client_waits_for_an_hour(acts: Acts):
    throttle, begin = acts.throttle(), acts.clock.now
    taken = [throttle.take(address=f"{number}@example.com", client="192.0.2.7") for number in range(6)]
    assert [asked.ok for asked in taken] == [True] * 5 + [False]
    assert taken[-1].retry_at == begin + HOUR
    acts.clock.now += HOUR
    assert throttle.take(client="192.0.2.7").ok


def test_address_is_limited_across_clients(acts: Acts):
    throttle = acts.throttle(per_address=Limit(2))
    asked = [throttle.take(address="Ada@Example.com", client=f"192.0.2.{number}").ok for number in range(3)]
    assert asked == [True, True, False]
    assert throttle.take(address="bob@example.com", client="192.0.2.9").ok


def test_refused_client_does_not_use_up_an_address(acts: Acts):
    throttle = acts.throttle(per_address=Limit(1), per_client=Limit(1))
    throttle.take(client="192.0.2.7")
    assert not throttle.take(address="ada@example.com", client="192.0.2.7").ok
    assert throttle.take(address="ada@example.com", client="192.0.2.8").ok


def test_neighbours_of_an_ipv6_network_are_one_client(acts: Acts):
    throttle = acts.throttle(per_client=Limit(1))
    assert throttle.take(client="2001:db8::1").ok
    assert not throttle.take(client="2001:db8::2").ok


def test_acts_are_counted_separately(acts: Acts):
    assert acts.throttle(per_client=Limit(1)).take(client="192.0.2.7").ok
    assert acts.throttle("comment", per_client=Limit(1)).take(client="192.0.2.7").ok


def test_processes_share_the_count(acts: Acts):
    assert acts.throttle(per_client=Limit(1)).take(client="192.0.2.7").ok
    assert not acts.throttle(per_client=Limit(1)).take(client="192.0.2.7").ok


def test_invalid_address_counts_nothing(acts: Acts):
    throttle = acts.throttle(per_client=Limit(1))
    with pytest.raises(InvalidAddress):
        throttle.take(address="nobody", client="192.0.2.7")
    assert throttle.take(client="192.0.2.7").ok
