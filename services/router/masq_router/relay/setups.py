"""What becomes of a SETUP that arrives on a link (protocol.md 4.1, 4.2).

    open -> not seen before -> welcome -> a place in the table -> relay, exit or return
                                       -> another process of this node serves it: carried there

A SETUP that does not open, or was here before, is dropped without an answer: it tells a prober
nothing. One that opens but is refused is answered with a TEARDOWN that says why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from masq_kernel.bus.messages.router import VoucherGiven
from masq_kernel.chains import Chain
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId
from masq_kernel.units import UnixSeconds
from masq_router.errors import SetupRefused
from masq_router.gate import Gate
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.metering import Counter, Meter
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.onion.hops import HopBlock, Role
from masq_router.onion.keys import OnionKeyPair
from masq_router.onion.layers import hop_layer, secret_hash, session_id
from masq_router.onion.setup import OpenedSetup, open_setup
from masq_router.relay.replay import ReplayWindow
from masq_router.sessions import Port, RelaySession
from masq_router.wire.frames import TeardownReason
from masq_router.workers.handover import carry

__all__ = ["Household", "RouteEnd", "SetupCounts", "Setups"]


class RouteEnd(Protocol):
    """Where routes end: at an exit, or back at their originator."""

    def arrive(
        self, link: Link, tag: bytes, block: HopBlock, setup: bytes, *, asks_only: bool = False
    ) -> TeardownReason | None:
        """Take the end of a route, maybe of one that only asks; a reason refuses it."""
        ...


class Household(Protocol):
    """The other processes of this node, if there are any."""

    def elsewhere(self, block: HopBlock) -> Link | None:
        """Return the link with the process that must serve this block; None: we do."""
        ...

    def taken(self, opened: OpenedSetup, link: Link, tag: bytes) -> None:
        """Tell them what we have taken."""
        ...


@dataclass(slots=True)
class SetupCounts:
    """How SETUPs ended; shown as metrics."""

    unreadable: int = 0
    replayed: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: TeardownReason) -> None:
        """Count a refusal by its reason."""
        name = reason.name.lower()
        self.refused[name] = self.refused.get(name, 0) + 1


@dataclass(slots=True, kw_only=True)
class Setups:
    """Takes SETUPs.

    Args:
        chain: ours.
        keys: gives our onion keys, current first.
        gate: who is welcome; None while our own prices are not known.
        find_link: the link with a peer, if there is one.
        live: where sessions are entered.
        exit_end, return_end: take what ends here.
        replay: what was seen.
        clock: for expiries.
        note_voucher: told what each payer says that it owes, once that is proven.
        household: the other processes of this node; None: we work alone.
    """

    chain: Chain
    keys: Callable[[], Sequence[OnionKeyPair]]
    gate: Gate | None
    find_link: Callable[[NodeId], Link | None]
    live: LiveSessions
    exit_end: RouteEnd
    return_end: RouteEnd
    replay: ReplayWindow
    clock: Clock
    note_voucher: Callable[[VoucherGiven], None]
    counts: SetupCounts = field(default_factory=SetupCounts)
    household: Household | None = None

    def handle(self, link: Link, setup: bytes) -> None:
        """Take one SETUP."""
        try:
            opened = open_setup(self.chain, self.keys(), setup)
        except SetupRefused:
            self.counts.unreadable += 1
            return
        if self.replay.is_known(opened.slot_hash):
            self.counts.replayed += 1
            return
        tag = setup[:LINK_TAG_SIZE]
        refusal = self._admit(opened)
        if refusal is None:
            refusal = self._place(link, tag, setup, opened)
        elif refusal is TeardownReason.REFUSED_CREDIT and opened.block.role is Role.EXIT:
            refusal = self._let_ask(link, tag, setup, opened)
        if refusal is None:
            self.counts.accepted += 1
        else:
            self.counts.refuse(refusal)
            link.send_teardown(tag, refusal)

    def handle_carried(self, sibling: Link, setup: bytes) -> None:
        """Take a SETUP that another process of this node has let in, and carries to us."""
        tag = setup[:LINK_TAG_SIZE]
        try:
            opened = open_setup(self.chain, self.keys(), setup)
        except SetupRefused:  # unlike a prober, it must hear of it
            sibling.send_teardown(tag, TeardownReason.PROTOCOL_ERROR)
            return
        full = TeardownReason.OVERLOAD if self.live.table.is_full else None
        refusal = full or self._begin(sibling, tag, setup, opened)
        if refusal is not None:
            sibling.send_teardown(tag, refusal)

    def _admit(self, opened: OpenedSetup) -> TeardownReason | None:
        if self.gate is None or self.live.table.is_full:
            return TeardownReason.OVERLOAD
        now = self.clock.unix()
        refusal = self.gate.refusal(opened.block, now)
        is_proven = refusal in (None, TeardownReason.REFUSED_CREDIT)
        if is_proven and opened.block.role is not Role.RETURN:
            self.note_voucher(_voucher(opened.block))
        if refusal is not None:
            return refusal
        return self._remember(opened, now)

    def _remember(self, opened: OpenedSetup, now: UnixSeconds) -> TeardownReason | None:
        if not self.replay.admit(opened.slot_hash, opened.block.expires_at, now):
            return TeardownReason.OVERLOAD
        return None

    def _let_ask(
        self, link: Link, tag: bytes, setup: bytes, opened: OpenedSetup
    ) -> TeardownReason | None:
        """Whoever is refused credit may still ask what it owes: or no bill could be contested."""
        full = self._remember(opened, self.clock.unix())
        return full or self.exit_end.arrive(link, tag, opened.block, setup, asks_only=True)

    def _place(
        self, link: Link, tag: bytes, setup: bytes, opened: OpenedSetup
    ) -> TeardownReason | None:
        if self.household is None:
            return self._begin(link, tag, setup, opened)
        sibling = self.household.elsewhere(opened.block)
        if sibling is None:
            refusal = self._begin(link, tag, setup, opened)
        else:
            session = carry(self.live, link, sibling, setup, opened.block.expires_at)
            refusal = TeardownReason.PROTOCOL_ERROR if session is None else None
        if refusal is None:
            self.household.taken(opened, link, tag)
        return refusal

    def _begin(
        self, link: Link, tag: bytes, setup: bytes, opened: OpenedSetup
    ) -> TeardownReason | None:
        match opened.block.role:
            case Role.RELAY:
                return self._relay(link, tag, opened)
            case Role.EXIT:
                return self.exit_end.arrive(link, tag, opened.block, setup)
            case Role.RETURN:
                return self.return_end.arrive(link, tag, opened.block, setup)

    def _relay(self, link: Link, tag: bytes, opened: OpenedSetup) -> TeardownReason | None:
        block = opened.block
        assert block.next_node is not None
        assert block.next_tag is not None
        assert opened.forward is not None
        following = self.find_link(block.next_node)
        if following is None or following.peer == link.peer:
            return TeardownReason.NEXT_HOP_GONE
        session = self._relay_session(block, following, block.next_tag)
        upstream = Port(session=session, link=link, tag=tag, is_upstream=True)
        downstream = Port(session=session, link=following, tag=block.next_tag, is_upstream=False)
        if not self.live.begin(session, upstream, downstream):
            return TeardownReason.PROTOCOL_ERROR
        following.send_setup(opened.forward)
        return None

    def _relay_session(self, block: HopBlock, following: Link, tag: bytes) -> RelaySession:
        assert block.rates is not None
        assert block.wallet is not None
        counter = Counter()
        session = RelaySession(
            session_id=session_id(self.chain, block.secret),
            opened_at=self.clock.unix(),
            expires_at=block.expires_at,
            direction=block.direction,
            layer=hop_layer(self.chain, block.secret),
            counter=counter,
            meter=Meter(
                session_id=session_id(self.chain, block.secret),
                side="provided",
                service="routing",
                wallet=block.wallet,
                rates=block.rates,
                counters=(counter,),
            ),
            forward=_nowhere,
        )
        session.forward = partial(following.egress.send, session, tag)
        return session


def _voucher(block: HopBlock) -> VoucherGiven:
    assert block.wallet is not None
    assert block.rates is not None
    assert block.proof is not None
    return VoucherGiven(
        wallet=block.wallet,
        secret_hash=secret_hash(block.secret),
        rates=block.rates,
        expires_at=block.expires_at,
        owed=str(block.owed),
        sequence=block.sequence,
        signature=block.proof,
    )


def _nowhere(body: bytes) -> None:
    """Stands in until the session, which is the key of its own queue, exists."""
    raise AssertionError(f"{len(body)} bytes before the session was complete")
