"""The chains a node can live on. Records and proofs of one never verify on another. Pure.

Table: reference/masq-accountant.md section 5.1; `dev` is a local EVM.
"""

from dataclasses import dataclass

from masq_kernel.errors import MalformedError

__all__ = ["CHAINS", "PROTOCOL_VERSION", "Chain", "chain_named"]

PROTOCOL_VERSION = 1
"""The wire protocol's version (docs/protocol.md); part of every signature's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """An EVM chain and the MASQ token on it.

    Args:
        name: MASQ's name for the chain, as descriptors spell it.
        chain_id: EIP-155 id, at most 64 bits.
        token: address of the MASQ contract, 20 bytes.
        confirmations: how many blocks make a transaction final, as operators of such chains use:
            long enough for the reorganisations that each has seen.
    """

    name: str
    chain_id: int
    token: bytes
    confirmations: int = 12

    def context(self, purpose: str) -> bytes:
        """Return the byte string that separates one use of a key from every other.

        It begins each signed message, and is the `info` of each HPKE and HKDF use
        (protocol.md section 2): `masq/<version>/<purpose>`, NUL, chain id (8 bytes), token (20).
        """
        label = f"masq/{PROTOCOL_VERSION}/{purpose}".encode("ascii")
        return label + b"\0" + self.chain_id.to_bytes(8, "big") + self.token


def _chain(name: str, chain_id: int, token: str, confirmations: int) -> Chain:
    return Chain(
        name=name,
        chain_id=chain_id,
        token=bytes.fromhex(token),
        confirmations=confirmations,
    )


CHAINS: dict[str, Chain] = {
    chain.name: chain
    for chain in (
        _chain("polygon-mainnet", 137, "Ee9A352F6aAc4aF1A5B9f467F6a93E0ffBe9Dd35", 128),
        _chain("eth-mainnet", 1, "06F3C323f0238c72BF35011071f2b5B7F43A054c", 32),
        _chain("base-mainnet", 8453, "45D9C101a3870Ca5024582fd788F4E1e8F7971c3", 60),
        _chain("base-sepolia", 84532, "898e1ce720084A902bc37dd822ed6d6a5f027e10", 60),
        _chain("polygon-amoy", 80002, "d98c3ebd6b7f9b7cda2449ecac00d1e5f47a8193", 128),
        _chain("dev", 2, "59882e4a8f5d24643d4dda422922a870f1b3e664", 3),
    )
}


def chain_named(name: str) -> Chain:
    """Return the chain of that name.

    Raises:
        MalformedError: no such chain; the sentence lists those there are.
    """
    try:
        return CHAINS[name]
    except KeyError:
        known = ", ".join(CHAINS)
        raise MalformedError("chain name", f"unknown; known are {known}") from None
