"""Who may set up a session: the checks of a SETUP in their order."""

from dataclasses import replace

import pytest

from masq_kernel.rates import DEFAULT_RATES, RatePack
from masq_kernel.units import UnixSeconds, Wei
from masq_router.gate import SESSION_LIFETIME_MAX_S, Gate
from masq_router.wire import TeardownReason
from support.routes import DEV, EXPIRES_AT, make_route

HOP = make_route(1)[0]
BLOCK = HOP.spec.block
BANNED, CREDIT = TeardownReason.REFUSED_BANNED, TeardownReason.REFUSED_CREDIT
NOW = UnixSeconds(EXPIRES_AT - 600)
DEARER = RatePack(
    routing_byte=Wei(DEFAULT_RATES.routing_byte + 1),
    routing_service=DEFAULT_RATES.routing_service,
    exit_byte=DEFAULT_RATES.exit_byte,
    exit_service=DEFAULT_RATES.exit_service,
)


def make_gate(**changes):
    fields = {"chain": DEV, "node_id": HOP.node_id, "rates": DEFAULT_RATES, "barred": {}}
    return Gate(**{**fields, **changes})


def barred(reason):
    return {BLOCK.wallet: reason}


def test_a_good_block_is_welcome():
    assert make_gate().refusal(BLOCK, NOW) is None


@pytest.mark.parametrize(
    ("gate", "now", "reason"),
    [
        (make_gate(node_id=make_route(1, seed=9)[0].node_id), NOW, TeardownReason.REFUSED_PROOF),
        (make_gate(), EXPIRES_AT, TeardownReason.EXPIRED),
        (make_gate(), EXPIRES_AT - SESSION_LIFETIME_MAX_S - 1, TeardownReason.EXPIRED),
        (make_gate(rates=DEARER), NOW, TeardownReason.REFUSED_PRICE),
        (make_gate(barred=barred(BANNED)), NOW, BANNED),
        (make_gate(barred=barred(CREDIT)), NOW, CREDIT),
    ],
)
def test_each_refusal_names_the_first_thing_to_mend(gate, now, reason):
    assert gate.refusal(BLOCK, UnixSeconds(now)) is reason


def test_a_price_that_was_raised_after_signing_is_a_bad_proof():
    assert make_gate().refusal(replace(BLOCK, rates=DEARER), NOW) is TeardownReason.REFUSED_PROOF


def test_a_bad_proof_is_told_before_a_ban():
    gate = make_gate(barred=barred(BANNED))
    block = replace(BLOCK, proof=bytes(65))
    assert gate.refusal(block, NOW) is TeardownReason.REFUSED_PROOF


def test_who_was_refused_for_its_word_is_welcome_once_it_owns_up_to_enough():
    hop = make_route(1, owed=1_000)[0]
    wallet = hop.spec.block.wallet
    for owed_min, refusal in ((1_001, CREDIT), (1_000, None), (0, None)):
        gate = make_gate(
            node_id=hop.node_id, barred={wallet: CREDIT}, owed_min={wallet: Wei(owed_min)}
        )
        assert gate.refusal(hop.spec.block, NOW) is refusal


def test_a_word_that_was_raised_after_signing_is_a_bad_proof():
    raised = replace(BLOCK, owed=Wei(10**18))
    assert make_gate().refusal(raised, NOW) is TeardownReason.REFUSED_PROOF
    later = replace(BLOCK, sequence=7)
    assert make_gate().refusal(later, NOW) is TeardownReason.REFUSED_PROOF
