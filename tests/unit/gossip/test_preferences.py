"""What an operator may prefer, and the file it is kept in."""

import pytest

from masq_gossip.preference_file import PreferenceFile
from masq_gossip.rules.preferences import (
    COUNTRIES_MAX,
    LIKED_MAX,
    TIERS_MAX,
    Preferences,
)
from masq_kernel.errors import MalformedError, OperatorError
from support.gossip_builders import make_key

A, B = make_key(1).node_id, make_key(2).node_id
FULL = Preferences(tiers=(("CH",), ("DE", "FR")), is_strict=True, liked={A: "never", B: "always"})


@pytest.mark.parametrize(
    "changes",
    [
        {"tiers": (("ch",),)},
        {"tiers": (("CHE",),)},
        {"tiers": ((),)},
        {"tiers": (("CH",),) * (TIERS_MAX + 1)},
        {"tiers": (("CH",) * (COUNTRIES_MAX + 1),)},
        {"is_strict": True},
        {"liked": {make_key(at).node_id: "less" for at in range(LIKED_MAX + 1)}},
    ],
)
def test_what_cannot_be_preferred_is_refused(changes):
    with pytest.raises(MalformedError):
        Preferences(**changes)


def test_an_opinion_of_a_node_is_changed_and_taken_back():
    less = Preferences().liking(A, "less").liking(B, "never").liking(A, "more")
    assert dict(less.liked) == {A: "more", B: "never"}
    assert dict(less.liking(A, None).liked) == {B: "never"}


def test_an_operator_who_insists_is_told_so_in_the_stage():
    assert FULL.where() == " to an exit in CH, DE, FR"
    assert Preferences(tiers=(("CH",),)).where() == ""


def test_what_is_written_is_read_again_by_the_owner_alone(tmp_path):
    path = tmp_path / "preferences.json"
    assert PreferenceFile(path).load() == Preferences()
    PreferenceFile(path).save(FULL)
    assert PreferenceFile(path).load() == FULL
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"exit_countries": [["ch"]], "strict": false, "nodes": {}}',
     '{"exit_countries": [], "strict": false, "nodes": {"x": "less"}}',
     '{"exit_countries": [], "strict": false, "nodes": {"' + A.text + '": "adore"}}'],
)  # fmt: skip
def test_a_damaged_file_stops_the_node_and_stays_as_it_is(tmp_path, text):
    path = tmp_path / "preferences.json"
    path.write_text(text)
    with pytest.raises(OperatorError, match="damaged"):
        PreferenceFile(path).load()
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OperatorError, match="cannot be written"):
        PreferenceFile(tmp_path / "missing" / "preferences.json").save(FULL)
