"""How sessions begin and end: table, meters, queues and TEARDOWNs kept in step. Pure.

A session that ends is gone from every table before anybody is told, so that an answer to the
telling finds nothing and ends nothing twice.
"""

from collections.abc import Mapping

from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import UnixSeconds
from masq_router.metering import Metering
from masq_router.sessions import Port, Session, SessionLink, SessionTable
from masq_router.wire.frames import TeardownReason

__all__ = ["LiveSessions"]


class LiveSessions:
    """All sessions of this node while they live.

    Args:
        table: where each is found.
        metering: what each is charged.
    """

    def __init__(self, table: SessionTable, metering: Metering) -> None:
        self.table, self._metering = table, metering

    def begin(self, session: Session, *ports: Port) -> bool:
        """Enter a session and begin to charge for it; False when a tag is taken."""
        if not self.table.add(session, *ports):
            return False
        self._metering.add(*session.meters)
        return True

    def end(
        self, session: Session, reason: TeardownReason, *, told_by: SessionLink | None = None
    ) -> None:
        """End a session and tell every neighbor it passes, but for the one that told us."""
        if session not in self.table:
            return
        for port in self.table.remove(session):
            port.link.egress.drop(session)
            if port.link is not told_by:
                port.link.send_teardown(port.tag, reason)
        self._metering.close(session.meters)
        session.on_torn_down(reason)

    def hand_over(self, session: Session, successor: Session, *ports: Port) -> bool:
        """Put a session in the place of another, of which nobody is told; False as in `begin`."""
        self.table.remove(session)
        self._metering.close(session.meters)
        return self.begin(successor, *ports)

    def end_link(self, link: SessionLink) -> None:
        """A link is gone, and with it every session that passed it."""
        for session in self.table.forget_link(link):
            self.end(session, TeardownReason.NEXT_HOP_GONE, told_by=link)

    def end_expired(self, now: UnixSeconds) -> None:
        """End what is past its time."""
        for session in self.table.expired(now):
            self.end(session, TeardownReason.EXPIRED)

    def end_barred(self, reasons: Mapping[WalletAddress, TeardownReason]) -> None:
        """End every session that one of these wallets pays for; what we pay for ourselves stays."""
        if not reasons:
            return
        for session in self.table:
            for meter in session.meters:
                if meter.side == "provided" and meter.wallet in reasons:
                    self.end(session, reasons[meter.wallet])

    def on_teardown(self, link: SessionLink, tag: bytes, reason: TeardownReason) -> None:
        """A neighbor ends a session; one we do not know ended here first."""
        port = self.table.ports_on(link).get(tag)
        if port is not None:
            self.end(port.session, reason, told_by=link)
