"""Answer the bus's questions about the neighborhood."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from masq_gossip.mover import Mover
from masq_gossip.preference_file import PreferenceFile
from masq_gossip.record import NodeRecord
from masq_gossip.rules.ban import Ban
from masq_gossip.rules.events import Event, Now, Pardoned, Preferred
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.peers import Peer
from masq_gossip.rules.preferences import Preferences
from masq_gossip.rules.routing import HOPS_MAX, RouteWish
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.control import Done
from masq_kernel.bus.messages.gossip import (
    BansListed,
    BansRequested,
    BanState,
    ExitCountries,
    ExitCountriesRequested,
    Experience,
    GossipStatus,
    GossipStatusRequested,
    LikingToSet,
    NeighborhoodRequested,
    NeighborhoodShown,
    NeighborsListed,
    NeighborsRequested,
    NeighborState,
    NodeState,
    PardonRequested,
    RouteFound,
    RouteHop,
    RouteRequested,
    StageChanged,
    StagesListed,
    StagesRequested,
)
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.errors import MalformedError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.rates import RatePack
from masq_kernel.units import Seconds

__all__ = ["HOST_SIZE_MAX", "Handlers", "now_of", "serve"]

AVOID_MAX = 64
"""More nodes to avoid than a route could meet is a mistake of the caller."""

HOST_SIZE_MAX = 255
"""A host's name is no longer (RFC 1035)."""


def now_of(clock: Clock) -> Now:
    """Return this instant on both clocks."""
    return Now(clock.unix(), clock.monotonic())


class Handlers:
    """Present what the neighborhood knows.

    Args:
        rates: what this node asks.
        put: feeds the core with an event.
        preference_file: where changed preferences are kept.
    """

    def __init__(
        self,
        *,
        neighborhood: Neighborhood,
        clock: Clock,
        rates: RatePack,
        put: Callable[[Event], Awaitable[None]],
        preference_file: PreferenceFile,
    ) -> None:
        self._neighborhood, self._state = neighborhood, neighborhood.state
        self._clock, self._rates = clock, rates
        self._put, self._preference_file = put, preference_file
        self._changing = asyncio.Lock()

    async def on_route_requested(self, message: RouteRequested) -> RouteFound:
        """Find a round trip."""
        hops = self._state.parameters.hops_min if message.hops is None else message.hops
        if not 1 <= hops <= HOPS_MAX:
            raise BusRefused(Refusal.INVALID, f"hops must be 1 to {HOPS_MAX}")
        if len(message.avoid) > AVOID_MAX:
            raise BusRefused(Refusal.INVALID, f"at most {AVOID_MAX} nodes can be avoided")
        wish = RouteWish(
            hops=hops,
            exit=message.exit,
            resumes=message.resumes,
            avoid=frozenset(message.avoid),
            host=message.host[:HOST_SIZE_MAX],
        )
        found = self._neighborhood.find_route(wish, now_of(self._clock))
        if found is None:
            reason = f"no round trip of {hops} hops exists now ({self._neighborhood.reason})"
            raise BusRefused(Refusal.NO_ROUTE, reason)
        return RouteFound(over=tuple(map(_hop, found.over)), back=tuple(map(_hop, found.back)))

    async def on_status_requested(self, _message: GossipStatusRequested) -> GossipStatus:
        """Say who we are and how far we have come."""
        content = self._state.own.content
        return GossipStatus(
            node_id=self._state.own.node_id,
            descriptor=self._descriptor(),
            chain=self._state.origin.chain.name,
            mode=self._state.parameters.mode,
            stage=self._neighborhood.stage,
            reason=self._neighborhood.reason,
            stage_since=self._neighborhood.stages.since,
            neighbors=len(self._state.peers.neighbors()),
            nodes_known=len(self._state.view),
            hops_min=self._state.parameters.hops_min,
            rates=self._rates,
            earning_wallet=content.earning_wallet if content else None,
        )

    async def on_stages_requested(self, _message: StagesRequested) -> StagesListed:
        """List the last changes of stage."""
        return StagesListed(
            stages=tuple(
                StageChanged(stage=one.stage, reason=one.reason, before=one.before, at=one.at)
                for one in self._neighborhood.stages.moves
            )
        )

    async def on_neighbors_requested(self, _message: NeighborsRequested) -> NeighborsListed:
        """List our neighbors."""
        peers = self._state.peers.neighbors()
        return NeighborsListed(neighbors=tuple(self._neighbor(peer) for peer in peers))

    async def on_neighborhood_requested(self, _message: NeighborhoodRequested) -> NeighborhoodShown:
        """Show the graph."""
        distances, now = self._state.view.distances(), self._clock.monotonic()
        records = sorted(self._state.view.records(), key=lambda one: one.node_id)
        return NeighborhoodShown(
            nodes=tuple(self._node(one, distances.get(one.node_id), now) for one in records)
        )

    async def on_bans_requested(self, _message: BansRequested) -> BansListed:
        """List who is banned now, the newest first."""
        now = now_of(self._clock)
        bans = [ban for ban in self._state.misconduct.all() if now.unix < ban.until]
        return BansListed(bans=tuple(_ban(ban) for ban in reversed(bans)))

    async def on_pardon_requested(self, message: PardonRequested) -> Done:
        """Forgive a node."""
        if self._state.misconduct.of(message.node_id) is None:
            raise BusRefused(Refusal.NOT_FOUND, "nothing is held against this node")
        await self._put(Pardoned(message.node_id))
        return Done()

    async def on_exit_countries_requested(self, _message: ExitCountriesRequested) -> ExitCountries:
        """Say where exits should stand."""
        preferences = self._state.routes.preferences
        return ExitCountries(tiers=preferences.tiers, is_strict=preferences.is_strict)

    async def on_set_exit_countries(self, message: ExitCountries) -> ExitCountries:
        """Prefer exits elsewhere from now on."""
        await self._prefer(
            lambda now: replace(now, tiers=message.tiers, is_strict=message.is_strict)
        )
        return message

    async def on_set_liking(self, message: LikingToSet) -> Done:
        """Think otherwise of a node from now on."""
        if message.node_id == self._state.own.node_id:
            raise BusRefused(Refusal.INVALID, "this node is not on its own routes")
        await self._prefer(lambda now: now.liking(message.node_id, message.liking))
        return Done()

    async def _prefer(self, change: Callable[[Preferences], Preferences]) -> None:
        async with self._changing:
            try:
                preferences = change(self._state.routes.preferences)
            except MalformedError as error:
                raise BusRefused(Refusal.INVALID, error.reason) from None
            await asyncio.to_thread(self._preference_file.save, preferences)
            self._state.routes.preferences = preferences
        await self._put(Preferred(preferences))

    def _descriptor(self) -> str:
        address = self._state.own.address
        return Descriptor(
            chain=self._state.origin.chain,
            node_id=self._state.own.node_id,
            addresses=(address.address,) if address else (),
            ports=address.ports if address else (),
        ).text

    def _neighbor(self, peer: Peer) -> NeighborState:
        record, endpoint = self._state.view.record(peer.node_id), peer.endpoint
        return NeighborState(
            node_id=peer.node_id,
            address=endpoint.address if endpoint else peer.address,
            ports=endpoint.ports if endpoint else (),
            edge="full" if peer.is_full else "half",
            link_up=True,
            inbound=peer.inbound,
            since=peer.since,
            rates=record.rates if record else None,
            degree=record.degree if record else 0,
        )

    def _node(self, record: NodeRecord, hops_away: int | None, now: float) -> NodeState:
        conduct = self._state.reputation.conduct(record.node_id, now)
        return NodeState(
            node_id=record.node_id,
            version=record.version,
            published_at=record.published_at,
            neighbors=record.neighbors,
            hops_away=hops_away,
            rates=record.rates,
            accepts_connections=record.accepts_connections,
            routes_data=record.routes_data,
            country=record.country,
            is_self=record.node_id == self._state.own.node_id,
            experience=Experience(
                served=conduct.served,
                lost=conduct.lost,
                success_rate=conduct.success_rate,
                latency_s=None if conduct.latency_s is None else Seconds(conduct.latency_s),
            ),
            liking=self._state.routes.preferences.liked.get(record.node_id),
        )


