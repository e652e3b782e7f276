"""Ten million inputs, or as many as you like, shared out over all targets.

    python -m fuzz.campaign [INPUTS] [SEED]

Targets run in processes of their own, as many at once as there are cores, each with a limit of
memory and of time for one input; coverage guides what is tried (atheris, libFuzzer). What a run
learns stays in build/fuzz/corpus; the small corpus in tests/fuzz/corpus is where it begins. A
defect leaves its input in build/fuzz and ends the campaign with exit code 1.
"""

import asyncio
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

from fuzz.targets import TARGETS

SMALL = Path("tests/fuzz/corpus")
FOLDER = Path("build/fuzz")
TELL_S = 30.0


class Run:
    """One target's part of a campaign."""

    def __init__(self, name, runs, seed):
        self.name, self.runs, self.seed = name, runs, seed
        self.done, self.coverage, self.seconds, self.code = 0, 0, 0.0, None
        self.corpus = FOLDER / "corpus" / name

    async def go(self):
        self.corpus.mkdir(parents=True, exist_ok=True)
        for path in (SMALL / self.name).glob("*"):
            shutil.copy(path, self.corpus)
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fuzz.one", self.name, str(self.runs), str(self.corpus),
            f"-seed={self.seed}", f"-artifact_prefix={FOLDER}/{self.name}-",
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        tail = []
        async for line in process.stderr:
            said = line.decode(errors="replace").rstrip()
            tail = [*tail[-40:], said]
            if match := re.match(r"#(\d+)\s.*cov: (\d+)", said):
                self.done, self.coverage = int(match[1]), int(match[2])
        self.code = await process.wait()
        self.seconds = time.monotonic() - began
        if self.code:
            print(f"{self.name}: DEFECT\n" + "\n".join(tail), flush=True)
        else:
            self.done = self.runs


async def tell(runs):
    while True:
        await asyncio.sleep(TELL_S)
        under_way = [f"{run.name} {run.done:,}" for run in runs if run.done and run.code is None]
        total = sum(run.done for run in runs)
        print(f"{total:,} inputs; {', '.join(under_way)}", flush=True)


async def main(inputs, seed):
    shares = sum(target.share for target in TARGETS.values())
    runs = [
        Run(name, inputs * target.share // shares + 1, seed) for name, target in TARGETS.items()
    ]
    cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(run):
        async with cores:
            await run.go()

    telling = asyncio.create_task(tell(runs))
    await asyncio.gather(*(one(run) for run in runs))
    telling.cancel()
    print(f"{'target':<12}{'inputs':>12}{'seconds':>10}{'inputs/s':>10}{'edges':>8}{'corpus':>8}")
    for run in runs:
        kept = len(list(run.corpus.iterdir()))
        rate = run.done / max(run.seconds, 0.001)
        print(
            f"{run.name:<12}{run.done:>12,}{run.seconds:>10.0f}{rate:>10,.0f}"
            f"{run.coverage:>8}{kept:>8}"
        )
    figures = {run.name: {"inputs": run.done, "edges": run.coverage} for run in runs}
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{sum(run.done for run in runs):,} inputs, seed {seed}")
    sys.exit(any(run.code for run in runs))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    asyncio.run(main(*(numbers + [10_000_000, 1][len(numbers) :])))
