"""Our own record: what it says, its version, when it may be published again. Pure but for the key.

The version is the boot counter in the high half and a counter in the low half: persisted before
anything is signed, the boot counter makes every start beat all records of earlier ones.
"""

from masq_gossip.record import NodeRecord, SignedRecord, version_of
from masq_gossip.rules.events import Endpoint, Now, SelfChanged
from masq_gossip.rules.parameters import Parameters
from masq_gossip.statement import AddressStatement, SignedStatement
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import IdentityKey, NodeId

__all__ = ["OwnRecord"]


class OwnRecord:
    """What we publish about ourselves.

    Args:
        boot: this start's boot counter, already persisted.
        address: where we can be dialled; None: nowhere.
    """

    def __init__(
        self,
        *,
        identity: IdentityKey,
        chain: Chain,
        boot: int,
        address: Endpoint | None,
        parameters: Parameters,
    ) -> None:
        self._identity, self._chain, self._parameters = identity, chain, parameters
        self.boot = boot
        self._counter = 0
        self._statements = 0
        self._content: SelfChanged | None = None
        self._is_stale = False
        self._published_at: float | None = None
        self._tokens = float(parameters.publish_burst)
        self._refilled_at = 0.0
        self.signed: SignedRecord | None = None
        self.address = address
        self.statement = self._sign_statement()

    @property
    def node_id(self) -> NodeId:
        """Our name."""
        return self._identity.node_id

    @property
    def content(self) -> SelfChanged | None:
        """What the record says besides neighbors; None: not known yet, we cannot speak."""
        return self._content

    @property
    def version(self) -> int:
        """The version of what is published; 0 when nothing is."""
        return self.signed.version if self.signed else 0

    def change(self, content: SelfChanged) -> None:
        """Say something else from the next publication on."""
        self._is_stale = self._is_stale or content != self._content
        self._content = content

    def jump_above(self, version: int) -> None:
        """Beat a record of ours from a life that we have forgotten, and its address with it."""
        self.boot = max(self.boot, min((version >> 32) + 1, 2**32 - 1))
        self._counter, self._statements = 0, 0
        self._is_stale = True
        self.statement = self._sign_statement()

    def move(self, address: Endpoint) -> None:
        """State another address from now on, with a higher version."""
        self.address = address
        self._statements += 1
        self._is_stale = True
        self.statement = self._sign_statement()

    def wants_publishing(self, neighbors: tuple[NodeId, ...], now: float) -> bool:
        """Say whether what is published is not what holds, or is old enough to be renewed."""
        if self._content is None:
            return False
        if self.signed is None or self._is_stale or self.signed.record.neighbors != neighbors:
            return True
        return now >= self.republish_at()

    def may_publish(self, now: float) -> bool:
        """Say whether the rate limit allows a publication now."""
        refill = (now - self._refilled_at) / self._parameters.publish_refill_s
        self._tokens = min(float(self._parameters.publish_burst), self._tokens + refill)
        self._refilled_at = now
        return self._tokens >= 1

    def republish_at(self) -> float:
        """Return the monotonic time of the next regular publication."""
        assert self._published_at is not None
        return self._published_at + self._parameters.republish_s

    def publish(self, neighbors: tuple[NodeId, ...], now: Now) -> SignedRecord:
        """Sign a new record with the next version."""
        self.signed = self._sign(neighbors, now)
        self._published_at, self._is_stale = now.monotonic, False
        self._tokens -= 1
        return self.signed

    def _sign(self, neighbors: tuple[NodeId, ...], now: Now) -> SignedRecord:
        assert self._content is not None
        self._counter += 1
        record = NodeRecord(
            node_id=self.node_id,
            version=version_of(boot=self.boot, counter=self._counter),
            published_at=now.unix,
            onion_key=self._content.onion_key,
            onion_expires_at=self._content.onion_expires_at,
            earning_wallet=self._content.earning_wallet,
            rates=self._content.rates,
            accepts_connections=self._parameters.accepts_connections and self.statement is not None,
            routes_data=self._parameters.routes_data,
            country=self._parameters.country,
            neighbors=neighbors,
        )
        return SignedRecord.sign(record, self._identity, self._chain)

    def _sign_statement(self) -> SignedStatement | None:
        address = self.address
        if address is None or not self._parameters.accepts_connections:
            return None
        statement = AddressStatement(
            node_id=self.node_id,
            version=version_of(boot=self.boot, counter=self._statements),
            introducible=True,
            addresses=(address.address,),
            ports=address.ports,
        )
        return SignedStatement.sign(statement, self._identity, self._chain)
