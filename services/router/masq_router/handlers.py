"""Answer the bus: links, sessions, status, and what gossip wants done."""

from collections.abc import Awaitable, Callable

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.control import Done
from masq_kernel.bus.messages.router import (
    DialRequested,
    GossipToSend,
    LinkCloseRequested,
    LinksListed,
    LinksRequested,
    LinkState,
    MoveRequested,
    RouterStatus,
    RouterStatusRequested,
    SessionsListed,
    SessionsRequested,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.runtime.address import Move, Place
from masq_kernel.units import ByteCount
from masq_router.exit.side import ExitSide
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.mesh import Mesh
from masq_router.onion_keys import OnionKeys
from masq_router.origin.refusals import Refusals
from masq_router.origin.side import OriginSide

__all__ = ["Handlers", "serve"]

SESSIONS_SHOWN_MAX = 2_000
"""A message on the bus has a limit; the newest sessions are shown."""

Address = tuple[str, int] | None


class Handlers:
    """Present what the router does.

    Args:
        mesh, live, keys, exit_side, origin, refusals: the parts that know.
        clock: for ages.
        listening, proxying: where, if at all.
        move: takes and makes links at another place.
    """

    def __init__(
        self,
        *,
        mesh: Mesh,
        live: LiveSessions,
        keys: OnionKeys,
        exit_side: ExitSide,
        origin: OriginSide,
        refusals: Refusals,
        clock: Clock,
        listening: Callable[[], Address],
        proxying: Address,
        move: Callable[[Move], Awaitable[None]],
    ) -> None:
        self._mesh, self._live, self._keys = mesh, live, keys
        self._exit_side, self._origin, self._clock = exit_side, origin, clock
        self._refusals = refusals
        self._listening, self._proxying, self._move = listening, proxying, move
        self.gossip_dropped = 0

    async def on_dial(self, message: DialRequested) -> Done:
        """Open a link."""
        if not self._mesh.dial(message.peer, message.address, message.ports):
            raise BusRefused(Refusal.LIMITED, "too many dials are under way")
        return Done()

    async def on_move(self, message: MoveRequested) -> Done:
        """Take and make links at another place."""
        old, ports = message.old_address, message.old_ports
        try:
            setting = None if old is None else Place(old, ports)
            await self._move(Move(setting=setting, place=Place(message.address, message.ports)))
        except MalformedError as error:
            raise BusRefused(Refusal.INVALID, error.reason) from None
        except OperatorError as error:
            raise BusRefused(Refusal.CONFLICT, str(error)) from None
        return Done()

    async def on_close_link(self, message: LinkCloseRequested) -> Done:
        """Close a link."""
        self._mesh.close_link(message.peer, message.reason)
        return Done()

    async def on_send_gossip(self, message: GossipToSend) -> None:
        """Put gossip on a link."""
        if not self._mesh.send_gossip(message.peer, message.payload):
            self.gossip_dropped += 1

    async def on_links(self, _message: LinksRequested) -> LinksListed:
        """List all links."""
        return LinksListed(links=tuple(_link_state(link) for link in self._mesh.pool))

    async def on_sessions(self, _message: SessionsRequested) -> SessionsListed:
        """List the newest sessions."""
        now = self._clock.unix()
        shown = [session.state(now) for session in list(self._live.table)[-SESSIONS_SHOWN_MAX:]]
        return SessionsListed(sessions=tuple(state for state in shown if state is not None))

    async def on_status(self, _message: RouterStatusRequested) -> RouterStatus:
        """Say what the router does."""
        listen_address, listen_port = self._listening() or (None, None)
        proxy_address, proxy_port = self._proxying or (None, None)
        return RouterStatus(
            onion_key=self._keys.announcement(),
            listen_address=listen_address,
            listen_port=listen_port,
            proxy_address=proxy_address,
            proxy_port=proxy_port,
            links=len(self._mesh.pool),
            sessions=len(self._live.table),
            streams=self._exit_side.stream_count + self._origin.stream_count,
            refusing=self._refusals.reason,
        )


async def serve(bus: Bus, handlers: Handlers) -> None:
    """Answer and listen."""
    await bus.listen(subjects.SEND_GOSSIP, handlers.on_send_gossip)
    await bus.serve(subjects.DIAL, handlers.on_dial)
    await bus.serve(subjects.MOVE, handlers.on_move)
    await bus.serve(subjects.CLOSE_LINK, handlers.on_close_link)
    await bus.serve(subjects.LINKS, handlers.on_links)
    await bus.serve(subjects.SESSIONS, handlers.on_sessions)
    await bus.serve(subjects.ROUTER_STATUS, handlers.on_status)


def _link_state(link: Link) -> LinkState:
    assert link.peer is not None
    rtt_s = link.heartbeat.rtt_s
    return LinkState(
        peer=link.peer,
        address=link.address,
        inbound=link.inbound,
        opened_at=link.opened_at,
        rtt_ms=None if rtt_s is None else round(rtt_s * 1000, 3),
        bytes_in=ByteCount(link.bytes_in),
        bytes_out=ByteCount(link.bytes_out),
    )
