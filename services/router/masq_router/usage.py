"""Report usage to the accountant: a durable append every quarter of a second for each node."""

import asyncio

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusUnavailable
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_router.metering import Metering

__all__ = ["UsageReporter", "report_interval_s"]

INTERVAL_S, INTERVAL_MAX_S = 0.25, 1.0


def report_interval_s(workers: int) -> float:
    """Return how often one of so many processes reports; also what its crash can lose.

    A node reports four times a second (accounting.md section 1), however many processes share its
    work: one of four carries a quarter, so in a second it has as little to lose, and each report
    costs the accountant a transaction (docs/performance.md).
    """
    return min(INTERVAL_S * workers, INTERVAL_MAX_S)


class UsageReporter:
    """Moves batches from the meters to the bus.

    Args:
        metering: where they come from.
        bus: where they go; while it cannot store them the same batch is offered again.
        clock: for their time.
        interval_s: how often.
    """

    def __init__(self, metering: Metering, bus: Bus, clock: Clock, interval_s: float) -> None:
        self._metering, self._bus, self._clock = metering, bus, clock
        self._interval_s, self.failures = interval_s, 0

    async def run(self) -> None:
        """Report, for ever."""
        while True:
            await asyncio.sleep(self._interval_s)
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
