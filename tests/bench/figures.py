"""Figures of a benchmark, for people and for scripts: build/bench/NAME.json."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Figure", "report"]


@dataclass(frozen=True)
class Figure:
    """One figure beside its reference of the same run.

    `ratio` is ours over the reference for rates, the reference over ours for costs: more is better.
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float


def report(name: str, figures: list[Figure], *, seed: int | None = None) -> None:
    """Print the figures and write them to build/bench/NAME.json."""
    folder = Path("build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    machine = {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    items = [{**asdict(figure), "seed": seed, "machine": machine} for figure in figures]
    (folder / f"{name}.json").write_text(json.dumps(items, indent=1) + "\n")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        print(
            f"{figure.name:<{width}}  {figure.value:10.2f} {figure.unit:<10}"
            f"  reference {figure.reference:10.2f}  ratio {figure.ratio:5.2f}"
        )
