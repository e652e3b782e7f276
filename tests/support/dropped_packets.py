"""Packets between two nodes of this machine, dropped by its own packet filter (nftables).

Only what belongs to one of the two link ports is dropped: other meshes use the same addresses.
"""

import os
import re
import shutil
import socket
import subprocess
from contextlib import contextmanager

import pytest

PROBE_S = 0.7


def require_packet_filter():
    """Skip where packets cannot be dropped; fail where CI should have seen to it."""
    missing = None
    if os.geteuid() != 0:
        missing = "only root may drop packets"
    elif shutil.which("nft") is None:
        missing = "nft is not installed: apt-get install nftables"
    elif nft("list", "tables").returncode:
        missing = "this kernel has no nftables"
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"CI must run this test, but {missing}")
    if missing:
        pytest.skip(missing)


class Cut:
    """A table of the packet filter that drops what goes between two nodes, either way.

    Args:
        one, other: address and link port of each.
    """

    def __init__(self, one, other):
        self._table = f"masq_test_{os.getpid()}"
        self._pairs = ((one, other), (other, one))

    def begin(self):
        rules = [
            f"ip saddr {source} ip daddr {target} tcp {end} counter drop"
            for (source, source_port), (target, target_port) in self._pairs
            for end in (f"sport {source_port}", f"dport {target_port}")
        ]
        chain = ["chain cut {", "type filter hook input priority 0;", *rules, "}"]
        table = "\n".join((f"table inet {self._table} {{", *chain, "}", ""))
        done = nft("-f", "-", text=table)
        assert done.returncode == 0, done.stderr

    def end(self):
        nft("delete", "table", "inet", self._table)

    def dropped(self):
        """Return how many packets were dropped by each rule: both ends' ports, each way."""
        listed = nft("list", "table", "inet", self._table).stdout
        return [int(count) for count in re.findall(r"counter packets (\d+)", listed)]


@contextmanager
def packets_dropped(one, other):
    """Drop all packets of links between two nodes while the context lasts."""
    cut = Cut(one, other)
    cut.begin()
    try:
        yield cut
    finally:
        cut.end()


def can_connect(source, target, port):
    """Say whether a TCP connection from one address to another comes about."""
    with socket.socket() as probe:
        probe.settimeout(PROBE_S)
        probe.bind((source, 0))
        try:
            probe.connect((target, port))
        except TimeoutError:
            return False
    return True


def nft(*arguments, text=None):
    return subprocess.run(
        ["nft", *arguments], input=text, capture_output=True, text=True, check=False
    )
