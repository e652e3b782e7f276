"""A planned round trip, walked hop by hop as the hops themselves would."""

import pytest

from masq_kernel.bus.messages.gossip import RouteFound, RouteHop
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, WalletAddress
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds
from masq_router.gate import Gate
from masq_router.metering import Counter, Meter
from masq_router.onion.hops import Role
from masq_router.onion.keys import OnionKeyPair
from masq_router.onion.layers import end_to_end_layer, hop_layer, session_id
from masq_router.onion.setup import open_setup
from masq_router.origin.plan import Originator, draft_round_trip
from support.routes import DEV, signatures_of

NOW = UnixSeconds(1_800_000_000)
EXPIRES = UnixSeconds(NOW + 600)
WALLET_KEY = bytes(31) + b"\x07"


class PlannedHop:
    def __init__(self, number):
        entropy = SeededEntropy(1000 + number)
        self.identity = IdentityKey.generate(entropy)
        self.keys = OnionKeyPair.generate()
        self.wallet = WalletAddress(entropy.token(20))
        self.route_hop = RouteHop(
            node_id=self.identity.node_id,
            onion_key=self.keys.public(),
            rates=DEFAULT_RATES,
            earning_wallet=self.wallet,
        )


@pytest.fixture(scope="module")
def nodes():
    return [PlannedHop(number) for number in range(7)]


def plan(nodes, over_count, back_count, seed=1):
    own, *others = nodes
    over, back = others[:over_count], others[over_count : over_count + back_count]
    found = RouteFound(
        over=tuple(each.route_hop for each in over), back=tuple(each.route_hop for each in back)
    )
    originator = Originator(node_id=own.identity.node_id, onion_key=own.keys.public())
    draft = draft_round_trip(DEV, originator, found, SeededEntropy(seed), EXPIRES)
    signatures = signatures_of(draft, WALLET_KEY)
    trip = draft.complete(signatures, SeededEntropy(seed + 1))
    return trip, over, back


def walk(hops, setup):
    """Open the SETUP at each hop; return the blocks."""
    blocks = []
    for hop in hops:
        opened = open_setup(DEV, [hop.keys], setup)
        blocks.append(opened.block)
        if opened.forward is not None:
            setup = opened.forward
    return blocks


@pytest.mark.parametrize(("over_count", "back_count"), [(1, 0), (2, 1), (3, 2), (3, 3)])
def test_every_hop_finds_its_block_and_lets_it_in(nodes, over_count, back_count):
    trip, over, back = plan(nodes, over_count, back_count)
    own = nodes[0]
    blocks = walk(over, trip.over_setup)
    assert [block.role for block in blocks] == [Role.RELAY] * (over_count - 1) + [Role.EXIT]
    back_blocks = walk([*back, own], trip.way_back.setup)
    assert [block.role for block in back_blocks] == [Role.RELAY] * back_count + [Role.RETURN]
    assert trip.way_back.first == (back[0] if back else own).identity.node_id
    for hop, block in zip([*over, *back, own], [*blocks, *back_blocks], strict=True):
        gate = Gate(chain=DEV, node_id=hop.identity.node_id, rates=DEFAULT_RATES, barred={})
        assert gate.refusal(block, NOW) is None
    chain_of_nodes = [block.next_node for block in back_blocks[:-1]]
    assert chain_of_nodes == [each.identity.node_id for each in [*back, own][1:]]
    assert back_blocks[-1].delivery == trip.delivery
    assert back_blocks[-1].secret == trip.return_secret


@pytest.mark.parametrize(("over_count", "back_count"), [(1, 0), (3, 2), (3, 3)])
def test_both_books_agree_to_the_wei(nodes, over_count, back_count):
    """What each hop charges for the bytes it saw is what the originator says it owes."""
    trip, over, back = plan(nodes, over_count, back_count)
    blocks = walk(over, trip.over_setup)
    back_blocks = walk([*back, nodes[0]], trip.way_back.setup)
    exit_over, exit_back = Counter(), Counter()
    provided = []
    for block in blocks[:-1]:
        provided.append(relay_meter(block, Counter()))
    exit_meter = relay_meter(blocks[-1], exit_over, exit_back, service="exit")
    back_meters = [relay_meter(block, Counter()) for block in back_blocks[:-1]]
    over_layers = [hop_layer(DEV, block.secret) for block in blocks[:-1]]
    back_layers = [hop_layer(DEV, block.secret) for block in back_blocks[:-1]]
    exit_open = end_to_end_layer(DEV, blocks[-1].secret)
    exit_seal = end_to_end_layer(DEV, trip.way_back.secret)

    for size in (1024, 4096, 32_768, 1024):
        body = bytes(size)
        trip.over_counter.add(size)
        for layer in trip.over_layers:
            body = layer.seal(body)
        for meter, layer in zip(provided, over_layers, strict=True):
            meter.counters[0].add(len(body))
            body = layer.open(body)
        body = exit_open.open(body)
        assert body == bytes(size)
        exit_over.add(len(body))

        exit_back.add(len(body))
        body = exit_seal.seal(body)
        for meter, layer in zip(back_meters, back_layers, strict=True):
            body = layer.seal(body)
            meter.counters[0].add(len(body))
        for layer in trip.back_layers:
            body = layer.open(body)
        trip.back_counter.add(len(body))
        assert body == bytes(size)

    consumed = [*trip.over_meters, *trip.back_meters]
    assert len(consumed) == over_count + back_count
    for hop, theirs, ours in zip(
        [*over, *back], [*provided, exit_meter, *back_meters], consumed, strict=True
    ):
        assert ours.wallet == hop.wallet
        assert ours.session_id == theirs.session_id
        assert ours.totals == theirs.totals
        assert ours.amount == theirs.amount > 0
        assert ours.service == theirs.service


def relay_meter(block, *counters, service="routing"):
    return Meter(
        session_id=session_id(DEV, block.secret),
        side="provided",
        service=service,
        wallet=block.wallet,
        rates=block.rates,
        counters=counters,
    )


def test_nothing_of_two_plans_is_alike(nodes):
    first, _, _ = plan(nodes, 3, 2, seed=1)
    second, _, _ = plan(nodes, 3, 2, seed=9)
    for name in ("over_tag", "back_tag", "return_secret", "delivery", "session_id", "over_setup"):
        assert getattr(first, name) != getattr(second, name)
    assert first.way_back.secret != second.way_back.secret
