"""This project beside Tor and beside bare TLS relays: one client, one server, in turn, in one run.

    python -m bench.bench_peers [ROUNDS]

Every way has three hops (relay, relay, exit). The figures are medians over the rounds; the table in
docs/performance.md and the picture beside it are written anew by each run.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import uvloop

from bench.figures import Figure, report
from bench.resident import resident_mb
from bench.tor_network import missing_programs, tor_network
from bench.ways import chain_way, file_server, median, mesh_way, quantile
from support.processes import processes_of

ROUNDS = 5
STREAMS = 8
SMALL, LARGE = 20_000, 1_000_000
SMALL_REQUESTS, LARGE_REQUESTS, SET_UPS = 40, 10, 5
BULK = {"Tor": 20_000_000}
BULK_OTHERS = 100_000_000

PAGE = Path("docs/performance.md")
BEGIN, END = "<!-- bench-peers: begin -->", "<!-- bench-peers: end -->"
PICTURE = Path("docs/images/peers.svg")


class Measures:
    """What one way has shown, round by round."""

    def __init__(self, way):
        self.way = way
        self.rate_1, self.rate_8, self.cpu, self.small, self.large, self.set_up = (
            [] for _ in "123456"
        )

    async def round(self, number):
        """Measure everything once."""
        bulk = BULK.get(self.way.name, BULK_OTHERS)
        rate, cpu = await self.way.download(bulk)
        self.rate_1.append(rate)
        self.cpu.append(cpu)
        rate, _ = await self.way.download(bulk, streams=STREAMS)
        self.rate_8.append(rate)
        self.small += await self.way.requests(SMALL, SMALL_REQUESTS)
        self.large += await self.way.requests(LARGE, LARGE_REQUESTS)
        for turn in range(SET_UPS):
            self.set_up.append(await self.way.set_up(number * SET_UPS + turn))


def tell(sentence):
    print(sentence, flush=True)


async def tor_stream_dies(network, port):
    """Kill the middle relay under a download; return the seconds until the client loses it."""
    reader, writer = await network.way.connect(None)
    writer.write((1 << 30).to_bytes(4, "big"))
    await reader.readexactly(1 << 20)
    victim = await network.middle_of(port)
    victim.process.kill()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(60):
            while await reader.read(1 << 20):
                pass
    except ConnectionError:
        pass
    writer.close()
    return time.perf_counter() - began


async def main(rounds):
    if missing := missing_programs():
        sys.exit(f"Missing: {', '.join(missing)}. Install them with: apt-get install tor")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="masq-bench-")))
        (folder / "tor").mkdir()
        port = await stack.enter_async_context(file_server())
        tell(
            "starting a mesh of six nodes, four bare relays and a Tor network of six (a minute) ..."
        )
        ours = await stack.enter_async_context(mesh_way(folder / "mesh", port))
        node_mb = resident_mb(processes_of(folder / "mesh" / "node-1"))
        chain = await stack.enter_async_context(chain_way(folder, port))
        tor = await stack.enter_async_context(tor_network(folder / "tor", port, tell))
        relay_mb = resident_mb([tor.relays[-1].process])
        ways = [Measures(way) for way in (ours, tor.way, chain)]
        for number in range(rounds):
            for measures in ways:
                tell(f"round {number + 1} of {rounds}: {measures.way.name}")
                await measures.round(number)
        died_s = await tor_stream_dies(tor, port)
    tell(f"a relay killed under a download: Tor's stream was lost after {died_s:.2f} s")
    report("peers", list(figures(*ways, node_mb, relay_mb)))
    lines = list(table(ways, node_mb, relay_mb, rounds))
    print(*lines, sep="\n")
    write_page(lines)
    draw(ways)


def figures(ours, tor, chain, node_mb, relay_mb):
    """The figures by which this project is judged; `ratio` is always ours over theirs."""

    def against(name, unit, mine, theirs):
        return Figure(name, mine, unit, theirs, mine / theirs)

    rate, rate_8 = median(ours.rate_1), median(ours.rate_8)
    yield against("tor_throughput_1", "MB/s", rate, median(tor.rate_1))
    yield against("tor_throughput_8", "MB/s", rate_8, median(tor.rate_8))
    yield against("tor_cpu", "ms/MB", median(ours.cpu), median(tor.cpu))
    yield against("tor_20kb_p50", "ms", median(ours.small), median(tor.small))
    yield against("tls_chain_throughput", "MB/s", rate, median(chain.rate_1))
    yield against("node_rss_mb", "MB", node_mb, relay_mb)


def table(ways, node_mb, relay_mb, rounds):
    """The lines of a Markdown table, and of what it was measured on."""
    ours, tor, chain = ways

    def row(name, pick, goal=""):
        cells = [pick(measures) for measures in ways]
        return f"| {name} | {' | '.join(cells)} | {goal} |"

    def times(mine, theirs):
        return f"{mine / theirs:.1f} x Tor"

    def three(values):
        return " / ".join(f"{quantile(values, share):.2f}" for share in (0.5, 0.95, 0.99))

    yield f"Medians of {rounds} rounds, {psutil.cpu_count()} cores, Tor {tor_version()}."
    yield ""
    yield "| measure | this project | Tor | bare TLS chain | ours, and the goal |"
    yield "|---|---|---|---|---|"
    rate = times(median(ours.rate_1), median(tor.rate_1))
    of_chain = median(ours.rate_1) / median(chain.rate_1)
    goal = f"{rate} (10), {of_chain:.2f} of the chain (0.6)"
    yield row("one stream, MB/s", lambda m: f"{median(m.rate_1):.0f}", goal)
    goal = f"{times(median(ours.rate_8), median(tor.rate_8))} (5)"
    yield row(f"{STREAMS} streams, MB/s", lambda m: f"{median(m.rate_8):.0f}", goal)
    goal = f"{median(ours.cpu) / median(tor.cpu):.2f} of Tor's (0.25)"
    yield row("CPU of all processes, ms/MB", lambda m: f"{median(m.cpu):.1f}", goal)
    goal = f"1/{median(tor.small) / median(ours.small):.0f} of Tor's (1/8)"
    yield row("20 kB, ms: p50 / p95 / p99", lambda m: three(m.small), goal)
    yield row("1 MB, ms: p50 / p95 / p99", lambda m: three(m.large))
    yield row("first byte over a new route, ms: p50 / p95 / p99", lambda m: three(m.set_up))
    cells = {ours: f"{node_mb:.0f}", tor: f"{relay_mb:.0f}", chain: "-"}
    yield row("resident, one idle node (five processes) or relay, MB", cells.get, "(300)")


def tor_version():
    """Return the version of the installed tor."""
    said = subprocess.run(["tor", "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"version ([\d.]+\d)", said)[1]


def write_page(lines):
    """Put the table between its marks in docs/performance.md."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text("\n".join((before + BEGIN, *lines, END + after)))


def draw(ways):
    """Draw throughput, CPU and latency side by side."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "masq"  # the same figures give the same file
    from matplotlib import pyplot

    picture, places = pyplot.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    names = [measures.way.name for measures in ways]

    def bars(place, title, unit, values, *, log=False):
        drawn = place.bar(names, values, color=("#2a6f97", "#7d5ba6", "#adb5bd"))
        place.bar_label(drawn, fmt="%.1f")
        place.set(title=title, ylabel=unit, **({"yscale": "log"} if log else {}))
        place.margins(y=0.15)

    bars(places[0], "Download, one stream", "MB/s", [median(m.rate_1) for m in ways])
    bars(places[1], "CPU of all processes", "ms per MB", [median(m.cpu) for m in ways])
    title = "Request of 20 kB, median"
    bars(places[2], title, "ms (logarithmic)", [median(m.small) for m in ways], log=True)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(PICTURE, metadata={"Date": None})
    print(f"picture: {PICTURE}")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
