"""How often scans are done, where an operator has changed that while the accountant ran."""

from collections.abc import Mapping

from masq_accountant.ledger import Fault
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.tables import SCAN_INTERVALS

__all__ = ["IntervalStore"]

_REVISION = b"revision"
_MS = 1_000


class IntervalStore:
    """Loads and keeps them.

    Args:
        ledger: beside whose books they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._drawer: Drawer[int] = Drawer(
            ledger.roll(SCAN_INTERVALS),
            ledger.keys.vault,
            lambda number: number.to_bytes(8, "big"),
            lambda data: int.from_bytes(data, "big"),
        )
        self.changed: dict[str, float] = {}
        self.revision = 0

    async def load(self) -> Fault | None:
        """Read what was changed; return what is wrong with that."""
        kept, fault = await self._drawer.load()
        self.revision = kept.pop(_REVISION, 0)
        self.changed = {name.decode(): number / _MS for name, number in kept.items()}
        return fault

    async def save(self, intervals: Mapping[str, float]) -> None:
        """Keep these, in seconds, as one more change."""
        revision = self.revision + 1
        things = {kind.encode(): round(value * _MS) for kind, value in intervals.items()}
        await self._drawer.save({**things, _REVISION: revision})
        self.changed.update(intervals)
        self.revision = revision
