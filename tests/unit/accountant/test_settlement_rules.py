"""What is paid, what a transaction may cost, and what is done next: the pure rules of payments."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_accountant.chain.signer import KeySigner, transfer_data
from masq_accountant.ledger.thresholds import DEFAULT_THRESHOLDS
from masq_accountant.settlement import (
    Attempt,
    Confirm,
    Debt,
    Fail,
    FeePolicy,
    Fees,
    Funds,
    Market,
    Mine,
    Payment,
    Receipt,
    Resend,
    Return,
    Sight,
    Wait,
    next_step,
    select,
)
from masq_accountant.settlement.selection import PAYMENTS_MAX
from masq_cli.demo import token
from masq_kernel.chains import Chain, chain_named
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import WEI_PER_GWEI, WEI_PER_MASQ, UnixSeconds, Wei

MASQ = WEI_PER_MASQ
OLD_S = 1_200 + 21_600 + 1
PLENTY = Funds(tokens=10**9 * MASQ, coin=10**24, fee=1)


def debt(number, owed, age_s=OLD_S):
    return Debt(WalletAddress(number.to_bytes(20, "big")), Wei(owed), age_s)


# -- what is paid --------------------------------------------------------------------------------


def test_only_what_is_due_is_paid_and_all_of_it():
    debts = [debt(1, MASQ), debt(2, MASQ // 2), debt(3, 9 * MASQ, age_s=1_200), debt(4, 2 * MASQ)]
    chosen = select(debts, DEFAULT_THRESHOLDS, PLENTY)
    assert [(each.wallet.raw[-1], each.amount) for each in chosen.payments] == [
        (4, 2 * MASQ),
        (1, MASQ),
    ]
    assert (chosen.left, chosen.why) == (0, "")


def test_who_is_nearest_to_ban_us_is_paid_first():
    young, old = debt(1, 2 * MASQ, age_s=1_300), debt(2, 6 * MASQ // 10)
    chosen = select([young, old], DEFAULT_THRESHOLDS, PLENTY)
    assert [each.wallet for each in chosen.payments] == [old.wallet, young.wallet]


def test_a_scan_makes_so_many_payments_and_no_more():
    debts = [debt(number, MASQ) for number in range(1, PAYMENTS_MAX + 8)]
    chosen = select(debts, DEFAULT_THRESHOLDS, PLENTY)
    assert len(chosen.payments) == PAYMENTS_MAX
    assert (chosen.left, chosen.why) == (7, "they are paid in the next scans")


@given(
    owed=st.lists(st.integers(0, 5 * MASQ), max_size=80),
    tokens=st.integers(0, 60 * MASQ),
    coin=st.integers(0, 100),
    fee=st.integers(0, 10),
)
def test_never_more_is_promised_than_there_is(owed, tokens, coin, fee):
    debts = [debt(number, amount) for number, amount in enumerate(owed, start=1)]
    chosen = select(debts, DEFAULT_THRESHOLDS, Funds(tokens=tokens, coin=coin, fee=fee))
    due = {each.wallet: each.owed for each in debts if each.owed > MASQ // 2}
    assert sum(each.amount for each in chosen.payments) <= tokens
    assert len(chosen.payments) * fee <= coin or fee == 0
    assert all(0 < each.amount <= due[each.wallet] for each in chosen.payments)
    assert len({each.wallet for each in chosen.payments}) == len(chosen.payments)
    in_part = [each for each in chosen.payments if each.amount < due[each.wallet]]
    assert in_part in ([], list(chosen.payments[-1:]))
    assert chosen.left == len(due) - len(chosen.payments)
    assert bool(chosen.why) is bool(chosen.left)


# -- what it may cost ----------------------------------------------------------------------------

GWEI = WEI_PER_GWEI
POLICY = FeePolicy.of_gwei(100)


@pytest.mark.parametrize(
    ("market", "offer"),
    [
        (Market(price=5), Fees(5)),
        (Market(price=100 * GWEI), Fees(100 * GWEI)),
        (Market(price=100 * GWEI + 1), None),
        (Market(price=9, base=10, tip=2), Fees(22, 2)),
        (Market(price=9, base=60 * GWEI, tip=GWEI), Fees(100 * GWEI, GWEI)),
        (Market(price=9, base=99 * GWEI, tip=GWEI), Fees(100 * GWEI, GWEI)),
        (Market(price=9, base=99 * GWEI, tip=GWEI + 1), None),
    ],
)
def test_an_offer_would_be_taken_now_and_keeps_the_limit(market, offer):
    assert POLICY.offer(market) == offer


@given(
    price=st.integers(1, 200 * GWEI),
    tip=st.one_of(st.none(), st.integers(0, 200 * GWEI)),
    base=st.integers(0, 200 * GWEI),
    now=st.integers(0, 200 * GWEI),
)
def test_a_replacement_offers_a_tenth_more_and_keeps_the_limit(price, tip, base, now):
    before = Fees(price, None if tip is None else min(tip, price))
    market = Market(now, None if tip is None else base, now if tip is not None else 0)
    after = POLICY.replacement(before, market)
    if after is None:
        return
    assert before.price * 1.1 <= after.price <= 100 * GWEI
    if before.tip is not None:
        assert before.tip * 1.1 <= after.tip <= after.price or after.tip == after.price
    else:
        assert after.tip is None


# -- what is done next ---------------------------------------------------------------------------

CONFIRMATIONS, STUCK_S = 4, 600
NOW = UnixSeconds(1_000_000)


def payment(**changes):
    attempt = Attempt(raw=b"raw", hash=b"h" * 32, fees=Fees(1), at=NOW)
    fields = {
        "number": 1,
        "payer": WalletAddress(bytes(20)),
        "wallet": WalletAddress(bytes(20)),
        "amount": Wei(5),
        "nonce": 7,
        "attempts": (attempt,),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Payment(**{**fields, **changes})


def receipt(block, **changes):
    fields = {"hash": b"h" * 32, "block": block, "block_hash": b"b" * 32}
    return Receipt(**{**fields, "succeeded": True, "gas_cost": 3, **changes})


def step(made, *, found=None, head=100, taken=7, deep=7, later_s=0):
    sight = Sight(head=head, receipt=found, nonce_next=taken, nonce_deep=deep)
    now = UnixSeconds(NOW + later_s)
    return next_step(made, sight, now=now, confirmations=CONFIRMATIONS, stuck_s=STUCK_S)


MINED = payment(mined=b"h" * 32, block=98, block_hash=b"b" * 32)


def test_a_block_is_noted_once_and_final_when_it_is_deep_enough():
    assert step(payment(), found=receipt(98)) == Mine(receipt(98))
    assert step(MINED, found=receipt(98)) == Wait()
    assert step(MINED, found=receipt(98), head=101) == Confirm(receipt(98))
    elsewhere = receipt(99, block_hash=b"c" * 32)
    assert step(MINED, found=elsewhere) == Mine(elsewhere), "it was mined again"


def test_a_revert_counts_when_it_is_deep_enough():
    reverted = receipt(98, succeeded=False)
    assert step(payment(), found=reverted) == Mine(reverted)
    assert step(MINED, found=reverted, head=101) == Fail("it reverted", reverted)


def test_a_block_that_left_the_chain_is_forgotten():
    assert step(MINED) == Return()
    assert step(MINED, taken=8, deep=8) == Return()


def test_a_nonce_that_something_else_took_is_given_up_when_that_is_deep():
    assert step(payment(), taken=8) == Wait()
    assert isinstance(step(payment(), taken=8, deep=8), Fail)


def test_what_is_nowhere_is_sent_again_and_dearer_after_a_while():
    assert step(payment(), later_s=STUCK_S - 1) == Resend(dearer=False)
    assert step(payment(), later_s=STUCK_S) == Resend(dearer=True)


# -- what is signed ------------------------------------------------------------------------------

KEY = bytes.fromhex("97923d8fd8de4a00f912bfb77ef483141dec551bd73ea59343ef5c4aac965d04")
TO = WalletAddress.from_text("0x7788df76BBd9a0C7c3e5bf0f77bb28C60a167a7b")
ROPSTEN = Chain(
    name="eth-ropsten",
    chain_id=3,
    token=bytes.fromhex("384dec25e03f94931767ce4c3556168468ba24c3"),
)

# reference/masq-accountant.md section 5.4: chain, nonce, gas price in gwei, gas, v, r, s
VECTORS = [
    (
        *(chain_named("polygon-amoy"), 4, 50, 72_064, 160_039),
        "ef0873170be31c30f532edf3c97fe8a1d577859fd4045b060007cf9e75bda875",
        "1e4a3f7e06d12b2268d9889e279643ad8e1d291bca8f9f741bd6ec1aca2c0766",
    ),
    (
        *(ROPSTEN, 1, 110, 57_064, 42),
        "635fbb3652e1c3063afac6ffdf47220e0431825015aef7daff9251694e449bfc",
        "0b2ed6d556bd030ac75291bf58817da15a891cd027a4c261bb80b51f33b78adf",
    ),
    (
        *(chain_named("polygon-mainnet"), 10, 50, 72_064, 309),
        "07cb282ccae90f0540dac7ef5e7e98026c1e9d4b7c81751b6da3841b0b7b890a",
        "12aa82c649be9eeb004d76d5f4e5e18f9cd6dbccc19bc7a4a21f86338b829868",
    ),
    (
        *(chain_named("eth-mainnet"), 10, 110, 57_064, 38),
        "c79b4c6a27e303975a75f5d35662bb757867a583634824d30ae0fc6833c8e69e",
        "54128cf87716c10e94fd303bb90b26986796783c4a389fce160f49ad990b4c4a",
    ),
]


def rlp(*items):
    """A list of integers and bytes, each shorter than 56 bytes but the whole (Yellow Paper, B)."""
    parts = b""
    for item in items:
        data = item if isinstance(item, bytes) else item.to_bytes((item.bit_length() + 7) // 8)
        if len(data) == 1 and data[0] < 0x80:
            parts += data
        elif len(data) < 56:
            parts += bytes([0x80 + len(data)]) + data
        else:
            parts += bytes([0xB8, len(data)]) + data
    assert 56 <= len(parts) < 256
    return bytes([0xF8, len(parts)]) + parts


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[0].name)
def test_transactions_are_those_of_the_reference_byte_for_byte(vector):
    chain, nonce, gwei, gas, v, r, s = vector
    signing = KeySigner(chain, KEY).sign_transfer(
        TO, Wei(10**12), nonce=nonce, gas=gas, fees=Fees(gwei * GWEI)
    )
    signed = asyncio.run(signing)
    data = transfer_data(TO, Wei(10**12))
    assert data.hex() == (
        "a9059cbb0000000000000000000000007788df76bbd9a0c7c3e5bf0f77bb28c60a167a7b"
        "000000000000000000000000000000000000000000000000000000e8d4a51000"
    )
    signature = (v, int(r, 16), int(s, 16))
    assert signed.raw == rlp(nonce, gwei * GWEI, gas, chain.token, 0, data, *signature)


def test_the_stand_in_for_the_token_is_what_its_source_says(tmp_path):
    vyper = Path(sys.executable).with_name("vyper")
    source = Path(__file__).parents[2] / "support/token.vy"
    compiled = subprocess.run(
        [vyper, "-f", "bytecode_runtime", source],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert compiled.stdout.strip() == f"0x{token.RUNTIME_CODE.hex()}"
