"""Whom a new route goes round."""

from masq_kernel.identity.keys import NodeId
from masq_router.origin.suspicion import WISHES_MAX, Suspicion

EXIT, *RELAYS = (NodeId(bytes([number]) * 32) for number in range(20))


def test_without_suspects_nothing_is_avoided():
    assert Suspicion(EXIT).avoidances() == [()]


def test_the_exit_is_never_avoided():
    suspicion = Suspicion(EXIT)
    suspicion.add((EXIT, RELAYS[0]))
    assert suspicion.avoidances() == [(RELAYS[0],), ()]


def test_all_suspects_then_halves_then_single_ones():
    suspicion = Suspicion(EXIT)
    suspicion.add(RELAYS[:4])
    wishes = [set(wish) for wish in suspicion.avoidances()]
    assert wishes[0] == set(RELAYS[:4])
    assert wishes[1] | wishes[2] == set(RELAYS[:4])
    assert len(wishes[1]) == len(wishes[2]) == 2
    assert [len(wish) for wish in wishes[3:]] == [1, 1, 1, 1, 0]


def test_who_was_on_two_lost_routes_is_avoided_before_who_was_on_one():
    suspicion = Suspicion(EXIT)
    suspicion.add(RELAYS[:3])
    suspicion.add(RELAYS[2:5])
    wishes = suspicion.avoidances()
    assert set(wishes[0]) == set(RELAYS[:5])
    assert wishes[1] == (RELAYS[2],)


def test_gossip_is_asked_a_bounded_number_of_times():
    suspicion = Suspicion(EXIT)
    suspicion.add(RELAYS)
    assert len(suspicion.avoidances()) == WISHES_MAX
    assert suspicion.avoidances()[-1] == ()


def test_a_route_that_served_clears_its_nodes():
    suspicion = Suspicion(EXIT)
    suspicion.add(RELAYS[:4])
    suspicion.add(RELAYS[1:3])
    assert suspicion.still_suspect(RELAYS[1:2]) == (RELAYS[2],)
    assert suspicion.still_suspect(RELAYS[:4]) == ()
