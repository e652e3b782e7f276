"""The dashboard's files, its session, and what closes every answer."""

import re
from pathlib import Path

import httpx
import pytest

import masq_api
from masq_api.auth import COOKIE, SITE_HEADER
from masq_api.shield import BODY_MAX

FILES = sorted((Path(masq_api.__file__).parent / "dashboard").iterdir())
OURS = {SITE_HEADER: "dashboard"}


@pytest.fixture
async def browser(node):
    transport = httpx.ASGITransport(app=node.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


async def log_in(browser, node, *scopes):
    token = node.token(*scopes)
    return await browser.post("/session", json={"token": token}, headers=OURS)


async def test_the_page_and_all_its_files_are_served_to_everybody(browser):
    page = await browser.get("/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for file in FILES:
        answer = await browser.get(f"/dashboard/{file.name}")
        assert (answer.status_code, answer.content) == (200, file.read_bytes())
    for name in ("../app.py", "%2e%2e/app.py", "none.js", ""):
        assert (await browser.get(f"/dashboard/{name}")).status_code == 404


def test_nothing_is_asked_of_another_host_and_no_code_stands_in_the_page():
    for file in FILES:
        text = file.read_text()
        foreign = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert foreign == set(), file.name
        assert "innerHTML" not in text
        assert "eval(" not in text
    page = (FILES[0].parent / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\son[a-z]+=|style=", page) == []


async def test_every_answer_is_closed_against_other_sites(browser, node):
    for path in ("/", "/v1/node", "/nothing", "/healthz"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
    asked = await browser.options(
        "/v1/thresholds",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"},
    )
    assert "Access-Control-Allow-Origin" not in asked.headers


async def test_a_session_does_what_its_token_can_and_ends(browser, node):
    assert (await browser.get("/v1/node")).status_code == 401
    answer = await log_in(browser, node, "node:read")
    assert answer.status_code == 204
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await browser.get("/v1/node")).status_code == 200
    assert (await browser.get("/v1/ledger/summary")).status_code == 403
    assert (await browser.delete("/session", headers=OURS)).status_code == 204
    assert (await browser.get("/v1/node")).status_code == 401


async def test_a_session_of_a_token_that_is_none_or_was_revoked_opens_nothing(browser, node):
    wrong = await browser.post("/session", json={"token": "masq_wrong"}, headers=OURS)
    assert wrong.status_code == 401
    assert "Set-Cookie" not in wrong.headers
    await log_in(browser, node, "node:read")
    [token] = [each for each in node.tokens.list() if tuple(each.scopes) == ("node:read",)]
    node.tokens.revoke(token.token_id)
    assert (await browser.get("/v1/node")).status_code == 401


async def test_another_site_cannot_change_anything_with_the_cookie(browser, node):
    """It can make a browser send the cookie in old browsers, but not our header."""
    await log_in(browser, node, "node:read", "ledger:read", "bans:write", "scans:run")
    path = "/v1/bans/wallets/0x" + "5" * 40
    asked = len(node.asked)
    for headers in ({}, {"Origin": "http://evil.example"}):
        answer = await browser.put(path, json={"decision": "ban"}, headers=headers)
        assert answer.status_code == 403
        assert SITE_HEADER in answer.json()["detail"]
    assert len(node.asked) == asked
    assert (await browser.put(path, json={"decision": "ban"}, headers=OURS)).status_code == 200
    assert (await browser.post("/session", json={"token": node.token()})).status_code == 403


async def test_a_bearer_token_needs_no_header_and_goes_before_a_cookie(browser, node):
    browser.cookies.set(COOKIE, "masq_wrong")
    bearer = {"Authorization": f"Bearer {node.token('bans:write')}"}
    path = "/v1/bans/wallets/0x" + "5" * 40
    assert (await browser.put(path, json={"decision": "ban"}, headers=bearer)).status_code == 200


async def test_a_body_beyond_the_limit_is_refused_announced_or_not(browser, node):
    async def chunks():
        for _ in range(BODY_MAX // 1_000 + 2):
            yield b"x" * 1_000

    bearer = {"Authorization": f"Bearer {node.token('scans:run')}"}
    for content in (b"x" * (BODY_MAX + 1), chunks()):
        answer = await browser.post("/v1/scans", content=content, headers=bearer)
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:masq:problem:too-large"
    lying = {**bearer, "Content-Length": "9" * 30}
    assert (await browser.post("/v1/scans", content=b"{}", headers=lying)).status_code == 413


async def test_requests_have_an_id_given_or_made(browser):
    made = (await browser.get("/healthz")).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{16}", made)
    given = await browser.get("/healthz", headers={"X-Request-Id": "from-a-script.7"})
    assert given.headers["X-Request-Id"] == "from-a-script.7"
    bad = await browser.get("/healthz", headers={"X-Request-Id": "a b\tc"})
    assert re.fullmatch("[0-9a-f]{16}", bad.headers["X-Request-Id"])
