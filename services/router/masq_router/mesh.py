"""The router's links and what arrives on them: one owner for all links.

Dials what gossip asks for, takes who proves itself, hands gossip to the bus, SETUPs to relay/, and
ends the sessions of links that are gone.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from masq_kernel.bus.messages.router import DialFailed, GossipReceived, LinkClosed, LinkOpened
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_router.announcer import Announcer
from masq_router.errors import RemoteProtocolError
from masq_router.lifecycle import LiveSessions
from masq_router.links.admission import Admission
from masq_router.links.certificate import ShownCertificate
from masq_router.links.cover import Cover
from masq_router.links.dialler import Dialler, peer_certificate_hash
from masq_router.links.link import Link
from masq_router.links.pool import LinkPool
from masq_router.sessions import Port, Session
from masq_router.wire.frames import TeardownReason
from masq_router.wire.handshake import DiallerHandshake, ListenerHandshake

__all__ = ["DIALS_MAX", "Mesh"]

DIALS_MAX = 32
"""Dials under way at once; gossip needs a handful."""

_log = structlog.get_logger()


class Mesh:
    """Owner of all links (links/link.py: LinkOwner).

    Args:
        chain, identity: what links are proven with.
        live: the sessions that pass them.
        dialler: opens connections.
        announcer: tells gossip.
        tasks: one for each dial.
        clock, entropy: for links.
        cover: for all of them.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        identity: IdentityKey,
        live: LiveSessions,
        dialler: Dialler,
        announcer: Announcer,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        entropy: Entropy,
        cover: Cover | None = None,
    ) -> None:
        self._chain, self._identity, self._live = chain, identity, live
        self._dialler, self._announcer, self._tasks = dialler, announcer, tasks
        self._clock, self._entropy = clock, entropy
        self.cover = Cover() if cover is None else cover
        self._admission = Admission()
        self._counted: dict[Link, bool] = {}  # inbound links, and whether they are proven
        self._dialling: dict[NodeId, str] = {}
        self._take_setup: Callable[[Link, bytes], None] = _no_setups
        self.pool = LinkPool(identity.node_id)
        self.broken_sessions = 0
        self.shed_sessions = 0
        self.refused_connections = 0

    def use_setups(self, take_setup: Callable[[Link, bytes], None]) -> None:
        """Say who takes SETUPs; it needs the pool, so it comes after us."""
        self._take_setup = take_setup

    # -- connections -------------------------------------------------------------------------

    def admit(self, address: str, certificate: ShownCertificate) -> Link | None:
        """Return the protocol of a connection that somebody dialled; None: it is not wanted."""
        if not self._admission.enter(address, self._clock.monotonic()):
            self.refused_connections += 1
            return None

        def handshake(_transport: asyncio.Transport) -> ListenerHandshake:
            return ListenerHandshake(
                chain=self._chain,
                identity=self._identity,
                certificate_hash=certificate.sha256,
                entropy=self._entropy,
            )

        link = Link(
            owner=self,
            make_handshake=handshake,
            clock=self._clock,
            entropy=self._entropy,
            cover=self.cover,
        )
        self._counted[link] = False
        return link

    def give_up(self, link: Link, address: str) -> None:
        """An inbound connection never got through TLS."""
        self._leave(link, address, is_at_fault=True)

    def _leave(self, link: Link, address: str, *, is_at_fault: bool) -> None:
        was_proven = self._counted.pop(link, None)
        if was_proven is None:
            return
        self._admission.leave(address, was_proven=was_proven)
        if is_at_fault:
            self._admission.failed(address, self._clock.monotonic())

    def _make_outbound(self, peer: NodeId) -> Link:
        def handshake(transport: asyncio.Transport) -> DiallerHandshake:
            return DiallerHandshake(
                chain=self._chain,
                identity=self._identity,
                wanted=peer,
                certificate_hash=peer_certificate_hash(transport),
                entropy=self._entropy,
            )

        return Link(
            owner=self,
            make_handshake=handshake,
            clock=self._clock,
            entropy=self._entropy,
            wanted=peer,
            cover=self.cover,
        )

    def dial(self, peer: NodeId, address: str, ports: Sequence[int]) -> bool:
        """Open a link, or tell again of the one there is; False: too many dials are under way."""
        link = self.pool.get(peer)
        if link is not None and link.is_open:
            self._tell_opened(link)
        elif peer not in self._dialling:
            if len(self._dialling) >= DIALS_MAX:
                return False
            self._dialling[peer] = address
            self._tasks.create_task(self._dial(peer, address, ports), name="dial")
        return True

    async def _dial(self, peer: NodeId, address: str, ports: Sequence[int]) -> None:
        make_link = partial(self._make_outbound, peer)
        reason = await self._dialler.dial(address, ports, make_link)
        if reason is not None:
            self._dial_failed(peer, reason)

    def _dial_failed(self, peer: NodeId, reason: str) -> None:
        if self._dialling.pop(peer, None) is not None and self.pool.get(peer) is None:
            self._announcer.tell(DialFailed(peer=peer, reason=reason))

    def close_link(self, peer: NodeId, reason: str) -> None:
        """Close the link with this peer, if there is one."""
        link = self.pool.get(peer)
        if link is not None:
            link.close(reason)

    def send_gossip(self, peer: NodeId, payload: bytes) -> bool:
        """Send a gossip message; False: there is no link."""
        link = self.pool.get(peer)
        if link is None:
            return False
        link.send_gossip(payload)
        return True

    def tick(self) -> None:
        """Once a second."""
        for link in self.pool:
            link.tick()

    def close(self, reason: str) -> None:
        """Close every link."""
        for link in self.pool:
            link.close(reason)

    # -- LinkOwner ---------------------------------------------------------------------------

    def on_proven(self, link: Link) -> dict[bytes, Port]:
        """A peer has proven its NodeId."""
        assert link.peer is not None
        if link in self._counted:
            self._counted[link] = True
            self._admission.proven()
        self._dialling.pop(link.peer, None)
        loser = self.pool.put(link)
        if loser is not None:
            loser.close("another link with this peer is kept")
        if loser is not link:
            self._tell_opened(link)
        return self._live.table.ports_on(link)

    def on_gossip(self, link: Link, payload: bytes) -> None:
        """A GOSSIP frame: whatever it holds is gossip's business."""
        assert link.peer is not None
        received = GossipReceived(peer=link.peer, address=link.address, payload=payload)
        self._announcer.tell(received)

    def on_setup(self, link: Link, setup: bytes) -> None:
        """A SETUP."""
        self._take_setup(link, setup)

    def on_broken(self, session: Session, error: RemoteProtocolError) -> None:
        """A session broke the rules."""
        self.broken_sessions += 1
        _log.debug("session broken", reason=str(error))
        self._live.end(session, TeardownReason.PROTOCOL_ERROR)

    def on_teardown(self, link: Link, tag: bytes, reason: TeardownReason) -> None:
        """A neighbor ends a session."""
        self._live.on_teardown(link, tag, reason)

    def on_shed(self, session: Session) -> None:
        """A session has queued more than any honest one would."""
        self.shed_sessions += 1
        self._live.end(session, TeardownReason.OVERLOAD)

    def on_closed(self, link: Link, reason: str) -> None:
        """A connection is gone."""
        self._leave(link, link.address, is_at_fault=link.is_at_fault)
        self._live.end_link(link)
        if self.pool.remove(link):
            assert link.peer is not None
            closed = LinkClosed(peer=link.peer, reason=reason, misconduct=link.is_at_fault)
            self._announcer.tell(closed)
        elif link.wanted is not None and link.peer is None:
            self._dial_failed(link.wanted, reason)

    def _tell_opened(self, link: Link) -> None:
        assert link.peer is not None
        opened = LinkOpened(peer=link.peer, address=link.address, inbound=link.inbound)
        self._announcer.tell(opened)


def _no_setups(link: Link, setup: bytes) -> None:
    raise AssertionError(f"a SETUP of {len(setup)} bytes on {link} before `use_setups`")
