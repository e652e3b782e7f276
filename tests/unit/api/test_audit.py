"""Every change is noted with who made it, before it is answered."""

import json

import pytest

from masq_api import audit as audit_module
from masq_api.audit import AuditLog
from masq_kernel.clock import ManualClock
from support.api_node import NOW, WALLETS

WALLET = WALLETS[3].text


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl", ManualClock(int(NOW)))


async def test_a_change_is_noted_and_shown_to_who_may_see_it(node, log):
    node.app.state.node.audit = log
    token = node.token("bans:write", "thresholds:write", "ledger:read", "tokens:admin")
    async with node.client(token) as client:
        await client.put(f"/v1/bans/wallets/{WALLET}", json={"decision": "ban", "note": "spam"})
        shown = await client.get("/v1/thresholds")
        wanted = shown.json() | {"maturity_threshold_sec": 7}
        await client.put("/v1/thresholds", json=wanted, headers={"If-Match": '"4"'})
        refused = await client.put("/v1/thresholds", json=wanted, headers={"If-Match": "x"})
        assert refused.status_code == 412
        page = (await client.get("/v1/audit")).json()
        changed, banned = page["items"]
        assert banned["what"] == "decided about a wallet"
        assert banned["details"] == {"wallet": WALLET, "decision": "ban", "note": "spam"}
        assert changed["details"]["before"]["maturity_threshold_sec"] == 1_200
        assert changed["details"]["after"]["maturity_threshold_sec"] == 7
        assert banned["at"] == "2027-01-15T08:00:00Z"
        assert token not in json.dumps(page)
        first = (await client.get("/v1/audit", params={"limit": 1})).json()
        rest = (await client.get("/v1/audit", params={"cursor": first["next"]})).json()
        assert (first["items"] + rest["items"], rest["next"]) == (page["items"], None)
    async with node.client(node.token("node:read", "ledger:read")) as client:
        assert (await client.get("/v1/audit")).status_code == 403


def test_it_is_private_survives_and_is_bounded(log, tmp_path, monkeypatch):
    log.record("one", "token")
    file = tmp_path / "audit.jsonl"
    assert file.stat().st_mode & 0o77 == 0
    again = AuditLog(file, ManualClock(int(NOW)))
    again.record("two", "token", wallet="x")
    assert [each.what for each in again.newest()] == ["two", "one"]
    monkeypatch.setattr(audit_module, "FILE_MAX", 500)
    for number in range(40):
        again.record(f"more {number}", "token")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) <= 2
    assert max(sizes) < 700
    newest = [each.what for each in again.newest()]
    assert newest[0] == "more 39"
    assert len(newest) > 3


def test_a_line_that_was_cut_off_is_passed_over(log, tmp_path):
    log.record("whole", "token")
    with (tmp_path / "audit.jsonl").open("a") as file:
        file.write('{"at": 5, "tok\n')
    log.record("after", "token")
    assert [each.what for each in log.newest()] == ["after", "whole"]


def test_a_disk_that_is_full_stops_no_change(tmp_path):
    log = AuditLog(tmp_path / "no" / "audit.jsonl", ManualClock(int(NOW)))
    log.record("one", "token")
    assert list(log.newest()) == []
