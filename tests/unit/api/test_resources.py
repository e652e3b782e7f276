"""What the API shows of node, mesh and books."""

import base64
from xml.etree import ElementTree

from prometheus_client.parser import text_string_to_metric_families

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import AccountsListed
from support.api_node import FAR, HUGE, PEER, US, WALLETS, ApiNode, make_account


async def shown(node, path, **query):
    answer = await node.get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_node(node):
    content = await shown(node, "/v1/node")
    assert content["node_id"] == US.text
    assert content["stage"] == "routable"
    assert content["listener"] == {"address": "127.0.0.1", "port": 4321}
    assert content["proxy"] is None
    assert set(content["services"]) == {"gossip", "router", "accountant"}
    assert content["services"]["router"]["ready"] is True


async def test_neighbors_with_their_links(node):
    [neighbor] = (await shown(node, "/v1/neighbors"))["items"]
    assert neighbor["node_id"] == PEER.text
    assert (neighbor["rtt_ms"], neighbor["bytes_in"], neighbor["bytes_out"]) == (1.5, 10, 20)
    assert neighbor["since"] == "2027-01-15T08:00:00Z"
    assert await shown(node, f"/v1/neighbors/{PEER.text}") == neighbor
    assert (await node.get(f"/v1/neighbors/{FAR.text}")).status_code == 404


async def test_the_neighborhood_as_json(node):
    items = (await shown(node, "/v1/neighborhood"))["items"]
    assert [item["node_id"] for item in items] == [US.text, PEER.text, FAR.text]
    assert "address" not in items[1]


async def test_the_neighborhood_for_graph_tools(node):
    dot = await node.get("/v1/neighborhood", format="dot")
    assert dot.headers["Content-Type"].startswith("text/vnd.graphviz")
    assert f'"{US.text}" -- "{PEER.text}";' in dot.text
    assert f'"{PEER.text}" -- "{FAR.text}" [style=dashed];' in dot.text
    graphml = ElementTree.fromstring((await node.get("/v1/neighborhood", format="graphml")).text)
    names = {"g": "http://graphml.graphdrawing.org/xmlns"}
    assert len(graphml.findall(".//g:node", names)) == 3
    edges = graphml.findall(".//g:edge", names)
    assert [edge.find("g:data", names).text for edge in edges] == ["true", "false"]


async def test_sessions(node):
    [session] = (await shown(node, "/v1/sessions"))["items"]
    assert session["session_id"] == bytes(range(16)).hex()
    assert session["hops"] == [PEER.text, FAR.text]
    assert session["amount"] == str(HUGE)
    assert session["amount_masq"] == "1000000000000.000000"


async def test_books_are_exact_and_aged(node):
    page = await shown(node, "/v1/ledger/payables")
    assert page["next"] is None
    first = page["items"][0]
    assert (first["wallet"], first["balance"]) == (WALLETS[1].text, str(HUGE))
    assert first["age_s"] == 60


async def test_a_book_is_read_page_by_page(node):
    pages = {
        None: AccountsListed(accounts=(make_account(1, 9),), more=True),
        WALLETS[1]: AccountsListed(accounts=(make_account(2, 5),), more=False),
    }
    node.answers[subjects.ACCOUNTS] = lambda message: pages[message.after]
    first = await shown(node, "/v1/ledger/receivables", limit=1)
    second = await shown(node, "/v1/ledger/receivables", limit=1, cursor=first["next"])
    assert [item["balance"] for item in first["items"] + second["items"]] == ["9", "5"]
    assert second["next"] is None
    assert [message.book for message in node.asked] == ["receivable", "receivable"]


async def test_one_wallets_account_and_history(node):
    await shown(node, "/v1/ledger/payables", wallet=WALLETS[1].text)
    assert node.asked[-1].wallet == WALLETS[1]
    page = await shown(node, f"/v1/ledger/payables/{WALLETS[1].text}/entries", cursor=12)
    assert node.asked[-1].before == 12
    assert page["items"][0]["amount"] == str(HUGE)
    assert page["next"] == "9"


async def test_the_summary(node):
    summary = await shown(node, "/v1/ledger/summary")
    assert summary["payable"] == str(HUGE)
    assert summary["payable_masq"] == "1000000000000.000000"


async def test_bans_with_their_evidence(node):
    [ban] = (await shown(node, "/v1/bans", kind="misconduct"))["items"]
    assert (ban["node_id"], ban["offences"], ban["kind"]) == (PEER.text, 2, "misconduct")
    assert ban["until"] == "2027-01-15T08:20:00Z"
    assert base64.b64decode(ban["evidence"]) == b"evidence"


async def test_a_pardon_needs_the_scope_to_write_and_is_passed_on(node):
    path = f"/v1/bans/{PEER.text}"
    async with node.client(node.token("node:read")) as client:
        assert (await client.delete(path)).status_code == 403
    async with node.client(node.token("bans:write")) as client:
        assert (await client.delete(path)).status_code == 204
        assert node.asked[-1].node_id == PEER
        node.answers[subjects.PARDON] = BusRefused(Refusal.NOT_FOUND, "nothing is held against it")
        assert (await client.delete(path)).status_code == 404


async def test_exit_countries_are_shown_and_changed(node):
    path = "/v1/exit-preferences"
    assert await shown(node, path) == {"countries": [["CH"]], "strict": False}
    wanted = {"countries": [["DE", "FR"], ["CH"]], "strict": True}
    async with node.client(node.token("node:read")) as client:
        assert (await client.put(path, json=wanted)).status_code == 403
    async with node.client(node.token("neighbors:write")) as client:
        answer = await client.put(path, json=wanted)
        assert (answer.status_code, answer.json()) == (200, wanted)
        assert node.asked[-1].tiers == (("DE", "FR"), ("CH",))
        for wrong in ([["Germany"]], [[]], [["de"]], "CH"):
            assert (await client.put(path, json={"countries": wrong})).status_code == 422


async def test_a_preference_for_a_node_is_passed_on(node):
    path = f"/v1/neighborhood/{PEER.text}/preference"
    async with node.client(node.token("neighbors:write")) as client:
        assert (await client.put(path, json={"preference": "less"})).status_code == 204
        assert (node.asked[-1].node_id, node.asked[-1].liking) == (PEER, "less")
        assert (await client.delete(path)).status_code == 204
        assert node.asked[-1].liking is None
        assert (await client.put(path, json={"preference": "adore"})).status_code == 422
        node.answers[subjects.SET_LIKING] = BusRefused(Refusal.INVALID, "not on its own routes")
        assert (await client.put(path, json={"preference": "less"})).status_code == 422


async def test_the_graph_shows_what_our_own_routes_have_seen(node):
    items = (await shown(node, "/v1/neighborhood"))["items"]
    seen = {"served": 1.0, "lost": 1.0, "success_rate": 0.75, "latency_ms": 50.0}
    assert all(item["reputation"] == seen for item in items)
    assert items[0]["preference"] is None


async def test_readiness_names_what_is_missing(tmp_path):
    node = await ApiNode(tmp_path, without=["router"]).start()
    answer = await node.get("/readyz")
    assert answer.status_code == 503
    content = answer.json()
    assert content["ready"] is False
    assert content["services"]["router"]["dependencies"] == {"router": "is not running"}
    assert content["services"]["gossip"]["ready"] is True


async def test_metrics_of_all_services_parse_and_none_is_told_twice(node):
    answer = await node.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    names = [family.name for family in text_string_to_metric_families(answer.text)]
    assert {"masq_api_test", "masq_gossip_x", "masq_router_x", "masq_accountant_x"} <= {*names}
    assert len(names) == len({*names})
