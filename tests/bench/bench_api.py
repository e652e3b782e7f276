"""How fast the API answers: lists of a ledger of a million entries, 200 mixed requests a second.

A whole node (five processes) on this machine; requests come when they are due, whether or not the
ones before are answered, as from many clients. The reference is the goal of the design.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from bench.bench_ledger import post, wallet
from bench.figures import Figure, report
from masq_accountant.store import Anchor, Ledger, LedgerKeys, open_engine
from masq_kernel.chains import chain_named
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keystore import KeyStore
from support.one_node import PASSPHRASE, make_one_node, masq_up, wait_for_doctor

ENTRIES = 1_000_000
RATE = 200
SECONDS = 30
LIST_GOAL_MS = 20.0

LISTS = [
    "/v1/ledger/receivables?limit=100",
    "/v1/ledger/receivables?limit=100&by=age",
    f"/v1/ledger/receivables/{wallet(7).text}/entries?limit=100",
    "/v1/ledger/payables",
    "/v1/settlements",
    "/v1/bans",
    "/v1/neighbors",
    "/v1/neighborhood",
    "/v1/events",
]
OTHERS = ["/v1/ledger/summary", "/v1/node", "/v1/thresholds", "/v1/scans", "/readyz"]
LISTS_SHARE = 0.7


async def fill(folder, entries):
    """Book as many entries into the node's ledger as a busy router makes in days."""
    entropy = OsEntropy()
    store = KeyStore.open(folder / "keystore.json", PASSPHRASE, entropy)
    keys = LedgerKeys.from_keystore(store, chain_named("dev"), entropy, may_make=True)
    engine = await open_engine(folder / "ledger.db")
    ledger = await Ledger.open(engine, keys, Anchor(folder / "ledger.anchor", keys.vault))
    await post(ledger, entries)
    count = ledger.count
    await ledger.close()
    return count


async def load(url, token, seed):
    """Return the milliseconds of lists and of other requests, and how many came a second."""
    chance, took, statuses = random.Random(seed), {"list": [], "other": []}, Counter()
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30) as http:

        async def one(kind, path):
            began = time.perf_counter()
            answer = await http.get(path)
            took[kind].append((time.perf_counter() - began) * 1e3)
            statuses[answer.status_code] += 1

        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(RATE * SECONDS):
                await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
                kind = "list" if chance.random() < LISTS_SHARE else "other"
                path = chance.choice(LISTS if kind == "list" else OTHERS)
                tasks.create_task(one(kind, path))
        rate = RATE * SECONDS / (time.perf_counter() - began)
    assert set(statuses) == {200}, statuses
    return took, rate


def percentile(values, part):
    return statistics.quantiles(values, n=100)[part - 1]


def main(entries, seed):
    with tempfile.TemporaryDirectory(prefix="masq-bench-") as name:
        node = make_one_node(Path(name))
        print(f"booking {entries:,} entries ...", flush=True)
        count = asyncio.run(fill(node.plan.data_dir, entries))
        with masq_up(node):
            wait_for_doctor(node, f"{count} transactions")
            asyncio.run(load(node.api_url, node.made.token, seed + 1))  # warm
            took, rate = asyncio.run(load(node.api_url, node.made.token, seed))
    for kind, values in took.items():
        print(
            f"{kind}: {len(values)} requests, ms p50 {percentile(values, 50):.1f}"
            f"  p95 {percentile(values, 95):.1f}  p99 {percentile(values, 99):.1f}"
        )
    p99 = percentile(took["list"], 99)
    report(
        "api",
        [
            Figure("api_list_p99_ms", p99, "ms", LIST_GOAL_MS, LIST_GOAL_MS / p99),
            Figure("api_mixed_rps", rate, "requests/s", RATE, rate / RATE),
        ],
        seed=seed,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES, 1)
