"""Debts are paid on a real chain, and the books of both sides meet there, to the wei."""

import pytest

from masq_accountant.ledger import Kind
from masq_accountant.ledger.bans import Cause
from masq_accountant.settlement import Phase
from masq_kernel.bus.errors import BusRefused
from masq_kernel.bus.messages.settlement import ScanIntervalsRequested, ScanIntervalsToSet
from masq_kernel.identity.proofs import wallet_of
from support.bad_rpc import bad_rpc
from support.evm import COIN, running_evm
from support.pyevm import running_pyevm
from support.settling import CONFIRMATIONS, DUE_S, MASQ, address_of, house, key_of

DEBT = 3 * MASQ // 4 + 123_456_789


@pytest.fixture
async def evm():
    async with running_evm() as made:
        yield made


@pytest.fixture(params=["anvil", "py-evm"])
async def any_evm(request):
    """Where there is no anvil, the other one still shows that payments work."""
    async with (running_evm if request.param == "anvil" else running_pyevm)() as made:
        yield made


@pytest.fixture
async def debtor(tmp_path, evm):
    async with house(tmp_path / "debtor", 1, [evm.url]) as made:
        await evm.give(made.consuming, tokens=10 * MASQ, coin=COIN)
        yield made


@pytest.fixture
async def creditor(tmp_path, evm):
    async with house(tmp_path / "creditor", 2, [evm.url]) as made:
        await made.scan("receivables")  # begins to read at the head
        yield made


async def test_a_debt_lives_from_the_first_scan_to_the_last_wei(any_evm, tmp_path):
    evm = any_evm
    async with (
        house(tmp_path / "debtor", 1, [evm.url]) as debtor,
        house(tmp_path / "creditor", 2, [evm.url]) as creditor,
    ):
        await evm.give(debtor.consuming, tokens=10 * MASQ, coin=COIN)
        await creditor.scan("receivables")
        await live(evm, debtor, creditor)


async def live(evm, debtor, creditor):
    await debtor.owe(creditor.earning, DEBT)
    await creditor.serve(debtor.consuming, DEBT)
    await creditor.scan("delinquency")
    assert creditor.warden.refused() == {debtor.consuming: Cause.DELINQUENT}

    assert (await debtor.scan("payables")).changed == 1
    [payment] = debtor.payments
    assert (payment.phase, payment.amount, payment.nonce) == (Phase.IN_FLIGHT, DEBT, 0)
    assert (debtor.owed(creditor.earning), debtor.in_flight) == (DEBT, DEBT)
    assert "nothing is due" in (await debtor.scan("payables")).text, "what is in flight is not due"

    await evm.mine()
    assert "0 payments were finished" in (await debtor.scan("pending")).text
    assert debtor.payments[0].phase is Phase.MINED
    await evm.mine(CONFIRMATIONS - 2)
    assert (await debtor.scan("pending")).changed == 1
    [payment] = debtor.payments
    assert payment.phase is Phase.CONFIRMED
    assert (debtor.owed(creditor.earning), debtor.in_flight, debtor.paid) == (0, 0, DEBT)
    assert payment.gas_cost == COIN - await evm.coin(debtor.consuming)

    assert (await creditor.scan("receivables")).changed == 1
    assert creditor.owes(debtor.consuming) == 0
    assert creditor.balance(Kind.TOKENS_RECEIVED) == DEBT == await evm.tokens(creditor.earning)
    assert creditor.warden.refused() == {}, "paid, and served again at once"
    assert (await creditor.scan("receivables")).changed == 0
    await creditor.reopen()
    assert (await creditor.scan("receivables")).changed == 0
    assert creditor.owes(debtor.consuming) == 0


