"""What Prometheus and Grafana get fits what a node shows; checked by Prometheus's own tool."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from support.one_node import make_one_node, masq_up, wait_for_doctor

FOLDER = Path(__file__).parents[2] / "deploy/observability"
_NAME = re.compile(r"masq_[a-z_]+")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The metrics of a running node, as they are scraped."""
    node = make_one_node(tmp_path_factory.mktemp("node"))
    with masq_up(node):
        wait_for_doctor(node, "0 transactions")
        headers = {"Authorization": f"Bearer {node.made.token}"}
        return httpx.get(f"{node.api_url}/metrics", headers=headers).text


def promtool(*arguments, text=""):
    found = shutil.which("promtool")
    if found is None:
        reason = "promtool is not installed; on Debian: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        [found, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_metrics_are_named_and_described_as_prometheus_wants(shown):
    code, said = promtool("check", "metrics", text=shown)
    assert (code, said.strip()) == (0, "")


def test_alert_rules_and_scrape_configuration_are_valid(tmp_path):
    code, said = promtool("check", "rules", FOLDER / "alerts.yml")
    assert code == 0, said
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "masq-token").write_text("token")
    code, said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert code == 0, said


def test_each_alert_says_what_to_do():
    rules = (FOLDER / "alerts.yml").read_text()
    assert rules.count("- alert:") == rules.count("action:") == rules.count("summary:") >= 12


NOT_YET = {
    "masq_accountant_rpc_failures_total",
    "masq_router_clients_refused_total",
    "masq_router_setups_total",
}
"""Families without a sample before something happens."""


def test_alerts_and_panels_ask_for_metrics_that_there_are(shown):
    known = set(re.findall(r"^(masq_[a-z_]+)", shown, re.MULTILINE)) | NOT_YET
    panels = json.loads((FOLDER / "grafana-dashboard.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    asked += re.findall(r"expr: (.*)", (FOLDER / "alerts.yml").read_text())
    names = {name for each in asked for name in _NAME.findall(each)}
    assert len(names) > 20
    assert names - known == set()
    assert len({panel["id"] for panel in panels}) == len(panels)
