"""When the demo takes a mesh to be at rest."""

from masq_cli.demo.convergence import QUIET_S, ConvergenceWatch


def test_it_tells_which_stages_changed():
    watch = ConvergenceWatch()
    assert watch.see(["alone", "alone"], 0) == [0, 1]
    assert watch.see(["alone", "connected"], 1) == [1]
    assert watch.see(["alone", "connected"], 2) == []


def test_a_client_needs_a_whole_mesh_that_stays_as_it_is():
    watch = ConvergenceWatch()
    assert watch.client(100) is None
    watch.see(["routable", "routable", "alone"], 100)
    assert watch.client(200) is None
    watch.see(["routable", "routable", "connected"], 200)
    assert watch.client(200 + QUIET_S - 0.01) is None
    assert watch.client(200 + QUIET_S) == 1


def test_a_stage_that_moves_begins_the_wait_again():
    watch = ConvergenceWatch()
    watch.see(["routable", "connected"], 0)
    watch.see(["connected", "routable"], 1)
    watch.see(["routable", "routable"], 2)
    assert watch.client(2 + QUIET_S - 0.1) is None
    assert watch.client(2 + QUIET_S) == 1


def test_a_mesh_without_routes_has_no_client():
    watch = ConvergenceWatch()
    watch.see(["connected", "connected"], 0)
    assert watch.client(1000) is None
