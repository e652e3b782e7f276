"""The node's wallets: addresses for everybody, signatures for routes, keys for nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from masq_accountant.ledger.evidence import Voucher
from masq_kernel.bus.messages.accountant import ProofToSign
from masq_kernel.chains import Chain
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.identity.proofs import SECRET_HASH_SIZE, ProofClaim, sign_proof, wallet_of
from masq_kernel.rates import ZERO_RATES
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["Wallets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallets:
    """Both wallets of this node.

    Args:
        chain: whose payer proofs it signs.
        earning: is paid.
        consuming: pays; None: not set, the node cannot originate.
        consuming_key: its secp256k1 key, 32 bytes; never leaves this object.
    """

    chain: Chain
    earning: WalletAddress
    consuming: WalletAddress | None = None
    consuming_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def from_keystore(cls, store: KeyStore, chain: Chain) -> "Wallets":
        """Read both.

        Raises:
            OperatorError: there is no earning wallet.
        """
        earning_key, consuming_key = store.get("earning-wallet"), store.get("consuming-wallet")
        if earning_key is None:
            problem = "The key store holds no earning wallet."
            raise OperatorError(problem, remedy="Make a node with `masq init`.")
        return cls(
            chain=chain,
            earning=wallet_of(earning_key),
            consuming=wallet_of(consuming_key) if consuming_key else None,
            consuming_key=consuming_key,
        )

    @property
    def own(self) -> frozenset[WalletAddress]:
        """Every wallet of this node: never charged."""
        return frozenset({self.earning} | ({self.consuming} if self.consuming else set()))

    def sign(
        self, proofs: Sequence[ProofToSign], owed: Sequence[Wei], sequence: int
    ) -> tuple[bytes, ...]:
        """Return a payer proof, 65 bytes, for each hop of a route (protocol.md 4.2).

        Args:
            proofs: what each is for.
            owed: what we owe each of these hops in all.
            sequence: of these proofs.
        """
        key = self.consuming_key
        assert key is not None
        return tuple(
            self._sign(key, proof, total, sequence)
            for proof, total in zip(proofs, owed, strict=True)
        )

    def own_word(self, node_id: NodeId, owed: Wei, sequence: int) -> Voucher:
        """Return a voucher that pays for nothing: what we own up to in a dispute."""
        assert self.consuming is not None
        assert self.consuming_key is not None
        claim = ProofClaim(
            node_id=node_id,
            secret_hash=bytes(SECRET_HASH_SIZE),
            rates=ZERO_RATES,
            expires_at=UnixSeconds(0),
            owed=owed,
            sequence=sequence,
        )
        signature = sign_proof(self.consuming_key, self.chain, claim)
        return Voucher(wallet=self.consuming, claim=claim, signature=signature)

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
