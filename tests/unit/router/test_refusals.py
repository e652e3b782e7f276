"""What the operator hears of clients that were turned away."""

from masq_router.origin.refusals import Refusals
from masq_router.streams.errors import ResetCode


def test_a_reason_of_ours_is_said_once_and_kept_until_a_client_is_served():
    warned = []
    refusals = Refusals(warned.append)
    for _ in range(3):
        refusals.refused(ResetCode.NO_ROUTE, "no round trip")
    assert warned == ["no round trip"]
    assert refusals.reason == "no round trip"
    refusals.refused(ResetCode.NO_WALLET, "no wallet")
    assert warned == ["no round trip", "no wallet"]
    refusals.served()
    assert refusals.reason == ""
    assert refusals.counts == {"no_route": 3, "no_wallet": 1}


def test_what_lies_with_the_target_is_counted_only():
    warned = []
    refusals = Refusals(warned.append)
    refusals.refused(ResetCode.CONNECTION_REFUSED, "connection refused")
    assert (warned, refusals.reason) == ([], "")
    assert refusals.counts == {"connection_refused": 1}
