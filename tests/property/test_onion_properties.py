"""Onion packages: peel inverts wrap, no length tells a position, no changed bit is accepted."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masq_kernel.chains import CHAINS
from masq_kernel.entropy import SeededEntropy
from masq_router.errors import LayerBroken, RemoteProtocolError, SetupRefused
from masq_router.onion import HopBlock, Layer, OnionKeyPair, build_setup, hop_layer, open_setup
from masq_router.onion.geometry import (
    BLOCK_SIZE,
    LAYER_OVERHEAD,
    SETUP_SIZE,
    SIZE_CLASSES,
    SLOT_SIZE,
)
from masq_router.onion.padding import capacity, padded_size
from support.routes import DEV, make_route

KEYS = [OnionKeyPair.generate() for _ in range(6)]


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def travel(hops, setup):
    """Open the SETUP at each hop in turn; return what each found."""
    found = []
    for hop in hops:
        opened = open_setup(DEV, [hop.keys], setup)
        found.append((opened, setup))
        setup = opened.forward
    return found


@pytest.mark.parametrize("hop_count", range(1, 7))
def test_every_hop_finds_its_own_block_in_a_setup_of_one_size(hop_count):
    hops = make_route(hop_count, key_pool=KEYS)
    setup = build_setup(DEV, [hop.spec for hop in hops], SeededEntropy(2))
    for hop, (opened, received) in zip(hops, travel(hops, setup), strict=True):
        assert len(received) == SETUP_SIZE
        assert received[:8] == hop.tag
        assert replace(opened.block, rest_hash=bytes(32)) == hop.spec.block
    assert opened.forward is None


@pytest.mark.parametrize(
    ("position", "stride"),
    [(0, 211), (1, 1), (2, 211)],  # in the middle each of the 79,168 bits; a prime elsewhere
)
def test_no_changed_bit_of_a_setup_is_accepted(position, stride):
    hops = make_route(3, key_pool=KEYS)
    setup = build_setup(DEV, [hop.spec for hop in hops], SeededEntropy(2))
    received = travel(hops, setup)[position][1]
    keys = [hops[position].keys]
    for bit in [*range(64), *range(64, SETUP_SIZE * 8, stride), SETUP_SIZE * 8 - 1]:
        with pytest.raises(SetupRefused):
            open_setup(DEV, keys, flipped(received, bit))


@given(data=st.binary(max_size=SETUP_SIZE + 8))
def test_a_strangers_bytes_raise_only_our_refusal(data):
    with pytest.raises(SetupRefused):
        open_setup(DEV, [KEYS[0]], data)


@given(data=st.binary(min_size=BLOCK_SIZE, max_size=BLOCK_SIZE))
def test_a_block_is_refused_or_has_one_spelling(data):
    try:
        block = HopBlock.from_bytes(data)
    except RemoteProtocolError:
        return
    assert block.to_bytes() == data


def test_every_changed_bit_of_a_block_is_refused_or_means_something_else():
    block = make_route(2, key_pool=KEYS)[0].spec.block
    raw = block.to_bytes()
    assert HopBlock.from_bytes(raw) == block
    for bit in range(BLOCK_SIZE * 8):
        try:
            assert HopBlock.from_bytes(flipped(raw, bit)) != block
        except SetupRefused:
            continue


def test_a_setup_of_another_chain_does_not_open():
    hops = make_route(2, key_pool=KEYS)
    setup = build_setup(DEV, [hop.spec for hop in hops], SeededEntropy(2))
    with pytest.raises(SetupRefused):
        open_setup(CHAINS["base-mainnet"], [hops[0].keys], setup)


def test_the_key_before_the_current_one_still_opens():
    hops = make_route(1, key_pool=KEYS)
    setup = build_setup(DEV, [hops[0].spec], SeededEntropy(2))
    opened = open_setup(DEV, [KEYS[5], hops[0].keys], setup)
    assert opened.block.secret == hops[0].secret


@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=8), st.integers(1, 6))
@settings(max_examples=50)
def test_layers_peel_in_order(bodies, depth):
    keys = [bytes([number]) * 32 for number in range(depth)]
    outward, inward = [Layer(key) for key in keys], [Layer(key) for key in keys]
    for body in bodies:
        package = body
        for layer in reversed(outward):
            package = layer.seal(package)
        assert len(package) == len(body) + depth * LAYER_OVERHEAD
        for layer in inward:
            package = layer.open(package)
        assert package == body


def test_no_changed_bit_of_a_data_package_is_accepted():
    sealed = Layer(bytes(32)).seal(bytes(100))
    for bit in range(len(sealed) * 8):
        with pytest.raises(LayerBroken):
            Layer(bytes(32)).open(flipped(sealed, bit))


SECRETS = [bytes([number]) * 32 for number in range(1, 5)]


@pytest.mark.parametrize("position", range(4))
def test_a_changed_bit_of_an_over_package_ends_at_the_hop_that_receives_it(position):
    package = bytes(20)
    for secret in reversed(SECRETS):
        package = hop_layer(DEV, secret).seal(package)
    for secret in SECRETS[:position]:
        package = hop_layer(DEV, secret).open(package)
    for bit in range(len(package) * 8):
        with pytest.raises(LayerBroken):
            hop_layer(DEV, SECRETS[position]).open(flipped(package, bit))


def opened_by_the_originator(package):
    for secret in reversed(SECRETS):
        package = hop_layer(DEV, secret).open(package)
    return package


@pytest.mark.parametrize("position", range(4))
def test_a_changed_bit_of_a_back_package_ends_at_the_originator_wherever_it_happened(position):
    """Relays add their layers to whatever comes; the layer below does not open then."""
    package = bytes(20)
    for secret in SECRETS[: position + 1]:
        package = hop_layer(DEV, secret).seal(package)
    for bit in range(len(package) * 8):
        arrived = flipped(package, bit)
        for secret in SECRETS[position + 1 :]:
            arrived = hop_layer(DEV, secret).seal(arrived)
        with pytest.raises(LayerBroken):
            opened_by_the_originator(arrived)


def test_a_repeated_lost_or_reordered_package_is_refused():
    sender, receiver = Layer(bytes(32)), Layer(bytes(32))
    first, second, third = (sender.seal(bytes([number])) for number in range(3))
    receiver.open(first)
    for wrong in (first, third):
        with pytest.raises(LayerBroken):
            receiver.open(wrong)
    assert receiver.open(second) == b"\1"


@given(size=st.integers(1, SIZE_CLASSES[-1] - 240), hint=st.integers(0, 15))
def test_sizes_are_those_of_a_class_less_the_hint(size, hint):
    padded = padded_size(size, hint)
    assert padded >= size
    assert padded + 16 * hint in SIZE_CLASSES
    assert padded <= capacity(hint)


def test_a_slot_is_as_large_as_hpke_makes_it():
    assert SLOT_SIZE == 1_648
