"""Where sessions are found, and what a relay does with their packages."""

import pytest

from masq_kernel.identity.keys import WalletAddress
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds
from masq_router.errors import LayerBroken
from masq_router.metering import Counter, Meter
from masq_router.onion import Direction, hop_layer
from masq_router.sessions import Port, RelaySession, SessionTable
from support.routes import DEV

SECRET = bytes([5]) * 32


def make_session(direction=Direction.OVER, expires_at=1_000):
    counter, forwarded = Counter(), []
    session = RelaySession(
        session_id=bytes(16),
        expires_at=UnixSeconds(expires_at),
        direction=direction,
        layer=hop_layer(DEV, SECRET),
        counter=counter,
        meter=Meter(
            session_id=bytes(16),
            side="provided",
            service="routing",
            wallet=WalletAddress(bytes(20)),
            rates=DEFAULT_RATES,
            counters=(counter,),
        ),
        forward=forwarded.append,
    )
    return session, forwarded


def ports(session, tag_in=b"in", tag_out=b"out"):
    return Port(session, "up", tag_in, True), Port(session, "down", tag_out, False)


def test_over_removes_a_layer_and_charges_what_arrived():
    session, forwarded = make_session()
    package = hop_layer(DEV, SECRET).seal(b"inner")
    session.on_data(memoryview(package))
    assert forwarded == [b"inner"]
    assert session.counter.size == len(package)


def test_back_adds_a_layer_and_charges_what_leaves():
    session, forwarded = make_session(Direction.BACK)
    session.on_data(memoryview(b"inner"))
    assert hop_layer(DEV, SECRET).open(forwarded[0]) == b"inner"
    assert session.counter.size == len(forwarded[0])


def test_a_broken_package_is_neither_forwarded_nor_charged():
    session, forwarded = make_session()
    with pytest.raises(LayerBroken):
        session.on_data(memoryview(bytes(50)))
    assert forwarded == []
    assert session.counter.packages == 0


def test_a_session_is_found_from_both_its_links_and_gone_from_both():
    table, (session, _) = SessionTable(sessions_max=2), make_session()
    assert table.add(session, *ports(session))
    assert table.ports_on("up")[b"in"].is_upstream
    assert not table.ports_on("down")[b"out"].is_upstream
    assert len(table.remove(session)) == 2
    assert table.remove(session) == []
    assert not table.ports_on("up")
    assert not table.ports_on("down")


def test_a_taken_tag_is_refused_and_changes_nothing():
    table = SessionTable(sessions_max=2)
    (first, _), (second, _) = make_session(), make_session()
    assert table.add(first, *ports(first))
    assert not table.add(second, *ports(second, tag_in=b"other"))
    assert list(table) == [first]
    assert b"other" not in table.ports_on("up")


def test_a_lost_link_names_its_sessions_once():
    table, (session, _) = SessionTable(sessions_max=1), make_session()
    table.add(session, Port(session, "up", b"a", True), Port(session, "up", b"b", False))
    assert table.is_full
    assert table.forget_link("up") == [session]
    assert table.forget_link("up") == []


def test_sessions_expire():
    table, (session, _) = SessionTable(sessions_max=1), make_session(expires_at=1_000)
    table.add(session, *ports(session))
    assert table.expired(UnixSeconds(999)) == []
    assert table.expired(UnixSeconds(1_000)) == [session]
