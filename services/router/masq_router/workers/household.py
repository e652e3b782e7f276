"""Which process of this node serves a route, and that no two serve the same one."""

from collections.abc import Callable

from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.messages.router import SetupSeen
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.onion.hops import HopBlock, Role
from masq_router.onion.setup import OpenedSetup
from masq_router.relay.replay import ReplayWindow
from masq_router.wire.frames import TeardownReason
from masq_router.wire.handshake import WORKER_SIZE
from masq_router.workers.seen import JustTaken
from masq_router.workers.siblings import Siblings

__all__ = ["Household"]


class Household:
    """Decides with what the siblings have told (relay/setups.py: Household).

    Args:
        siblings: the other processes.
        find_link: our own link with a peer, if there is one.
        live, replay: our sessions, and what we have seen.
        tell: queues an event for the bus.
        clock: for what was taken a moment ago.
    """

    def __init__(
        self,
        *,
        siblings: Siblings,
        find_link: Callable[[NodeId], Link | None],
        live: LiveSessions,
        replay: ReplayWindow,
        tell: Callable[[BusMessage], None],
        clock: Clock,
    ) -> None:
        self._siblings, self._find_link, self._live = siblings, find_link, live
        self._replay, self._tell, self._clock = replay, tell, clock
        self._just_taken = JustTaken[tuple[Link, bytes]]()
        self.doubled = 0

    def elsewhere(self, block: HopBlock) -> Link | None:
        """Return the link with the process that must serve this block; None: we do."""
        match block.role:
            case Role.RELAY:
                assert block.next_node is not None
                if self._find_link(block.next_node) is not None:
                    return None
                return self._siblings.holding(block.next_node)
            case Role.RETURN:
                return self._siblings.at(block.delivery[:WORKER_SIZE])
            case Role.EXIT:
                return None  # that shows when its first package is opened (exit/session.py)

    def taken(self, opened: OpenedSetup, link: Link, tag: bytes) -> None:
        """Tell the others what we have taken."""
        if len(self._siblings) == 0:
            return
        self._just_taken.add(opened.slot_hash, (link, tag), self._clock.monotonic())
        self._tell(
            SetupSeen(
                worker=self._siblings.roster.own,
                slot_hash=opened.slot_hash,
                expires_at=opened.block.expires_at,
            )
        )

    async def on_seen(self, seen: SetupSeen) -> None:
        """Another process has taken a SETUP: drop it from now on, and end it where it is ours."""
        if seen.worker == self._siblings.roster.own:
            return
        self._replay.admit(seen.slot_hash, seen.expires_at, self._clock.unix())
        place = self._just_taken.doubted(seen.slot_hash, self._clock.monotonic())
        if place is None:
            return
        self.doubled += 1
        link, tag = place
        port = self._live.table.ports_on(link).get(tag)
        if port is not None:
            self._live.end(port.session, TeardownReason.PROTOCOL_ERROR)
