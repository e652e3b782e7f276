"""protocol.md section 6 item 2: what a relay can see, over and back, at each place on a route.

A whole round trip is planned as for a client and its packages are carried by real relay sessions.
Everything that a relay receives, opens and passes on is kept, and searched for what it must not
know.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from masq_kernel.bus.messages.gossip import RouteFound, RouteHop
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, NodeId, WalletAddress
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds
from masq_router.metering import Counter, Meter
from masq_router.onion import HopBlock, OnionKeyPair, end_to_end_layer, hop_layer, session_id
from masq_router.onion.geometry import HINT_MAX, LAYER_OVERHEAD, SETUP_SIZE, SIZE_CLASSES
from masq_router.onion.padding import padded_size
from masq_router.onion.setup import open_setup
from masq_router.origin.plan import Originator, RoundTrip, RoundTripDraft, draft_round_trip
from masq_router.sessions import RelaySession
from support.routes import DEV, signatures_of

EXPIRES = UnixSeconds(1_800_000_600)
TARGET = b"where-the-client-goes.example"
ASSOCIATION = bytes(range(100, 132))
ANSWER = b"what the server says to nobody else"
NODES = 8


@dataclass(frozen=True)
class Node:
    identity: IdentityKey
    keys: OnionKeyPair
    earning: WalletAddress
    paid_from: bytes

    @property
    def node_id(self) -> NodeId:
        return self.identity.node_id


@dataclass
class Sight:
    """All that one relay of one route comes to see."""

    node: Node
    block: HopBlock
    seen: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> bytes:
        return b"|".join(self.seen)


@dataclass
class Journey:
    trip: RoundTrip
    draft: RoundTripDraft
    origin: Node
    over: list[Node]
    back: list[Node]
    over_sights: list[Sight]
    back_sights: list[Sight]


@pytest.fixture(scope="module")
def nodes():
    made = []
    for number in range(NODES):
        entropy = SeededEntropy(7_000 + number)
        identity = IdentityKey.generate(entropy)
        wallet = WalletAddress(entropy.token(20))
        made.append(Node(identity, OnionKeyPair.generate(), wallet, entropy.token(32)))
    return made


def hop_of(node):
    return RouteHop(
        node_id=node.node_id,
        onion_key=node.keys.public(),
        rates=DEFAULT_RATES,
        earning_wallet=node.earning,
    )


def travel(nodes, *, over_count=3, back_count=3, hint=None, size_class=SIZE_CLASSES[0]):
    """Set both routes up and carry one package each way."""
    origin, over = nodes[0], nodes[1 : 1 + over_count]
    back = nodes[1 + over_count : 1 + over_count + back_count]
    found = RouteFound(over=tuple(map(hop_of, over)), back=tuple(map(hop_of, back)))
    own = Originator(node_id=origin.node_id, onion_key=origin.keys.public())
    draft = draft_round_trip(DEV, own, found, SeededEntropy(1), EXPIRES)
    if hint is not None:
        draft = replace(draft, hint=hint)
    key = SeededEntropy(2).token(32)
    signatures = signatures_of(draft, key)
    trip = draft.complete(signatures, SeededEntropy(3))
    exit_secret = draft.over[-1].secret
    over_sights = set_up(over, trip.over_setup)
    plaintext = (TARGET + ASSOCIATION).ljust(
        padded_size(size_class - (HINT_MAX * LAYER_OVERHEAD), trip.hint), b"\0"
    )
    package = plaintext
    for layer in trip.over_layers:
        package = layer.seal(package)
    arrived = carry(over_sights, package)
    assert end_to_end_layer(DEV, exit_secret).open(arrived) == plaintext
    back_sights = set_up(back, trip.way_back.setup)
    answer = ANSWER.ljust(len(plaintext), b"\0")
    arrived = carry(back_sights, end_to_end_layer(DEV, trip.way_back.secret).seal(answer))
    for layer in trip.back_layers:
        arrived = layer.open(arrived)
    assert arrived == answer
    return Journey(trip, draft, origin, over, back, over_sights, back_sights)


def set_up(hops, setup):
    """Pass a SETUP along; return the sights of the relays, to whom an exit does not belong."""
    sights = []
    for hop in hops:
        opened = open_setup(DEV, [hop.keys], setup)
        if opened.forward is None:
            break
        sight = Sight(hop, opened.block)
        sight.seen += [setup, opened.block.to_bytes(), opened.forward]
        sight.sizes += [len(setup), len(opened.forward)]
        sights.append(sight)
        setup = opened.forward
    return sights


def carry(sights, package):
    """Pass a DATA package through real relay sessions; return what comes out."""
    for sight in sights:
        sent = []
        relay_session(sight.block, sent.append).on_data(memoryview(package))
        sight.seen += [package, *sent]
        sight.sizes += [len(package), len(sent[0])]
        package = sent[0]
    return package


def relay_session(block, forward):
    counter = Counter()
    name = session_id(DEV, block.secret)
    meter = Meter(
        session_id=name,
        side="provided",
        service="routing",
        wallet=block.wallet,
        rates=block.rates,
        counters=(counter,),
    )
    return RelaySession(
        session_id=name,
        expires_at=block.expires_at,
        direction=block.direction,
        layer=hop_layer(DEV, block.secret),
        counter=counter,
        meter=meter,
        forward=forward,
    )


@pytest.mark.parametrize(("over_count", "back_count"), [(2, 1), (3, 2), (3, 3), (4, 3)])
def test_a_relay_sees_nobody_but_who_it_passes_packages_to(nodes, over_count, back_count):
    journey = travel(nodes, over_count=over_count, back_count=back_count)
    for path, sights in (
        ([*journey.over], journey.over_sights),
        ([*journey.back, journey.origin], journey.back_sights),
    ):
        followers = dict(pairwise(path))
        for sight in sights:
            for other in nodes:
                is_next = other is followers[sight.node]
                assert (other.node_id.raw in sight.bytes) is is_next, (path, sight.node)
                assert other.keys.public() not in sight.bytes
                assert other.earning.raw not in sight.bytes


def test_a_relay_sees_nothing_of_client_server_or_originator(nodes):
    journey = travel(nodes)
    trip = journey.trip
    assert len(journey.over_sights) == 2
    assert len(journey.back_sights) == 3
    secrets = {
        "target": TARGET,
        "answer": ANSWER,
        "association": ASSOCIATION,
        "back secret": trip.way_back.secret,
        "delivery": trip.delivery,
        "return secret": trip.return_secret,
    }
    for sight in journey.over_sights + journey.back_sights:
        found = [name for name, secret in secrets.items() if secret in sight.bytes]
        assert found == []
    for sight in journey.over_sights:
        assert trip.way_back.setup[8:] not in sight.bytes
        assert trip.back_tag not in sight.bytes


def test_a_relay_sees_its_own_secret_proof_and_tags_only(nodes):
    journey = travel(nodes)
    drafted = {each.hop.node_id: each for each in journey.draft.over + journey.draft.back}
    sights = journey.over_sights + journey.back_sights
    proofs = {sight.node.node_id: sight.block.proof for sight in sights}
    for sight in sights:
        own = sight.node.node_id
        for node_id, each in drafted.items():
            is_own, is_next = node_id == own, node_id == sight.block.next_node
            assert (each.secret in sight.bytes) is is_own
            assert (each.tag in sight.bytes) is (is_own or is_next)
            if node_id in proofs:
                assert (proofs[node_id] in sight.bytes) is is_own


def test_blocks_of_all_places_say_the_same_but_for_what_belongs_to_the_hop(nodes):
    """No field counts hops or tells a place, the padding hint above all."""
    common = set()
    for hint in range(HINT_MAX + 1):
        journey = travel(nodes, over_count=4, back_count=3, hint=hint)
        common |= {
            replace(
                sight.block,
                direction=journey.over_sights[0].block.direction,
                secret=bytes(32),
                rest_hash=bytes(32),
                proof=bytes(65),
                next_node=journey.origin.node_id,
                next_tag=bytes(8),
            ).to_bytes()
            for sight in journey.over_sights + journey.back_sights
        }
    assert len(common) == 1


def test_a_setup_has_one_size_everywhere(nodes):
    journey = travel(nodes)
    for sight in journey.over_sights + journey.back_sights:
        assert sight.sizes[:2] == [SETUP_SIZE, SETUP_SIZE]


@pytest.mark.parametrize("size_class", SIZE_CLASSES)
def test_the_same_sizes_are_seen_at_every_place(nodes, size_class):
    """But for one hint in sixteen at the rim, a size fits to its neighbors' places as well."""
    sizes_by_place = {}
    for hint in range(HINT_MAX + 1):
        journey = travel(nodes, over_count=4, back_count=3, hint=hint, size_class=size_class)
        for name, sights in (("over", journey.over_sights), ("back", journey.back_sights)):
            for place, sight in enumerate(sights):
                sizes_by_place.setdefault((name, place), set()).add(sight.sizes[2])
    assert len(sizes_by_place) == 6
    assert {len(sizes) for sizes in sizes_by_place.values()} == {HINT_MAX + 1}
    for way in ("over", "back"):
        for place in range(2):
            both = sizes_by_place[way, place] & sizes_by_place[way, place + 1]
            assert len(both) == HINT_MAX
