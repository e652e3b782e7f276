"""Associations that wait without a route: for how long, and how many."""

from masq_kernel.identity.keys import WalletAddress
from masq_router.exit.detached import Detached

ALICE, BOB, CAROL = (WalletAddress(bytes([number]) * 20) for number in range(3))


def test_one_waits_for_its_time_and_no_longer():
    waiting = Detached(hold_s=30)
    assert waiting.add("a", ALICE, 100.0) == []
    assert waiting.expired(129.9) == []
    assert waiting.expired(130.0) == ["a"]
    assert len(waiting) == 0


def test_one_that_came_back_does_not_expire():
    waiting = Detached(hold_s=30)
    waiting.add("a", ALICE, 100.0)
    waiting.remove("a", ALICE)
    waiting.remove("a", ALICE)
    assert waiting.expired(1_000.0) == []


def test_a_payer_with_too_many_loses_its_own_oldest():
    waiting = Detached(per_wallet_max=2)
    waiting.add("bob", BOB, 0.0)
    assert [waiting.add(key, ALICE, 1.0) for key in "abc"] == [[], [], ["a"]]
    assert len(waiting) == 3


def test_when_all_is_full_the_payer_with_the_most_loses_its_oldest():
    waiting = Detached(detached_max=3)
    waiting.add("bob", BOB, 0.0)
    waiting.add("a", ALICE, 1.0)
    waiting.add("b", ALICE, 2.0)
    assert waiting.add("carol", CAROL, 3.0) == ["a"]
    assert len(waiting) == 3
