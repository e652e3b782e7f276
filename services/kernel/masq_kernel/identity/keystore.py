"""The key store: a node's secrets in one file, behind a passphrase (protocol.md section 2).

    passphrase --Argon2id--> wrapping key --AES-256-GCM--> master key --AES-256-GCM--> entries

A new passphrase wraps the same master key again, so no entry changes. Every entry is bound to its
name. The file is 0600, replaced atomically, and locked while several processes add entries.

KeyStoreError (OperatorError)
|- KeyStoreMissing
|- KeyStoreExposed      others may read it
|- KeyStoreDamaged
+- WrongPassphrase
"""

import fcntl
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError
from masq_kernel.identity.keys import IdentityKey

__all__ = [
    "CONSUMING_MAX",
    "LIGHT",
    "STANDARD",
    "KeyStore",
    "KeyStoreDamaged",
    "KeyStoreError",
    "KeyStoreExposed",
    "KeyStoreMissing",
    "Work",
    "WrongPassphrase",
    "consuming_entry",
]

_VERSION = 1
_KEY_SIZE = 32
_NONCE_SIZE = 12
_SALT_SIZE = 16
_FILE_SIZE_MAX = 1 << 20
_MASTER = "master key"


class KeyStoreError(OperatorError):
    """The key store cannot be used."""


class KeyStoreMissing(KeyStoreError):  # noqa: N818 - states a fact
    """There is no file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no key store at {path}.", remedy="Make one with `masq init`.")


class KeyStoreExposed(KeyStoreError):  # noqa: N818 - states a fact
    """Other users of the machine may read or write it."""

    def __init__(self, path: Path) -> None:
        problem = f"The key store {path} is open to other users."
        super().__init__(problem, remedy=f"Close it with `chmod 600 {path}`.")


class KeyStoreDamaged(KeyStoreError):  # noqa: N818 - states a fact
    """It is not what was written."""

    def __init__(self, path: Path) -> None:
        problem = f"The key store {path} is damaged."
        super().__init__(problem, remedy="Put back a copy from your backup.")


class WrongPassphrase(KeyStoreError):  # noqa: N818 - states a fact
    """The passphrase does not open it."""

    def __init__(self, path: Path) -> None:
        problem = f"The passphrase does not open the key store {path}."
        super().__init__(problem, remedy="Try again with the right one.", exit_code=4)


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How hard a guess is made (Argon2id, RFC 9106).

    Args:
        memory_kib: memory of one guess, in KiB.
        iterations: passes over it.
        lanes: parallel lanes.
    """

    memory_kib: int
    iterations: int
    lanes: int

    @property
    def is_sane(self) -> bool:
        """Whether a file may ask this of us: a hostile one must not take all memory or time."""
        sane_memory = 8 * self.lanes <= self.memory_kib <= 1 << 20
        return sane_memory and 1 <= self.iterations <= 16 and 1 <= self.lanes <= 16


STANDARD = Work(64 << 10, 3, 4)
"""RFC 9106 section 4, second recommendation: 64 MiB, 3 passes, 4 lanes."""

