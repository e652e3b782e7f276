"""Whatever chain and servers do: no debt is lost, none is paid twice, and the operator is told."""

import contextlib

import pytest

from masq_accountant.ledger import Kind
from masq_accountant.settlement import Phase
from masq_kernel.bus.messages.settlement import BalancesRequested
from masq_kernel.units import WEI_PER_GWEI
from support.bad_rpc import bad_rpc
from support.evm import COIN, TOKEN, running_evm
from support.settling import CONFIRMATIONS, MASQ, address_of, house

PAYEE = address_of(20)
TRANSFER = bytes.fromhex("a9059cbb")
STUCK_S = 600


@pytest.fixture
async def evm():
    async with running_evm() as made:
        await made.automine(is_on=False)
        yield made


async def give(evm, node, **amounts):
    await evm.give(node.consuming, **amounts)
    await evm.mine()


@pytest.fixture
async def debtor(tmp_path, evm):
    """Owes one MASQ, and has ten."""
    async with house(tmp_path / "debtor", 1, [evm.url], stuck_after_s=STUCK_S) as made:
        await give(evm, made, tokens=10 * MASQ, coin=COIN)
        await made.owe(PAYEE, MASQ)
        yield made


async def settle(evm, node):
    """Let the chain go on and the node look, until nothing is under way or due."""
    for _ in range(3):
        await node.scan("payables")
        await evm.mine(CONFIRMATIONS)
        await node.scan("pending")


async def assert_paid_once(evm, node, amount=MASQ):
    assert (node.owed(PAYEE), node.in_flight) == (0, 0)
    assert node.paid == amount == await evm.tokens(PAYEE)


# -- servers -------------------------------------------------------------------------------------


async def test_while_no_server_answers_nothing_changes_and_afterwards_all_is_paid(evm, tmp_path):
    async with bad_rpc(evm.url) as server, house(tmp_path / "n", 1, [server.url]) as node:
        await give(evm, node, tokens=10 * MASQ, coin=COIN)
        await node.owe(PAYEE, MASQ)
        server.status = 503
        for kind in ("payables", "receivables"):
            outcome = await node.scan(kind)
            assert not outcome.is_well
            assert "HTTP 503" in outcome.text
            assert "secret-key" not in outcome.text
        assert (node.payments, node.owed(PAYEE)) == ([], MASQ)
        server.behave()
        await node.scan("payables")
        server.status = 503
        assert not (await node.scan("pending")).is_well
        assert node.in_flight == MASQ
        server.behave()
        await settle(evm, node)
        await assert_paid_once(evm, node)


@pytest.mark.parametrize("trouble", ["down", "slow", "limited", "garbage", "wrong chain", "flood"])
async def test_a_server_in_trouble_is_passed_over(evm, tmp_path, trouble):
    async with bad_rpc(evm.url) as bad:
        urls = [bad.url, evm.url]
        async with house(tmp_path / "n", 1, urls, rpc_quorum=1, rpc_timeout_s=0.5) as node:
            await give(evm, node, tokens=10 * MASQ, coin=COIN)
            await node.owe(PAYEE, MASQ)
            match trouble:
                case "down":
                    bad.status = 502
                case "slow":
                    bad.delay_s = 5
                case "limited":
                    bad.status = 429
                case "garbage":
                    bad.body = b"<html>sign in</html>"
                case "wrong chain":
                    bad.change = lambda method, _, told: "0x1" if method == "eth_chainId" else told
                case "flood":
                    bad.body = b'{"jsonrpc":"2.0","id":1,"result":"' + b"0" * (9 << 20) + b'"}'
            await settle(evm, node)
            await assert_paid_once(evm, node)
            balances = await node.cashier.desk.on_balances(BalancesRequested())
    [first, second] = balances.servers
    assert (first.head is None) is (first.trouble != "")
    assert "secret-key" not in first.name + first.trouble
    assert second.trouble == "" or first.trouble == ""


async def test_only_servers_of_the_wrong_chain_are_asked_for_nothing(evm, tmp_path):
    async with bad_rpc(evm.url) as bad, house(tmp_path / "n", 1, [bad.url]) as node:
        await node.owe(PAYEE, MASQ)
        bad.change = lambda method, _, told: "0x89" if method == "eth_chainId" else told
        outcome = await node.scan("payables")
        assert "it is of the chain with id 137; dev has 2" in outcome.text
        assert set(bad.asked) == {"eth_chainId"}
        assert node.payments == []


