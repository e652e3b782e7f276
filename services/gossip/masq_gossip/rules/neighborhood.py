"""The neighborhood as one machine: events and the time in, commands and wake-ups out. Pure.

    neighborhood.handle(event, now) -> commands
    neighborhood.next_wake_up(now) -> monotonic time

Each event is handled, then the timers that are due, then, at most every `publish_interval_s`, a
*round*: publish our record if it changed, drop what no path reaches, tell neighbors the news, and
name the stage. Everything that changes something marks the state dirty and leaves the rest to the
round: a burst of events becomes one record and one message per neighbor.
"""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from masq_gossip.messages import FailureReason, Farewell, message_from_bytes
from masq_gossip.record import SignedRecord
from masq_gossip.rules.bootstrap import stage_of
from masq_gossip.rules.conversation import Conversation
from masq_gossip.rules.events import (
    AddressChanged,
    Command,
    CreditorDisputed,
    Dial,
    DialFailed,
    Event,
    HostFailed,
    LinkClosed,
    LinkOpened,
    LinksListed,
    Now,
    Pardoned,
    PayloadArrived,
    Preferred,
    Remember,
    RouteLost,
    RouteServed,
    SelfChanged,
    Stopping,
    Tick,
)
from masq_gossip.rules.parameters import Parameters
from masq_gossip.rules.peers import Peer, PeerStage
from masq_gossip.rules.producer import standard_messages
from masq_gossip.rules.routing import RoundTrip, RouteWish
from masq_gossip.rules.stages import StageLog
from masq_gossip.rules.state import Origin, State
from masq_kernel.bus.messages.gossip import Stage
from masq_kernel.entropy import Entropy
from masq_kernel.errors import RemoteError
from masq_kernel.identity.keys import NodeId

__all__ = ["Neighborhood"]

SETTLING_S = 2.0
"""A link younger than this may be missing from a list of links made before it opened."""


