"""This node's onion keys over time: the current one, and the one before it (protocol.md 2).

Several processes of the node share them through the key store: each looks when it is time for a new
one, the first makes it, and the others find it there.

The key before stays valid for one more period, for originators that hold an older record; then it
is forgotten, in memory and in the key store, and what was sealed to it can never be opened again.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from masq_kernel.bus.messages.router import OnionKeyAnnounced
from masq_kernel.identity.keystore import KeyStore
from masq_kernel.units import UnixSeconds
from masq_router.onion.keys import ONION_SECRET_SIZE, OnionKeyPair

__all__ = ["ROTATION_S", "OnionKeys"]

ROTATION_S = 24 * 60 * 60

ENTRY = "onion"
_STORED = struct.Struct(f">Q{ONION_SECRET_SIZE}s")


@dataclass(frozen=True, slots=True)
class _Key:
    pair: OnionKeyPair = field(repr=False)
    made_at: UnixSeconds

    @property
    def expires_at(self) -> UnixSeconds:
        """When no SETUP sealed to it is opened any more."""
        return UnixSeconds(self.made_at + 2 * ROTATION_S)


class OnionKeys:
    """Current and previous onion key.

    Args:
        store: keeps them over restarts.
        now: keys that expired meanwhile are replaced at once.
    """

    def __init__(self, store: KeyStore, now: UnixSeconds) -> None:
        self._store = store
        self._keys = _read(store.get(ENTRY))
        self.rotate(now)

    def pairs(self) -> list[OnionKeyPair]:
        """Return the keys that open SETUPs, current first."""
        return [key.pair for key in self._keys]

    def announcement(self) -> OnionKeyAnnounced:
        """Return what others may know of the current key."""
        current = self._keys[0]
        return OnionKeyAnnounced(public_key=current.pair.public(), expires_at=current.expires_at)

    def rotate(self, now: UnixSeconds) -> bool:
        """Have a new key if it is time, and forget what is too old; say whether it was."""
        kept = _still_good(self._keys, now)
        if kept == self._keys and not _is_due(kept, now):
            return False
        before = self._keys[:1]

        def renewed(entry: bytes | None) -> bytes:
            stored = _still_good(_read(entry), now)
            if _is_due(stored, now):
                stored = [_Key(OnionKeyPair.generate(), now), *stored[:1]]
            return b"".join(map(_written, stored))

        self._keys = _read(self._store.update(ENTRY, renewed))
        return [key.made_at for key in self._keys[:1]] != [key.made_at for key in before]


def _still_good(keys: Sequence[_Key], now: UnixSeconds) -> list[_Key]:
    return [key for key in keys if key.made_at <= now < key.expires_at]


def _is_due(kept: Sequence[_Key], now: UnixSeconds) -> bool:
    return not kept or now - kept[0].made_at >= ROTATION_S


def _written(key: _Key) -> bytes:
    return _STORED.pack(key.made_at, key.pair.secret())


def _read(entry: bytes | None) -> list[_Key]:
    if not entry or len(entry) % _STORED.size:
        return []
    return [
        _Key(OnionKeyPair.from_secret(secret), UnixSeconds(made_at))
        for made_at, secret in _STORED.iter_unpack(entry)
    ]
