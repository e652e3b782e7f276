"""The node's wallets: addresses for everybody, signatures for routes, keys for nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from masq_accountant.ledger.evidence import Voucher
from masq_kernel.bus.messages.accountant import ProofToSign
from masq_kernel.chains import Chain
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.keystore import CONSUMING_MAX, KeyStore, consuming_entry
from masq_kernel.identity.proofs import SECRET_HASH_SIZE, ProofClaim, sign_proof, wallet_of
from masq_kernel.rates import ZERO_RATES
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["Wallets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallets:
    """The wallets of this node.

    Args:
        chain: whose payer proofs they sign.
        earning: is paid.
        keys: of the consuming wallets, which pay; secp256k1, 32 bytes each; empty: none is set, and
            the node cannot originate.
    """

    chain: Chain
    earning: WalletAddress
    keys: Mapping[WalletAddress, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def from_keystore(cls, store: KeyStore, chain: Chain) -> "Wallets":
        """Read them.

        Raises:
            OperatorError: there is no earning wallet.
        """
        earning_key = store.get("earning-wallet")
        if earning_key is None:
            problem = "The key store holds no earning wallet."
            raise OperatorError(problem, remedy="Make a node with `masq init`.")
        keys = {wallet_of(key): key for key in _consuming_keys(store)}
        return cls(chain=chain, earning=wallet_of(earning_key), keys=keys)

    @property
    def payers(self) -> tuple[WalletAddress, ...]:
        """The consuming wallets, the first one first."""
        return tuple(self.keys)

    @property
    def consuming(self) -> WalletAddress | None:
        """The first consuming wallet; None: none is set."""
        return next(iter(self.keys), None)

    @property
    def own(self) -> frozenset[WalletAddress]:
        """Every wallet of this node: never charged."""
        return frozenset((self.earning, *self.keys))

    def sign(
        self,
        proofs: Sequence[ProofToSign],
        payers: Sequence[WalletAddress],
        owed: Sequence[Wei],
        sequence: int,
    ) -> tuple[bytes, ...]:
        """Return a payer proof, 65 bytes, for each hop of a route (protocol.md 4.2).

        Args:
            proofs: what each is for.
            payers: which consuming wallet signs it.
            owed: what we owe each of these hops in all.
            sequence: of these proofs.
        """
        return tuple(
            self._sign(self.keys[payer], proof, total, sequence)
            for proof, payer, total in zip(proofs, payers, owed, strict=True)
        )

    def own_word(self, payer: WalletAddress, node_id: NodeId, owed: Wei, sequence: int) -> Voucher:
        """Return a voucher that pays for nothing: what a wallet owns up to in a dispute."""
        claim = ProofClaim(
            node_id=node_id,
            secret_hash=bytes(SECRET_HASH_SIZE),
            rates=ZERO_RATES,
            expires_at=UnixSeconds(0),
            owed=owed,
            sequence=sequence,
        )
        signature = sign_proof(self.keys[payer], self.chain, claim)
        return Voucher(wallet=payer, claim=claim, signature=signature)

    def _sign(self, key: bytes, proof: ProofToSign, owed: Wei, sequence: int) -> bytes:
        claim = ProofClaim(
            node_id=proof.node_id,
            secret_hash=proof.secret_hash,
            rates=proof.rates,
            expires_at=proof.expires_at,
            owed=owed,
            sequence=sequence,
        )
        return sign_proof(key, self.chain, claim)


def _consuming_keys(store: KeyStore) -> Iterator[bytes]:
    for number in range(1, CONSUMING_MAX + 1):
        key = store.get(consuming_entry(number))
        if key is None:
            return
        yield key
