"""The onion format of protocol version 1, as it was written down once."""

import json
from pathlib import Path

import pytest

from masq_kernel.chains import chain_named
from masq_kernel.identity.keys import NodeId
from masq_kernel.identity.proofs import ProofClaim, verify_proof
from masq_router.onion import OnionKeyPair, end_to_end_layer, hop_layer, open_setup, session_id
from masq_router.onion.layers import secret_hash

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "onion.json").read_text())
CHAIN = chain_named(VECTOR["chain"])


@pytest.fixture(scope="module")
def opened():
    """What each hop finds as the SETUP travels."""
    setup, found = bytes.fromhex(VECTOR["setup"]), []
    for hop in VECTOR["hops"]:
        assert setup[:8].hex() == hop["tag"]
        keys = OnionKeyPair.from_secret(bytes.fromhex(hop["onion_secret"]))
        assert keys.public().hex() == hop["onion_public"]
        found.append(open_setup(CHAIN, [keys], setup))
        setup = found[-1].forward
    assert setup is None
    return found


def test_each_hop_finds_its_secret_and_its_next(opened):
    names = [hop["node_id"] for hop in VECTOR["hops"]]
    for index, (hop, found) in enumerate(zip(VECTOR["hops"], opened, strict=True)):
        assert found.block.secret.hex() == hop["hop_secret"]
        assert session_id(CHAIN, found.block.secret).hex() == hop["session_id"]
        following = found.block.next_node.text if found.block.next_node else None
        assert following == (names[index + 1] if index + 1 < len(names) else None)


def test_each_hops_proof_verifies(opened):
    for hop, found in zip(VECTOR["hops"], opened, strict=True):
        block = found.block
        claim = ProofClaim(
            node_id=NodeId.from_text(hop["node_id"]),
            secret_hash=secret_hash(block.secret),
            rates=block.rates,
            expires_at=block.expires_at,
        )
        assert block.wallet.text == hop["wallet"]
        assert block.proof.hex() == hop["proof"]
        assert verify_proof(CHAIN, claim, block.wallet, block.proof)


def test_the_first_data_package_peels_to_its_plaintext(opened):
    package = bytes.fromhex(VECTOR["data"])
    for found in opened[:-1]:
        package = hop_layer(CHAIN, found.block.secret).open(package)
    plaintext = end_to_end_layer(CHAIN, opened[-1].block.secret).open(package)
    assert plaintext.hex() == VECTOR["plaintext"]
