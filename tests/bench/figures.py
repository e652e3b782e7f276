"""Figures of a benchmark, for people and for scripts: one build/bench/NAME.json for each."""

import json
import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Figure", "file_name", "report"]


@dataclass(frozen=True)
class Figure:
    """One figure beside its reference of the same run.

    `ratio` is ours over the reference for rates, the reference over ours for costs: more is better.
    bench_peers.py and bench_workers.py divide ours by theirs whatever it is, as their goals do.
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float


def file_name(figure: str) -> str:
    """Return the name of a figure's file: words joined by dashes."""
    return re.sub(r"[^a-z0-9_.]+", "-", figure.lower()).strip("-.") + ".json"


def report(
    name: str, figures: list[Figure], *, seed: int | None = None, folder: Path | None = None
) -> None:
    """Print the figures of the benchmark `name`, and write each to build/bench/<figure>.json."""
    folder = folder or Path("build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    machine = {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    files = [file_name(figure.name) for figure in figures]
    assert len(set(files)) == len(files), f"two figures of {name} have one file"
    for figure, file in zip(figures, files, strict=True):
        item = {**asdict(figure), "benchmark": name, "seed": seed, "machine": machine}
        (folder / file).write_text(json.dumps(item, indent=1) + "\n")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        print(
            f"{figure.name:<{width}}  {figure.value:10.2f} {figure.unit:<10}"
            f"  reference {figure.reference:10.2f}  ratio {figure.ratio:5.2f}"
        )
