"""Link proofs: two honest sides agree; any change, any man in the middle, is refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_kernel.chains import CHAINS
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import SIGNATURE_SIZE, IdentityKey
from masq_router.errors import WireError
from masq_router.wire.handshake import (
    HELLO_SIZE,
    LONE_WORKER,
    NONCE_SIZE,
    WORKER_SIZE,
    DiallerHandshake,
    ListenerHandshake,
    NotForUs,
)

DEV, AMOY = CHAINS["dev"], CHAINS["polygon-amoy"]
CERTIFICATE = hashlib.sha256(b"the listener's certificate").digest()
OTHER_CERTIFICATE = hashlib.sha256(b"the certificate of a man in the middle").digest()
ALICE = IdentityKey.generate(SeededEntropy(1))
BOB = IdentityKey.generate(SeededEntropy(2))
CAROL = IdentityKey.generate(SeededEntropy(3))


PROOF_SIZE = SIGNATURE_SIZE + WORKER_SIZE


def make_dialler(*, chain=DEV, identity=ALICE, wanted=BOB, certificate=CERTIFICATE, seed=4):
    return DiallerHandshake(
        chain=chain,
        identity=identity,
        wanted=wanted.node_id,
        certificate_hash=certificate,
        entropy=SeededEntropy(seed),
    )


def make_listener(*, chain=DEV, identity=BOB, certificate=CERTIFICATE, seed=5, **more):
    return ListenerHandshake(
        chain=chain,
        identity=identity,
        certificate_hash=certificate,
        entropy=SeededEntropy(seed),
        **more,
    )


def shake(dialler, listener, change=lambda number, message: message):
    """Run the four messages, each through `change`."""
    nonce = listener.receive(change(0, dialler.hello()))
    proof = dialler.receive(change(1, nonce))
    answer = listener.receive(change(2, proof))
    assert dialler.receive(change(3, answer)) is None


def test_two_honest_sides_know_each_other():
    dialler, listener = make_dialler(), make_listener()
    shake(dialler, listener)
    assert dialler.peer == BOB.node_id
    assert listener.peer == ALICE.node_id


@pytest.mark.parametrize(
    ("number", "size"), [(0, HELLO_SIZE), (1, NONCE_SIZE), (2, PROOF_SIZE), (3, PROOF_SIZE)]
)
def test_every_changed_bit_of_each_message_is_refused(number, size):
    for bit in range(8 * size):
        dialler, listener = make_dialler(), make_listener()

        def change(at, message, bit=bit):
            if at != number:
                return message
            assert len(message) == size
            changed = bytearray(message)
            changed[bit // 8] ^= 1 << (bit % 8)
            return bytes(changed)

        with pytest.raises(WireError):
            shake(dialler, listener, change)
        assert dialler.peer is None
        assert number == 3 or listener.peer is None


@given(st.integers(0, 3), st.binary(max_size=200))
def test_other_bytes_are_refused_and_nothing_else_happens(number, other):
    dialler, listener = make_dialler(), make_listener()

    def change(at, message):
        if at != number:
            return message
        return other if other != message else b""

    with pytest.raises(WireError):
        shake(dialler, listener, change)


def test_a_man_in_the_middle_shows_another_certificate():
    dialler = make_dialler(certificate=OTHER_CERTIFICATE)
    listener = make_listener()
    with pytest.raises(WireError, match="dialler does not prove"):
        shake(dialler, listener)


def test_a_listener_that_is_another_node_is_not_believed():
    """Carol has Bob's address, but not his key."""
    dialler, listener = make_dialler(), make_listener(identity=CAROL)
    with pytest.raises(NotForUs):
        listener.receive(dialler.hello())
    liar = make_listener(identity=CAROL)
    nonce = liar.receive(make_dialler(wanted=CAROL).hello())
    dialler.receive(nonce)
    with pytest.raises(WireError, match="listener does not prove"):
        dialler.receive(CAROL.sign(b"anything") + LONE_WORKER)


def test_a_proof_of_one_link_is_worth_nothing_on_another():
    """Bob relays Alice's proof to Carol, who has asked for it with her own nonce."""
    dialler, bob = make_dialler(), make_listener()
    proof = dialler.receive(bob.receive(dialler.hello()))
    second = make_listener(seed=6)
    second.receive(make_dialler().hello())
    with pytest.raises(WireError):
        second.receive(proof)


def test_chains_never_link():
    with pytest.raises(WireError):
        shake(make_dialler(chain=AMOY), make_listener())


def test_nobody_links_to_itself():
    with pytest.raises(NotForUs):
        make_listener().receive(make_dialler(identity=BOB).hello())


def test_processes_of_one_node_link_where_nobody_else_may():
    dialler, listener = make_dialler(identity=BOB), make_listener(takes_siblings=True)
    shake(dialler, listener)
    assert dialler.peer == listener.peer == BOB.node_id
    with pytest.raises(NotForUs):
        make_listener(takes_siblings=True).receive(make_dialler().hello())


def test_signatures_do_not_serve_for_the_other_role():
    """A listener that reflects the dialler's own signature proves nothing."""
    dialler, listener = make_dialler(), make_listener()
    proof = dialler.receive(listener.receive(dialler.hello()))
    with pytest.raises(WireError):
        dialler.receive(proof)
