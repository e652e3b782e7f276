"""Descriptors and payer proofs of protocol version 1, as they were written down once."""

import json
from pathlib import Path

import pytest

from masq_kernel.chains import CHAINS, chain_named
from masq_kernel.errors import MalformedError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import NodeId
from masq_kernel.identity.proofs import (
    ProofClaim,
    proof_message,
    recover_payer,
    sign_proof,
    verify_proof,
    wallet_of,
)
from masq_kernel.rates import RatePack

FOLDER = Path(__file__).parents[2] / "vectors"
DESCRIPTORS = json.loads((FOLDER / "descriptor.json").read_text())
PROOFS = json.loads((FOLDER / "proof.json").read_text())


@pytest.mark.parametrize("vector", DESCRIPTORS["valid"], ids=lambda vector: vector["text"][:40])
def test_a_descriptor_reads_and_prints_the_same(vector):
    descriptor = Descriptor.from_text(vector["text"])
    assert descriptor.chain.name == vector["chain"]
    assert descriptor.node_id.raw.hex() == vector["node_id"]
    assert list(descriptor.addresses) == vector["addresses"]
    assert list(descriptor.ports) == vector["ports"]
    assert descriptor.text == vector["text"]


@pytest.mark.parametrize("text", DESCRIPTORS["refused"])
def test_what_is_no_descriptor_is_refused(text):
    with pytest.raises(MalformedError):
        Descriptor.from_text(text)


@pytest.mark.parametrize("vector", PROOFS, ids=lambda vector: vector["chain"])
def test_a_proof_is_made_and_read_as_it_was(vector):
    chain, key = chain_named(vector["chain"]), bytes.fromhex(vector["private_key"])
    claim = ProofClaim(
        node_id=NodeId.from_text(vector["node_id"]),
        secret_hash=bytes.fromhex(vector["secret_hash"]),
        rates=RatePack.from_bytes(bytes.fromhex(vector["rates"])),
        expires_at=vector["expires_at"],
        owed=int(vector["owed"]),
        sequence=vector["sequence"],
    )
    proof = bytes.fromhex(vector["proof"])
    assert proof_message(chain, claim).hex() == vector["message"]
    assert sign_proof(key, chain, claim) == proof
    assert recover_payer(chain, claim, proof).text == vector["wallet"] == wallet_of(key).text
    for other in CHAINS.values():
        if other is not chain:
            assert not verify_proof(other, claim, wallet_of(key), proof)
