"""`masq simulate` as a script and a reader see it."""

import json

from typer.testing import CliRunner

from masq_cli.main import app
from masq_gossip.simulation import Mischief

RUNNER = CliRunner()


def run(*words):
    return RUNNER.invoke(app, ["simulate", *words])


def test_findings_are_printed_as_a_table_and_as_json():
    table = run("--nodes", "8", "--ask", "grow")
    assert table.exit_code == 0
    assert "8 nodes, seed 1" in table.stdout
    assert "grow routable share" in table.stdout
    told = json.loads(run("--nodes", "8", "--ask", "grow", "--json").stdout)
    assert told["findings"]["grow_routable_share"] == 1.0


def test_one_seed_gives_one_answer():
    words = ("--nodes", "8", "--ask", "rate", "--ask", "rest", "--json")
    assert run(*words).stdout == run(*words).stdout
    assert run(*words, "--seed", "2").stdout != run(*words).stdout


def test_a_question_that_is_none_is_refused_with_those_there_are():
    refused = run("--ask", "price")
    assert refused.exit_code == 2
    assert "partition" in refused.stderr


def test_histories_end_with_the_number_of_violations():
    told = run("--histories", "2", "--seed", "5")
    assert told.exit_code == 0
    assert told.stdout.startswith("4 random histories, 0 violations")


def test_a_violation_fails_and_names_its_seed(monkeypatch):
    def fail(self):
        raise AssertionError("seed 7: a version went back")

    monkeypatch.setattr(Mischief, "run", fail)
    told = run("--histories", "1", "--seed", "7")
    assert told.exit_code == 1
    assert "seed 7 with 0 liars: seed 7: a version went back" in told.stdout
