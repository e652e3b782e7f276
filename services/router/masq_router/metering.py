"""What we carried for whom, and what others carried for us, in batches (accounting.md 1). Pure.

The data path touches only a `Counter`: two additions a package. Everything else happens when a
batch is taken. One counter can feed several meters: the originator counts a package once and
knows from its size what each hop of the route saw.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from masq_kernel.bus.messages.router import UsageEntry, UsageReported, VoucherGiven
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.rates import RatePack
from masq_kernel.units import ByteCount, UnixSeconds, Wei

__all__ = ["VOUCHERS_MAX", "Counter", "Meter", "Metering"]

ENTRIES_MAX = 2_000
"""Per batch; what is left goes into the next one, so a message stays far below the bus's limit."""


VOUCHERS_MAX = 500
"""Per batch, 300 bytes each."""


class Counter:
    """Packages and bytes that passed one point; the only thing the data path writes to."""

    __slots__ = ("packages", "size")

    def __init__(self) -> None:
        self.packages = 0
        self.size = 0

    def add(self, size: int) -> None:
        """Count one package."""
        self.packages += 1
        self.size += size


@dataclass(slots=True, kw_only=True)
class Meter:
    """Turns counters into charges for one hop of one session.

    Args:
        session_id: 16 bytes, the same at the hop and at the originator.
        side: we provided the service, or we consumed it.
        service: routing or exit.
        wallet: who owes us, or whom we owe.
        rates: the price agreed in the hop's block.
        node: whom we owe; None: we are owed.
        counters: what was carried; an exit adds up both directions.
        overhead: bytes that this hop saw in each package beyond what the counter counted.
    """

    session_id: bytes
    side: Literal["provided", "consumed"]
    service: Literal["routing", "exit"]
    wallet: WalletAddress
    rates: RatePack
    counters: tuple[Counter, ...]
    overhead: int = 0
    node: NodeId | None = None
    is_closed: bool = False
    _reported: tuple[int, int] = field(default=(0, 0))

    @property
    def totals(self) -> tuple[int, ByteCount]:
        """Packages and bytes so far, as this hop saw them."""
        packages = sum(counter.packages for counter in self.counters)
        size = sum(counter.size for counter in self.counters)
        return packages, ByteCount(size + packages * self.overhead)

    @property
    def amount(self) -> Wei:
        """The charge so far."""
        packages, size = self.totals
        return self._charge(packages, size)

    def take(self) -> UsageEntry | None:
        """Return what is new since the last call; None when nothing is."""
        packages, size = self.totals
        new_packages = packages - self._reported[0]
        new_size = ByteCount(size - self._reported[1])
        if new_packages == 0:
            return None
        self._reported = (packages, size)
        return UsageEntry(
            session_id=self.session_id,
            side=self.side,
            service=self.service,
            wallet=self.wallet,
            packages=new_packages,
            size=new_size,
            amount=str(self._charge(new_packages, new_size)),
            node=self.node,
        )

    def _charge(self, packages: int, size: ByteCount) -> Wei:
        if self.service == "routing":
            return self.rates.routing_charge(packages=packages, size=size)
        return self.rates.exit_charge(packages=packages, size=size)


class Metering:
    """All meters of this process, and the one batch that waits for the bus to store it.

    A batch keeps its event id until it is confirmed, so that sending it twice counts it once.

    Args:
        instance: unique for each start of the process; event ids begin with it.
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._sequence = 0
        self._meters: dict[int, Meter] = {}
        self._waiting: UsageReported | None = None
        self._vouchers: dict[WalletAddress, VoucherGiven] = {}

    def note(self, voucher: VoucherGiven) -> None:
        """A payer has said what it owes; only the latest word of each is reported."""
        known = self._vouchers.get(voucher.wallet)
        if known is None or voucher.sequence > known.sequence:
            self._vouchers[voucher.wallet] = voucher

    def add(self, *meters: Meter) -> None:
        """Begin to report these meters."""
        for meter in meters:
            self._meters[id(meter)] = meter

    def close(self, meters: Iterable[Meter]) -> None:
        """The session has ended: report what is left, then forget the meter."""
        for meter in meters:
            meter.is_closed = True

    @property
    def meter_count(self) -> int:
        """Meters held, closed ones that are not yet reported included."""
        return len(self._meters)

    def batch(self, now: UnixSeconds) -> UsageReported | None:
        """Return the batch to store now: the unconfirmed one again, or a new one, or None."""
        if self._waiting is None:
            entries = self._collect()
            vouchers = self._take_vouchers()
            if entries or vouchers:
                self._sequence += 1
                event_id = f"{self._instance}-{self._sequence}"
                self._waiting = UsageReported(
                    event_id=event_id, at=now, entries=tuple(entries), vouchers=vouchers
                )
        return self._waiting

    def confirm(self, event_id: str) -> None:
        """The bus has stored this batch."""
        if self._waiting is not None and self._waiting.event_id == event_id:
            self._waiting = None

    def _take_vouchers(self) -> tuple[VoucherGiven, ...]:
        taken = tuple(islice(self._vouchers.values(), VOUCHERS_MAX))
        for voucher in taken:
            del self._vouchers[voucher.wallet]
        return taken

    def _collect(self) -> list[UsageEntry]:
        entries: list[UsageEntry] = []
        for key, meter in list(self._meters.items()):
            if len(entries) >= ENTRIES_MAX:
                break
            entry = meter.take()
            if entry is not None:
                entries.append(entry)
            if meter.is_closed:
                del self._meters[key]
        return entries
