"""The last checkpoint, kept in a second place: an old copy of the books is noticed by it.

Without it, a file of last week would be as good a ledger as today's: its chain verifies. The note
is sealed, so that nobody without the data key can write one that fits.
"""

import os
from pathlib import Path

from masq_accountant.errors import SealBroken
from masq_accountant.ledger.numbers import NumberReader, number_bytes
from masq_accountant.store.vault import Vault, place
from masq_kernel.errors import OperatorError

__all__ = ["Anchor"]

_WHERE = place("ledger.anchor")
_SIZE_MAX = 4_096


class Anchor:
    """A file beside the books.

    Args:
        path: of the file.
        vault: seals it.
    """

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path, self._vault = path, vault

    def read(self) -> tuple[int, bytes] | None:
        """Return number and hash of the last checkpoint; None: there is no note.

        Raises:
            SealBroken: the file is not ours, or was changed.
        """
        try:
            with self._path.open("rb") as file:
                plain = self._vault.open(_WHERE, 0, file.read(_SIZE_MAX))
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = f"The note of the last checkpoint {self._path} cannot be read: {error}."
            raise OperatorError(problem, remedy="Correct its permissions.") from None
        try:
            return NumberReader(plain).next(), plain[-32:]
        except ValueError:
            raise SealBroken from None

    @property
    def is_missing(self) -> bool:
        """Whether there is no note."""
        return not self._path.exists()

    def write(self, number: int, digest: bytes) -> None:
        """Replace the note in one step, on disk when this returns.

        Args:
            number: the last transaction of the checkpoint; 0: the books are new.
            digest: the chain's hash there.
        """
        sealed = self._vault.seal(_WHERE, 0, number_bytes(number) + digest)
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
