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
    MoveRequested,
    RouterStatus,
    RouterStatusRequested,
    SessionsListed,
    SessionsRequested,
    WorkerState,
    WorkerTold,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.runtime.address import Move, Place
from masq_router.exit.side import ExitSide
from masq_router.lifecycle import LiveSessions
from masq_router.mesh import Mesh
from masq_router.onion_keys import OnionKeys
from masq_router.origin.refusals import Refusals
from masq_router.origin.side import OriginSide
from masq_router.workers.roster import merged_links
from masq_router.workers.siblings import Siblings

__all__ = ["Handlers", "serve", "serve_siblings"]

SESSIONS_SHOWN_MAX = 2_000
"""A message on the bus has a limit; the newest sessions are shown."""

Address = tuple[str, int] | None


class Handlers:
    """Present what the router does; where several processes share the work, all of them.

    Whichever is asked answers: links and status from what the others tell of themselves anyway,
    sessions by asking them; orders are passed on to them.

    Args:
        mesh, live, keys, exit_side, origin, refusals: the parts that know.
        clock: for ages.
        listening, proxying: where, if at all.
        move: takes and makes links at another place.
        own_state: what this process says of itself.
        siblings: the other processes of this node; None: there are none.
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
        own_state: Callable[[], WorkerState],
        siblings: Siblings | None = None,
    ) -> None:
        self._own_state, self._siblings = own_state, siblings
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

    async def on_move_all(self, message: MoveRequested) -> Done:
        """Move every process; those that cannot follow the first are told of in the log."""
        await self.on_move(message)
        if self._siblings:
            await self._siblings.ask(subjects.MOVE, message)
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

    async def on_close_links(self, message: LinkCloseRequested) -> Done:
        """Close the links of every process."""
        await self.on_close_link(message)
        if self._siblings:
            await self._siblings.ask(subjects.CLOSE_LINK, message)
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
        others = [told.links for told in self._told()]
        return LinksListed(links=merged_links([self._mesh.link_states, *others]))

    async def on_all_sessions(self, message: SessionsRequested) -> SessionsListed:
        """List the newest sessions of every process."""
        listed = [await self.on_sessions(message)]
        if self._siblings:
            listed += await self._siblings.ask(subjects.SESSIONS, message)
        share = SESSIONS_SHOWN_MAX // len(listed)
        return SessionsListed(
            sessions=tuple(state for each in listed for state in each.sessions[-share:])
        )

    async def on_sessions(self, _message: SessionsRequested) -> SessionsListed:
        """List the newest sessions."""
        now = self._clock.unix()
        shown = [session.state(now) for session in list(self._live.table)[-SESSIONS_SHOWN_MAX:]]
        return SessionsListed(sessions=tuple(state for state in shown if state is not None))

    async def on_status(self, _message: RouterStatusRequested) -> RouterStatus:
        """Say what the router does."""
        listen_address, listen_port = self._listening() or (None, None)
        proxy_address, proxy_port = self._proxying or (None, None)
        states = [self._own_state(), *(told.state for told in self._told())]
        refusing = [self._refusals.reason, *(told.refusing for told in self._told())]
        return RouterStatus(
            onion_key=self._keys.announcement(),
            listen_address=listen_address,
            listen_port=listen_port,
            proxy_address=proxy_address,
            proxy_port=proxy_port,
            links=sum(state.links for state in states),
            sessions=sum(state.sessions for state in states),
            streams=sum(state.streams for state in states),
            refusing=next(filter(None, refusing), ""),
            workers=tuple(sorted(states, key=lambda state: state.worker)),
        )

    def _told(self) -> list[WorkerTold]:
        return self._siblings.roster.told if self._siblings else []


async def serve(bus: Bus, handlers: Handlers) -> None:
    """Answer and listen."""
    await bus.listen(subjects.SEND_GOSSIP, handlers.on_send_gossip)
    await bus.serve(subjects.DIAL, handlers.on_dial)
    await bus.serve(subjects.MOVE, handlers.on_move_all)
    await bus.serve(subjects.CLOSE_LINK, handlers.on_close_links)
    await bus.serve(subjects.LINKS, handlers.on_links)
    await bus.serve(subjects.SESSIONS, handlers.on_all_sessions)
    await bus.serve(subjects.ROUTER_STATUS, handlers.on_status)


async def serve_siblings(bus: Bus, handlers: Handlers, worker: bytes) -> None:
    """Answer the other processes of this node, for this one alone."""
    await bus.serve(subjects.MOVE.of(worker), handlers.on_move)
    await bus.serve(subjects.CLOSE_LINK.of(worker), handlers.on_close_link)
    await bus.serve(subjects.SESSIONS.of(worker), handlers.on_sessions)
