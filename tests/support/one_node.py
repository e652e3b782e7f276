"""One node as an operator runs it: `masq up` as a process, and `masq` asked about it."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from masq_cli.demo.mesh import make_nodes
from masq_cli.demo.plan import lay_out
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import OsEntropy

PASSPHRASE = "correct horse battery staple"
MASQ = Path(sys.executable).with_name("masq")


def make_one_node(folder):
    """Write the files of a node for the dev chain that nobody else knows."""
    plans = lay_out(1, folder, exit_rules=())
    return make_nodes(plans, PASSPHRASE, clock=SystemClock(), entropy=OsEntropy())[0]


@contextmanager
def masq_up(node, **environment):
    process = subprocess.Popen(
        [MASQ, "up", "--json", "--config", node.made.config],
        env={**os.environ, "MASQ_PASSPHRASE": PASSPHRASE, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process, name, state):
    """Return the events up to the one in which the process of that name has that state."""
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if (events[-1]["name"], events[-1]["state"]) == (name, state):
            return events
    raise AssertionError(f"{name} never was {state}: {events}")


def masq(node, *words):
    return subprocess.run(
        [MASQ, *words, "--config", node.made.config], capture_output=True, text=True, timeout=30
    )


def wait_for_doctor(node, wanted):
    """Ask `masq doctor` until it says this; return its findings by subject, and its exit code."""
    deadline = time.monotonic() + 30
    while True:
        asked = masq(node, "doctor", "--json")
        findings = {each["subject"]: each for each in json.loads(asked.stdout or "[]")}
        if wanted in findings.get("books", {}).get("state", ""):
            return findings, asked.returncode
        assert time.monotonic() < deadline, asked
        time.sleep(0.2)
