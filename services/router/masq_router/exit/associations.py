"""The associations that this exit serves, by their secrets.

Whoever shows the secret is the originator: it travels only inside the innermost layer, from the one
to the other. It is looked up by its hash, so that the time this takes tells nothing about it.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator

from masq_kernel.clock import Clock
from masq_kernel.identity.keys import WalletAddress
from masq_router.exit.detached import Detached
from masq_router.exit.quota import NoQuota, Quota, StreamCounts
from masq_router.exit.streams import ExitStreams
from masq_router.streams.attach import Attach
from masq_router.streams.memory import HELD_MAX, heaviest
from masq_router.wire.frames import TeardownReason

__all__ = ["Associations", "secret_hash"]


class Associations:
    """Serves them with or without a route.

    Args:
        counts: streams of all payers.
        make_streams: makes the sockets' side of a new one.
        clock: for how long they wait.
        detached: who waits.
        held_max: bytes that all of them may hold in memory.
    """

    def __init__(
        self,
        *,
        counts: StreamCounts,
        make_streams: Callable[[Quota | NoQuota], ExitStreams],
        clock: Clock,
        detached: Detached[ExitStreams] | None = None,
        held_max: int = HELD_MAX,
    ) -> None:
        self._counts, self._make_streams, self._clock = counts, make_streams, clock
        self._by_hash: dict[bytes, tuple[bytes, ExitStreams]] = {}
        self._detached = Detached[ExitStreams]() if detached is None else detached
        self._held_max = held_max
        self.outcomes: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_hash)

    def __iter__(self) -> Iterator[ExitStreams]:
        return iter([streams for _, streams in self._by_hash.values()])

    @property
    def detached_count(self) -> int:
        """Associations that wait for their originator."""
        return len(self._detached)

    def find(
        self, attach: Attach, wallet: WalletAddress, *, asks_only: bool = False
    ) -> ExitStreams | None:
        """Return what an ATTACH speaks of, new if it may be; None: there is no such association.

        With `asks_only` it is always new, and without any stream.
        """
        known = self._by_hash.get(secret_hash(attach.secret))
        if asks_only:
            is_new = known is None and not attach.must_exist
            return self._make_streams(NoQuota(wallet)) if is_new else None
        if known is not None and hmac.compare_digest(known[0], attach.secret):
            return known[1]
        if attach.must_exist:
            self.outcomes["unknown"] += 1
            return None
        return self._make_streams(Quota(self._counts, wallet))

    def is_here(self, of_secret: bytes) -> bool:
        """Whether an association with this SHA-256 of its secret is served here."""
        return of_secret in self._by_hash

    def carried(self, secret: bytes, streams: ExitStreams) -> None:
        """It has a route, the first or another."""
        is_new = secret_hash(secret) not in self._by_hash
        self.outcomes["begun" if is_new else "resumed"] += 1
        self._by_hash[secret_hash(secret)] = (secret, streams)
        streams.secret = secret
        self._detached.remove(streams, streams.wallet)

    def lost(self, streams: ExitStreams) -> None:
        """Its route is gone: keep its streams for a while, if it has any."""
        streams.association.detach()
        if not streams.is_needed:
            self._forget(streams)
            return
        for given_up in self._detached.add(streams, streams.wallet, self._clock.monotonic()):
            self._give_up(given_up, "crowded_out")

    @property
    def held_size(self) -> int:
        """Bytes in memory for all of them."""
        return sum(streams.association.held_size for streams in self)

    def shed(self) -> None:
        """Give up what the heaviest payers hold: one may ask for much and acknowledge nothing."""
        for streams in heaviest(
            self,
            held=lambda each: each.association.held_size,
            whose=lambda each: each.wallet,
            held_max=self._held_max,
        ):
            if streams.carrier is not None:
                streams.carrier.end(TeardownReason.OVERLOAD)
            self._detached.remove(streams, streams.wallet)
            self._give_up(streams, "overload")

    def tick(self) -> None:
        """Once a second: give up those whose originator did not come back, or that are too much."""
        self.shed()
        for streams in self._detached.expired(self._clock.monotonic()):
            self._give_up(streams, "expired")
        for streams in self:
            if streams.carrier is None and not streams.is_needed:
                self._detached.remove(streams, streams.wallet)
                self._forget(streams)

    def _give_up(self, streams: ExitStreams, outcome: str) -> None:
        self.outcomes[outcome] += 1
        self._forget(streams)
        streams.close()

    def _forget(self, streams: ExitStreams) -> None:
        self._by_hash.pop(secret_hash(streams.secret), None)


def secret_hash(secret: bytes) -> bytes:
    """Return what an association is found by."""
    return hashlib.sha256(secret).digest()
