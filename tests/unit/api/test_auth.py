"""Who may ask what."""

import pytest

from masq_api.auth import FAILURE_WINDOW_S, FAILURES_MAX
from masq_kernel.units import UnixSeconds
from support.api_node import NOW, ApiNode

OPEN = {"/healthz", "/readyz"}
ADMIN = {"/v1/audit"}


def example(path):
    wallet = "0x" + "01" * 20
    return (
        path.replace("{node_id}", "A" * 43)
        .replace("{book}", "payables")
        .replace("{wallet}", wallet)
    )


async def status(node, path, token, **options):
    async with node.client(token, **options) as client:
        return await client.get(path)


async def test_everything_but_health_needs_a_token(node):
    operations = [
        (method, example(path))
        for path, methods in node.app.openapi()["paths"].items()
        for method in methods
        if path not in OPEN
    ]
    assert len(operations) >= 12
    for method, path in operations:
        async with node.client() as client:
            answer = await client.request(method, path)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "masq token create" in answer.json()["detail"]


def make_token(node, kind):
    match kind:
        case "none":
            return None
        case "wrong":
            return "masq_" + "0" * 16 + "_" + "0" * 64
        case "expired":
            return node.token(expires_at=UnixSeconds(NOW - 1))
        case "revoked":
            token = node.token()
            node.tokens.revoke(node.tokens.find(token, node.clock.unix()).token_id)
            return token
        case "under-scoped":
            return node.token("tokens:admin")


@pytest.mark.parametrize("kind", ["none", "wrong", "expired", "revoked", "under-scoped"])
async def test_no_operation_opens_to_a_token_that_does_not_allow_it(node, kind):
    token, asked, count = make_token(node, kind), len(node.asked), 0
    for path, methods in node.app.openapi()["paths"].items():
        for method in methods:
            if path in OPEN:
                continue
            if kind == "under-scoped":  # all but the ones that would do
                token = node.token("node:read" if path in ADMIN else "tokens:admin")
            count += 1
            async with node.client(token, address=f"198.51.100.{count}") as client:
                answer = await client.request(method, example(path))
            expected = 403 if kind == "under-scoped" else 401
            assert answer.status_code == expected, (method, path)
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert count >= 45
    assert len(node.asked) == asked, "no service was asked anything"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1\tx"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example"},
        {"X-Http-Method-Override": "DELETE"},
        {"X-Original-Url": "/v1/ledger/summary"},
    ],
    ids=str,
)
async def test_headers_of_proxies_change_nothing(node, headers):
    async with node.client(node.token("node:read")) as client:
        answer = await client.get("/v1/node", headers=headers)
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/neighbors/..%2f..%2fnode",
        "/v1/neighbors/%00",
        "/v1//node",
        "/v1/node/",
        "/v1/node%0d%0aSet-Cookie:%20a=b",
        "/dashboard/..%2f..%2fauth.py",
    ],
)
async def test_paths_that_try_tricks_lead_nowhere(node, path):
    answer = await node.get(path)
    assert answer.status_code in (404, 422)
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_health_needs_none(node, path):
    assert (await status(node, path, None)).status_code == 200


async def test_a_token_opens(node):
    assert (await status(node, "/v1/node", node.token("node:read"))).status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "masq_0_0", "masq_" + "0" * 16 + "_" + "0" * 64])
async def test_a_wrong_token_does_not(node, token):
    assert (await status(node, "/v1/node", token)).status_code == 401


async def test_an_expired_or_revoked_token_does_not(node):
    token = node.token(expires_at=UnixSeconds(NOW + 10))
    assert (await status(node, "/v1/node", token)).status_code == 200
    node.clock.advance(10)
    assert (await status(node, "/v1/node", token)).status_code == 401
    other = node.token()
    assert (await status(node, "/v1/node", other)).status_code == 200
    node.tokens.revoke(node.tokens.find(other, node.clock.unix()).token_id)
    assert (await status(node, "/v1/node", other)).status_code == 401


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/node", "node:read"),
        ("/v1/neighbors", "node:read"),
        ("/v1/ledger/payables", "ledger:read"),
        ("/metrics", "metrics:read"),
    ],
)
async def test_a_scope_that_is_missing_is_named(node, path, scope):
    others = [each for each in ("node:read", "ledger:read", "metrics:read") if each != scope]
    answer = await status(node, path, node.token(*others))
    assert answer.status_code == 403
    assert scope in answer.json()["detail"]
    assert (await status(node, path, node.token(scope))).status_code == 200


async def test_guessing_is_slowed_down_and_who_has_a_token_is_not(node):
    right = node.token()
    for _ in range(FAILURES_MAX):
        assert (await status(node, "/v1/node", "guess")).status_code == 401
    blocked = await status(node, "/v1/node", "another guess")
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["Retry-After"]) <= FAILURE_WINDOW_S
    assert (await status(node, "/v1/node", right)).status_code == 200, "at the same address"
    assert (await status(node, "/v1/node", "guess", address="192.0.2.2")).status_code == 401
    node.clock.advance(FAILURE_WINDOW_S)
    assert (await status(node, "/v1/node", "guess")).status_code == 401


async def test_a_client_without_a_token_is_not_a_guesser(tmp_path):
    node = await ApiNode(tmp_path).start()
    for _ in range(FAILURES_MAX + 5):
        assert (await status(node, "/v1/node", None)).status_code == 401
