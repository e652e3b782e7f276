"""Random histories: after any of them the mesh is whole again, and no honest node was accused.

`make sim SEEDS=1000` runs more; a failure names its seed, and `make sim SEEDS=1 FIRST=<seed>`
repeats that history alone.
"""

import os

import pytest

from masq_gossip.simulation import Mischief

FIRST = int(os.environ.get("MASQ_SIM_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("MASQ_SIM_SEEDS", "40")))


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_misfortune_the_mesh_is_whole_again(seed):
    Mischief(seed).run()


AMONG_LIARS = {347: "a node whose only neighbor had full neighbors stayed alone with it"}
"""Seeds that once ended badly, and why."""


@pytest.mark.parametrize("seed", sorted({*SEEDS, *AMONG_LIARS}))
def test_among_liars_honest_nodes_stay_together_and_accuse_only_liars(seed):
    Mischief(seed, liars=2).run()


def test_one_seed_gives_one_history():
    first, second, other = Mischief(3), Mischief(3), Mischief(4)
    for each in (first, second, other):
        each.run()
    assert first.mesh.history == second.mesh.history != other.mesh.history
