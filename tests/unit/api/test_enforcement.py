"""Thresholds and financial bans over the API."""

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import WalletBansListed
from support.api_node import HUGE, PEER, WALLETS, make_stance

PATH = "/v1/thresholds"


async def test_thresholds_are_shown_with_their_revision(node):
    answer = await node.get(PATH)
    assert answer.headers["ETag"] == '"4"'
    content = answer.json()
    assert content["debt_threshold_gwei"] == "1000000000000000000"
    assert content["maturity_threshold_sec"] == 1_200
    assert content["credit_limit_gwei"] is None


async def test_thresholds_are_shown_as_traffic_at_our_rates(node):
    items = {each["name"]: each for each in (await node.get(f"{PATH}/meaning")).json()["items"]}
    debt = items["debt_threshold_gwei"]
    assert debt["amount_masq"] == "1000000000.000000"
    assert debt["routing_bytes"] == 10**27 // 53_844
    assert debt["exit_bytes"] == 10**27 // 107_688
    assert items["credit_limit_gwei"]["amount_masq"] == "1500000000.000000"
    assert "newcomer_limit_gwei" not in items


async def change(node, wanted, headers, *scopes):
    async with node.client(node.token(*scopes)) as client:
        return await client.put(PATH, json=wanted, headers=headers)


async def test_who_changes_thresholds_must_have_seen_what_is_in_force(node):
    wanted = (await node.get(PATH)).json() | {"maturity_threshold_sec": 7}
    assert (await change(node, wanted, {})).status_code == 428
    for wrong in ("4", "*", 'W/"4"', '"x"'):
        assert (await change(node, wanted, {"If-Match": wrong})).status_code == 412
    answer = await change(node, wanted, {"If-Match": '"4"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"5"')
    assert answer.json() == wanted
    assert node.asked[-1].revision == 4
    assert node.asked[-1].by != ""
    node.answers[subjects.SET_THRESHOLDS] = BusRefused(Refusal.CONFLICT, "it is 6")
    assert (await change(node, wanted, {"If-Match": '"5"'})).status_code == 412
    assert (await change(node, wanted, {"If-Match": '"4"'}, "ledger:read")).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"debt_threshold_gwei": "1.5"},
        {"debt_threshold_gwei": "-1"},
        {"debt_threshold_gwei": 5},
        {"maturity_threshold_sec": 1.0},
        {"maturity_threshold_sec": -1},
        {"no_such_value": 1},
    ],
)
async def test_values_that_are_none_are_refused_before_anybody_is_asked(node, wrong):
    wanted = (await node.get(PATH)).json() | wrong
    asked = len(node.asked)
    assert (await change(node, wanted, {"If-Match": '"4"'})).status_code == 422
    assert len(node.asked) == asked


async def test_what_the_accountant_refuses_is_said(node):
    wanted = (await node.get(PATH)).json()
    node.answers[subjects.SET_THRESHOLDS] = BusRefused(Refusal.INVALID, "debt must be more")
    answer = await change(node, wanted, {"If-Match": '"4"'})
    assert (answer.status_code, answer.json()["detail"]) == (422, "Debt must be more.")


async def test_a_preview_and_the_history(node):
    wanted = (await node.get(PATH)).json()
    async with node.client(node.token("ledger:read")) as client:
        preview = (await client.post(f"{PATH}/preview", json=wanted)).json()
    assert (preview["bans"], preview["would_ban"]) == (1, [WALLETS[1].text])
    history = (await node.get(f"{PATH}/history", limit=1)).json()
    assert (history["items"][0]["revision"], history["next"]) == (4, "4")
    await node.get(f"{PATH}/history", cursor=4)
    assert node.asked[-1].before == 4


async def test_nodes_and_wallets_are_listed_with_their_kind_page_by_page(node):
    pages = {
        None: WalletBansListed(wallets=(make_stance(WALLETS[1]),), more=True),
        WALLETS[1]: WalletBansListed(wallets=(make_stance(WALLETS[2], owed_max=""),), more=False),
    }
    node.answers[subjects.WALLET_BANS] = lambda message: pages[message.after]
    first = (await node.get("/v1/bans", limit=1)).json()
    assert [ban["kind"] for ban in first["items"]] == ["misconduct", "financial"]
    ban = first["items"][1]
    assert (ban["wallet"], ban["cause"]) == (WALLETS[1].text, "delinquent")
    assert (ban["owed"], ban["lifts_at"]) == (str(HUGE), "5")
    second = (await node.get("/v1/bans", limit=1, cursor=first["next"])).json()
    assert [ban["wallet"] for ban in second["items"]] == [WALLETS[2].text]
    assert (second["items"][0]["lifts_at"], second["next"]) == (None, None)


@pytest.mark.parametrize(("kind", "expected"), [("misconduct", 1), ("financial", 1)])
async def test_one_kind_is_shown_though_the_other_service_is_down(node, kind, expected):
    down = subjects.WALLET_BANS if kind == "misconduct" else subjects.BANS
    node.answers[down] = BusRefused(Refusal.NOT_READY, "starting")
    items = (await node.get("/v1/bans", kind=kind)).json()["items"]
    assert [ban["kind"] for ban in items] == [kind] * expected
    assert (await node.get("/v1/bans")).status_code == 503


async def test_an_operator_decides_and_withdraws(node):
    path = f"/v1/bans/wallets/{WALLETS[3].text}"
    body = {"decision": "ban", "note": "spam"}
    async with node.client(node.token("bans:write")) as client:
        answer = await client.put(path, json=body)
        assert (answer.status_code, answer.json()["decision"]) == (200, "ban")
        asked = node.asked[-1]
        assert (asked.wallet, asked.decision, asked.note) == (WALLETS[3], "ban", "spam")
        assert (await client.delete(path)).status_code == 200
        assert node.asked[-1].decision is None
        assert (await client.put(path, json={"decision": "hang"})).status_code == 422
        assert (await client.put(f"/v1/bans/wallets/{PEER.text}", json=body)).status_code == 422
    async with node.client(node.token("node:read")) as client:
        assert (await client.put(path, json=body)).status_code == 403


async def test_the_state_of_the_books_and_a_new_verification(node):
    state = (await node.get("/v1/ledger/verification")).json()
    assert (state["is_read_only"], state["row"]) == (True, "ledger_entry 3/1")
    async with node.client(node.token("ledger:read")) as client:
        assert (await client.post("/v1/ledger/verification")).status_code == 403
    async with node.client(node.token("ledger:read", "scans:run")) as client:
        answer = await client.post("/v1/ledger/verification")
    assert (answer.status_code, answer.json()["is_running"]) == (202, True)


async def test_a_copy_of_the_books_is_begun_and_looked_at(node):
    state = (await node.get("/v1/ledger/backup")).json()
    assert (state["is_running"], state["transactions"], state["problem"]) == (False, 9, None)
    async with node.client(node.token("ledger:read")) as client:
        assert (await client.post("/v1/ledger/backup")).status_code == 403
    async with node.client(node.token("ledger:read", "scans:run")) as client:
        answer = await client.post("/v1/ledger/backup")
    assert (answer.status_code, answer.json()["is_running"]) == (202, True)


async def test_a_scan_needs_its_scope(node):
    async with node.client(node.token("ledger:read")) as client:
        assert (await client.post("/v1/ledger/scans")).status_code == 403
    async with node.client(node.token("scans:run", "ledger:read")) as client:
        assert (await client.post("/v1/ledger/scans")).json()["banned"] == 1
