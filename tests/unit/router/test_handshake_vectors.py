"""The link proof of protocol version 1, as it was written down once."""

import json
from pathlib import Path

import pytest

from masq_kernel.chains import chain_named
from masq_kernel.identity.keys import SIGNATURE_SIZE, IdentityKey
from masq_router.wire.handshake import (
    LONE_WORKER,
    DiallerHandshake,
    LinkRole,
    ListenerHandshake,
    Transcript,
)

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "handshake.json").read_text())
CHAIN = chain_named(VECTOR["chain"])
CERTIFICATE = bytes.fromhex(VECTOR["certificate_hash"])
DIALLER = IdentityKey.from_seed(bytes.fromhex(VECTOR["dialler_seed"]))
LISTENER = IdentityKey.from_seed(bytes.fromhex(VECTOR["listener_seed"]))
WORKER = bytes.fromhex(VECTOR["dialler_worker"])
HELLO, NONCE, PROOF, ANSWER = (bytes.fromhex(each) for each in VECTOR["messages"])


class GivenNonce:
    """Chance that has been decided."""

    def __init__(self, nonce):
        self._nonce = nonce

    def token(self, size):
        assert size == len(self._nonce)
        return self._nonce


def test_both_sides_say_what_was_written_down():
    dialler = DiallerHandshake(
        chain=CHAIN,
        identity=DIALLER,
        wanted=LISTENER.node_id,
        certificate_hash=CERTIFICATE,
        entropy=GivenNonce(HELLO[-32:]),
        worker=WORKER,
    )
    listener = ListenerHandshake(
        chain=CHAIN, identity=LISTENER, certificate_hash=CERTIFICATE, entropy=GivenNonce(NONCE)
    )
    assert dialler.hello() == HELLO
    assert listener.receive(HELLO) == NONCE
    assert dialler.receive(NONCE) == PROOF
    assert listener.receive(PROOF) == ANSWER
    assert dialler.receive(ANSWER) is None
    assert (dialler.peer, listener.peer) == (LISTENER.node_id, DIALLER.node_id)
    assert (dialler.peer_worker, listener.peer_worker) == (LONE_WORKER, WORKER)


@pytest.mark.parametrize(
    ("role", "key", "signed", "proof"),
    [
        (LinkRole.DIALLER, DIALLER, "signed_by_dialler", PROOF),
        (LinkRole.LISTENER, LISTENER, "signed_by_listener", ANSWER),
    ],
)
def test_what_is_signed_is_spelled_as_it_was(role, key, signed, proof):
    signature, worker = proof[:SIGNATURE_SIZE], proof[SIGNATURE_SIZE:]
    transcript = Transcript(
        chain=CHAIN,
        certificate_hash=CERTIFICATE,
        dialler=DIALLER.node_id,
        listener=LISTENER.node_id,
        dialler_nonce=HELLO[-32:],
        listener_nonce=NONCE,
    )
    assert transcript.message(role, worker).hex() == VECTOR[signed]
    assert key.node_id.verify(signature, bytes.fromhex(VECTOR[signed]))
