"""A private Tor network on loopback: three authorities that also relay, three relays, one client.

Tor's own programs from Debian's package, started with TestingTorNetwork and told to vote every few
seconds. It says nothing about the public network; it says what Tor costs on this machine, over as
many hops as ours, beside ours.
"""

import asyncio
import re
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.ways import socks_way
from support.nats_server import free_port

__all__ = ["TorNetwork", "missing_programs", "tor_network"]

AUTHORITIES, RELAYS = 3, 3
BOOTSTRAP_S = 240.0
"""It has taken about 60 seconds on a quiet machine."""

PROGRAMS = ("tor", "tor-gencert")
NO_DEFAULTS = ("--defaults-torrc", "no-defaults")
"""A file that is not there: Debian's own would be read otherwise."""

EVERYBODY = """\
TestingTorNetwork 1
AssumeReachable 1
AddressDisableIPv6 1
EnforceDistinctSubnets 0
PathsNeededToBuildCircuits 0.67
TestingServerDownloadInitialDelay 0
TestingClientDownloadInitialDelay 0
TestingServerConsensusDownloadInitialDelay 0
TestingClientConsensusDownloadInitialDelay 0
SafeLogging 0
Log notice stdout
ShutdownWaitLength 0
"""

AUTHORITY = """\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@example.invalid
V3AuthVotingInterval 20
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingV3AuthInitialVotingInterval 10
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
"""

RELAY = """\
ExitRelay 1
ExitPolicyRejectPrivate 0
ExitPolicy accept *:*
IPv6Exit 0
"""

CLIENT = """\
ClientRejectInternalAddresses 0
ClientOnly 1
"""


def missing_programs():
    """Return the programs that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass
class Member:
    """One tor process.

    Args:
        name: its nickname and folder.
        folder: its data.
        or_port, dir_port: where it listens; 0 for the client.
    """

    name: str
    folder: Path
    or_port: int = 0
    dir_port: int = 0
    log: str = ""
    process: asyncio.subprocess.Process | None = None
    reading: asyncio.Task | None = None

    async def run(self, torrc):
        """Start it, and keep what it says."""
        path = self.folder / "torrc"
        path.write_text(torrc)
        self.process = await asyncio.create_subprocess_exec(
            "tor", "-f", str(path), *NO_DEFAULTS,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self.process.stdout:
            self.log += line.decode(errors="replace")

    @property
    def progress(self):
        """How far it has come, in percent, as it says itself."""
        said = re.findall(r"Bootstrapped (\d+)%", self.log)
        return int(said[-1]) if said else 0

    def fail(self):
        """Say why it does not run."""
        tail = "\n".join(self.log.splitlines()[-15:])
        raise RuntimeError(f"tor {self.name} has not started:\n{tail}")

    async def stop(self):
        """End it."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            self.reading.cancel()


