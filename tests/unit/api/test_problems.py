"""Every failure is a problem with a sentence, and none shows more."""

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from support.api_node import ApiNode


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (Refusal.INVALID, 422, "invalid"),
        (Refusal.NOT_FOUND, 404, "not-found"),
        (Refusal.CONFLICT, 409, "conflict"),
        (Refusal.LIMITED, 429, "limited"),
        (Refusal.NO_ROUTE, 503, "no-route"),
        (Refusal.NO_WALLET, 503, "no-wallet"),
        (Refusal.NOT_READY, 503, "not-ready"),
    ],
)
async def test_each_refusal_has_its_status(node, code, status, kind):
    node.answers[subjects.BALANCES] = BusRefused(code, "the books are being opened")
    answer = await node.get("/v1/wallets")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:masq:problem:{kind}",
        "title": answer.json()["title"],
        "status": status,
        "detail": "The books are being opened.",
        "instance": "/v1/wallets",
    }


async def test_a_service_that_fails_shows_nothing_of_it(node):
    node.answers[subjects.BALANCES] = RuntimeError("secret detail")
    answer = await node.get("/v1/wallets")
    assert answer.status_code == 502
    assert "secret" not in answer.text


async def test_a_service_that_is_not_there_is_unavailable(tmp_path):
    node = await ApiNode(tmp_path, without=["accountant"]).start()
    answer = await node.get("/v1/ledger/summary")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "/readyz" in answer.json()["detail"]


async def test_a_defect_of_the_api_shows_no_traceback(node):
    @node.app.get("/broken")
    async def broken():
        raise RuntimeError("secret detail")

    answer = await node.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:masq:problem:defect"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_an_unknown_path_and_an_unknown_method_are_problems(node):
    missing = await node.get("/v1/nothing")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:masq:problem:not-found")
    async with node.client(node.token()) as client:
        wrong = await client.post("/v1/node")
    assert (wrong.status_code, wrong.json()["type"]) == (
        405,
        "urn:masq:problem:method-not-allowed",
    )
    assert wrong.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/ledger/payables", {"limit": 0}, "query.limit"),
        ("/v1/ledger/payables", {"limit": "many"}, "query.limit"),
        ("/v1/neighborhood", {"format": "png"}, "query.format"),
    ],
)
async def test_an_input_that_does_not_fit_is_named(node, path, query, field):
    answer = await node.get(path, **query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "path",
    [
        "/v1/neighbors/short",
        "/v1/ledger/payables?wallet=0x12",
        "/v1/ledger/payables?cursor=x",
        "/v1/ledger/receivables/nothing/entries",
    ],
)
async def test_a_name_that_is_none_is_a_sentence(node, path):
    answer = await node.get(path)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("This is no ")


async def test_a_cursor_that_is_none_is_not_taken_for_a_wallet(node):
    answer = await node.get("/v1/ledger/payables?cursor=x")
    assert answer.json()["detail"].startswith("This is no cursor: send what `next`")
