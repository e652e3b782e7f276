"""The links among the router processes of one node, and what they tell each other.

    WorkerTold on the bus -> the one with the smaller name dials -> a link as with any peer, on
    which both prove that they hold the node's key

Packages cross these links and never the bus. A process that works alone has none of this.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

import structlog

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.base import BusMessage
from masq_kernel.bus.messages.router import (
    AssociationSeen,
    AssociationSought,
    LinkClosed,
    LinkOpened,
    WorkerTold,
)
from masq_kernel.bus.port import Bus
from masq_kernel.bus.subjects import Request
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_router.errors import RemoteProtocolError
from masq_router.lifecycle import LiveSessions
from masq_router.links.certificate import ShownCertificate, make_certificate
from masq_router.links.dialler import Dialler, peer_certificate_hash
from masq_router.links.link import Link, MakeHandshake
from masq_router.links.listener import Listener
from masq_router.sessions import Port, Session
from masq_router.wire.frames import TeardownReason
from masq_router.wire.handshake import DiallerHandshake, ListenerHandshake
from masq_router.workers.roster import WORKERS_MAX, Roster

__all__ = ["Siblings"]

TELL_S = 1.0
TELL_GAP_S = 0.02
"""Changes that come together are told together."""

ASK_S = 1.0
"""How long a sibling may take to answer; one that is that slow is left out."""

_log = structlog.get_logger()

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)


class Siblings:
    """The other processes of this node (links/link.py: LinkOwner, for the links with them).

    Args:
        chain, identity, own: what we prove to them, and our name.
        live: the sessions that pass.
        bus: to them; `tell` is for what gossip should hear.
        describe: what we tell of ourselves, given where we are reached.
        peers_here: with whom this process is linked.
        tasks: for dials and questions.
        clock, entropy: for links.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        identity: IdentityKey,
        own: bytes,
        live: LiveSessions,
        bus: Bus,
        tell: Callable[[BusMessage], None],
        describe: Callable[[tuple[str, int]], WorkerTold],
        peers_here: Callable[[], list[NodeId]],
        tasks: asyncio.TaskGroup,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._chain, self._identity, self._live = chain, identity, live
        self._bus, self._tell, self._describe = bus, tell, describe
        self._peers_here, self._tasks = peers_here, tasks
        self._clock, self._entropy = clock, entropy
        self.roster = Roster(own)
        self._links: dict[bytes, Link] = {}
        self._arriving: set[Link] = set()
        self._dialling: set[bytes] = set()
        self._changed = asyncio.Event()
        self._at = ("", 0)
        self._dialler = Dialler(None)
        self._listener = Listener(admit=self._admit, give_up=self._give_up, tasks=tasks)
        self._take_setup: Callable[[Link, bytes], None] = _no_setups
        self._is_here: Callable[[bytes], bool] = _is_nowhere

    def __len__(self) -> int:
        return len(self.roster)

    def use(
        self, take_setup: Callable[[Link, bytes], None], is_here: Callable[[bytes], bool]
    ) -> None:
        """Say who takes SETUPs, and who knows which associations are served here."""
        self._take_setup, self._is_here = take_setup, is_here

    # -- life --------------------------------------------------------------------------------

    async def start(self, host: str) -> None:
        """Listen for the others, at any free port of this address, and hear of them.

        Raises:
            OperatorError: the address is not this machine's.
        """
        certificate = make_certificate(self._clock.utc(), self._entropy)
        self._at = await self._listener.start(host, 0, certificate)
        await self._bus.listen(subjects.WORKER_TOLD, self.on_told)
        await self._bus.serve(subjects.ASSOCIATION.of(self.roster.own), self.on_sought)

    async def run(self) -> None:
        """Tell the others about us, for ever."""
        while True:
            self._changed.clear()
            await self._bus.publish(subjects.WORKER_TOLD, self._describe(self._at))
            self._look_after_links()
            await asyncio.sleep(TELL_GAP_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TELL_S):
                    await self._changed.wait()

    async def stop(self) -> None:
        """Tell the others that we go."""
        self._listener.stop()
        await self._bus.publish(subjects.WORKER_TOLD, self._describe(("", 0)))
        for link in list(self._links.values()):
            link.close("the process stops")

    def changed(self) -> None:
        """Something that the others should know is different."""
        self._changed.set()

    def _look_after_links(self) -> None:
        for link in list(self._links.values()):
            link.tick()
        for name in self.roster.silent(self._clock.monotonic(), self._links):
            self._lose(name)

    # -- questions ---------------------------------------------------------------------------

    def at(self, worker: bytes) -> Link | None:
        """Return the link with this process; None: it is we, or it is not linked with us."""
        link = self._links.get(worker)
        return link if link is not None and link.is_open else None

    def holding(self, peer: NodeId) -> Link | None:
        """Return the link with a process that holds one with this peer."""
        links = (self.at(name) for name, _ in self.roster.holders(peer))
        return next((link for link in links if link is not None), None)

    def opened(self, peer: NodeId) -> LinkOpened | None:
        """Return what another process would say of its link with this peer."""
        held = [link for _, link in self.roster.holders(peer)]
        if not held:
            return None
        oldest = min(held, key=lambda link: link.opened_at)
        return LinkOpened(peer=peer, address=oldest.address, inbound=oldest.inbound)

    async def ask(self, request: Request[M, R], message: M) -> list[R]:
        """Return the answers of all others; those that do not answer are left out."""
        answers = await asyncio.gather(
            *(self._ask(name, request, message) for name in self.roster.names)
        )
        return [answer for answer in answers if answer is not None]

    async def _ask(self, name: bytes, request: Request[M, R], message: M) -> R | None:
        try:
            return await self._bus.request(request.of(name), message, timeout_s=ASK_S)
        except (BusRefused, BusTimeout, BusUnavailable) as problem:
            _log.warning("a router process did not do it", worker=name.hex(), reason=str(problem))
            return None

    def seek(self, secret_hash: bytes, then: Callable[[Link | None], None]) -> bool:
        """Find who serves an association; `then` gets the link with it. False: nobody to ask."""
        if not self._links:
            return False
        self._tasks.create_task(self._seek(secret_hash, then), name="seek an association")
        return True

    async def _seek(self, secret_hash: bytes, then: Callable[[Link | None], None]) -> None:
        sought = AssociationSought(secret_hash=secret_hash)
        asked = [self._is_at(name, sought) for name in list(self._links)]
        for answer in asyncio.as_completed(asked):  # one that hangs holds nobody up who has it
            name = await answer
            if name is not None:
                then(self.at(name))
                return
        then(None)

    async def _is_at(self, name: bytes, sought: AssociationSought) -> bytes | None:
        seen = await self._ask(name, subjects.ASSOCIATION, sought)
        return name if seen is not None and seen.is_here else None

    # -- what they tell ----------------------------------------------------------------------

    async def on_told(self, told: WorkerTold) -> None:
        """A process of this node says how it is, maybe we."""
        name = told.state.worker
        if told.port == 0:
            self._lose(name)
            return
        if self.roster.hear(told, self._clock.monotonic()):
            _log.info("another router process", worker=name.hex(), pid=told.state.pid)
            self.changed()
        if self.roster.own < name and name not in self._links and name not in self._dialling:
            self._dialling.add(name)
            self._tasks.create_task(self._dial(name, told.address, told.port), name="dial sibling")

    async def on_sought(self, sought: AssociationSought) -> AssociationSeen:
        """Another process asks for an association."""
        return AssociationSeen(is_here=self._is_here(sought.secret_hash))

    async def _dial(self, name: bytes, address: str, port: int) -> None:
        reason = await self._dialler.dial(address, (port,), self._make_outbound)
        self._dialling.discard(name)
        if reason is not None:
            _log.warning("a router process is not reached", worker=name.hex(), reason=reason)

    def _lose(self, name: bytes) -> None:
        """A process is gone; the first of those that are left says what nobody holds any more."""
        orphans = self.roster.forget(name, self._peers_here())
        if self.roster.is_first:
            for link in orphans:
                self._tell(LinkClosed(peer=link.peer, reason="its router process ended"))

    # -- their connections -------------------------------------------------------------------

    def _admit(self, address: str, certificate: ShownCertificate) -> Link | None:  # noqa: ARG002
        if len(self._arriving) >= WORKERS_MAX:
            return None

        def handshake(_transport: asyncio.Transport) -> ListenerHandshake:
            return ListenerHandshake(
                chain=self._chain,
                identity=self._identity,
                certificate_hash=certificate.sha256,
                entropy=self._entropy,
                worker=self.roster.own,
                takes_siblings=True,
            )

        link = self._make_link(handshake, wanted=None)
        self._arriving.add(link)
        return link

    def _give_up(self, link: Link, address: str) -> None:  # noqa: ARG002 - the listener's signature
        self._arriving.discard(link)

    def _make_outbound(self) -> Link:
        def handshake(transport: asyncio.Transport) -> DiallerHandshake:
            return DiallerHandshake(
                chain=self._chain,
                identity=self._identity,
                wanted=self._identity.node_id,
                certificate_hash=peer_certificate_hash(transport),
                entropy=self._entropy,
                worker=self.roster.own,
            )

        return self._make_link(handshake, wanted=self._identity.node_id)

    def _make_link(self, handshake: MakeHandshake, *, wanted: NodeId | None) -> Link:
        return Link(
            owner=self,
            make_handshake=handshake,
            clock=self._clock,
            entropy=self._entropy,
            wanted=wanted,
            is_sibling=True,
        )

    # -- LinkOwner ---------------------------------------------------------------------------

    def on_proven(self, link: Link) -> dict[bytes, Port]:
        """A process has proven that it is of our node."""
        self._arriving.discard(link)
        older = self._links.get(link.peer_worker)
        self._links[link.peer_worker] = link
        if older is not None:
            older.close("another link with this process is kept")
        return self._live.table.ports_on(link)

    def on_gossip(self, link: Link, payload: bytes) -> None:
        """There is nothing to gossip about among ourselves."""

    def on_setup(self, link: Link, setup: bytes) -> None:
        """A route that we serve."""
        self._take_setup(link, setup)

    def on_broken(self, session: Session, error: RemoteProtocolError) -> None:
        """A session broke the rules."""
        _log.debug("session broken", reason=str(error))
        self._live.end(session, TeardownReason.PROTOCOL_ERROR)

    def on_teardown(self, link: Link, tag: bytes, reason: TeardownReason) -> None:
        """A session ends."""
        self._live.on_teardown(link, tag, reason)

    def on_shed(self, session: Session) -> None:
        """A session has queued more than any honest one would."""
        self._live.end(session, TeardownReason.OVERLOAD)

    def on_closed(self, link: Link, reason: str) -> None:
        """A connection is gone, and mostly the process with it."""
        self._arriving.discard(link)
        self._live.end_link(link)
        if self._links.get(link.peer_worker) is link:
            del self._links[link.peer_worker]
            _log.info("a router process is gone", worker=link.peer_worker.hex(), reason=reason)
            self._lose(link.peer_worker)


def _is_nowhere(_secret_hash: bytes) -> bool:
    return False


def _no_setups(link: Link, setup: bytes) -> None:
    raise AssertionError(f"a SETUP of {len(setup)} bytes on {link} before `use`")
