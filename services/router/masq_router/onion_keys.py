"""This node's onion keys over time: the current one, and the one before it (protocol.md 2).

The key before stays valid for one more period, for originators that hold an older record; then it
is forgotten, in memory and in the key store, and what was sealed to it can never be opened again.
"""

import struct
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
        """Make a new key if it is time, and forget what is too old; say whether it was."""
        kept = [key for key in self._keys if key.made_at <= now < key.expires_at]
        is_due = not kept or now - kept[0].made_at >= ROTATION_S
        if is_due:
            kept = [_Key(OnionKeyPair.generate(), now), *kept[:1]]
        if kept != self._keys:
            self._keys = kept
            self._store.put(ENTRY, b"".join(map(_written, kept)))
        return is_due


def _written(key: _Key) -> bytes:
    return _STORED.pack(key.made_at, key.pair.secret())


def _read(entry: bytes | None) -> list[_Key]:
    if not entry or len(entry) % _STORED.size:
        return []
    return [
        _Key(OnionKeyPair.from_secret(secret), UnixSeconds(made_at))
        for made_at, secret in _STORED.iter_unpack(entry)
    ]
