"""The rest of a node for gossip's tests: a router whose links are memory, and an accountant.

All routers of a test share one `Wire`, which knows who listens where.
"""

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import WalletsRequested, WalletsShown
from masq_kernel.bus.messages.control import Done
from masq_kernel.bus.messages.router import (
    DialFailed,
    DialRequested,
    GossipReceived,
    GossipToSend,
    LinkClosed,
    LinkCloseRequested,
    LinkOpened,
    LinksListed,
    LinksRequested,
    LinkState,
    OnionKeyAnnounced,
    RouterStatus,
    RouterStatusRequested,
)
from masq_kernel.bus.port import Bus
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds
from support.gossip_builders import make_self


class Wire:
    """Routers by IP address."""

    def __init__(self) -> None:
        self.router_at: dict[str, FakeRouter] = {}


class FakeRouter:
    """Answers gossip as a router and, on the second bus, as an accountant."""

    def __init__(self, wire: Wire, node_id: NodeId, address: str, number: int) -> None:
        self._wire, self.node_id, self.address = wire, node_id, address
        self._self = make_self(number)
        self.links: dict[NodeId, tuple[FakeRouter, bool]] = {}  # peer: its router, inbound
        self._bus: Bus | None = None

    @property
    def bus(self) -> Bus:
        assert self._bus is not None
        return self._bus

    async def start(self, bus: Bus, accountant: Bus) -> None:
        self._bus = bus
        await bus.listen(subjects.SEND_GOSSIP, self.on_send_gossip)
        await bus.serve(subjects.DIAL, self.on_dial)
        await bus.serve(subjects.CLOSE_LINK, self.on_close_link)
        await bus.serve(subjects.LINKS, self.on_links)
        await bus.serve(subjects.ROUTER_STATUS, self.on_status)
        await accountant.serve(subjects.WALLETS, self.on_wallets)
        self._wire.router_at[self.address] = self

    async def drop(self, peer: NodeId, reason: str) -> None:
        """Lose the link with a peer, on this side."""
        if self.links.pop(peer, None) is not None:
            await self.bus.publish(subjects.LINK_CLOSED, LinkClosed(peer=peer, reason=reason))

    async def on_dial(self, message: DialRequested) -> Done:
        other = self._wire.router_at.get(message.address)
        if other is None or other.node_id != message.peer:
            failed = DialFailed(peer=message.peer, reason="nobody is there")
            await self.bus.publish(subjects.DIAL_FAILED, failed)
        elif message.peer not in self.links:
            self.links[message.peer] = other, False
            other.links[self.node_id] = self, True
            ours = LinkOpened(peer=other.node_id, address=other.address, inbound=False)
            theirs = LinkOpened(peer=self.node_id, address=self.address, inbound=True)
            await self.bus.publish(subjects.LINK_OPENED, ours)
            await other.bus.publish(subjects.LINK_OPENED, theirs)
        return Done()

    async def on_close_link(self, message: LinkCloseRequested) -> Done:
        link = self.links.get(message.peer)
        await self.drop(message.peer, message.reason)
        if link is not None:
            await link[0].drop(self.node_id, "closed by the peer")
        return Done()

    async def on_send_gossip(self, message: GossipToSend) -> None:
        link = self.links.get(message.peer)
        if link is not None:
            received = GossipReceived(
                peer=self.node_id, address=self.address, payload=message.payload
            )
            await link[0].bus.publish(subjects.GOSSIP_RECEIVED, received)

    async def on_links(self, _message: LinksRequested) -> LinksListed:
        return LinksListed(
            links=tuple(
                LinkState(
                    peer=peer,
                    address=other.address,
                    inbound=inbound,
                    opened_at=UnixSeconds(0),
                    rtt_ms=None,
                    bytes_in=ByteCount(0),
                    bytes_out=ByteCount(0),
                )
                for peer, (other, inbound) in self.links.items()
            )
        )

    async def on_status(self, _message: RouterStatusRequested) -> RouterStatus:
        key = OnionKeyAnnounced(public_key=self._self.onion_key, expires_at=UnixSeconds(2**40))
        return RouterStatus(
            onion_key=key,
            listen_address=self.address,
            listen_port=5000,
            proxy_address=None,
            proxy_port=None,
            links=len(self.links),
            sessions=0,
            streams=0,
        )

    async def on_wallets(self, _message: WalletsRequested) -> WalletsShown:
        return WalletsShown(consuming=None, earning=WalletAddress(bytes(20)))
