"""Live route sessions of this node and where each is found. Pure.

DATA only ever flows in the direction of the SETUP; a TEARDOWN flows in both. So a link's table maps
a tag to a `Port`: a session, and which of its ends this link is. A `RelaySession` takes DATA from
one link and passes it to another, a layer less or more; the ends of routes are other sessions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from masq_kernel.bus.messages.router import SessionState
from masq_kernel.units import ByteCount, UnixSeconds
from masq_router.egress import Egress
from masq_router.metering import Counter, Meter
from masq_router.onion.hops import Direction
from masq_router.onion.layers import Layer
from masq_router.wire.frames import TeardownReason

__all__ = ["Port", "RelaySession", "Session", "SessionLink", "SessionTable"]


class SessionLink(Protocol):
    """What a session needs of a link."""

    egress: Egress

    def send_teardown(self, tag: bytes, reason: TeardownReason) -> None:
        """End a session at the peer."""
        ...


class Session(Protocol):
    """Anything that begins, passes through or ends here."""

    session_id: bytes
    expires_at: UnixSeconds

    def __hash__(self) -> int: ...

    @property
    def meters(self) -> tuple[Meter, ...]:
        """What is charged for it."""
        ...

    def state(self, now: UnixSeconds) -> SessionState | None:
        """Show it to the operator; None for the half of a pair whose other half shows both."""
        ...

    def on_data(self, body: memoryview) -> None:
        """Take one DATA package that arrived from upstream."""
        ...

    def on_torn_down(self, reason: TeardownReason) -> None:
        """The session has ended; release what it holds. Called once."""
        ...


@dataclass(frozen=True, slots=True)
class Port:
    """One end of a session on one link.

    Args:
        session: whose end it is.
        link: which link.
        tag: 8 bytes, the session's name on that link.
        is_upstream: DATA comes in here; otherwise it goes out here.
    """

    session: Session
    link: SessionLink
    tag: bytes
    is_upstream: bool


class SessionTable:
    """All ports of all sessions, by link and tag.

    Args:
        sessions_max: how many sessions may live at once.
    """

    def __init__(self, *, sessions_max: int) -> None:
        self._sessions_max = sessions_max
        self._ports_by_link: dict[SessionLink, dict[bytes, Port]] = {}
        self._ports_by_session: dict[Session, list[Port]] = {}

    def __len__(self) -> int:
        return len(self._ports_by_session)

    def __contains__(self, session: Session) -> bool:
        return session in self._ports_by_session

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._ports_by_session))

    @property
    def is_full(self) -> bool:
        """Whether one more session must be refused."""
        return len(self._ports_by_session) >= self._sessions_max

    def ports_on(self, link: SessionLink) -> dict[bytes, Port]:
        """The live table of one link, by tag; the data path keeps a reference to it."""
        return self._ports_by_link.setdefault(link, {})

    def add(self, session: Session, *ports: Port) -> bool:
        """Enter a session; False when a tag is taken (a hostile originator chose it)."""
        if any(port.tag in self.ports_on(port.link) for port in ports):
            return False
        for port in ports:
            self.ports_on(port.link)[port.tag] = port
        self._ports_by_session[session] = list(ports)
        return True

    def remove(self, session: Session) -> list[Port]:
        """Forget a session and return the ports it had; empty when it was not here."""
        ports = self._ports_by_session.pop(session, [])
        for port in ports:
            self._ports_by_link.get(port.link, {}).pop(port.tag, None)
        return ports

    def forget_link(self, link: SessionLink) -> list[Session]:
        """The link is gone: return the sessions that touched it; the caller tears them down."""
        ports = self._ports_by_link.pop(link, {})
        return list(dict.fromkeys(port.session for port in ports.values()))

    def expired(self, now: UnixSeconds) -> list[Session]:
        """Sessions whose time is over."""
        return [session for session in self._ports_by_session if session.expires_at <= now]


@dataclass(slots=True, kw_only=True, eq=False)
class RelaySession:
    """A session that passes through.

    Args:
        session_id: 16 bytes derived from the hop secret.
        expires_at: when it ends by itself.
        direction: OVER removes our layer, BACK adds it.
        layer: our key and package counter.
        counter: what the meter charges for.
        meter: who pays and at which price.
        forward: sends a DATA body to the next hop.
        opened_at: when it was set up.
    """

    session_id: bytes
    opened_at: UnixSeconds = UnixSeconds(0)
    expires_at: UnixSeconds
    direction: Direction
    layer: Layer
    counter: Counter
    meter: Meter
    forward: "Forward" = field(repr=False)

    @property
    def meters(self) -> tuple[Meter, ...]:
        """The one meter of a relay."""
        return (self.meter,)

    def state(self, now: UnixSeconds) -> SessionState:
        """Show it to the operator."""
        return SessionState(
            session_id=self.session_id,
            role="relay",
            direction="over" if self.direction is Direction.OVER else "back",
            age_s=float(now - self.opened_at),
            packages=self.counter.packages,
            size=ByteCount(self.counter.size),
            amount=str(self.meter.amount),
        )

    def on_data(self, body: memoryview) -> None:
        """Peel or wrap one package and pass it on.

        Charged is the body as it arrives (OVER) or as it leaves (BACK): accounting.md section 1.

        Raises:
            LayerBroken: the package was changed, lost or reordered on the way.
        """
        if self.direction is Direction.OVER:
            peeled = self.layer.open(body)
            self.counter.add(len(body))
            self.forward(peeled)
        else:
            wrapped = self.layer.seal(body)
            self.counter.add(len(wrapped))
            self.forward(wrapped)

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Nothing to release: the router closes the meter and drops what is queued."""


class Forward(Protocol):
    """Sends a body to the next hop."""

    def __call__(self, body: bytes) -> None:
        """Send it, now or in its turn."""
        ...
