"""The address and the stages of this node in the API."""

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.gossip import AddressToSet

PATH = "/v1/node/address"


async def test_the_address_is_shown(node):
    shown = (await node.get(PATH)).json()
    assert shown == {"address": "203.0.113.7", "ports": [4321], "origin": "setting"}


async def test_the_node_moves_and_says_where_it_is(node):
    async with node.client(node.token("neighbors:write")) as client:
        answer = await client.put(PATH, json={"address": "203.0.113.9", "ports": [443, 4321]})
    assert answer.status_code == 200
    assert answer.json() == {
        "address": "203.0.113.9",
        "ports": [443, 4321],
        "origin": "run time",
    }
    assert AddressToSet(address="203.0.113.9", ports=(443, 4321)) in node.asked


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"address": 5},
        {"address": "203.0.113.9", "ports": [0]},
        {"address": "203.0.113.9", "ports": list(range(1, 10))},
        {"address": "203.0.113.9", "port": 443},
        {"address": "1" * 46},
    ],
)
async def test_what_is_no_address_is_a_problem(node, wanted):
    async with node.client(node.token("neighbors:write")) as client:
        answer = await client.put(PATH, json=wanted)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:masq:problem:invalid"
    assert not any(isinstance(message, AddressToSet) for message in node.asked)


async def test_a_refusal_of_the_node_is_told(node):
    node.answers[subjects.SET_ADDRESS] = BusRefused(Refusal.CONFLICT, "the router cannot listen")
    async with node.client(node.token("neighbors:write")) as client:
        answer = await client.put(PATH, json={"address": "203.0.113.9"})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The router cannot listen."


async def test_who_may_only_read_may_not_move_the_node(node):
    async with node.client(node.token("node:read")) as client:
        assert (await client.put(PATH, json={"address": "203.0.113.9"})).status_code == 403


async def test_the_stages_with_their_times(node):
    assert (await node.get("/v1/node")).json()["stage_since"] == "2027-01-15T08:00:00Z"
    assert (await node.get("/v1/node/stages")).json()["items"] == [
        {"at": "2027-01-15T08:00:00Z", "before": "alone", "stage": "routable", "reason": "found"}
    ]