class Neighborhood:
    """One node's gossip.

    Args:
        read: parses and verifies a record; the default does just that, a simulation of many nodes
            may share one that remembers.
    """

    def __init__(
        self,
        origin: Origin,
        parameters: Parameters,
        entropy: Entropy,
        read: Callable[[bytes], SignedRecord] | None = None,
    ) -> None:
        reader = read or partial(SignedRecord.from_bytes, chain=origin.chain)
        self.state = State(origin, parameters, entropy, reader)
        self.stages = StageLog()
        self._conversation = Conversation(self.state)
        self._round_due = 0.0
        self._remembered: Remember | None = None
        self._has_met_links = False
        self._is_stopping = False

    @property
    def stage(self) -> Stage:
        """How far we have come into the mesh."""
        return self.stages.stage

    @property
    def reason(self) -> str:
        """Why we stand there, for an operator."""
        return self.stages.reason

    def handle(self, event: Event, now: Now) -> list[Command]:
        """Take one event and return what is to be done."""
        self._react(event, now)
        if self.state.own.content is not None and not self._is_stopping:
            self._run_timers(now)
            if self.state.is_dirty and now.monotonic >= self._round_due:
                self._round(now)
        commands, self.state.commands = self.state.commands, []
        return commands

    def next_wake_up(self, now: Now) -> float:
        """Return the monotonic time at which `handle(Tick())` is due."""
        state, parameters = self.state, self.state.parameters
        if state.own.content is None or self._is_stopping:
            return now.monotonic + 3600.0
        times = [self._timeout_of(peer) for peer in state.peers.all()]
        times += [peer.digest_due for peer in state.peers.neighbors()]
        times.append(now.monotonic + 60.0)
        if state.own.signed is not None:
            times.append(state.own.republish_at())
        if state.is_dirty:
            times.append(self._round_due)
        if (cull_at := state.view.next_cull()) is not None:
            times.append(cull_at)
        if self._wanted() <= 0:
            if state.peers.has_free_slot() and not state.is_dirty:
                times.append(max(state.seeker.bridge_due(state.view), now.monotonic + 0.5))
        else:
            next_try = state.seeker.next_due(state.peers, may_ask=self._may_ask())
            longest = now.monotonic + parameters.retry_max_s
            times.append(next_try if next_try is not None else longest)
        return max(min(times), now.monotonic)

    def find_route(self, wish: RouteWish, now: Now) -> RoundTrip | None:
        """Return a round trip; None: there is none now."""
        return self.state.routes.find(wish, now)

    # Events

    def _react(self, event: Event, now: Now) -> None:
        state = self.state
        match event:
            case LinkOpened(peer_id, address, inbound):
                state.lingering.pop(peer_id, None)
                self._on_link_opened(peer_id, address, inbound=inbound, now=now)
            case LinkClosed(peer_id, misconduct):
                if misconduct:
                    state.misconduct.report(peer_id, misconduct, now)
                    state.is_dirty = True
                self._on_link_closed(peer_id, now)
            case DialFailed(peer_id):
                if peer_id not in state.peers:
                    state.seeker.failed(peer_id, now.monotonic)
                    state.note_silence(peer_id)
            case LinksListed():
                self._on_links_listed(event, now)
            case PayloadArrived():
                self._on_payload(event, now)
            case SelfChanged():
                state.own.change(event)
                state.is_dirty = True
            case Pardoned(node_id):
                state.misconduct.pardon(node_id)
                state.is_dirty = True
            case RouteServed(nodes, latency_s):
                state.reputation.served(nodes, latency_s, now.monotonic)
            case RouteLost(nodes):
                state.reputation.lost(nodes, now.monotonic)
            case HostFailed(exit_id, host):
                state.reputation.host_failed(exit_id, host, now.monotonic)
            case CreditorDisputed(node_id):
                state.reputation.disputed(node_id, now.monotonic)
            case Preferred(preferences):
                state.routes.preferences = preferences
                state.is_dirty = True
            case AddressChanged(endpoint):
                state.move(endpoint, now.monotonic)
            case Stopping():
                self._is_stopping = True
                for peer in state.peers.neighbors():
                    state.send(peer, Farewell())
            case Tick():
                pass
            case _:
                assert_never(event)

    def _on_link_opened(self, peer_id: NodeId, address: str, *, inbound: bool, now: Now) -> None:
        state = self.state
        known = state.peers.get(peer_id)
        if known is not None:
            known.address, known.inbound = address, inbound
            if known.is_neighbor and known.statement is not None and not known.is_where_it_says:
                state.unsettle(known, now.monotonic)
            return
        ban = state.misconduct.ban_of(peer_id, now)
        if ban is not None:
            state.turn_away(peer_id, ban, now)
            return
        peer = state.peers.add(peer_id, address, inbound=inbound, stage=PeerStage.ARRIVED, now=now)
        state.is_dirty = True
        if inbound or not state.seeker.is_trying(peer_id):
            return
        if state.wants(peer_id) and state.own.signed is not None:
            state.debut_to(peer, now.monotonic)
        else:
            state.seeker.released(peer_id, now.monotonic)
            state.close(peer, "enough neighbors meanwhile", now.monotonic)

    def _on_link_closed(self, peer_id: NodeId, now: Now) -> None:
        self.state.lingering.pop(peer_id, None)
        peer = self.state.peers.get(peer_id)
        if peer is not None:
            self.state.forget(peer, now.monotonic)

    def _on_links_listed(self, event: LinksListed, now: Now) -> None:
        """Make up for lost events; after our own restart, debut over the links that are open."""
        state = self.state
        listed = {link.peer for link in event.links}
        for peer in state.peers.all():
            if peer.node_id not in listed and peer.opened_at + SETTLING_S < now.monotonic:
                state.forget(peer, now.monotonic)
        for link in event.links:
            if link.peer in state.peers or link.peer in state.lingering:
                continue
            self._on_link_opened(link.peer, link.address, inbound=link.inbound, now=now)
            peer_met = state.peers.get(link.peer)
            is_ours = not self._has_met_links and state.own.signed is not None
            if peer_met is not None and is_ours and peer_met.stage is PeerStage.ARRIVED:
                state.debut_to(peer_met, now.monotonic)
        self._has_met_links = self._has_met_links or state.own.signed is not None

    def _on_payload(self, event: PayloadArrived, now: Now) -> None:
        state = self.state
        if event.peer in state.lingering:
            return
        peer = state.peers.get(event.peer)
        if peer is None:  # its LinkOpened is late or lost; one we dialled is not inbound
            inbound = not state.seeker.is_trying(event.peer)
            self._on_link_opened(event.peer, event.address, inbound=inbound, now=now)
            peer = state.peers.get(event.peer)
            if peer is None:
                return
        try:
            self._conversation.hear(peer, message_from_bytes(event.payload), now)
        except RemoteError as error:
            state.accuse(peer, str(error), now, evidence=event.payload)

    # Timers

    def _run_timers(self, now: Now) -> None:
        state, at = self.state, now.monotonic
        state.lingering = {one: until for one, until in state.lingering.items() if until > at}
        for peer in state.peers.all():
            if at >= self._timeout_of(peer):
                self._time_out(peer, at)
        for peer in state.peers.neighbors():
            if at >= peer.digest_due and state.own.signed is not None:
                self._send_digest(peer, at)
        for node_id in state.seeker.overdue(state.peers, at):
            state.seeker.failed(node_id, at)
        if not state.is_dirty and state.own.wants_publishing(state.edges(), at):
            state.is_dirty = True
        if (cull_at := state.view.next_cull()) is not None and at >= cull_at:
            state.is_dirty = True
        if state.own.signed is not None:
            self._seek(now)

    def _timeout_of(self, peer: Peer) -> float:
        """Return when our patience with a peer that is no full neighbor ends."""
        parameters = self.state.parameters
        match peer.stage:
            case PeerStage.ARRIVED:
                return peer.stage_since + parameters.idle_link_timeout_s
            case PeerStage.DEBUTING:
                return peer.stage_since + parameters.debut_timeout_s
            case PeerStage.NEIGHBOR:
                never = float("inf")
                return never if peer.is_full else peer.stage_since + parameters.half_link_timeout_s
            case _:
                assert_never(peer.stage)

    def _time_out(self, peer: Peer, at: float) -> None:
        if peer.is_neighbor:
            self.state.refuse(peer, FailureReason.HALF_LINK, at)
        else:
            self.state.close(peer, f"nothing came of it while {peer.stage.value}", at)

    def _send_digest(self, peer: Peer, at: float) -> None:
        state = self.state
        jitter = 0.75 + 0.5 * state.entropy.fraction()
        peer.digest_due = at + state.parameters.digest_interval_s * jitter
        for digest in state.producer.digests():
            state.send(peer, digest)

    def _seek(self, now: Now) -> None:
        """Dial whom we may; with nobody to dial, ask a neighbor for an introduction."""
        state, at = self.state, now.monotonic
        wanted = self._wanted()
        if wanted <= 0:
            if not state.is_dirty:  # else the view is about to change
                self._bridge(now)
            return
        for endpoint in state.seeker.pick(wanted, state.peers, at):
            if state.misconduct.ban_of(endpoint.node_id, now) is None:
                state.commands.append(Dial(endpoint))
            else:
                state.seeker.failed(endpoint.node_id, at)
        neighbors = [peer for peer in state.peers.neighbors() if peer.is_full]
        if self._may_ask() and neighbors and state.seeker.may_ask(state.peers, at):
            state.seeker.asked(at)
            state.debut_to(state.entropy.choice(neighbors), at)

    def _bridge(self, now: Now) -> None:
        """With neighbors enough, try now and then a node that our part of the mesh does not see."""
        state, at = self.state, now.monotonic
        if not state.parameters.has_neighbors or not state.peers.has_free_slot():
            return
        endpoint = state.seeker.pick_bridge(state.peers, state.view, at)
        if endpoint is None:
            return
        if state.misconduct.ban_of(endpoint.node_id, now) is None:
            state.commands.append(Dial(endpoint))
        else:
            state.seeker.failed(endpoint.node_id, at)

    def _wanted(self) -> int:
        """Return how many more nodes to try now."""
        state = self.state
        if not state.parameters.has_neighbors:
            return 0
        missing = state.parameters.seek_target - len(state.peers.neighbors())
        if missing <= 0 and state.lacks_anchor and state.peers.has_free_slot():
            missing = 1
        return missing - state.seeker.trying()

    def _may_ask(self) -> bool:
        """Say whether we are so short of neighbors that one of them may introduce another."""
        state = self.state
        return state.is_seeking and bool(state.peers.neighbors()) and state.seeker.trying() == 0

    # The round

    def _round(self, now: Now) -> None:
        state = self.state
        state.is_dirty = False
        self._round_due = now.monotonic + state.parameters.publish_interval_s
        self._publish(now)
        state.view.cull(now)
        self._settle_links(now)
        self._tell_news()
        self._name_stage(now)
        self._remember()

    def _publish(self, now: Now) -> None:
        state, edges = self.state, self.state.edges()
        if not state.own.wants_publishing(edges, now.monotonic):
            return
        if state.own.may_publish(now.monotonic):
            state.view.offer(state.own.publish(edges, now), now)
        else:
            state.is_dirty = True

    def _settle_links(self, now: Now) -> None:
        """Note which links are full; drop a neighbor whose newer record no longer lists us."""
        state, at = self.state, now.monotonic
        for peer in state.peers.neighbors():
            record = state.view.record(peer.node_id)
            is_listed = record is not None and record.lists(state.own.node_id)
            if is_listed and not peer.is_full:
                peer.is_full = True
            elif peer.is_full and not is_listed:
                state.refuse(peer, FailureReason.HALF_LINK, at)

    def _tell_news(self) -> None:
        state = self.state
        news = state.producer.news()
        stated = state.own.statement
        for peer in state.peers.neighbors():
            records = state.producer.for_peer(peer, news)
            is_told = stated is None or peer.statement_told == stated.statement.version
            statement = None if stated is None or is_told else stated.raw
            peer.statement_told = stated.statement.version if stated else None
            for message in standard_messages(records, statement):
                state.send(peer, message)

    def _name_stage(self, now: Now) -> None:
        state = self.state
        hops = state.parameters.hops_min
        full = sum(1 for peer in state.peers.neighbors() if peer.is_full)
        has_route = full > 0 and state.routes.has_route(hops, now)
        stage, reason = stage_of(
            neighbors=len(state.peers.neighbors()),
            full=full,
            links=len(state.peers.all()),
            can_dial=state.seeker.has_candidates,
            hops_min=hops,
            has_route=has_route,
            exits=state.routes.preferences.where(),
            refusal=state.refused_by[1] if state.refused_by else None,
        )
        if not state.parameters.has_neighbors:
            stage, reason = "alone", "zero-hop mode uses no neighborhood"
        moved = self.stages.name(stage, reason, now.unix)
        if moved is not None:
            state.commands.append(moved)

    def _remember(self) -> None:
        state = self.state
        endpoints = [peer.endpoint for peer in state.peers.neighbors() if peer.is_full]
        known = tuple(sorted(one for one in endpoints if one is not None))
        if not known and self._remembered is not None:
            known = self._remembered.neighbors  # what was last known is worth more than nothing
        remember = Remember(state.own.boot, known, state.misconduct.all())
        has_news = bool(known or remember.bans) or state.own.boot != state.origin.boot
        if remember != self._remembered and (has_news or self._remembered is not None):
            self._remembered = remember
            state.commands.append(remember)
