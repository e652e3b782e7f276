"""The wallets of a node, from one list of words (BIP-39, BIP-44).

The consuming wallets pay for this node's own traffic, the earning wallet is paid for what it
carries; MASQ's own node derives the first of each at the same paths.
"""

from dataclasses import dataclass

from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError

__all__ = [
    "WalletKeys",
    "checked_words",
    "new_words",
    "random_wallets",
    "wallets_from_words",
]

_PATH = "m/44'/60'/0'/0/{}"
_CONSUMING, _EARNING, _MORE = 0, 1, 2
"""Last parts of paths: of the first consuming wallet, of the earning one, and where more begin."""


_WORDS_ENTROPY_SIZE = 32
"""256 bits: 24 words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletKeys:
    """Private secp256k1 keys, 32 bytes each.

    Args:
        consuming: pay; at least one.
        earning: is paid.
    """

    consuming: tuple[bytes, ...]
    earning: bytes

    def __repr__(self) -> str:
        return "WalletKeys(...)"


def new_words(entropy: Entropy) -> str:
    """Return 24 new words; whoever has them has the wallets."""
    # Importing takes half a second, and only `masq init` needs it.
    from eth_account.hdaccount.mnemonic import Mnemonic
    from eth_account.types import Language

    return Mnemonic(Language.ENGLISH).to_mnemonic(entropy.token(_WORDS_ENTROPY_SIZE))


def checked_words(text: str) -> str:
    """Return somebody's words as they are derived from: lower case, a space apart.

    Raises:
        OperatorError: they are no list of BIP-39, or one is misspelt.
    """
    from eth_account.hdaccount.mnemonic import Mnemonic
    from eth_account.types import Language

    words = " ".join(text.lower().split())
    if not Mnemonic(Language.ENGLISH).is_mnemonic_valid(words):
        problem = "These are not the words of a wallet: one is misspelt, missing or out of order."
        raise OperatorError(problem, remedy="Give all of them as they were shown.", exit_code=2)
    return words


def wallets_from_words(words: str, consuming: int = 1) -> WalletKeys:
    """Return the keys at this node's paths, of so many consuming wallets."""
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    seed = seed_from_mnemonic(words, "")
    places = (_CONSUMING, *range(_MORE, _MORE + consuming - 1))
    return WalletKeys(
        consuming=tuple(key_from_seed(seed, _PATH.format(place)) for place in places),
        earning=key_from_seed(seed, _PATH.format(_EARNING)),
    )


def random_wallets(entropy: Entropy) -> WalletKeys:
    """Return keys that nobody can restore, for the dev chain."""
    return WalletKeys(consuming=(entropy.token(32),), earning=entropy.token(32))