async def pay_in(evm, node, payer, amount):
    await evm.give(payer, tokens=amount, coin=COIN)
    await evm.mine()
    data = TRANSFER + node.earning.raw.rjust(32, b"\0") + amount.to_bytes(32, "big")
    sent = await evm.send(payer.text, TOKEN, data)
    await evm.mine(CONFIRMATIONS)
    return sent


def inventing(node, payer):
    """A server that tells of payments that nobody made."""

    def change(method, params, result):
        if method != "eth_getLogs":
            return result
        topics = [
            "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
            "0x" + payer.raw.rjust(32, b"\0").hex(),
            "0x" + node.earning.raw.rjust(32, b"\0").hex(),
        ]
        made = {
            "address": TOKEN,
            "topics": topics,
            "data": "0x" + (5 * MASQ).to_bytes(32, "big").hex(),
            "blockNumber": params[0]["toBlock"],
            "blockHash": "0x" + "11" * 32,
            "transactionHash": "0x" + "22" * 32,
            "transactionIndex": "0x0",
            "logIndex": "0x0",
            "removed": False,
        }
        return [*result, made]

    return change


def hiding(method, _params, result):
    return [] if method == "eth_getLogs" else result


@pytest.mark.parametrize("lie", ["invents", "hides"])
async def test_a_payment_that_servers_tell_differently_is_not_booked_yet(evm, tmp_path, lie):
    payer = address_of(30)
    async with bad_rpc(evm.url) as liar, house(tmp_path / "n", 1, [liar.url, evm.url]) as node:
        await node.serve(payer, MASQ)
        await node.scan("receivables")
        liar.change = hiding if lie == "hides" else inventing(node, payer)
        await pay_in(evm, node, payer, MASQ // 2)
        outcome = await node.scan("receivables")
        assert not outcome.is_well
        assert "2 different stories" in outcome.text
        assert node.owes(payer) == MASQ
        liar.behave()
        assert (await node.scan("receivables")).changed == 1
        assert node.owes(payer) == MASQ // 2


@pytest.mark.parametrize("lie", ["invents", "hides"])
async def test_of_three_servers_two_that_agree_are_believed(evm, tmp_path, lie):
    payer = address_of(30)
    async with (
        bad_rpc(evm.url) as liar,
        bad_rpc(evm.url) as honest,
        house(tmp_path / "n", 1, [liar.url, honest.url, evm.url]) as node,
    ):
        await node.serve(payer, MASQ)
        await node.scan("receivables")
        liar.change = hiding if lie == "hides" else inventing(node, payer)
        await pay_in(evm, node, payer, MASQ // 2)
        assert (await node.scan("receivables")).changed == 1
        assert node.owes(payer) == MASQ // 2


@pytest.mark.parametrize(
    "field",
    [
        ("address", "0x" + "77" * 20),
        ("blockNumber", "0xfffff"),
        ("removed", True),
        ("data", "0x" + "00" * 64),
        ("topics", []),
    ],
    ids=lambda field: field[0],
)
async def test_logs_that_nobody_asked_for_are_refused_even_of_the_only_server(evm, tmp_path, field):
    payer = address_of(30)
    async with bad_rpc(evm.url) as liar, house(tmp_path / "n", 1, [liar.url]) as node:
        await node.serve(payer, MASQ)
        await node.scan("receivables")
        invented = inventing(node, payer)

        def change(method, params, result):
            told = invented(method, params, result)
            return [{**told[0], field[0]: field[1]}] if method == "eth_getLogs" else told

        liar.change = change
        await evm.mine(CONFIRMATIONS + 2)
        assert not (await node.scan("receivables")).is_well
        assert node.owes(payer) == MASQ


async def test_a_server_that_answers_only_for_few_blocks_is_asked_for_few(evm, tmp_path):
    payer = address_of(30)
    async with bad_rpc(evm.url) as server, house(tmp_path / "n", 1, [server.url]) as node:
        await node.serve(payer, MASQ)
        await node.scan("receivables")

        def refuse(method, params):
            if method != "eth_getLogs":
                return None
            count = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            return None if count <= 100 else "exceeds max block range 100"

        server.refuse = refuse
        await evm.mine(700)
        await pay_in(evm, node, payer, MASQ // 2)
        await evm.mine(700)
        assert (await node.scan("receivables")).changed == 1
        assert node.owes(payer) == MASQ // 2
        assert node.cashier._mark.next_block == await evm.head() - CONFIRMATIONS + 2


async def test_a_lie_about_the_next_nonce_costs_nothing(evm, tmp_path):
    async with (
        bad_rpc(evm.url) as liar,
        house(tmp_path / "n", 1, [liar.url, evm.url], rpc_quorum=1) as node,
    ):
        await give(evm, node, tokens=10 * MASQ, coin=COIN)
        await node.owe(PAYEE, MASQ)

        def change(method, params, result):
            is_asked = method == "eth_getTransactionCount" and params[1] == "pending"
            return "0xfffff" if is_asked else result

        liar.change = change
        await settle(evm, node)
        await assert_paid_once(evm, node)


# -- transactions --------------------------------------------------------------------------------


async def test_a_dropped_transaction_is_sent_again(evm, debtor):
    await debtor.scan("payables")
    [payment] = debtor.payments
    await evm.call("anvil_dropTransaction", f"0x{payment.hash.hex()}")
    await evm.mine(CONFIRMATIONS)
    assert await evm.transactions(debtor.consuming) == 0
    await debtor.scan("pending")
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    await assert_paid_once(evm, debtor)
    assert len(debtor.payments) == len(debtor.payments[0].attempts) == 1


async def test_a_nonce_that_something_else_took_frees_the_debt(evm, debtor):
    await debtor.scan("payables")
    await evm.call("anvil_dropTransaction", f"0x{debtor.payments[0].hash.hex()}")
    await evm.send(debtor.consuming.text, debtor.consuming.text, nonce="0x0")
    await evm.mine()
    await debtor.scan("pending")
    assert debtor.in_flight == MASQ, "not before that is deep enough"
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    [failed] = debtor.payments
    assert (failed.phase, debtor.in_flight) == (Phase.FAILED, 0)
    assert failed.reason == "another transaction of this wallet took its nonce"
    assert debtor.owed(PAYEE) == MASQ
    await settle(evm, debtor)
    await assert_paid_once(evm, debtor)
    assert [each.phase for each in debtor.payments] == [Phase.FAILED, Phase.CONFIRMED]


async def test_a_payment_that_waits_too_long_is_offered_at_a_higher_price(evm, debtor):
    await debtor.scan("payables")
    first = debtor.payments[0].attempts[0]
    await evm.call("anvil_setNextBlockBaseFeePerGas", hex(20 * WEI_PER_GWEI))
    await evm.mine(2)
    assert await evm.transactions(debtor.consuming) == 0, "the spike leaves it out"
    debtor.clock.advance(STUCK_S - 1)
    await debtor.scan("pending")
    assert len(debtor.payments[0].attempts) == 1
    debtor.clock.advance(1)
    await debtor.scan("pending")
    [payment] = debtor.payments
    assert [each.fees.price > first.fees.price for each in payment.attempts] == [False, True]
    await debtor.reopen()
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    await assert_paid_once(evm, debtor)
    assert debtor.payments[0].mined == payment.attempts[1].hash


async def test_while_gas_costs_more_than_allowed_debts_wait(evm, tmp_path):
    async with house(tmp_path / "n", 1, [evm.url], gas_price_max_gwei=30) as node:
        await give(evm, node, tokens=10 * MASQ, coin=COIN)
        await node.owe(PAYEE, MASQ)
        await evm.call("anvil_setNextBlockBaseFeePerGas", hex(40 * WEI_PER_GWEI))
        await evm.mine()
        outcome = await node.scan("payables")
        assert "1 debts wait: gas costs more than is allowed" in outcome.text
        assert node.payments == []
        await evm.call("anvil_setNextBlockBaseFeePerGas", hex(20 * WEI_PER_GWEI))
        await evm.mine()
        await node.scan("payables")
        assert node.payments[0].attempts[0].fees.price == 30 * WEI_PER_GWEI
        node.clock.advance(STUCK_S)
        await evm.call("anvil_setNextBlockBaseFeePerGas", hex(40 * WEI_PER_GWEI))
        await evm.mine()
        await node.scan("pending")
        assert len(node.payments[0].attempts) == 1, "nor is a payment under way made dearer"


async def test_a_payment_that_reverts_frees_the_debt(evm, debtor):
    await debtor.scan("payables")
    await evm.call("anvil_setStorageAt", TOKEN, balance_slot(debtor.consuming), "0x" + "00" * 32)
    await evm.mine(CONFIRMATIONS - 1)
    await debtor.scan("pending")
    assert debtor.in_flight == MASQ, "not before it is deep enough"
    await evm.mine()
    await debtor.scan("pending")
    [failed] = debtor.payments
    assert (failed.phase, failed.reason, debtor.in_flight) == (Phase.FAILED, "it reverted", 0)
    assert failed.gas_cost > 0
    await give(evm, debtor, tokens=5 * MASQ)
    await settle(evm, debtor)
    await assert_paid_once(evm, debtor)


def balance_slot(wallet):
    """Where Vyper keeps balanceOf[wallet], its first variable: keccak256(slot, key)."""
    from eth_hash.auto import keccak

    return "0x" + keccak(bytes(32) + wallet.raw.rjust(32, b"\0")).hex()


@pytest.mark.parametrize("depth", range(1, CONFIRMATIONS))
@pytest.mark.parametrize("fate", ["comes back", "is lost"])
async def test_a_block_that_leaves_the_chain_takes_its_payment_along(evm, debtor, depth, fate):
    await debtor.scan("payables")
    [payment] = debtor.payments
    await evm.mine(depth)
    await debtor.scan("pending")
    assert debtor.payments[0].phase is Phase.MINED
    await evm.call("anvil_rollback", depth)
    if fate == "is lost":
        with contextlib.suppress(Exception):
            await evm.call("anvil_dropTransaction", f"0x{payment.hash.hex()}")
    assert await evm.transactions(debtor.consuming) == 0
    await debtor.scan("pending")
    assert debtor.payments[0].phase is Phase.IN_FLIGHT
    await evm.mine(CONFIRMATIONS)
    await debtor.scan("pending")
    await assert_paid_once(evm, debtor)


@pytest.mark.parametrize("depth", [CONFIRMATIONS, CONFIRMATIONS + 2])
async def test_a_chain_that_loses_more_than_was_final_takes_a_confirmed_payment_along(
    evm, debtor, depth
):
    await debtor.scan("payables")
    await evm.mine(depth)
    await debtor.scan("pending")
    await assert_paid_once(evm, debtor)
    for _ in range(2):  # each time its block is another one
        await evm.call("anvil_rollback", depth)
        await debtor.reopen()
        await debtor.scan("pending")
        assert (debtor.owed(PAYEE), debtor.in_flight, debtor.paid) == (MASQ, MASQ, 0)
        await evm.mine(depth)
        await debtor.scan("pending")
        await assert_paid_once(evm, debtor)
    await evm.mine(4 * CONFIRMATIONS)
    await debtor.scan("pending")
    [payment] = debtor.payments
    assert payment.is_final
    assert [each.raw for each in payment.attempts] == [b""], "its bytes are kept no longer"


async def test_payments_to_us_count_only_when_their_block_is_deep(evm, tmp_path):
    payer = address_of(30)
    async with house(tmp_path / "n", 1, [evm.url]) as node:
        await node.serve(payer, MASQ)
        await node.scan("receivables")
        await evm.give(payer, tokens=MASQ, coin=COIN)
        await evm.mine()
        data = TRANSFER + node.earning.raw.rjust(32, b"\0") + MASQ.to_bytes(32, "big")
        await evm.send(payer.text, TOKEN, data)
        await evm.mine(CONFIRMATIONS - 1)
        assert (await node.scan("receivables")).changed == 0
        await evm.call("anvil_rollback", CONFIRMATIONS - 1)
        with contextlib.suppress(Exception):
            await evm.call("anvil_dropAllTransactions")
        await evm.mine(2 * CONFIRMATIONS)
        assert (await node.scan("receivables")).changed == 0
        assert node.owes(payer) == MASQ == -node.balance(Kind.INCOME_ROUTING)
        await evm.send(payer.text, TOKEN, data)
        await evm.mine(CONFIRMATIONS)
        assert (await node.scan("receivables")).changed == 1
        assert node.owes(payer) == 0
