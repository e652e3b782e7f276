"""What scripts find after `make bench`: a file for each figure, with all they need to compare."""

import json

import psutil
import pytest

from bench.figures import Figure, file_name, report
from bench.resident import resident_mb

SPEED = Figure("download over three hops", 191.0, "MB/s", 283.0, 0.67)
SEARCH = Figure("route_search_p99_ms, 3 hops", 0.8, "ms", 2.0, 2.5)


def test_each_figure_lands_in_a_file_of_its_name(tmp_path, capsys):
    report("mesh", [SPEED, SEARCH], seed=7, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "download-over-three-hops.json",
        "route_search_p99_ms-3-hops.json",
    ]
    written = json.loads((tmp_path / "download-over-three-hops.json").read_text())
    machine = written.pop("machine")
    assert written == {
        "name": "download over three hops",
        "value": 191.0,
        "unit": "MB/s",
        "reference": 283.0,
        "ratio": 0.67,
        "benchmark": "mesh",
        "seed": 7,
    }
    assert machine.keys() == {"cpus", "processor", "system", "python"}
    assert "download over three hops" in capsys.readouterr().out


def test_no_figure_overwrites_another(tmp_path):
    with pytest.raises(AssertionError, match="one file"):
        report("mesh", [SPEED, Figure("Download over three hops!", 1, "", 1, 1)], folder=tmp_path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "CPU of all processes / MB", "a\0b"])
def test_a_name_never_leads_out_of_the_folder(name):
    assert "/" not in file_name(name)
    assert not file_name(name).startswith(".")


def test_pages_that_processes_share_are_counted_once():
    here = psutil.Process()
    alone = resident_mb([here])
    assert alone == pytest.approx(here.memory_info().rss / 1e6, rel=0.1)
    assert resident_mb([here, here]) < 2 * alone
