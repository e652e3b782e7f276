"""Who must go when streams hold too much."""

from masq_router.streams.memory import StreamMemory, WindowBudget, heaviest


def gone(held, held_max, whose=id):
    return list(heaviest(held, held=held.__getitem__, whose=whose, held_max=held_max))


def test_nobody_goes_while_there_is_room():
    assert gone({"a": 5, "b": 5}, held_max=10) == []


def test_the_heaviest_goes_first_and_no_more_go_than_must():
    assert gone({"a": 3, "b": 9, "c": 5, "d": 1}, held_max=9) == ["b"]
    assert gone({"a": 3, "b": 9, "c": 5, "d": 1}, held_max=5) == ["b", "c"]
    assert gone({"a": 3}, held_max=0) == ["a"]


def test_many_small_ones_of_one_payer_go_before_a_large_one_of_another():
    held = {f"small {number}": 2 for number in range(10)} | {"large": 8}
    cut = gone(held, held_max=20, whose=lambda name: name.split()[0])
    assert len(cut) == 4
    assert "large" not in cut


def test_a_budget_gives_no_more_than_it_has():
    budget = WindowBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    budget.give_back(6)
    assert budget.take(10)
    assert budget.used == 10


def test_windows_may_grow_by_half_of_what_streams_may_hold():
    assert StreamMemory(held_max=100).budget.left == 50
