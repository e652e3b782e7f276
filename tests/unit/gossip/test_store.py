"""gossip.json: the boot counter always grows, and a damaged file stops nobody."""

import json

import pytest

from masq_gossip.rules.ban import Ban
from masq_gossip.store import BANS_MAX, GossipStore, Memory
from masq_kernel.errors import OperatorError
from masq_kernel.units import UnixSeconds
from support.gossip_builders import START, endpoint_of, make_key

NEIGHBOR = endpoint_of(make_key(1).node_id, "127.0.1.2")


def test_the_first_start_counts_by_the_clock(tmp_path):
    assert GossipStore(tmp_path / "gossip.json").begin(START) == Memory(START)


def test_a_second_start_in_the_same_second_or_before_it_counts_on(tmp_path):
    store = GossipStore(tmp_path / "gossip.json")
    assert [store.begin(at).boot for at in (START, START, START - 1000)] == [
        START,
        START + 1,
        START + 2,
    ]


def test_bans_are_remembered_with_their_evidence(tmp_path):
    bans = tuple(
        Ban(
            node_id=make_key(number).node_id,
            count=number,
            reason="a bad signature",
            since=START,
            until=UnixSeconds(START + 600),
            evidence=bytes([number % 256]) * 512,
        )
        for number in range(1, BANS_MAX + 3)
    )
    GossipStore(tmp_path / "gossip.json").save(Memory(5, (), bans))
    assert GossipStore(tmp_path / "gossip.json").begin(START).bans == bans[-BANS_MAX:]


def test_neighbors_are_remembered_for_the_owner_alone(tmp_path):
    store = GossipStore(tmp_path / "gossip.json")
    store.save(Memory(5, (NEIGHBOR,)))
    assert GossipStore(tmp_path / "gossip.json").begin(START).neighbors == (NEIGHBOR,)
    assert (tmp_path / "gossip.json").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["gossip.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"boot": -1, "neighbors": []}',
        b'{"boot": true, "neighbors": []}',
        b'{"boot": 1, "neighbors": 5}',
        b'{"boot": 1, "neighbors": [], "bans": 5}',
        b'{"boot": 1, "neighbors": [], "bans": [{"node_id": "x"}]}',
        b'{"boot": 1, "neighbors": [{"node_id": "x", "address": "127.0.0.1", "ports": [1]}]}',
        json.dumps(
            {
                "boot": 1,
                "neighbors": [
                    {"node_id": NEIGHBOR.node_id.text, "address": "no address", "ports": [1]}
                ],
            }
        ).encode(),
        b" " * 70_000,
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path, content):
    path = tmp_path / "gossip.json"
    path.write_bytes(content)
    assert GossipStore(path).begin(START) == Memory(START)
    assert (tmp_path / "gossip.json.damaged").read_bytes() == content


def test_a_directory_that_is_missing_is_the_operators_to_mend(tmp_path):
    with pytest.raises(OperatorError, match="data directory"):
        GossipStore(tmp_path / "nowhere" / "gossip.json").begin(START)
