"""Records and statements: one spelling, bounds, signatures bound to one chain."""

import json
from pathlib import Path

import pytest

from masq_gossip.errors import SignatureRefusedError
from masq_gossip.record import RECORD_SIZE_MAX, NodeRecord, SignedRecord, version_of
from masq_gossip.statement import AddressStatement, SignedStatement
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId
from support.gossip_builders import (
    CHAIN,
    OTHER_CHAIN,
    make_key,
    make_record,
    sign_record,
    sign_statement,
)

KEYS = [make_key(number) for number in range(1, 8)]
IDS = sorted(key.node_id for key in KEYS[1:])
VECTORS = Path(__file__).parents[2] / "vectors" / "record.json"


def test_a_signed_record_reads_back_the_same():
    signed = sign_record(KEYS[0], neighbors=IDS[:5])
    assert SignedRecord.from_bytes(signed.raw, CHAIN) == signed
    assert len(signed.raw) <= RECORD_SIZE_MAX


def test_an_unknown_country_reads_back_the_same():
    record = make_record(KEYS[0], country="")
    assert NodeRecord.from_bytes(record.to_bytes()) == record


def test_a_record_of_another_chain_does_not_verify():
    with pytest.raises(SignatureRefusedError):
        SignedRecord.from_bytes(sign_record(KEYS[0]).raw, OTHER_CHAIN)


def test_a_statement_is_no_record_signature():
    body = make_record(KEYS[0]).to_bytes()
    signature = KEYS[0].sign(CHAIN.context("address-statement") + body)
    with pytest.raises(SignatureRefusedError):
        SignedRecord.from_bytes(body + signature, CHAIN)


@pytest.mark.parametrize(
    "changes",
    [
        {"neighbors": IDS[:6]},
        {"neighbors": [KEYS[0].node_id]},
        {"neighbors": [IDS[0], IDS[0]]},
        {"onion_key": b"short"},
        {"country": "ch"},
        {"country": "CHE"},
        {"country": "Ä1"},
        {"version": 2**64},
    ],
)
def test_a_record_outside_its_bounds_cannot_be_made(changes):
    with pytest.raises(MalformedError):
        make_record(KEYS[0], **changes)


def test_neighbors_in_another_order_are_refused():
    body = make_record(KEYS[0], neighbors=IDS[:2]).to_bytes()
    swapped = body[:-64] + body[-32:] + body[-64:-32]
    with pytest.raises(MalformedError, match="ascending"):
        NodeRecord.from_bytes(swapped)


def test_bytes_left_over_are_refused():
    with pytest.raises(MalformedError, match="left over"):
        NodeRecord.from_bytes(make_record(KEYS[0]).to_bytes() + b"\0")


def test_a_later_boot_beats_any_counter():
    assert version_of(boot=2, counter=0) > version_of(boot=1, counter=2**32 - 1)


@pytest.mark.parametrize("address", ["127.0.1.1", "2001:db8::1"])
def test_a_statement_reads_back_the_same(address):
    signed = sign_statement(KEYS[0], address)
    assert SignedStatement.from_bytes(signed.raw, CHAIN) == signed


@pytest.mark.parametrize(
    "changes",
    [
        {"addresses": ()},
        {"addresses": ("127.0.1.1", "127.0.1.1")},
        {"addresses": ("2001:DB8::1",)},
        {"addresses": ("fe80::1%eth0",)},
        {"addresses": ("nowhere",)},
        {"ports": ()},
        {"ports": (0,)},
        {"ports": (65536,)},
        {"ports": (80, 80)},
    ],
)
def test_a_statement_outside_its_bounds_cannot_be_made(changes):
    with pytest.raises(MalformedError):
        sign_statement(KEYS[0], "127.0.1.1", **changes)


def test_the_vectors_still_read_as_they_were_written():
    vectors = json.loads(VECTORS.read_text())
    signed = SignedRecord.from_bytes(bytes.fromhex(vectors["record"]["raw"]), CHAIN)
    told = vectors["record"]["says"]
    assert signed.node_id == NodeId.from_text(told["node_id"])
    assert signed.version == told["version"]
    assert [one.text for one in signed.record.neighbors] == told["neighbors"]
    assert signed.record.earning_wallet.text == told["earning_wallet"]
    assert signed.record.rates.to_bytes().hex() == told["rates"]
    stated = SignedStatement.from_bytes(bytes.fromhex(vectors["statement"]["raw"]), CHAIN)
    assert list(stated.statement.addresses) == vectors["statement"]["says"]["addresses"]
    assert list(stated.statement.ports) == vectors["statement"]["says"]["ports"]
    assert isinstance(stated.statement, AddressStatement)
