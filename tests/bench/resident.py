"""What a set of processes holds in memory: pages that several of them map are counted once."""

import re
from pathlib import Path

__all__ = ["resident_mb"]


def resident_mb(processes):
    """Return the resident memory of processes that belong together (Linux).

    Anonymous pages of each, and of a mapped file what whoever maps most of it has resident.
    """
    anonymous = 0
    by_mapping = {}
    for process in processes:
        folder = Path(f"/proc/{process.pid}")
        anonymous += _kib(folder / "status", "RssAnon") + _kib(folder / "status", "RssShmem")
        for mapping, size in _file_mappings(folder / "smaps"):
            by_mapping[mapping] = max(by_mapping.get(mapping, 0), size)
    return (anonymous + sum(by_mapping.values())) * 1024 / 1e6


def _kib(path, field):
    return int(re.search(rf"(?m)^{field}:\s+(\d+)", path.read_text())[1])


def _file_mappings(path):
    """Yield what is mapped (file and offset) and how much of it is resident, in KiB.

    Pages that a process has written to are its own, and counted among its anonymous ones.
    """
    mapping, resident = None, 0
    for line in path.read_text().splitlines():
        if head := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ \d+\s*(.*)", line):
            mapping = (head[2], head[1]) if head[2].startswith("/") else None
        elif line.startswith("Rss:"):
            resident = int(line.split()[1])
        elif line.startswith("Anonymous:") and mapping:
            yield mapping, resident - int(line.split()[1])
