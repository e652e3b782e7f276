"""What is written at rest is sealed: wallets, amounts, counterparties (accounting.md section 2).

    data key (key store: `ledger-key`) --HKDF--> a key for names, a key for each epoch of cells

A *cell* is AES-256-GCM, bound to its place (table and row), so that cells cannot be swapped; a
*name* is AES-SIV, the same each time, so that it can be looked up and kept unique. A new
passphrase of the key store wraps the data key anew and changes nothing here.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from masq_accountant.errors import SealBroken
from masq_accountant.ledger.numbers import number_bytes
from masq_kernel.entropy import Entropy

__all__ = ["DATA_KEY_SIZE", "SealedBytes", "Vault", "place"]

DATA_KEY_SIZE = 32
_NONCE_SIZE = 12

_EPOCH_BITS = 16
"""Cells of 65,536 transactions share a key: with random nonces, far below 2**32 cells even when
each of them touches thousands of accounts."""

_CACHED_KEYS = 64


class SealedBytes(bytes):
    """Bytes that came from a vault; the only kind that a sealed column takes."""

    __slots__ = ()


def place(table: str, *key: int | bytes) -> bytes:
    """Return what a cell is bound to: its table, its row, and what stands in clear in that row."""
    parts = (
        number_bytes(each) if isinstance(each, int) else number_bytes(len(each)) + each
        for each in key
    )
    return table.encode("ascii") + b"\0" + b"".join(parts)


class Vault:
    """Seals and opens.

    Args:
        data_key: DATA_KEY_SIZE bytes; never printed.
        entropy: for nonces.
    """

    def __init__(self, data_key: bytes, entropy: Entropy) -> None:
        assert len(data_key) == DATA_KEY_SIZE
        self._data_key, self._entropy = data_key, entropy
        self._names = AESSIV(self._derive("names", 64))
        self._cells = lru_cache(_CACHED_KEYS)(self._cell_key)

    def seal(self, where: bytes, number: int, plain: bytes) -> SealedBytes:
        """Return a cell.

        Args:
            where: its `place`.
            number: of the transaction that writes it; chooses the epoch.
            plain: what it holds.
        """
        nonce = self._entropy.token(_NONCE_SIZE)
        return SealedBytes(nonce + self._cells(number >> _EPOCH_BITS).encrypt(nonce, plain, where))

    def open(self, where: bytes, number: int, sealed: bytes) -> bytes:
        """Return what a cell holds.

        Raises:
            SealBroken: it was changed, or belongs to another place.
        """
        key = self._cells(number >> _EPOCH_BITS)
        try:
            return key.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], where)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def name(self, plain: bytes) -> SealedBytes:
        """Return a name, the same each time."""
        return SealedBytes(self._names.encrypt(plain, None))

    def read_name(self, sealed: bytes) -> bytes:
        """Return what a name stands for.

        Raises:
            SealBroken: it was changed.
        """
        try:
            return self._names.decrypt(sealed, None)
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _cell_key(self, epoch: int) -> AESGCM:
        return AESGCM(self._derive(f"cells/{epoch}", 32))

    def _derive(self, purpose: str, size: int) -> bytes:
        info = f"masq/1/ledger/{purpose}".encode("ascii")
        return HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(self._data_key)
