"""This process's links and what arrives on them: one owner for all links.

Dials what gossip asks for, takes who proves itself, hands gossip to the bus, SETUPs to relay/, and
ends the sessions of links that are gone. Gossip hears of peers, not of links: one that stands
beside another with the same peer, here or at another process of this node, is nothing new.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from masq_kernel.bus.messages.router import (
    DialFailed,
    GossipReceived,
    LinkClosed,
    LinkOpened,
    LinkState,
)
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import IdentityKey, NodeId
from masq_kernel.units import ByteCount
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
from masq_router.wire.handshake import LONE_WORKER, DiallerHandshake, ListenerHandshake
from masq_router.workers.roster import merged_links
from masq_router.workers.siblings import Siblings

__all__ = ["DIALS_MAX", "Mesh"]

DIALS_MAX = 32
"""Dials under way at once; gossip needs a handful."""

LAST_LINK_S = 0.1
"""A peer that dies closes its links with all processes of ours; each looks after this time whether
it was the last, when the others have told what they lost."""

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
        worker: which of our node's processes this is, 8 bytes.
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
        worker: bytes = LONE_WORKER,
    ) -> None:
        self._chain, self._identity, self._live = chain, identity, live
        self._dialler, self._announcer, self._tasks = dialler, announcer, tasks
        self._clock, self._entropy, self._worker = clock, entropy, worker
        self._siblings: Siblings | None = None  # None: we work alone
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

    def use_siblings(self, siblings: Siblings) -> None:
        """Share the work with other processes of this node."""
        self._siblings = siblings

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
                worker=self._worker,
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
                worker=self._worker,
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
        elsewhere = self._siblings.opened(peer) if self._siblings else None
        if link is not None and link.is_open:
            self._tell_opened(link)
        elif elsewhere is not None:
            self._announcer.tell(elsewhere)
        else:
            return self.dial_here(peer, address, ports)
        return True

    def dial_here(self, peer: NodeId, address: str, ports: Sequence[int]) -> bool:
        """Open a link of this process; False: too many dials are under way."""
        if peer not in self._dialling:
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
        if self._dialling.pop(peer, None) is not None and not self._is_linked(peer):
            self._announcer.tell(DialFailed(peer=peer, reason=reason))

    def close_link(self, peer: NodeId, reason: str) -> None:
        """Close the links with this peer."""
        for link in self.pool.with_peer(peer):
            link.close(reason)

    def send_gossip(self, peer: NodeId, payload: bytes) -> bool:
        """Send a gossip message, over the node's oldest link; False: there is none."""
        links = self.pool.with_peer(peer)
        if self._siblings and not (links and self._siblings.roster.speaks(link_state(links[0]))):
            return self._is_linked(peer)
        if not links:
            return False
        links[0].send_gossip(payload)
        return True

    @property
    def link_states(self) -> tuple[LinkState, ...]:
        """What this process's links are like, one state for each peer."""
        return merged_links([[link_state(link) for link in self.pool]])

    def _is_linked(self, peer: NodeId) -> bool:
        """Whether this node has a link with a peer, here or elsewhere."""
        return peer in self.pool or bool(self._siblings and self._siblings.roster.holders(peer))

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
        was_linked = self._is_linked(link.peer)
        for other in self.pool.with_peer(link.peer):
            link.allowance = other.allowance
        loser = self.pool.put(link)
        if loser is not None:
            loser.close("another link with this peer is kept")
        if loser is not link:
            if loser is not None or not was_linked:  # in place of another, or the first
                self._tell_opened(link)
            self._changed()
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
            self._changed()
            if self._siblings and not link.is_at_fault:
                loop = asyncio.get_running_loop()
                loop.call_later(LAST_LINK_S, self._tell_closed, closed)
            else:
                self._tell_closed(closed)
        elif link.wanted is not None and link.peer is None:
            self._dial_failed(link.wanted, reason)

    def _tell_closed(self, closed: LinkClosed) -> None:
        """Say that a peer is gone, unless there is another link with it."""
        if closed.misconduct or not self._is_linked(closed.peer):
            self._announcer.tell(closed)

    def _changed(self) -> None:
        if self._siblings:
            self._siblings.changed()

    def _tell_opened(self, link: Link) -> None:
        assert link.peer is not None
        opened = LinkOpened(peer=link.peer, address=link.address, inbound=link.inbound)
        self._announcer.tell(opened)


def link_state(link: Link) -> LinkState:
    """Show one link to the operator."""
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


def _no_setups(link: Link, setup: bytes) -> None:
    raise AssertionError(f"a SETUP of {len(setup)} bytes on {link} before `use_setups`")
