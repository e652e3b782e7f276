"""Payments, wallets and scans over the API."""

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from support.api_node import HUGE, WALLETS, make_payment


async def test_settlements_page_by_page(node):
    page = (await node.get("/v1/settlements", phase="in_flight", wallet=WALLETS[1].text)).json()
    [item] = page["items"]
    assert (item["number"], item["amount"], item["gas_cost"]) == (7, str(HUGE), None)
    assert item["transaction"] == "0x" + "5e" * 32
    assert page["next"] == "7"
    assert node.asked[-1].wallet == WALLETS[1]
    await node.get("/v1/settlements", cursor="7", limit="5")
    assert (node.asked[-1].before, node.asked[-1].limit) == (7, 5)
    for wrong in ({"phase": "lost"}, {"wallet": "0x12"}, {"limit": "0"}, {"cursor": "x"}):
        assert (await node.get("/v1/settlements", **wrong)).status_code == 422


async def test_one_settlement(node):
    assert (await node.get("/v1/settlements/7")).json()["phase"] == "in_flight"
    assert node.asked[-1].number == 7
    node.answers[subjects.PAYMENTS] = BusRefused(Refusal.NOT_FOUND, "there is none")
    assert (await node.get("/v1/settlements/8")).status_code == 404
    assert (await node.get("/v1/settlements/0")).status_code == 422


async def test_a_payment_that_failed_says_why(node):
    failed = make_payment(3, phase="failed", reason="it reverted", block=9, gas_cost="77")
    listed = type(node.answers[subjects.PAYMENTS])(payments=(failed,), more=False)
    node.answers[subjects.PAYMENTS] = listed
    page = (await node.get("/v1/settlements")).json()
    assert page["next"] is None
    assert (page["items"][0]["reason"], page["items"][0]["gas_cost"]) == ("it reverted", "77")


async def test_wallets_with_what_is_known_of_them(node):
    content = (await node.get("/v1/wallets")).json()
    earning, consuming = content["wallets"]
    assert (earning["role"], earning["tokens"], earning["coin"]) == ("earning", str(HUGE), "5")
    assert (consuming["tokens"], consuming["tokens_masq"], consuming["reason"]) == (
        None,
        None,
        "down",
    )
    assert content["servers"] == [{"name": "rpc:1", "head": None, "trouble": "down"}]
    assert content["read_up_to"] == 17
    assert "key" not in str(content)


async def test_scans_are_shown_and_begun_by_who_may(node):
    [scan] = (await node.get("/v1/scans")).json()["items"]
    assert (scan["kind"], scan["outcome"], scan["next_at"]) == ("payables", "nothing is due", None)
    wanted = {"kind": "payables"}
    async with node.client(node.token("scans:run")) as client:
        begun = await client.post("/v1/scans", json=wanted)
        assert (begun.status_code, begun.json()["kind"]) == (202, "payables")
        assert node.asked[-1].start == "payables"
        assert (await client.post("/v1/scans", json={"kind": "all"})).status_code == 422
        node.answers[subjects.SCANS] = BusRefused(Refusal.CONFLICT, "one goes on")
        assert (await client.post("/v1/scans", json=wanted)).status_code == 409
    async with node.client(node.token("ledger:read")) as client:
        assert (await client.post("/v1/scans", json=wanted)).status_code == 403


async def test_scan_intervals_are_changed_by_who_has_seen_them(node):
    shown = await node.get("/v1/scan-intervals")
    assert shown.headers["ETag"] == '"3"'
    assert shown.json()["payables"] == 600
    assert shown.json()["pending"] is None
    async with node.client(node.token("thresholds:write")) as client:
        wanted, path = {"payables": 30.0}, "/v1/scan-intervals"
        assert (await client.put(path, json=wanted)).status_code == 428
        stale = await client.put(path, json=wanted, headers={"If-Match": "x"})
        assert stale.status_code == 412
        changed = await client.put(path, json=wanted, headers={"If-Match": '"3"'})
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"4"')
        assert (changed.json()["payables"], changed.json()["delinquency"]) == (30, 60)
        assert node.asked[-1].seconds == {"payables": 30.0}
        for wrong in ({"payables": -1}, {"payables": "30"}, {"weather": 3}):
            answer = await client.put(path, json=wrong, headers={"If-Match": '"3"'})
            assert answer.status_code == 422
        node.answers[subjects.SET_SCAN_INTERVALS] = BusRefused(Refusal.CONFLICT, "it is 4")
        assert (await client.put(path, json=wanted, headers={"If-Match": '"3"'})).status_code == 412
