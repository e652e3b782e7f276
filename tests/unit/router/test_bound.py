"""What of the router's settings follows a move of the node."""

from masq_kernel.runtime.address import Move, Place
from masq_router.bound import Bound
from masq_router.settings import RouterSettings

MOVE = Move(setting=Place("203.0.113.7", (4321,)), place=Place("203.0.113.9", (443,)))


def test_without_a_move_the_settings_count():
    bound = Bound.of(RouterSettings(listen_port=4321, own_addresses=("10.0.0.1",)), None)
    assert (bound.listen_host, bound.listen_port, bound.source) == ("0.0.0.0", 4321, None)
    assert bound.own == {"0.0.0.0", "10.0.0.1"}


def test_a_router_bound_to_the_public_address_moves_along():
    settings = RouterSettings(
        listen_host="203.0.113.7", listen_port=4321, bind_address="203.0.113.7"
    )
    bound = Bound.of(settings, MOVE)
    assert (bound.listen_host, bound.listen_port) == ("203.0.113.9", 443)
    assert bound.source == "203.0.113.9"
    assert {"203.0.113.7", "203.0.113.9"} <= bound.own


def test_a_router_behind_a_border_stays_but_must_not_be_used_to_reach_it():
    settings = RouterSettings(listen_host="192.168.1.5", listen_port=9000)
    bound = Bound.of(settings, MOVE)
    assert (bound.listen_host, bound.listen_port, bound.source) == ("192.168.1.5", 9000, None)
    assert "203.0.113.9" in bound.own
