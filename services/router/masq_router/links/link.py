"""One connection between two nodes: the shell around framer, handshake and heartbeat.

    unproven -> proven -> closed

Frames are collected during one turn of the event loop and written at once, so that many small
packages cost one TLS record and one system call. Reading never pauses: what cannot be passed on is
bounded where it waits (egress.py).
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import Seconds, UnixSeconds
from masq_router.egress import Egress
from masq_router.errors import RemoteProtocolError, WireError
from masq_router.links.allowance import Allowance
from masq_router.links.cover import Cover, CoverSchedule
from masq_router.links.pace import DEAD_AFTER_S, Heartbeat
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.sessions import Port, Session
from masq_router.wire.framer import Framer
from masq_router.wire.frames import (
    HEADER_SIZE,
    FrameType,
    TeardownReason,
    frame,
    teardown_body,
    teardown_fields,
)
from masq_router.wire.handshake import (
    HELLO_SIZE,
    LONE_WORKER,
    DiallerHandshake,
    ListenerHandshake,
    NotForUs,
)

__all__ = ["Link", "LinkOwner", "MakeHandshake"]

UNPROVEN_S = 5.0
"""How long a peer may take to prove itself, TLS included."""

WRITE_HIGH = 512 << 10
"""Bytes in the socket's buffer at which the link counts as congested."""

WRITE_LOW = 128 << 10

UNSENT_MAX = 128 << 10
"""Bytes that the machine may queue in front of the network. It would take megabytes, and there no
session can overtake another; beside eight bulk transfers this halves what a small request waits."""

GOSSIP_WAITING_MAX = 8 << 20
"""Bytes waiting for the peer beyond which it gets no gossip: more than the largest view."""

NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 48\r\n"
    b"Connection: close\r\n\r\n<html><body><h1>404 Not Found</h1></body></html>"
)
_HELLO_HEADER = HELLO_SIZE.to_bytes(3, "big") + bytes([FrameType.HELLO])
_DATA_KIND = bytes([FrameType.DATA])

MakeHandshake = Callable[[asyncio.Transport], DiallerHandshake | ListenerHandshake]
"""Begins the proof on a connection whose TLS handshake is done."""


class LinkOwner(Protocol):
    """What a link tells the router."""

    def on_proven(self, link: "Link") -> dict[bytes, Port]:
        """The peer has proven its NodeId; return the live table of sessions on this link."""
        ...

    def on_gossip(self, link: "Link", payload: bytes) -> None:
        """A GOSSIP frame."""
        ...

    def on_setup(self, link: "Link", setup: bytes) -> None:
        """A SETUP within the rate."""
        ...

    def on_broken(self, session: Session, error: RemoteProtocolError) -> None:
        """A session's DATA broke the rules: the session must end, the link goes on."""
        ...

    def on_teardown(self, link: "Link", tag: bytes, reason: TeardownReason) -> None:
        """The peer ends a session."""
        ...

    def on_shed(self, session: Session) -> None:
        """A session's queue on this link is over its cap."""
        ...

    def on_closed(self, link: "Link", reason: str) -> None:
        """The connection is gone. Also told of links that were never proven."""
        ...


