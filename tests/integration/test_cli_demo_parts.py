"""The parts of the demo that need no mesh, with real sockets and a real curl."""

import asyncio
import json
import shutil
import subprocess
import sys

import httpx
import pytest

from masq_cli.demo import download as download_module
from masq_cli.demo.display import choose_display
from masq_cli.demo.download import download
from masq_cli.demo.file_server import ServedFile, serve_file
from masq_cli.errors import CheckFailed
from masq_kernel.clock import SystemClock
from masq_kernel.entropy import SeededEntropy
from support.masq_command import run_masq

WAYS = ["SOCKS5", "HTTP CONNECT"]
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


async def relay(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Proxy:
    """Just enough of SOCKS5 and HTTP CONNECT for a client that asks for one target."""

    def __init__(self, target_port, *, spoil=False):
        self.target_port, self.spoil, self.spoken = target_port, spoil, []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        first = await reader.readexactly(1)
        if first == b"\x05":
            self.spoken.append("SOCKS5")
            await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x05\x00")
            await reader.readexactly(10)  # CONNECT to an IPv4 address
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
        else:
            self.spoken.append("HTTP CONNECT")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        back = self.spoiling(there_reader, writer) if self.spoil else relay(there_reader, writer)
        await asyncio.gather(relay(reader, there_writer), back)

    async def spoiling(self, reader, writer):
        data = bytearray(await reader.read())
        data[-1] ^= 1
        writer.write(data)
        writer.close()


@needs_curl
@pytest.mark.parametrize("way", WAYS)
async def test_a_download_comes_through_the_proxy_in_the_way_it_says(tmp_path, way, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    async with serve_file(300_000, SeededEntropy(1)) as file, Proxy(file.port) as proxy:
        done = await download(way, proxy.port, file, tmp_path, SystemClock())
    assert proxy.spoken == [way]
    assert (done.size, done.client) == (300_000, "curl")
    assert done.mb_per_s > 0
    assert list(tmp_path.iterdir()) == []


async def test_without_curl_python_does_the_half_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "has_curl", lambda: False)
    async with serve_file(300_000, SeededEntropy(1)) as file, Proxy(file.port) as proxy:
        done = await download("HTTP CONNECT", proxy.port, file, tmp_path, SystemClock())
    assert (done.client, proxy.spoken) == ("Python", ["HTTP CONNECT"])


@needs_curl
async def test_one_changed_bit_is_found(tmp_path):
    async with serve_file(5000, SeededEntropy(1)) as file, Proxy(file.port, spoil=True) as proxy:
        with pytest.raises(CheckFailed, match="SHA-256 differs"):
            await download("SOCKS5", proxy.port, file, tmp_path, SystemClock())


@needs_curl
async def test_a_proxy_that_is_not_there_is_a_sentence(tmp_path):
    file = ServedFile(port=1, size=1, sha256="")
    with pytest.raises(CheckFailed, match=r"SOCKS5 failed: curl: \(\d+\)"):
        await download("SOCKS5", 1, file, tmp_path, SystemClock())


async def test_the_file_server_serves_what_it_promises_to_many():
    async with serve_file(1_000_000, SeededEntropy(2)) as file, httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(file.url) for _ in range(5)))
    assert {len(answer.content) for answer in answers} == {1_000_000}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--data-dir", "{file}/below"), 1, "cannot be made: Not a directory"),
        (("--data-dir", "{used}"), 4, "is not empty"),
        (("--size", "0"), 2, "is not a size"),
        (("--nodes", "4"), 2, "--nodes"),
        (("--nodes", "1000"), 2, "--nodes"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_starts(
    tmp_path, capsys, monkeypatch, options, code, told
):
    (tmp_path / "file").write_text("")
    options = [each.format(file=tmp_path / "file", used=tmp_path) for each in options]
    assert run_masq("demo", "--once", *options, monkeypatch=monkeypatch) == code
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_displays_say_the_same_to_people_and_programs(capsys):
    for display in (choose_display(as_json=True), choose_display(as_json=False)):
        display.stage(1, "127.0.1.1", "routable")
        display.tell("ready", "The mesh [is] ready.", {"seconds": 3.5})
        display.close()
    first, second, *people = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {
        "event": "stage",
        "node": 1,
        "name": "127.0.1.1",
        "stage": "routable",
    }
    assert json.loads(second)["seconds"] == 3.5
    assert people == ["node 1 (127.0.1.1): routable", "The mesh [is] ready."]


def test_lines_tell_each_stage_once(capsys):
    display = choose_display(as_json=False)
    for name, stage in (("address", "starting"), ("address id", "starting"), ("id", "alone")):
        display.stage(1, name, stage)
    assert capsys.readouterr().out.splitlines() == [
        "node 1 (address): starting",
        "node 1 (id): alone",
    ]


def test_on_a_terminal_the_stages_change_in_place():
    program = (
        "from masq_cli.demo.display import choose_display as c; d = c(as_json=False);"
        "print(type(d).__name__); "
        "d.stage(1, 'a', 'starting'); d.stage(1, 'a', 'routable'); "
        "d.tell('ready', 'It is ready.', {}); d.tell('more', 'It ends.', {}); d.close()"
    )
    script = shutil.which("script")
    if script is None:
        pytest.skip("there is no script(1) to make a terminal")
    command = f'{sys.executable} -c "{program}"'
    run = subprocess.run([script, "-qec", command, "/dev/null"], capture_output=True, timeout=20)
    assert b"LiveDisplay" in run.stdout
    assert b"routable" in run.stdout
    end = run.stdout[run.stdout.rindex(b"routable") :]
    assert end.index(b"It is ready.") < end.index(b"It ends.")  # below the table
