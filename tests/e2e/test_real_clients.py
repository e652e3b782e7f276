"""Programs that people use, over a mesh of real processes: relay, relay, exit."""

import asyncio
import getpass
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import dns.message
import pytest
import pytest_asyncio
import websockets.asyncio.client
import websockets.asyncio.server

from support.process_mesh import started_mesh
from support.programs import require_programs
from support.traffic import pattern
from support.udp_client import socks_udp, udp_echo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
]

RESOURCES = 100
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""Without its own errands: they would be counted among ours."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory):
    async with started_mesh(tmp_path_factory.mktemp("clients")) as mesh:
        yield mesh


@contextmanager
def served_folder(folder):
    """Serve a folder over HTTP; yield the port, and the paths that were asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_):
            asked.append(self.path)

    handler = partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()


async def run(*command, timeout_s=90, **options):
    """Run a program to its end; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        **options,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode(errors="replace")[-2_000:]
    return out


@pytest.mark.parametrize("proxy", ["socks5h", "http"])
async def test_curl(running, tmp_path, proxy):
    require_programs(curl="curl")
    content = pattern(3_000_000, 4)
    (tmp_path / "file").write_bytes(content)
    with served_folder(tmp_path) as (port, _):
        tunnel = ("--proxytunnel",) if proxy == "http" else ()
        url = f"http://127.0.0.1:{port}/file"
        through = f"{proxy}://127.0.0.1:{running.proxy_port}"
        got = await run("curl", "-sS", "--fail", "--noproxy", "", *tunnel, "-x", through, url)
    assert hashlib.sha256(got).digest() == hashlib.sha256(content).digest()


async def test_git_clones_over_http(running, tmp_path):
    require_programs(git="git")
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    git = partial(subprocess.run, check=True, capture_output=True)
    author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    git(["git", "init", "-q", str(origin)])
    for number in range(30):
        (origin / f"file{number}").write_bytes(pattern(20_000, number))
    git(["git", "-C", str(origin), "add", "."])
    git(["git", "-C", str(origin), *author, "commit", "-qm", "first"])
    git(["git", "-C", str(origin), "update-server-info"])
    with served_folder(origin) as (port, _):
        proxy = f"http.proxy=socks5h://127.0.0.1:{running.proxy_port}"
        await run("git", "-c", proxy, "clone", "-q", f"http://127.0.0.1:{port}/.git", clone)
    assert (clone / "file29").read_bytes() == pattern(20_000, 29)
    git(["git", "-C", str(clone), "fsck"])


async def test_chromium_loads_a_page_with_a_hundred_resources(running, tmp_path):
    require_programs(chromium="chromium")
    site = tmp_path / "site"
    site.mkdir()
    for number in range(RESOURCES):
        (site / f"{number}.js").write_text(f"window.loaded = (window.loaded || 0) + 1; // {number}")
    scripts = "".join(f'<script src="{number}.js"></script>' for number in range(RESOURCES))
    show = "<script>document.title = 'loaded ' + window.loaded</script>"
    (site / "index.html").write_text(f"<!doctype html><body>{scripts}{show}</body>")
    with served_folder(site) as (port, asked):
        page = await run(
            *CHROMIUM,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--proxy-server=socks5://127.0.0.1:{running.proxy_port}",
            "--proxy-bypass-list=<-loopback>",
            "--virtual-time-budget=60000",
            "--dump-dom",
            f"http://127.0.0.1:{port}/index.html",
        )
    assert f"<title>loaded {RESOURCES}</title>".encode() in page
    assert len([path for path in asked if path.endswith(".js")]) == RESOURCES


async def test_ssh(running, tmp_path):
    require_programs(ssh="openssh-client", sshd="openssh-server")
    require_programs(**{"nc.openbsd": "netcat-openbsd"})  # another nc knows no proxies
    async with ssh_server(tmp_path) as (port, key):
        through = f"nc.openbsd -X 5 -x 127.0.0.1:{running.proxy_port} %h %p"
        options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
        ssh = (
            "ssh", "-F", "none", "-i", key, *options, "-o", f"ProxyCommand={through}",
            "-p", port, f"{getpass.getuser()}@127.0.0.1",
        )  # fmt: skip
        out = await run(*ssh, "head -c 2000000 /dev/zero | sha256sum")
    assert out.split()[0].decode() == hashlib.sha256(bytes(2_000_000)).hexdigest()


@asynccontextmanager
async def ssh_server(folder):
    """Start an sshd of our own; yield its port and the key that it takes."""
    for name in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in
    port = await free_port()
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
    process = await asyncio.create_subprocess_exec(
        sshd, "-D", "-e", "-f", "/dev/null", "-p", str(port), "-h", str(folder / "host"),
        "-o", "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={folder / 'authorized'}",
        "-o", "StrictModes=no", "-o", "PidFile=none", "-o", "UsePAM=no",
        "-o", "PermitRootLogin=yes", stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await asyncio.wait_for(process.stderr.readuntil(b"listening"), 10)
        yield port, folder / "user"
    finally:
        process.kill()
        await process.wait()


async def free_port():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_a_websocket(running):
    async def echo(connection):
        async for message in connection:
            await connection.send(message)

    async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        proxy = f"socks5h://127.0.0.1:{running.proxy_port}"
        url = f"ws://127.0.0.1:{port}"
        async with websockets.asyncio.client.connect(url, proxy=proxy) as connection:
            for size in (1, 1_000, 500_000):
                await connection.send(pattern(size))
                assert await asyncio.wait_for(connection.recv(), 20) == pattern(size)


async def test_udp(running):
    question = dns.message.make_query("example.org", "A").to_wire()
    async with udp_echo() as (port, _), socks_udp(running.proxy_port) as client:
        for data in (question, bytes(1_452)):
            assert await client.ask("127.0.0.1", port, data) == ("127.0.0.1", port, data)


async def test_apt_style_requests_one_after_another(running, tmp_path):
    """An HTTP client that keeps a connection, as package managers do."""
    for number in range(20):
        (tmp_path / f"{number}").write_bytes(pattern(50_000, number))
    with served_folder(tmp_path) as (port, asked):
        script = (
            "import httpx, hashlib, sys\n"
            f"with httpx.Client(proxy='socks5://127.0.0.1:{running.proxy_port}') as client:\n"
            "    for number in range(20):\n"
            f"        answer = client.get(f'http://127.0.0.1:{port}/{{number}}')\n"
            "        print(hashlib.sha256(answer.content).hexdigest())\n"
        )
        out = await run(sys.executable, "-c", script)
    assert out.decode().split() == [
        hashlib.sha256(pattern(50_000, number)).hexdigest() for number in range(20)
    ]
    assert len(asked) == 20
