"""Where a node is dialled after a move: which word is the later one, and what follows it."""

import json

import pytest

from masq_kernel.errors import MalformedError, OperatorError
from masq_kernel.runtime.address import AddressFile, Move, Place

SETTING = Place("203.0.113.7", (4321, 443))
MOVE = Move(setting=SETTING, place=Place("203.0.113.9", (4321,)))


@pytest.mark.parametrize("move", [MOVE, Move(setting=None, place=Place("2001:db8::9", (1, 2)))])
def test_a_move_is_kept_for_the_owner_alone(tmp_path, move):
    AddressFile(tmp_path).save(move)
    assert AddressFile(tmp_path).load() == move
    assert (tmp_path / "address.json").stat().st_mode & 0o777 == 0o600


def test_an_edit_of_the_configuration_file_is_the_later_word(tmp_path):
    file = AddressFile(tmp_path)
    assert file.load_over(SETTING) is None
    file.save(MOVE)
    assert file.load_over(SETTING) == MOVE
    assert file.load_over(Place("203.0.113.8", (4321, 443))) is None
    assert file.load_over(None) is None
    file.remove()
    file.remove()
    assert file.load() is None


def test_settings_that_named_the_old_place_follow_and_others_stay():
    assert MOVE.address("203.0.113.7") == "203.0.113.9"
    assert MOVE.address("0.0.0.0") == "0.0.0.0"
    assert MOVE.address(None) is None
    assert MOVE.port(4321) == 4321
    assert MOVE.port(443) == 4321
    assert MOVE.port(9000) == 9000
    assert MOVE.port(None) is None
    nowhere = Move(setting=None, place=MOVE.place)
    assert (nowhere.address(None), nowhere.port(443)) == (None, 443)


@pytest.mark.parametrize(
    ("address", "ports"),
    [
        ("masq.ai", (1,)),
        ("0.0.0.0", (1,)),
        ("::", (1,)),
        ("224.0.0.1", (1,)),
        ("::0001", (1,)),
        ("fe80::1%eth0", (1,)),
        ("203.0.113.9", ()),
        ("203.0.113.9", (0,)),
        ("203.0.113.9", (65536,)),
        ("203.0.113.9", (1, 1)),
        ("203.0.113.9", tuple(range(1, 10))),
    ],
)
def test_a_place_where_nobody_can_dial_is_refused(address, ports):
    with pytest.raises(MalformedError):
        Place(address, ports)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"setting": null}',
        b'{"setting": null, "place": {"address": "203.0.113.9", "ports": 1}}',
        b'{"setting": null, "place": {"address": "203.0.113.9", "ports": ["1"]}}',
        b'{"setting": null, "place": {"address": 1, "ports": [1]}}',
        json.dumps({"setting": None, "place": {"address": "a" * 5000, "ports": [1]}}).encode(),
    ],
)
def test_a_damaged_file_is_named_with_its_remedy(tmp_path, content):
    (tmp_path / "address.json").write_bytes(content)
    with pytest.raises(OperatorError, match="Delete it"):
        AddressFile(tmp_path).load()
