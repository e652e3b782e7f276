"""Real processes: who owes whom is said under signatures, and whoever forges books is found out.

The forgers here are operators with all keys of their own node (tests/support/forger.py): books
that verify, whose figures are lies. The other side finds them by what it has signed, or was told.
"""

import asyncio
import hashlib
import json

import pytest
import pytest_asyncio

from masq_accountant.ledger import Account, Kind
from masq_kernel.identity.keys import WalletAddress
from support.forger import forge
from support.process_mesh import started_mesh
from support.processes import processes_of
from support.socks_client import socks_connect
from support.traffic import fetch_pattern, pattern, send_pattern, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
]

NODES = 6
LIMIT_MIB = 64
SIZE = 100_000_000
RELAYED = 30_000_000
INFLATED = 10**18
NEAR = 4 * 10**12
"""Wei: what was on its way when sessions were refused, 64 MiB, and what questions cost."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence")
    async with started_mesh(folder, count=NODES, unvouchered_limit_mib=LIMIT_MIB) as mesh:
        yield mesh


async def until(condition, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not (found := await condition()):
            await asyncio.sleep(0.2)
        return found


async def download(running, size, seed=7):
    async with serving(send_pattern) as port:
        content = await asyncio.wait_for(fetch_pattern(running.proxy_port, port, seed, size), 120)
    return hashlib.sha256(content).digest() == hashlib.sha256(pattern(size, seed)).digest()


async def reconcile(node):
    """Return the findings by creditor, once all have been asked."""
    await node.api.call("POST", "/v1/ledger/reconciliation")

    async def finished():
        state = await node.api.get("/v1/ledger/reconciliation")
        return None if state["is_running"] else state

    state = await until(finished, 60)
    return {each["node_id"]: each for each in state["findings"]}


async def disputes_of(node):
    return (await node.api.get("/v1/disputes", open="true"))["items"]


async def stopped_and_forged(running, node, entries_of):
    """Stop a node, let its operator forge its books, and start it again."""
    folder = running.folder_of(node)
    [accountant] = processes_of(folder, "masq_accountant")
    passphrase = accountant.environ()["MASQ_PASSPHRASE"]
    await running.processes_of(node).stop()
    await forge(folder, passphrase, entries_of)
    await running.processes_of(node).start()
    await until(lambda: is_routable(node), 60)


async def is_routable(node):
    return (await node.describe()).get("stage") == "routable"


async def test_traffic_far_beyond_the_limit_goes_on_because_payers_give_their_word(running):
    assert SIZE > LIMIT_MIB << 20  # so each hop of the way back goes beyond its limit, each time
    for seed in range(3):
        assert await download(running, SIZE, seed)
        print(f"\n{await who_refuses(running)} hops want another word first")
    refused = await until(lambda: were_refused(running), 20)
    assert refused == {client_wallet(running)}, "the limit was not felt, or by somebody else"
    await until(lambda: nothing_is_disputed(running), 60)


async def were_refused(running):
    """Wallets that some hop has refused until their next word, however shortly (its journal)."""
    events = [
        each["data"]
        for node in running.mesh.nodes
        for each in await node.api.items("/v1/events", type="wallet-stance-changed")
    ]
    return {each["wallet"] for each in events if each["cause"] == "unvouchered"}


def client_wallet(running):
    return running.client.made.consuming.text


async def nothing_is_disputed(running):
    """Whether no dispute is open, or stays open once our next word has come.

    On a busy machine a word may be older than what was carried meanwhile; the next one owns up.
    """
    assert await download(running, 100_000)
    return not any([await disputes_of(node) for node in running.mesh.nodes])


async def who_refuses(running):
    """How many nodes refuse a wallet, each only until its next word."""
    causes = [
        each["cause"] for node in running.mesh.nodes for each in await node.api.items("/v1/bans")
    ]
    assert set(causes) <= {"unvouchered"}
    return len(causes)


async def test_what_creditors_say_agrees(running):
    books = await running.mesh.books(running.client)
    findings = await reconcile(running.client)
    assert {each["finding"] for each in findings.values()} <= {"agreed", "lower"}
    for share in books.shares:
        finding = findings[share.node_id]
        assert are_near(int(finding["ours"]), share.owed)
        assert are_near(int(finding["theirs"]), share.owed)


def are_near(one, other):
    return abs(one - other) < NEAR


async def test_a_creditor_that_inflates_what_it_is_owed_is_found_out(running):
    client = running.client
    books = await running.mesh.books(client)
    share = max(books.shares, key=lambda each: each.owed)
    creditor = next(each for each in running.mesh.nodes if each.node_id == share.node_id)
    wallet = WalletAddress.from_text(client.made.consuming.text)

    def inflated(_standings):
        return {
            Account(Kind.RECEIVABLE, wallet): INFLATED,
            Account(Kind.INCOME_ROUTING): -INFLATED,
        }

    await stopped_and_forged(running, creditor, inflated)
    before = await standing_of(client, creditor)

    async def disputed():
        found = (await reconcile(client)).get(creditor.node_id)
        return found if found and found["finding"] == "disputed" else None

    finding = await until(disputed, 60)
    assert are_near(int(finding["theirs"]), share.earned + INFLATED)
    assert are_near(int(finding["ours"]), share.owed)
    [dispute] = await disputes_of(client)
    assert (dispute["node_id"], dispute["side"]) == (creditor.node_id, "debtor")
    ours, theirs = json.loads(dispute["ours_signed"]), json.loads(dispute["theirs_signed"])
    assert are_near(int(ours["owed"]), share.owed)
    assert are_near(int(theirs["charged"]), share.earned + INFLATED)
    payables = {each["wallet"]: each for each in await client.api.items("/v1/ledger/payables")}
    payable = int(payables[creditor.made.earning.text]["balance"])
    assert are_near(payable, share.owed), "what is claimed beyond our books is not owed"
    after = await until(lambda: worse_standing(client, creditor, before), 10)
    print(f"\nthe forger's success rate fell from {before} to {after}")
    verification = await creditor.api.get("/v1/ledger/verification")
    assert not verification["is_read_only"], "its own books cannot show it"


async def standing_of(client, node):
    known = await client.api.items("/v1/neighborhood")
    [rate] = [
        each["reputation"]["success_rate"] for each in known if each["node_id"] == node.node_id
    ]
    return rate


async def worse_standing(client, node, before):
    rate = await standing_of(client, node)
    return rate if rate < before else None


async def test_a_debtor_that_deflates_what_it_owes_is_found_out_and_refused(running):
    client = running.client

    def deflated(standings):
        """Take nine tenths of every debt off the books, by wallet and by node."""
        entries, total = {}, 0
        for account, standing in standings.items():
            if account.kind in (Kind.PAYABLE, Kind.OWED_TO_NODE) and standing.balance < 0:
                entries[account] = -standing.balance * 9 // 10
        total = sum(entries.values())
        return {**entries, Account(Kind.EXPENSE_ROUTING): -total}

    await stopped_and_forged(running, client, deflated)
    await until(lambda: is_refused(running), 60)

    async def found_out():
        found = [each for node in running.mesh.nodes for each in await disputes_of(node)]
        return [each for each in found if each["side"] == "creditor"]

    found = await until(found_out, 20)
    wallet = client.made.consuming.text
    for dispute in found:
        assert dispute["wallet"] == wallet
        ours, theirs = json.loads(dispute["ours_signed"]), json.loads(dispute["theirs_signed"])
        assert int(theirs["owed"]) < int(ours["charged"])
        assert theirs["wallet"] == wallet
    refusing = [
        each
        for node in running.mesh.nodes
        for each in await node.api.items("/v1/bans")
        if each["wallet"] == wallet
    ]
    print("\nthe debtor's operator reads:", await until(lambda: told(client), 20))
    print(f"\n{len(found)} creditors hold the debtor's word against it, {len(refusing)} refuse it")
    assert {each["cause"] for each in refusing} == {"unvouchered"}


async def told(client):
    """Why clients are refused, as the debtor's operator sees it."""
    async with serving(send_pattern) as port:
        _, _, writer = await socks_connect(
            client.plan.proxy_port, "127.0.0.1", port, credentials=("another", "route")
        )
        writer.close()
    reason = (await client.describe())["refusing"]
    return reason if "our wallet" in reason else None


async def is_refused(running):
    """Whether the client's traffic is refused: some may pass while routes avoid those who know."""
    async with serving(send_pattern) as port:
        code, _, writer = await socks_connect(running.proxy_port, "127.0.0.1", port)
        writer.close()
        if code != 0:
            return True
    return not await download(running, RELAYED)
