"""What whole meshes cost as they grow, how fast they learn and how they heal: table and curves.

    python -m bench.bench_meshes 100 1000 10000

Everything is counted on virtual time, so it is the same on every machine; sizes run beside each
other. Each size has a file in build/bench/meshes/, and the curves show all sizes that have one.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.figures import Figure, report
from masq_gossip.simulation import QUESTIONS, Study

SEED = 1
SMALLEST = 100
KNOWN_GOAL_S = 2.0
FOLDER = Path("build/bench/meshes")
PICTURE = Path("docs/images/gossip-meshes.svg")


def study(nodes):
    """Ask a mesh of this size everything; say now and then how far it has come."""

    def tell(sentence):
        print(f"  {nodes}: {sentence}", file=sys.stderr, flush=True)

    findings = {one.name: one.value for one in Study(nodes, SEED, tell).run(list(QUESTIONS))}
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{nodes}.json").write_text(json.dumps(findings, indent=1) + "\n")


def known():
    """Return the findings of all sizes that have been studied, the smallest first."""
    sizes = sorted(int(file.stem) for file in FOLDER.glob("*.json"))
    return {size: json.loads((FOLDER / f"{size}.json").read_text()) for size in sizes}


def print_table(findings):
    names = list(dict.fromkeys(name for of_size in findings.values() for name in of_size))
    print(f"| figure | {' | '.join(f'{size:,} nodes' for size in findings)} |")
    print(f"|---|{'---|' * len(findings)}")
    for name in names:
        cells = [shown(of_size, name) for of_size in findings.values()]
        print(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")


def shown(of_size, name):
    if name not in of_size:
        return "not asked"
    value = of_size[name]
    return "not in time" if value is None else f"{value:,.2f}"


def figures(findings):
    smallest, largest = min(findings), max(findings)
    few, many = findings[smallest], findings[largest]
    rest = "rest_per_node_minute_kib"
    if rest in few and rest in many:
        ratio = many[rest] / few[rest]
        name = f"gossip_bytes_per_node_{largest}_over_{smallest}"
        yield Figure(name, ratio, "times", 1.0, 1.0 / ratio)
    for kind in ("rate", "join", "leave"):
        if (value := many.get(f"{kind}_known_s")) is not None:
            yield Figure(f"gossip_{kind}_known_s", value, "s", KNOWN_GOAL_S, KNOWN_GOAL_S / value)


def draw(findings):
    """Draw what matters against the number of nodes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "masq"  # the same figures give the same file
    from matplotlib import pyplot

    sizes = list(findings)
    picture, places = pyplot.subplots(2, 2, figsize=(9, 6.5), layout="constrained")

    def curve(place, title, unit, names):
        for name, label in names.items():
            points = [(size, findings[size].get(name)) for size in sizes]
            told = [(size, value) for size, value in points if value is not None]
            place.plot(*zip(*told, strict=True), marker="o", label=label)
        place.set(xscale="log", title=title, xlabel="nodes", ylabel=unit, ylim=(0, None))
        place.set_xticks(sizes, [f"{size:,}" for size in sizes])
        place.minorticks_off()
        place.grid(alpha=0.3)
        place.legend()

    curve(
        places[0][0],
        "Gossip at rest, per node",
        "per minute",
        {"rest_per_node_minute_kib": "KiB", "rest_messages_per_node_minute": "messages"},
    )
    curve(
        places[0][1],
        "Until the whole patch knows",
        "seconds",
        {
            "rate_known_s": "a changed rate",
            "join_known_s": "a newcomer",
            "leave_known_s": "a node that left",
        },
    )
    curve(
        places[1][0],
        "Records that a node holds",
        "records",
        {"grow_view_mean_records": "mean", "grow_view_max_records": "largest"},
    )
    bars = places[1][1]
    for turn, size in enumerate(sizes):
        shares = [100 * findings[size].get(f"grow_degree_{degree}_share", 0) for degree in range(6)]
        at = [degree + (turn - (len(sizes) - 1) / 2) * 0.25 for degree in range(6)]
        bars.bar(at, shares, width=0.25, label=f"{size:,} nodes")
    bars.set(title="Neighbors of a node", xlabel="neighbors", ylabel="% of nodes")
    bars.grid(alpha=0.3, axis="y")
    bars.legend()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(PICTURE, metadata={"Date": None})
    print(f"curves: {PICTURE}")


def main(sizes):
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(study, sorted(sizes, reverse=True)))
    findings = known()
    print_table(findings)
    draw(findings)
    report("meshes", list(figures(findings)), seed=SEED)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [SMALLEST, 1_000])
