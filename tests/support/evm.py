"""A local chain: anvil as a process, with MASQ's stand-in at the token's address of `dev`."""

import asyncio
import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from masq_cli.demo.token import RUNTIME_CODE, mint_data
from masq_kernel.chains import chain_named
from support.nats_server import HOST, free_port

DEV = chain_named("dev")
TOKEN = f"0x{DEV.token.hex()}"
COIN = 10**18
BANKER = "0x" + "ba" * 20
_BUILT = Path(__file__).parents[2] / "build/anvil"
_START_S = 10.0


def find_anvil():
    """Where anvil is: on the PATH, or where `make test` puts it; None: nowhere."""
    on_path = shutil.which("anvil")
    built = sorted(_BUILT.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
    return on_path or (str(built[0]) if built else None)


def require_anvil():
    """Return where anvil is; without it fail in CI, and skip on a laptop."""
    found = find_anvil()
    if found is None:
        reason = "anvil is not installed; `make test` installs it where npm is"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class RpcError(Exception):
    """The chain says no."""


class Evm:
    """One local chain, asked as a test's operator would."""

    def __init__(self, port):
        self.url = f"http://{HOST}:{port}"
        self._session = None

    async def call(self, method, *params):
        if self._session is None:
            self._session = aiohttp.ClientSession()
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self._session.post(self.url, json=question) as answered:
            answer = await answered.json()
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    async def close(self):
        if self._session is not None:
            await self._session.close()

    async def head(self):
        return int(await self.call("eth_blockNumber"), 16)

    async def mine(self, blocks=1):
        await self.call("anvil_mine", hex(blocks))

    async def automine(self, is_on):
        await self.call("evm_setAutomine", is_on)

    async def give(self, wallet, *, tokens=0, coin=0):
        """Give a wallet tokens and coins out of nothing."""
        if coin:
            await self.call("anvil_setBalance", wallet.text, hex(coin))
        if tokens:
            await self.send(BANKER, TOKEN, mint_data(wallet.raw, tokens))

    async def send(self, sender, to, data=b"", **more):
        """Send as anybody, without a key; return the transaction's hash."""
        await self.call("anvil_impersonateAccount", sender)
        if int(await self.call("eth_getBalance", sender, "latest"), 16) < COIN:
            await self.call("anvil_setBalance", sender, hex(100 * COIN))
        transaction = {"from": sender, "to": to, "data": f"0x{data.hex()}", **more}
        sent = await self.call("eth_sendTransaction", transaction)
        await self.call("anvil_stopImpersonatingAccount", sender)
        return sent

    async def tokens(self, wallet):
        data = "0x70a08231" + wallet.raw.rjust(32, b"\0").hex()
        return int(await self.call("eth_call", {"to": TOKEN, "data": data}, "latest"), 16)

    async def coin(self, wallet):
        return int(await self.call("eth_getBalance", wallet.text, "latest"), 16)

    async def transactions(self, wallet):
        """How many a wallet has in blocks."""
        return int(await self.call("eth_getTransactionCount", wallet.text, "latest"), 16)


@asynccontextmanager
async def running_evm(*options):
    """Start anvil with the token in its place."""
    port = free_port()
    command = [
        require_anvil(),
        *("--host", HOST, "--port", str(port), "--chain-id", str(DEV.chain_id), "--silent"),
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    evm = Evm(port)
    try:
        async with asyncio.timeout(_START_S):
            while True:
                try:
                    await evm.head()
                except aiohttp.ClientError:
                    assert process.poll() is None, process.stderr.read().decode()
                    await asyncio.sleep(0.02)
                else:
                    break
        await evm.call("anvil_setCode", TOKEN, f"0x{RUNTIME_CODE.hex()}")
        yield evm
    finally:
        await evm.close()
        process.kill()
        process.communicate()