async def test_several_debts_are_paid_at_once_in_the_order_of_their_risk(evm, debtor):
    wallets = [address_of(20 + number) for number in range(4)]
    for number, wallet in enumerate(wallets):
        await debtor.owe(wallet, (number + 1) * MASQ)
    await debtor.owe(address_of(40), MASQ // 4)  # below what is ever paid
    await debtor.owe(address_of(41), 5 * MASQ, age_s=60)  # not mature
    assert (await debtor.scan("payables")).changed == 4
    assert [each.wallet for each in debtor.payments] == wallets[::-1]
    assert [each.nonce for each in debtor.payments] == [0, 1, 2, 3]
    await evm.mine(CONFIRMATIONS)
    assert (await debtor.scan("pending")).changed == 4
    for number, wallet in enumerate(wallets):
        assert (debtor.owed(wallet), await evm.tokens(wallet)) == (0, (number + 1) * MASQ)


async def test_a_wallet_that_never_had_the_token_is_paid_beside_one_that_has(evm, debtor):
    """The second takes a third less gas, which must not be the limit of both."""
    old, fresh = address_of(20), address_of(21)
    await evm.give(old, tokens=1)
    await debtor.owe(old, 3 * MASQ)
    await debtor.owe(fresh, 2 * MASQ)
    await debtor.scan("payables")
    await evm.mine(CONFIRMATIONS)
    assert (await debtor.scan("pending")).changed == 2
    assert (debtor.owed(old), debtor.owed(fresh)) == (0, 0)
    assert {each.phase for each in debtor.payments} == {Phase.CONFIRMED}


async def test_what_is_charged_while_a_payment_is_under_way_is_the_next_ones(evm, debtor):
    await debtor.owe(address_of(20), MASQ)
    await debtor.scan("payables")
    await debtor.owe(address_of(20), 2 * MASQ, age_s=0)
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    assert debtor.owed(address_of(20)) == 2 * MASQ
    debtor.clock.advance(DUE_S)
    await debtor.scan("payables")
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    assert (debtor.owed(address_of(20)), await evm.tokens(address_of(20))) == (0, 3 * MASQ)


async def test_never_more_is_paid_than_there_is(evm, debtor):
    wallets = [address_of(20 + number) for number in range(3)]
    for number, wallet in enumerate(wallets):
        await debtor.owe(wallet, (6 - number) * MASQ)
    outcome = await debtor.scan("payables")  # 6 + 4 of 5; the wallet has 10
    assert outcome.changed == 2
    assert "1 debts wait" in outcome.text
    assert "MASQ left" in outcome.text
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    assert [debtor.owed(wallet) for wallet in wallets] == [0, MASQ, 4 * MASQ]
    outcome = await debtor.scan("payables")
    assert not outcome.is_well
    assert "2 debts wait: the wallet has no MASQ left" in outcome.text
    assert await evm.transactions(debtor.consuming) == 2, "none that had to revert"
    await evm.give(debtor.consuming, tokens=10 * MASQ)
    assert (await debtor.scan("payables")).changed == 2


async def test_without_fees_nothing_is_sent_and_the_operator_is_told(evm, debtor):
    await evm.call("anvil_setBalance", debtor.consuming.text, hex(1_000))
    await debtor.owe(address_of(20), MASQ)
    outcome = await debtor.scan("payables")
    assert not outcome.is_well
    assert "too little of the chain's coin" in outcome.text
    assert debtor.payments == []
    await evm.give(debtor.consuming, coin=COIN)
    assert (await debtor.scan("payables")).changed == 1


async def test_who_pays_before_anything_is_owed_waits_in_suspense(evm, debtor, creditor):
    early = 2 * MASQ + 7
    await debtor.owe(creditor.earning, early)
    await debtor.scan("payables")
    await evm.mine(CONFIRMATIONS)
    await creditor.scan("receivables")
    assert creditor.balance(Kind.SUSPENSE, debtor.consuming) == -early
    await creditor.serve(debtor.consuming, MASQ)
    assert creditor.owes(debtor.consuming) == MASQ
    await creditor.scan("receivables")
    assert creditor.owes(debtor.consuming) == MASQ - early, "credit for what comes"
    assert creditor.balance(Kind.SUSPENSE, debtor.consuming) == 0


async def test_tokens_between_our_own_wallets_are_no_income(evm, tmp_path):
    async with house(tmp_path / "node", 3, [evm.url]) as node:
        await node.scan("receivables")
        await evm.give(node.consuming, tokens=MASQ, coin=COIN)
        await evm.give(node.earning, tokens=5)  # from nobody's wallet: suspense
        data = bytes.fromhex("a9059cbb") + node.earning.raw.rjust(32, b"\0")
        token = "0x59882e4a8f5d24643d4dda422922a870f1b3e664"
        await evm.send(node.consuming.text, token, data + (9).to_bytes(32, "big"))
        await evm.mine(CONFIRMATIONS)
        await node.scan("receivables")
        assert node.balance(Kind.TOKENS_RECEIVED) == 5


async def test_each_creditor_is_paid_by_one_wallet_of_several_and_always_the_same(evm, tmp_path):
    keys = [key_of(60), key_of(61)]
    async with (
        house(tmp_path / "d", 1, [evm.url], more_keys=keys) as debtor,
        house(tmp_path / "c1", 2, [evm.url]) as first,
        house(tmp_path / "c2", 3, [evm.url]) as second,
    ):
        wallets = [debtor.consuming, *map(wallet_of, keys)]
        for wallet in wallets:
            await evm.give(wallet, tokens=10 * MASQ, coin=COIN)
        creditors = [address_of(80 + number) for number in range(20)]
        await debtor.payers.choose([*creditors, first.earning, second.earning])
        paying = {each: debtor.payers.of(each) for each in creditors}
        assert set(paying.values()) == set(wallets), "by chance, once in 10,000 runs not"
        await debtor.reopen()
        assert {each: debtor.payers.of(each) for each in creditors} == paying
        for number, creditor in enumerate((first, second), start=1):
            await creditor.scan("receivables")
            await debtor.owe(creditor.earning, number * MASQ)
            await creditor.serve(debtor.payers.of(creditor.earning), number * MASQ)
        for creditor in creditors[:6]:
            await debtor.owe(creditor, MASQ)
        assert (await debtor.scan("payables")).changed == 8
        await evm.mine(CONFIRMATIONS)
        assert (await debtor.scan("pending")).changed == 8
        for payment in debtor.payments:
            assert payment.payer == debtor.payers.of(payment.wallet)
        for wallet in wallets:
            own = [each for each in debtor.payments if each.payer == wallet]
            assert sorted(each.nonce for each in own) == list(range(len(own)))
            assert await evm.tokens(wallet) == 10 * MASQ - sum(each.amount for each in own)
        for creditor in (first, second):
            await creditor.scan("receivables")
            assert creditor.owes(debtor.payers.of(creditor.earning)) == 0
            assert creditor.balance(Kind.SUSPENSE) == 0
            for wallet in wallets:
                assert creditor.balance(Kind.SUSPENSE, wallet) == 0


async def test_whoever_is_owed_something_already_stays_with_the_first_wallet(evm, tmp_path):
    async with house(tmp_path / "d", 1, [evm.url]) as debtor:
        await debtor.owe(address_of(20), MASQ)
    async with house(tmp_path / "d", 1, [evm.url], more_keys=[key_of(60)]) as debtor:
        await debtor.payers.choose([address_of(20)] * 40)
        assert debtor.payers.of(address_of(20)) == debtor.consuming


async def test_debts_of_a_wallet_that_is_gone_wait_and_the_operator_is_told(evm, tmp_path):
    async with house(tmp_path / "d", 1, [evm.url], more_keys=[key_of(60)]) as debtor:
        creditors = [address_of(80 + number) for number in range(20)]
        await debtor.payers.choose(creditors)
        gone = next(each for each in creditors if debtor.payers.of(each) != debtor.consuming)
        await debtor.owe(gone, MASQ)
    async with house(tmp_path / "d", 1, [evm.url]) as debtor:
        outcome = await debtor.scan("payables")
        assert outcome.text == "1 debts wait: the wallet that owes them is gone"
        assert (outcome.is_well, debtor.owed(gone)) == (False, MASQ)


async def test_where_the_chain_has_no_base_fee_transactions_are_of_the_older_kind(evm, tmp_path):
    """A server that shows blocks as they were before EIP-1559."""

    def change(method, _params, result):
        if method == "eth_getBlockByNumber" and result:
            result.pop("baseFeePerGas", None)
        return result

    async with bad_rpc(evm.url) as old, house(tmp_path / "d", 1, [old.url]) as debtor:
        old.change = change
        await evm.give(debtor.consuming, tokens=10 * MASQ, coin=COIN)
        await debtor.owe(address_of(20), MASQ)
        await debtor.scan("payables")
        assert debtor.payments[0].attempts[0].fees.tip is None
        await evm.mine(CONFIRMATIONS)
        await debtor.scan("pending")
        assert (debtor.owed(address_of(20)), await evm.tokens(address_of(20))) == (0, MASQ)


async def test_intervals_of_scans_are_kept_and_changed_once_at_a_time(evm, tmp_path):
    async with house(tmp_path / "d", 1, [evm.url], scans=True) as node:
        desk, scans = node.cashier.desk, node.cashier.scans.by_kind
        assert (await desk.on_intervals(ScanIntervalsRequested())).revision == 0
        wanted = ScanIntervalsToSet(seconds={"payables": 7.5, "pending": 0.0}, revision=0)
        shown = await desk.on_set_intervals(wanted)
        assert (shown.seconds["payables"], shown.seconds["pending"], shown.revision) == (7.5, 0, 1)
        assert scans["payables"].interval_s == 7.5
        for wrong in (wanted, ScanIntervalsToSet(seconds={"payables": 0.01}, revision=1)):
            with pytest.raises(BusRefused):
                await desk.on_set_intervals(wrong)
        await node.reopen()
        shown = await node.cashier.desk.on_intervals(ScanIntervalsRequested())
        assert (shown.seconds["payables"], shown.seconds["pending"], shown.revision) == (7.5, 0, 1)
