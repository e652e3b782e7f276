"""Download through a node with the client that everybody has: curl.

Without curl, Python's own client does the half that it can (HTTP CONNECT), and the demo says so.
"""

import asyncio
import hashlib
import shutil
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from masq_cli.demo.file_server import ServedFile
from masq_cli.demo.plan import LOOPBACK
from masq_cli.errors import CheckFailed
from masq_kernel.clock import Clock

__all__ = ["Download", "Way", "curl_hint", "download", "has_curl"]

Way = Literal["SOCKS5", "HTTP CONNECT"]

_TIME_MAX_S = 180
_REMEDY = "Look into the logs of the nodes (`masq demo --keep` leaves them behind)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download that came through whole.

    Args:
        way: how the client spoke with the proxy.
        client: which program.
        size: bytes.
        seconds: from start to end, the client's own start included.
    """

    way: Way
    client: str
    size: int
    seconds: float

    @property
    def mb_per_s(self) -> float:
        """Megabytes (10^6) per second."""
        return self.size / self.seconds / 1e6


def has_curl() -> bool:
    """Say whether there is a curl on this machine."""
    return shutil.which("curl") is not None


def curl_hint(proxy_port: int) -> str:
    """Return a line that uses the proxy, to be copied by people."""
    return f"curl --socks5-hostname {LOOPBACK}:{proxy_port} https://example.org/"


async def download(
    way: Way, proxy_port: int, file: ServedFile, folder: Path, clock: Clock
) -> Download:
    """Download the file through a node and compare it with the original.

    Args:
        way: how to speak with the proxy.
        proxy_port: the node's, on loopback.
        file: what to download.
        folder: where to put it meanwhile.
        clock: measures.

    Raises:
        CheckFailed: it did not come, or came damaged.
    """
    target = folder / "download"
    began = clock.monotonic()
    if has_curl():
        await _run_curl(way, proxy_port, file.url, target)
    else:
        await asyncio.to_thread(_run_http_client, proxy_port, file, target)
    seconds = clock.monotonic() - began
    digest = await asyncio.to_thread(_sha256, target)
    target.unlink()
    if digest != file.sha256:
        problem = f"The download through {way} is not the file that was sent (SHA-256 differs)."
        raise CheckFailed(problem, remedy=_REMEDY)
    client = "curl" if has_curl() else "Python"
    return Download(way=way, client=client, size=file.size, seconds=seconds)


async def _run_curl(way: Way, proxy_port: int, url: str, target: Path) -> None:
    proxy = f"{LOOPBACK}:{proxy_port}"
    through = {
        "SOCKS5": ("--socks5-hostname", proxy),
        "HTTP CONNECT": ("--proxytunnel", "--proxy", f"http://{proxy}"),
    }
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--fail", "--noproxy", ""),
        *("--max-time", str(_TIME_MAX_S), "--output", str(target)),
        *through[way],
        url,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours to handle
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = said.decode(errors="replace").strip()[-300:]
        raise CheckFailed(f"The download through {way} failed: {last}.", remedy=_REMEDY)


def _run_http_client(proxy_port: int, file: ServedFile, target: Path) -> None:
    connection = HTTPConnection(LOOPBACK, proxy_port, timeout=_TIME_MAX_S)
    connection.set_tunnel(LOOPBACK, file.port)
    try:
        connection.request("GET", urlsplit(file.url).path)
        with connection.getresponse() as response, target.open("wb") as saved:
            shutil.copyfileobj(response, saved)
    except (HTTPException, OSError) as error:
        problem = f"The download through HTTP CONNECT failed: {error}."
        raise CheckFailed(problem, remedy=_REMEDY) from None
    finally:
        connection.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
