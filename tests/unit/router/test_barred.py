"""Wallets that the accountant refuses: what the router knows of them, and whose sessions end."""

import pytest

from masq_kernel.bus.messages.accountant import WalletRefused
from masq_kernel.rates import DEFAULT_RATES
from masq_router.barred import BarredWallets
from masq_router.lifecycle import LiveSessions
from masq_router.metering import Counter, Meter, Metering
from masq_router.sessions import Port, SessionTable
from masq_router.wire.frames import TeardownReason
from support.usage_builders import WALLETS

BANNED, CREDIT = TeardownReason.REFUSED_BANNED, TeardownReason.REFUSED_CREDIT
ONE, OTHER = WALLETS[0], WALLETS[1]


def kept(**reasons):
    return {key: WalletRefused(reason=why) if why else None for key, why in reasons.items()}


def key(wallet):
    return wallet.raw.hex()


def barring(**wallets):
    barred = BarredWallets()
    barred.learn(kept(**wallets), is_whole=True)
    return barred


def test_each_wallet_is_refused_for_its_own_reason():
    barred = barring(**{key(ONE): "banned", key(OTHER): "credit"})
    assert barred.reasons == {ONE: BANNED, OTHER: CREDIT}
    assert barred.take_new() == {ONE: BANNED, OTHER: CREDIT}
    assert barred.take_new() == {}


def test_who_is_served_again_is_forgotten_and_keeps_its_sessions():
    barred = barring(**{key(ONE): "banned"})
    barred.learn(kept(**{key(ONE): None}), is_whole=False)
    assert barred.reasons == {}
    assert barred.take_new() == {}


def test_a_whole_telling_replaces_what_was_known_and_ends_only_what_is_new():
    barred = barring(**{key(ONE): "banned"})
    barred.take_new()
    barred.learn(kept(**{key(ONE): "banned", key(OTHER): "credit"}), is_whole=True)
    assert barred.take_new() == {OTHER: CREDIT}
    barred.learn(kept(**{key(OTHER): "banned"}), is_whole=True)
    assert barred.reasons == {OTHER: BANNED}


@pytest.mark.parametrize("nonsense", ["zz", "aa", "00" * 32])
def test_a_key_that_is_no_wallet_concerns_nobody(nonsense):
    assert barring(**{nonsense: "banned"}).reasons == {}


class QuietEgress:
    def drop(self, _session):
        pass


class RecordingLink:
    def __init__(self):
        self.egress, self.teardowns = QuietEgress(), []

    def send_teardown(self, tag, reason):
        self.teardowns.append((tag, reason))


class OneSession:
    """A session of one wallet on one link."""

    expires_at = 0

    def __init__(self, wallet, side):
        self.session_id, self.ended = wallet.raw[:16], []
        self.meters = (
            Meter(
                session_id=self.session_id,
                side=side,
                service="routing",
                wallet=wallet,
                rates=DEFAULT_RATES,
                counters=(Counter(),),
            ),
        )

    def on_torn_down(self, reason):
        self.ended.append(reason)


@pytest.mark.parametrize(
    ("wallet", "side", "ends"),
    [(ONE, "provided", True), (OTHER, "provided", False), (ONE, "consumed", False)],
)
def test_what_a_refused_wallet_pays_for_ends_and_its_neighbor_hears_why(wallet, side, ends):
    live, link = LiveSessions(SessionTable(sessions_max=9), Metering("test")), RecordingLink()
    session = OneSession(wallet, side)
    live.begin(session, Port(session=session, link=link, tag=bytes(8), is_upstream=True))
    live.end_barred({ONE: BANNED})
    assert session.ended == ([BANNED] if ends else [])
    assert link.teardowns == ([(bytes(8), BANNED)] if ends else [])
    assert (session in live.table) is not ends


def test_what_a_wallet_must_own_up_to_is_known_and_forgotten_with_its_refusal():
    barred = BarredWallets()
    refused = WalletRefused(reason="credit", owed_min="12345678901234567890123")
    barred.learn({key(ONE): refused}, is_whole=True)
    assert (barred.reasons, barred.owed_min) == ({ONE: CREDIT}, {ONE: 12345678901234567890123})
    barred.learn({key(ONE): WalletRefused(reason="banned")}, is_whole=False)
    assert (barred.reasons, barred.owed_min) == ({ONE: BANNED}, {})
    barred.learn({key(ONE): refused}, is_whole=False)
    barred.learn({key(ONE): None}, is_whole=False)
    assert (barred.reasons, barred.owed_min) == ({}, {})
