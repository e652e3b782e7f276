"""Builders of gossip values with good defaults."""

from masq_gossip.record import ONION_KEY_SIZE, NodeRecord, SignedRecord
from masq_gossip.rules.events import Endpoint, SelfChanged
from masq_gossip.statement import AddressStatement, SignedStatement
from masq_kernel.chains import chain_named
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey, NodeId, WalletAddress
from masq_kernel.rates import DEFAULT_RATES

CHAIN = chain_named("dev")
OTHER_CHAIN = chain_named("base-mainnet")
START = 1_800_000_000


def make_key(number: int) -> IdentityKey:
    return IdentityKey.generate(SeededEntropy(number))


def make_record(key: IdentityKey, **changes) -> NodeRecord:
    values = {
        "node_id": key.node_id,
        "version": 7 << 32 | 1,
        "published_at": START,
        "onion_key": bytes(range(256)) * 4 + bytes(ONION_KEY_SIZE - 1024),
        "onion_expires_at": START + 86_400,
        "earning_wallet": WalletAddress(bytes(range(20))),
        "rates": DEFAULT_RATES,
        "accepts_connections": True,
        "routes_data": True,
        "country": "CH",
        "neighbors": (),
    }
    changes = dict(changes)
    if "neighbors" in changes:
        changes["neighbors"] = tuple(sorted(changes["neighbors"]))
    return NodeRecord(**(values | changes))


def sign_record(key: IdentityKey, **changes) -> SignedRecord:
    return SignedRecord.sign(make_record(key, **changes), key, CHAIN)


def sign_statement(key: IdentityKey, address: str, **changes) -> SignedStatement:
    values = {
        "node_id": key.node_id,
        "version": 7 << 32,
        "introducible": True,
        "addresses": (address,),
        "ports": (5000,),
    }
    return SignedStatement.sign(AddressStatement(**(values | changes)), key, CHAIN)


def make_self(number: int = 1, rates=DEFAULT_RATES) -> SelfChanged:
    entropy = SeededEntropy(number)
    return SelfChanged(
        entropy.token(ONION_KEY_SIZE), START + 86_400, WalletAddress(entropy.token(20)), rates
    )


def endpoint_of(node_id: NodeId, address: str) -> Endpoint:
    return Endpoint(node_id, address, (5000,))
