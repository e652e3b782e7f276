"""Report usage to the accountant: a durable append every quarter of a second."""

import asyncio

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_router.metering import Metering

__all__ = ["FLUSH_S", "UsageReporter"]

FLUSH_S = 0.25
"""accounting.md section 1; also what a crash of this process can lose."""


class UsageReporter:
    """Moves batches from the meters to the bus.

    Args:
        metering: where they come from.
        bus: where they go; while it cannot store them the same batch is offered again.
        clock: for their time.
    """

    def __init__(self, metering: Metering, bus: Bus, clock: Clock) -> None:
        self._metering, self._bus, self._clock = metering, bus, clock
        self.failures = 0

    async def run(self) -> None:
        """Report, for ever."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> bool:
        """Report all there is now; False: the bus did not store it, and it waits."""
        while (batch := self._metering.batch(self._clock.unix())) is not None:
            try:
                await self._bus.append(subjects.USAGE, batch, message_id=batch.event_id)
            except BusUnavailable:
                self.failures += 1
                return False
            self._metering.confirm(batch.event_id)
        return True
