"""Payer proofs: worth something to one hop, for one session, at one price, on one chain."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from masq_kernel.chains import CHAINS
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.proofs import (
    ProofClaim,
    proof_message,
    recover_payer,
    sign_proof,
    verify_proof,
    wallet_of,
)
from masq_kernel.rates import DEFAULT_RATES, ZERO_RATES, RatePack
from masq_kernel.units import UnixSeconds

DEV = CHAINS["dev"]
KEY = bytes([7]) * 32
CLAIM = ProofClaim(
    node_id=NodeId(bytes(range(32))),
    secret_hash=bytes([9]) * 32,
    rates=DEFAULT_RATES,
    expires_at=UnixSeconds(1_800_000_600),
)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_a_proof_names_its_wallet():
    assert recover_payer(DEV, CLAIM, sign_proof(KEY, DEV, CLAIM)) == wallet_of(KEY)


def test_ethereum_tools_read_and_make_the_same_signature():
    message = encode_defunct(proof_message(DEV, CLAIM))
    signature = sign_proof(KEY, DEV, CLAIM)
    assert Account.recover_message(message, signature=signature) == wallet_of(KEY).text
    assert bytes(Account.sign_message(message, KEY).signature) == signature


@pytest.mark.parametrize(
    "other",
    [
        replace(CLAIM, node_id=NodeId(bytes(32))),
        replace(CLAIM, secret_hash=bytes(32)),
        replace(CLAIM, rates=ZERO_RATES),
        replace(CLAIM, expires_at=UnixSeconds(1_800_000_601)),
    ],
)
def test_a_proof_is_worth_nothing_for_another_claim(other):
    assert not verify_proof(DEV, other, wallet_of(KEY), sign_proof(KEY, DEV, CLAIM))


def test_a_proof_is_worth_nothing_on_another_chain():
    signature = sign_proof(KEY, DEV, CLAIM)
    assert not verify_proof(CHAINS["base-mainnet"], CLAIM, wallet_of(KEY), signature)


def test_every_changed_bit_of_the_signature_is_refused():
    signature = sign_proof(KEY, DEV, CLAIM)
    for bit in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << (bit % 8)
        assert not verify_proof(DEV, CLAIM, wallet_of(KEY), bytes(changed))


def claim_of(data):
    """The claim and the wallet that these bytes spell."""
    claim = ProofClaim(
        node_id=NodeId(data[:32]),
        secret_hash=data[32:64],
        rates=RatePack.from_bytes(data[64:96]),
        expires_at=UnixSeconds(int.from_bytes(data[96:104], "big")),
    )
    return claim, WalletAddress(data[104:])


def test_every_changed_bit_of_what_is_claimed_is_refused():
    signature = sign_proof(KEY, DEV, CLAIM)
    spelled = CLAIM.node_id.raw + CLAIM.secret_hash + CLAIM.rates.to_bytes()
    spelled += CLAIM.expires_at.to_bytes(8, "big") + wallet_of(KEY).raw
    assert verify_proof(DEV, *claim_of(spelled), signature)
    for bit in range(8 * len(spelled)):
        changed = bytearray(spelled)
        changed[bit // 8] ^= 1 << (bit % 8)
        try:
            other = claim_of(bytes(changed))
        except MalformedError:  # no such price
            continue
        assert not verify_proof(DEV, *other, signature)


def test_the_second_signature_that_mathematics_allows_is_refused():
    signature = sign_proof(KEY, DEV, CLAIM)
    high_s = ORDER - int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + high_s.to_bytes(32, "big") + bytes([27 + 28 - signature[64]])
    with pytest.raises(MalformedError):
        recover_payer(DEV, CLAIM, twin)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 64 + b"\x1b"])
def test_what_is_no_signature_is_refused(signature):
    assert not verify_proof(DEV, CLAIM, wallet_of(KEY), signature)