@dataclass
class TorNetwork:
    """The network once it carries traffic.

    Args:
        way: to the file server.
        relays: authorities and relays; any may stand on a circuit.
        control_port: of the client.
    """

    way: object
    relays: list[Member] = field(default_factory=list)
    control_port: int = 0

    async def middle_of(self, target_port):
        """Return the middle relay of the circuit that carries a stream to this port."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control_port)
        writer.write(b"AUTHENTICATE\r\nGETINFO stream-status\r\nGETINFO circuit-status\r\nQUIT\r\n")
        said = (await reader.read()).decode()
        writer.close()
        circuit = re.search(rf"\d+ SUCCEEDED (\d+) \S+:{target_port}", said)[1]
        path = re.search(rf"(?m)^(?:250[+-]circuit-status=)?{circuit} BUILT (\S+)", said)[1]
        nickname = path.split(",")[1].split("~")[1]
        return next(member for member in self.relays if member.name == nickname)


@asynccontextmanager
async def tor_network(folder, server_port, tell):
    """Start the network, wait until its client has a circuit, and yield it."""
    authorities = [await make_authority(folder, number) for number in range(AUTHORITIES)]
    relays = [make_member(folder, f"relay{number}") for number in range(RELAYS)]
    client = make_member(folder, "client")
    known = "".join(line for _, line in authorities)
    members = [member for member, _ in authorities] + relays
    socks_port, control_port = free_port(), free_port()
    try:
        for member, _ in authorities:
            await member.run(torrc(member, known, AUTHORITY + RELAY))
        for member in relays:
            await member.run(torrc(member, known, RELAY))
        ports = f"SocksPort {socks_port}\nControlPort {control_port}\n"
        await client.run(torrc(client, known, CLIENT + ports))
        await bootstrapped([*members, client], client, tell)
        processes = [psutil.Process(member.process.pid) for member in [*members, client]]
        way = socks_way("Tor", socks_port, server_port, processes)
        await first_stream(way)
        yield TorNetwork(way, members, control_port)
    finally:
        for member in [*members, client]:
            await member.stop()


def make_member(folder, name):
    """Make the folder of a relay or a client and choose its ports."""
    (folder / name).mkdir(mode=0o700)
    ports = (0, 0) if name == "client" else (free_port(), free_port())
    return Member(name, folder / name, *ports)


async def make_authority(folder, number):
    """Make an authority's keys; return it and the line by which everybody knows it."""
    member = make_member(folder, f"authority{number}")
    keys = member.folder / "keys"
    keys.mkdir(mode=0o700)
    address = f"127.0.0.1:{member.dir_port}"
    await output_of(
        "tor-gencert", "--create-identity-key", "-m", "12", "-a", address,
        "-i", str(keys / "authority_identity_key"), "-s", str(keys / "authority_signing_key"),
        "-c", str(keys / "authority_certificate"), "--passphrase-fd", "0",
    )  # fmt: skip
    certificate = (keys / "authority_certificate").read_text()
    identity = re.search(r"(?m)^fingerprint ([0-9A-F]+)", certificate)[1]
    said = await output_of(
        "tor", "--quiet", "--list-fingerprint", "--DataDirectory", str(member.folder),
        "--ORPort", str(member.or_port), "--Nickname", member.name,
        "--DirAuthority", f"x 127.0.0.1:1 {'F' * 40}",
        "-f", "no-torrc", "--ignore-missing-torrc", *NO_DEFAULTS,
    )  # fmt: skip
    fingerprint = re.search(r"(?m)^\S+ ((?:[0-9A-F]{4} ?){10})$", said)[1].replace(" ", "")
    line = (
        f"DirAuthority {member.name} orport={member.or_port} no-v2 v3ident={identity}"
        f" {address} {fingerprint}\n"
    )
    return member, line


async def output_of(*command):
    """Run a command with an empty passphrase at its standard input; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(b"bench\n")
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {err.decode()}{out.decode()}")
    return out.decode()


def torrc(member, authorities, role):
    """Return the configuration of one process."""
    own = f"DataDirectory {member.folder}\nNickname {member.name}\n"
    if member.or_port:
        own += f"Address 127.0.0.1\nORPort 127.0.0.1:{member.or_port}\n"
        own += f"DirPort 127.0.0.1:{member.dir_port}\nSocksPort 0\n"
    return EVERYBODY + own + role + authorities


async def bootstrapped(members, client, tell):
    """Wait until the client has a circuit."""
    told = -1
    async with asyncio.timeout(BOOTSTRAP_S):
        while client.progress < 100:
            for member in members:
                if member.process.returncode is not None:
                    member.fail()
            if client.progress != told:
                told = client.progress
                tell(f"Tor: the client has come {told} % of its way")
            await asyncio.sleep(0.5)


async def first_stream(way):
    """Wait until a stream to the server stands: an exit may have to be voted for first."""
    async with asyncio.timeout(BOOTSTRAP_S):
        while True:
            try:
                await way.requests(1, 1)
                return
            except (AssertionError, ConnectionError, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(1)