class Link(asyncio.BufferedProtocol):
    """One connection; `peer` is known once it is proven, `is_at_fault` once it broke the rules.

    Args:
        owner: the router.
        make_handshake: begins the proof.
        clock, entropy: time and PING tokens.
        wanted: whom we dialled; None: the peer dialled us.
        cover: how much PADDING hides that we are at rest.
        is_sibling: whether it joins two processes of our own node (docs/adr/0015).
    """

    def __init__(
        self,
        *,
        owner: LinkOwner,
        make_handshake: MakeHandshake,
        clock: Clock,
        entropy: Entropy,
        wanted: NodeId | None = None,
        cover: Cover | None = None,
        is_sibling: bool = False,
    ) -> None:
        self._owner, self.wanted, self.inbound = owner, wanted, wanted is None
        self._make_handshake, self._clock, self._entropy = make_handshake, clock, entropy
        self._framer = Framer()
        self._handshake: DiallerHandshake | ListenerHandshake | None = None
        self._transport: asyncio.Transport | None = None
        self._sessions: dict[bytes, Port] = {}
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._is_full = False
        self._full_at = Seconds(0.0)
        self._loop = asyncio.get_running_loop()
        self._deadline: asyncio.TimerHandle | None = None
        self._cover = Cover() if cover is None else cover
        self._schedule: CoverSchedule | None = None
        self._cover_timer: asyncio.TimerHandle | None = None
        self._data_size = 0  # bytes of DATA since the last PADDING was due
        self._close_reason: str | None = None
        self.is_at_fault = False
        self.is_sibling = is_sibling
        self.peer: NodeId | None = None
        self.peer_worker = LONE_WORKER
        self.address = ""
        self.bytes_in = 0
        self.bytes_out = 0
        self.opened_at = UnixSeconds(0)
        self.proven_at = Seconds(0.0)
        self.egress = Egress(self, lambda key: owner.on_shed(cast("Session", key)))
        now = clock.monotonic()
        self.heartbeat = Heartbeat(now)
        self.allowance = Allowance(now)  # shared with the other links of the same peer

    # -- the connection's life ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS stands; the proof begins."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        self.address = self._transport.get_extra_info("peername")[0]
        _keep_queue_short(self._transport.get_extra_info("socket"))
        self._deadline = self._loop.call_later(UNPROVEN_S, self._blame, "it did not prove itself")
        self._handshake = self._make_handshake(self._transport)
        if isinstance(self._handshake, DiallerHandshake):
            self._send(FrameType.HELLO, self._handshake.hello())

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, for whatever reason."""
        for timer in (self._deadline, self._cover_timer):
            if timer is not None:
                timer.cancel()
        if self._close_reason is None:
            self._close_reason = "the connection was lost" if exc else "closed by the peer"
        self._transport = None
        self._waiting.clear()
        self._owner.on_closed(self, self._close_reason)

    def close(self, reason: str) -> None:
        """Send what waits, then end the connection. Further calls change nothing."""
        if self._close_reason is None:
            self._close_reason = reason
            self._flush()
            if self._transport is not None:
                self._transport.close()
                self._loop.call_later(UNPROVEN_S, self._abort)

    def _blame(self, reason: str) -> None:
        """End the connection because of what the peer did, or did not do."""
        self.is_at_fault = self._close_reason is None or self.is_at_fault
        self.close(reason)

    def _abort(self) -> None:
        """A peer that does not read must not keep a closed connection alive."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether frames still go out."""
        return self._transport is not None and self._close_reason is None

    # -- reading -----------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Return where the socket reads into."""
        return self._framer.space()

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have arrived."""
        if self._close_reason is not None:
            return
        self.bytes_in += nbytes
        if self.peer is None and not self._begins_like_a_node(nbytes):
            return
        try:
            self._framer.received(nbytes, self._on_frame)
        except NotForUs as error:
            self._answer_like_a_web_server(str(error))
        except WireError as error:
            self._blame(f"it broke the protocol: {error}")
        if self.peer is not None:
            self.heartbeat.heard(self._clock.monotonic())

    def eof_received(self) -> bool:
        """The peer sends no more: there are no half links."""
        return False

    def _begins_like_a_node(self, nbytes: int) -> bool:
        """Whether the first bytes are a HELLO; anything else gets a web server's answer."""
        if not self.inbound or self.bytes_in != nbytes:
            return True
        begin = bytes(self._framer.space()[: min(nbytes, HEADER_SIZE)])
        if _HELLO_HEADER.startswith(begin):
            return True
        self._answer_like_a_web_server("it did not begin like a node")
        return False

    def _answer_like_a_web_server(self, reason: str) -> None:
        if self.inbound and self._transport is not None:
            self._transport.write(NOT_FOUND)
        self._blame(reason)

    def _on_frame(self, kind: int, body: memoryview) -> None:
        if kind == FrameType.DATA and self.peer is not None:
            self._on_data(body)
        elif self._close_reason is not None:
            return
        elif self.peer is None:
            self._on_proof(kind, bytes(body))
        else:
            self._on_control(kind, bytes(body))

    def _on_data(self, body: memoryview) -> None:
        port = self._sessions.get(bytes(body[:LINK_TAG_SIZE]))
        if port is None:
            return  # torn down while this was on its way
        if not port.is_upstream:
            self._owner.on_broken(port.session, WireError("DATA against the direction"))
            return
        try:
            port.session.on_data(body[LINK_TAG_SIZE:])
        except RemoteProtocolError as error:
            self._owner.on_broken(port.session, error)

    def _on_control(self, kind: int, body: bytes) -> None:
        now = self._clock.monotonic()
        match kind:
            case FrameType.GOSSIP:
                if not self.allowance.gossip.take(now):
                    raise WireError("a flood of gossip")
                self._owner.on_gossip(self, body)
            case FrameType.SETUP:
                if self.is_sibling or self.allowance.setups.take(now):
                    self._owner.on_setup(self, body)
                else:
                    self.send_teardown(body[:LINK_TAG_SIZE], TeardownReason.OVERLOAD)
            case FrameType.TEARDOWN:
                self._owner.on_teardown(self, *teardown_fields(body))
            case FrameType.PING:
                if not self.allowance.gossip.take(now):
                    raise WireError("a flood of PINGs")
                self._send(FrameType.PONG, body)
            case FrameType.PONG:
                self.heartbeat.ponged(body, now)
            case FrameType.PADDING:
                self._cover.received += len(body)
                if not self.allowance.padding.take(now, amount=len(body)):
                    raise WireError("a flood of padding")
            case _:
                raise WireError("HELLO on a link that is proven")

    def _on_proof(self, kind: int, body: bytes) -> None:
        if kind != FrameType.HELLO:
            raise WireError("something other than HELLO before the proof")
        assert self._handshake is not None
        answer = self._handshake.receive(body)
        if answer is not None:
            self._send(FrameType.HELLO, answer)
        if self._handshake.peer is not None:
            self._become_proven(self._handshake.peer, self._handshake.peer_worker)

    def _become_proven(self, peer: NodeId, worker: bytes) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self.peer, self.peer_worker, self._handshake = peer, worker, None
        self.opened_at, self.proven_at = self._clock.unix(), self._clock.monotonic()
        self.heartbeat = Heartbeat(self.proven_at)
        self._sessions = self._owner.on_proven(self)
        if self._cover.rate > 0:
            self._schedule = CoverSchedule(self._cover.rate, self._entropy)
            self._await_cover(self._schedule)

    # -- cover -------------------------------------------------------------------------------

    def _await_cover(self, schedule: CoverSchedule) -> None:
        if self.is_open:
            self._cover_timer = self._loop.call_later(schedule.gap(), self._send_cover, schedule)

    def _send_cover(self, schedule: CoverSchedule) -> None:
        size = schedule.next_size(self._data_size)
        self._data_size = 0
        if size is not None and not self.is_congested:
            self._cover.sent += size
            self._send(FrameType.PADDING, bytes(size))
        self._await_cover(schedule)

    # -- writing -----------------------------------------------------------------------------

    @property
    def is_congested(self) -> bool:
        """Whether the socket has more than it can take (egress.py asks)."""
        return self._is_full or self._waiting_size >= WRITE_HIGH

    def send_data(self, tag: bytes, body: bytes) -> None:
        """Send one DATA frame."""
        size = LINK_TAG_SIZE + len(body)
        self._data_size += size
        self._queue(size.to_bytes(3, "big") + _DATA_KIND + tag, body)

    def send_setup(self, setup: bytes) -> None:
        """Send one SETUP."""
        self._send(FrameType.SETUP, setup)

    def send_teardown(self, tag: bytes, reason: TeardownReason) -> None:
        """End a session at the peer."""
        self._send(FrameType.TEARDOWN, teardown_body(tag, reason))

    def send_gossip(self, payload: bytes) -> None:
        """Send one GOSSIP frame; a peer that asks for more than it takes loses the link."""
        in_socket = self._transport.get_write_buffer_size() if self._transport else 0
        if self._waiting_size + in_socket > GOSSIP_WAITING_MAX:
            self.close("it does not take the gossip it is sent")
        self._send(FrameType.GOSSIP, payload)

    def tick(self) -> None:
        """Once a second: ask a silent peer, give up on a dead one."""
        now = self._clock.monotonic()
        if self.heartbeat.is_dead(now):
            self.close("it has been silent for too long")
        elif self._is_full and now - self._full_at >= DEAD_AFTER_S:
            self.close("it has taken nothing for too long")
        elif self.heartbeat.ping_is_due(now):
            token = self._entropy.token(8)
            self.heartbeat.pinged(token, now)
            self._send(FrameType.PING, token)

    def pause_writing(self) -> None:
        """The socket is full."""
        self._is_full, self._full_at = True, self._clock.monotonic()

    def resume_writing(self) -> None:
        """The socket takes bytes again."""
        self._is_full = False
        self.egress.on_writable()

    def _send(self, kind: FrameType, body: bytes) -> None:
        self._queue(frame(kind, body))

    def _queue(self, *parts: bytes) -> None:
        """Let the parts of one frame wait for the end of this turn."""
        if self._close_reason is not None:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        for part in parts:
            self._waiting.append(part)
            self._waiting_size += len(part)

    def _flush(self) -> None:
        if not self._waiting or self._transport is None:
            return
        was_congested = self.is_congested
        self.bytes_out += self._waiting_size
        waiting, self._waiting, self._waiting_size = self._waiting, [], 0
        # Joined, for `writelines` would begin a TLS record for each part of each frame.
        self._transport.write(b"".join(waiting))
        if was_congested and not self._is_full:
            self.egress.on_writable()


def _keep_queue_short(connection: socket.socket | None) -> None:
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):  # Linux, macOS
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_MAX)
