"""Plan a round trip: secrets, tags, blocks, SETUPs, layers and meters (protocol.md 4.1, 4.2).

Pure. Two steps, because the payer proofs are signed elsewhere (accountant) in between:

    draft_round_trip -> RoundTripDraft -> proofs signed -> RoundTripDraft.complete -> RoundTrip
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from masq_kernel.bus.messages.accountant import ProofToSign
from masq_kernel.bus.messages.gossip import RouteFound, RouteHop
from masq_kernel.chains import Chain
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import UnixSeconds, Wei
from masq_router.metering import Counter, Meter
from masq_router.onion.geometry import HINT_MAX, LAYER_OVERHEAD, LINK_TAG_SIZE, SECRET_SIZE
from masq_router.onion.hops import DELIVERY_SIZE, Direction, HopBlock, Role
from masq_router.onion.layers import (
    Layer,
    end_to_end_layer,
    hop_layer,
    secret_hash,
    session_id,
)
from masq_router.onion.setup import HopSpec, build_setup
from masq_router.streams.attach import WayBack
from masq_router.wire.handshake import LONE_WORKER, WORKER_SIZE

__all__ = ["Originator", "Proof", "RoundTrip", "RoundTripDraft", "draft_round_trip"]

_REST_HASH_UNKNOWN = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Originator:
    """The originator as the end of its own back route.

    Args:
        node_id: us.
        onion_key: our current public onion key.
        worker: the process that holds the streams, which the back route must find, 8 bytes.
    """

    node_id: NodeId
    onion_key: bytes
    worker: bytes = LONE_WORKER


@dataclass(frozen=True, slots=True)
class Proof:
    """A payer proof as it was signed.

    Args:
        wallet: who pays.
        signature: 65 bytes.
        owed, sequence: what it says beside what was asked for (masq_kernel/identity/proofs.py).
    """

    wallet: WalletAddress
    signature: bytes
    owed: Wei = Wei(0)
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class _Drafted:
    """A paid hop with what only it and we will know."""

    hop: RouteHop
    role: Role
    direction: Direction
    secret: bytes = field(repr=False)
    tag: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """Everything that the originator needs of one round trip.

    Args:
        first: the neighbor that begins the over route.
        over_tag: our session's name on that link.
        over_setup: the SETUP for it.
        way_back: what the exit must know of the back route.
        over_layers: in the order in which they are added: end to end first.
        back_layers: in the order in which they are removed: end to end last.
        back_tag: the return session's name on the link where it arrives.
        return_secret: proves that a RETURN block is ours, 32 bytes.
        delivery: by which it finds us, 24 bytes.
        over_counter, back_counter: plaintext packages and bytes, each way.
        over_meters, back_meters: what we owe each hop.
        session_id: the exit's.
        over_hops, back_hops: who they are.
        hint: padding hint of the over session.
        expires_at: when both sessions end.
    """

    first: NodeId
    over_tag: bytes
    over_setup: bytes
    way_back: WayBack = field(repr=False)
    over_layers: tuple[Layer, ...]
    back_layers: tuple[Layer, ...]
    back_tag: bytes
    return_secret: bytes = field(repr=False)
    delivery: bytes
    over_counter: Counter
    back_counter: Counter
    over_meters: tuple[Meter, ...]
    back_meters: tuple[Meter, ...]
    session_id: bytes
    over_hops: tuple[NodeId, ...]
    back_hops: tuple[NodeId, ...]
    hint: int
    expires_at: UnixSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTripDraft:
    """A round trip whose payer proofs are not signed yet.

    Args:
        chain: ours.
        own: the end of the back route.
        over, back: the paid hops, in order; `over` ends with the exit.
        return_secret, return_tag, delivery: of the RETURN block.
        hint: padding hint of both sessions.
        expires_at: when both sessions end.
    """

    chain: Chain
    own: Originator
    over: tuple[_Drafted, ...]
    back: tuple[_Drafted, ...]
    return_secret: bytes = field(repr=False)
    return_tag: bytes
    delivery: bytes
    hint: int
    expires_at: UnixSeconds

    def proofs(self) -> tuple[ProofToSign, ...]:
        """Return what the consuming wallet must sign, over before back."""
        return tuple(
            ProofToSign(
                node_id=drafted.hop.node_id,
                earning=drafted.hop.earning_wallet,
                secret_hash=secret_hash(drafted.secret),
                rates=drafted.hop.rates,
                expires_at=self.expires_at,
            )
            for drafted in self.over + self.back
        )

    def complete(self, proofs: Sequence[Proof], entropy: Entropy) -> RoundTrip:
        """Return the round trip, sealed.

        Args:
            proofs: one for each of `proofs()`, in that order.
            entropy: for the unused slots.

        Raises:
            MalformedError: a hop's onion key is none.
        """
        assert len(proofs) == len(self.over) + len(self.back)
        over_proofs, back_proofs = proofs[: len(self.over)], proofs[len(self.over) :]
        over_specs = self._specs(self.over, over_proofs, following=None)
        returning = self._return_spec()
        back_specs = [*self._specs(self.back, back_proofs, following=returning), returning]
        over_counter, back_counter = Counter(), Counter()
        back_secret = entropy.token(SECRET_SIZE)
        exit_secret = self.over[-1].secret
        way_back = WayBack(
            secret=back_secret,
            first=self.back[0].hop.node_id if self.back else self.own.node_id,
            setup=build_setup(self.chain, back_specs, entropy),
        )
        return RoundTrip(
            first=self.over[0].hop.node_id,
            over_tag=self.over[0].tag,
            over_setup=build_setup(self.chain, over_specs, entropy),
            way_back=way_back,
            over_layers=(
                end_to_end_layer(self.chain, exit_secret),
                *(hop_layer(self.chain, each.secret) for each in reversed(self.over[:-1])),
            ),
            back_layers=(
                *(hop_layer(self.chain, each.secret) for each in reversed(self.back)),
                end_to_end_layer(self.chain, back_secret),
            ),
            back_tag=self.return_tag,
            return_secret=self.return_secret,
            delivery=self.delivery,
            over_counter=over_counter,
            back_counter=back_counter,
            over_meters=self._over_meters(over_counter, back_counter),
            back_meters=self._back_meters(back_counter),
            session_id=session_id(self.chain, exit_secret),
            over_hops=tuple(each.hop.node_id for each in self.over),
            back_hops=tuple(each.hop.node_id for each in self.back),
            hint=self.hint,
            expires_at=self.expires_at,
        )

    def _specs(
        self,
        drafted: Sequence[_Drafted],
        proofs: Sequence[Proof],
        *,
        following: HopSpec | None,
    ) -> list[HopSpec]:
        specs: list[HopSpec] = []
        next_node = self.own.node_id if following else None
        next_tag = following.tag if following else None
        for each, proof in zip(reversed(drafted), reversed(proofs), strict=True):
            block = HopBlock(
                role=each.role,
                direction=each.direction,
                secret=each.secret,
                expires_at=self.expires_at,
                # With it a relay could read its place on the route from the sizes of packages.
                hint=self.hint if each.role is Role.EXIT else 0,
                rest_hash=_REST_HASH_UNKNOWN,
                next_node=next_node,
                next_tag=next_tag,
                rates=each.hop.rates,
                wallet=proof.wallet,
                proof=proof.signature,
                owed=proof.owed,
                sequence=proof.sequence,
            )
            specs.insert(0, HopSpec(onion_key=each.hop.onion_key, tag=each.tag, block=block))
            next_node, next_tag = each.hop.node_id, each.tag
        return specs

    def _return_spec(self) -> HopSpec:
        block = HopBlock(
            role=Role.RETURN,
            direction=Direction.BACK,
            secret=self.return_secret,
            expires_at=self.expires_at,
            hint=0,
            rest_hash=_REST_HASH_UNKNOWN,
            delivery=self.delivery,
        )
        return HopSpec(onion_key=self.own.onion_key, tag=self.return_tag, block=block)

    def _over_meters(self, over: Counter, back: Counter) -> tuple[Meter, ...]:
        """Relay i of n receives plaintext and n - i layers; an exit counts plaintext, both ways."""
        count = len(self.over)
        relays = (
            self._meter(each, counters=(over,), overhead=(count - index) * LAYER_OVERHEAD)
            for index, each in enumerate(self.over[:-1])
        )
        return (*relays, self._meter(self.over[-1], counters=(over, back), overhead=0))

    def _back_meters(self, back: Counter) -> tuple[Meter, ...]:
        """Relay j passes on plaintext, the end-to-end layer, and j + 1 layers more."""
        return tuple(
            self._meter(each, counters=(back,), overhead=(index + 2) * LAYER_OVERHEAD)
            for index, each in enumerate(self.back)
        )

    def _meter(self, drafted: _Drafted, *, counters: tuple[Counter, ...], overhead: int) -> Meter:
        return Meter(
            session_id=session_id(self.chain, drafted.secret),
            side="consumed",
            service="exit" if drafted.role is Role.EXIT else "routing",
            wallet=drafted.hop.earning_wallet,
            node=drafted.hop.node_id,
            rates=drafted.hop.rates,
            counters=counters,
            overhead=overhead,
        )


def draft_round_trip(
    chain: Chain, own: Originator, found: RouteFound, entropy: Entropy, expires_at: UnixSeconds
) -> RoundTripDraft:
    """Draw secrets and tags for a route that gossip has found."""

    def drafted(hop: RouteHop, role: Role, direction: Direction) -> _Drafted:
        return _Drafted(
            hop=hop,
            role=role,
            direction=direction,
            secret=entropy.token(SECRET_SIZE),
            tag=entropy.token(LINK_TAG_SIZE),
        )

    *relays, exit_hop = found.over
    return RoundTripDraft(
        chain=chain,
        own=own,
        over=(
            *(drafted(hop, Role.RELAY, Direction.OVER) for hop in relays),
            drafted(exit_hop, Role.EXIT, Direction.OVER),
        ),
        back=tuple(drafted(hop, Role.RELAY, Direction.BACK) for hop in found.back),
        return_secret=entropy.token(SECRET_SIZE),
        return_tag=entropy.token(LINK_TAG_SIZE),
        delivery=own.worker + entropy.token(DELIVERY_SIZE - WORKER_SIZE),
        hint=entropy.below(HINT_MAX + 1),
        expires_at=expires_at,
    )