async def serve(bus: Bus, handlers: Handlers, mover: Mover) -> None:
    """Answer questions about the neighborhood."""
    await bus.serve(subjects.ADDRESS, mover.on_address_requested)
    await bus.serve(subjects.SET_ADDRESS, mover.on_set_address)
    await bus.serve(subjects.STAGES, handlers.on_stages_requested)
    await bus.serve(subjects.ROUTE, handlers.on_route_requested)
    await bus.serve(subjects.GOSSIP_STATUS, handlers.on_status_requested)
    await bus.serve(subjects.NEIGHBORS, handlers.on_neighbors_requested)
    await bus.serve(subjects.NEIGHBORHOOD, handlers.on_neighborhood_requested)
    await bus.serve(subjects.EXIT_COUNTRIES, handlers.on_exit_countries_requested)
    await bus.serve(subjects.SET_EXIT_COUNTRIES, handlers.on_set_exit_countries)
    await bus.serve(subjects.SET_LIKING, handlers.on_set_liking)
    await bus.serve(subjects.BANS, handlers.on_bans_requested)
    await bus.serve(subjects.PARDON, handlers.on_pardon_requested)


def _hop(record: NodeRecord) -> RouteHop:
    return RouteHop(
        node_id=record.node_id,
        onion_key=record.onion_key,
        rates=record.rates,
        earning_wallet=record.earning_wallet,
    )


def _ban(ban: Ban) -> BanState:
    return BanState(
        node_id=ban.node_id,
        offences=ban.count,
        reason=ban.reason,
        since=ban.since,
        until=ban.until,
        evidence=ban.evidence,
    )