LIGHT = Work(8 << 10, 1, 1)
"""For tests and the dev chain, where keys guard nothing and many nodes start at once."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    work: Work
    salt: str
    master: str
    entries: dict[str, str]


@dataclass(slots=True)
class KeyStore:
    """An opened key store.

    Args:
        path: its file.
        master: opens the entries; never printed.
    """

    path: Path
    _master: AESGCM
    _entropy: Entropy

    @classmethod
    def create(
        cls, path: Path, passphrase: str, entropy: Entropy, *, work: Work = STANDARD
    ) -> Self:
        """Make a new, empty key store.

        Raises:
            KeyStoreError: a file is there already.
        """
        if path.exists():
            problem = f"There is a key store at {path} already."
            raise KeyStoreError(problem, remedy="Choose another data directory.")
        master = entropy.token(_KEY_SIZE)
        salt, wrapped = _wrap(master, passphrase, entropy, work)
        file = _File(_VERSION, work, _text(salt), _text(wrapped), {})
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, file)
        return cls(path, AESGCM(master), entropy)

    @classmethod
    def open(cls, path: Path, passphrase: str, entropy: Entropy) -> Self:
        """Open a key store.

        Raises:
            KeyStoreMissing, KeyStoreExposed, KeyStoreDamaged, WrongPassphrase: as they say.
        """
        file = _read(path)
        return cls(path, AESGCM(_unwrap(path, file, passphrase)), entropy)

    def get(self, name: str) -> bytes | None:
        """Return an entry's secret; None when there is no such entry.

        Raises:
            KeyStoreDamaged: it was changed, or belongs to another name.
        """
        sealed = _read(self.path).entries.get(name)
        if sealed is None:
            return None
        try:
            return _open(self._master, _bytes(sealed), name)
        except (InvalidTag, ValueError):
            raise KeyStoreDamaged(self.path) from None

    def identity(self) -> IdentityKey:
        """Return the node's identity.

        Raises:
            OperatorError: there is none.
            KeyStoreDamaged: it was changed.
        """
        seed = self.get("identity")
        if seed is None:
            problem = "The key store holds no identity."
            raise OperatorError(problem, remedy="Make one with `masq init`.")
        return IdentityKey.from_seed(seed)

    def put(self, name: str, secret: bytes) -> None:
        """Add or replace an entry; safe against other processes that do the same."""
        with _locked(self.path):
            file = _read(self.path)
            file.entries[name] = _text(_seal(self._master, secret, name, self._entropy))
            _write(self.path, file)

    def update(self, name: str, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
        """Change an entry in one step, while no other process can; return what it holds then.

        Args:
            name: of the entry.
            change: is given its secret, or None when there is no such entry; returns the new one,
                or None to leave it as it is.

        Raises:
            KeyStoreDamaged: it was changed, or belongs to another name.
        """
        with _locked(self.path):
            before = self.get(name)
            after = change(before)
            if after is None or after == before:
                return before
            file = _read(self.path)
            file.entries[name] = _text(_seal(self._master, after, name, self._entropy))
            _write(self.path, file)
            return after

    def change_passphrase(self, old: str, new: str) -> None:
        """Let another passphrase open the same secrets.

        Raises:
            WrongPassphrase: `old` does not open it.
        """
        with _locked(self.path):
            file = _read(self.path)
            master = _unwrap(self.path, file, old)
            salt, wrapped = _wrap(master, new, self._entropy, file.work)
            file.salt, file.master = _text(salt), _text(wrapped)
            _write(self.path, file)


CONSUMING_MAX = 16
"""Consuming wallets of a node: each needs MASQ, and coins for fees."""


def consuming_entry(number: int) -> str:
    """Return the name of the entry with a consuming wallet's key, from 1 up."""
    return "consuming-wallet" if number == 1 else f"consuming-wallet-{number}"


def _derive(passphrase: str, salt: bytes, work: Work) -> AESGCM:
    kdf = Argon2id(
        salt=salt,
        length=_KEY_SIZE,
        iterations=work.iterations,
        lanes=work.lanes,
        memory_cost=work.memory_kib,
    )
    return AESGCM(kdf.derive(passphrase.encode("utf-8")))


def _wrap(master: bytes, passphrase: str, entropy: Entropy, work: Work) -> tuple[bytes, bytes]:
    salt = entropy.token(_SALT_SIZE)
    return salt, _seal(_derive(passphrase, salt, work), master, _MASTER, entropy)


def _unwrap(path: Path, file: _File, passphrase: str) -> bytes:
    try:
        key = _derive(passphrase, _bytes(file.salt), file.work)
        return _open(key, _bytes(file.master), _MASTER)
    except InvalidTag:
        raise WrongPassphrase(path) from None
    except ValueError:
        raise KeyStoreDamaged(path) from None


def _context(name: str) -> bytes:
    return f"masq/{_VERSION}/key-store/{name}".encode()


def _seal(key: AESGCM, secret: bytes, name: str, entropy: Entropy) -> bytes:
    nonce = entropy.token(_NONCE_SIZE)
    return nonce + key.encrypt(nonce, secret, _context(name))


def _open(key: AESGCM, sealed: bytes, name: str) -> bytes:
    return key.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], _context(name))


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read(_FILE_SIZE_MAX + 1)
    except FileNotFoundError:
        raise KeyStoreMissing(path) from None
    if mode & 0o077:
        raise KeyStoreExposed(path)
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError:
        raise KeyStoreDamaged(path) from None
    if file.version != _VERSION or not file.work.is_sane:
        raise KeyStoreDamaged(path)
    return file


def _write(path: Path, file: _File) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
