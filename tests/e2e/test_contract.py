"""Every operation of a running node answers what its description says, whatever it is sent.

`make contract` sends more than 20,000 requests; MASQ_CONTRACT_EXAMPLES and _SEED choose.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.one_node import make_one_node, masq_up, wait_for_doctor

EXAMPLES = int(os.environ.get("MASQ_CONTRACT_EXAMPLES", "10"))
SEED = int(os.environ.get("MASQ_CONTRACT_SEED", "1"))
CONFIG = Path(__file__).parents[1] / "contract/schemathesis.toml"
ST = Path(sys.executable).with_name("st")


@pytest.mark.e2e
@pytest.mark.timeout(120 + 12 * EXAMPLES)
def test_no_answer_is_undocumented_and_none_is_a_defect(tmp_path):
    node = make_one_node(tmp_path)
    with masq_up(node) as process:
        wait_for_doctor(node, "0 transactions")
        command = [
            *(ST, "--config-file", CONFIG, "run", f"{node.api_url}/openapi.json"),
            *("--checks", "all", "--max-examples", EXAMPLES, "--seed", SEED, "--no-color"),
            *("--exclude-checks", "ignored_auth"),  # tests/unit/api/test_auth.py has every kind
            *("--exclude-path", "/v1/events/stream"),  # never ends; tests/unit/api/test_events.py
            *("--header", f"Authorization: Bearer {node.made.token}", "--continue-on-failure"),
        ]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, check=False
        )
        process.terminate()
        _, log = process.communicate(timeout=20)
    summary = re.search(r"(\d+) generated", done.stdout)
    print(f"\n{summary and summary[0]}, seed {SEED}")
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    defects = [line for line in log.splitlines() if '"level": "error"' in line]
    assert defects == [], json.dumps(defects[:3])
