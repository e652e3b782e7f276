"""The keys of the books: they seal cells and sign checkpoints."""

from dataclasses import dataclass, field

from masq_accountant.ledger.audit import Checkpoint
from masq_accountant.store.vault import DATA_KEY_SIZE, Vault
from masq_kernel.chains import Chain
from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import IdentityKey
from masq_kernel.identity.keystore import KeyStore

__all__ = ["ENTRY", "LedgerKeys"]

ENTRY = "ledger-key"
"""Where the key store has the data key."""


@dataclass(frozen=True, slots=True)
class LedgerKeys:
    """What opening the books takes.

    Args:
        vault: seals cells.
        identity: signs checkpoints.
        chain: whose checkpoints they are.
    """

    vault: Vault = field(repr=False)
    identity: IdentityKey
    chain: Chain

    @classmethod
    def from_keystore(
        cls, store: KeyStore, chain: Chain, entropy: Entropy, *, may_make: bool
    ) -> "LedgerKeys":
        """Read the keys; make the data key for books that do not exist yet.

        Args:
            store: opened.
            chain: the node's.
            entropy: for the data key and nonces.
            may_make: there are no books that another data key has sealed.

        Raises:
            OperatorError: a key is missing.
        """
        identity, data_key = store.identity(), store.get(ENTRY)
        if data_key is None:
            if not may_make:
                problem = "The key store lacks the key of this ledger."
                raise OperatorError(problem, remedy="Put back the key store that belongs to it.")
            data_key = entropy.token(DATA_KEY_SIZE)
            store.put(ENTRY, data_key)
        return cls(Vault(data_key, entropy), identity, chain)

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return it with this node's signature."""
        return checkpoint.signed(self.identity, self.chain)

    def has_signed(self, checkpoint: Checkpoint) -> bool:
        """Whether it is one of ours, as it was signed."""
        return checkpoint.is_by(self.identity.node_id, self.chain)
