"""A local chain for the demo: anvil as a process, with MASQ's stand-in at its address."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from masq_cli.demo.plan import CHAIN, LOOPBACK
from masq_cli.demo.token import RUNTIME_CODE, mint_data, transfer_data
from masq_cli.errors import CheckFailed
from masq_kernel.chains import chain_named
from masq_kernel.errors import OperatorError

__all__ = ["LocalChain", "running_chain"]

_BUILT = Path("build/anvil/node_modules/@foundry-rs")
"""Where `make` puts it."""

_START_S = 10.0
_BANKER = "0x" + "ba" * 20
_COIN = 10**18
_BLOCK_S, _BLOCKS_MAX = 1, 20


class LocalChain:
    """Asks the chain, and moves tokens on it without keys.

    Args:
        url: its RPC server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(trust_env=False)
        self._token = f"0x{chain_named(CHAIN).token.hex()}"

    async def put_token(self) -> None:
        """Put the token contract in its place."""
        await self._call("anvil_setCode", self._token, f"0x{RUNTIME_CODE.hex()}")
        await self._call("anvil_impersonateAccount", _BANKER)
        await self._call("anvil_setBalance", _BANKER, hex(1_000 * _COIN))

    async def head(self) -> int:
        """Return the newest block."""
        return int(await self._call("eth_blockNumber"), 16)

    async def give(self, wallet: str, tokens: int) -> None:
        """Give a wallet tokens, and coins for fees."""
        await self._call("anvil_setBalance", wallet, hex(_COIN))
        await self._send(_BANKER, mint_data(_raw(wallet), tokens))

    async def take(self, wallet: str) -> int:
        """Take all tokens from a wallet; return how many it had."""
        tokens = await self.tokens(wallet)
        await self._call("anvil_impersonateAccount", wallet)
        await self._send(wallet, transfer_data(_raw(_BANKER), tokens))
        await self._call("anvil_stopImpersonatingAccount", wallet)
        return tokens

    async def tokens(self, wallet: str) -> int:
        """Return how many tokens a wallet has, wei."""
        data = "0x70a08231" + _raw(wallet).rjust(32, b"\0").hex()
        asked = {"to": self._token, "data": data}
        return int(await self._call("eth_call", asked, "latest"), 16)

    async def close(self) -> None:
        """Let go of it."""
        await self._http.aclose()

    async def _send(self, sender: str, data: bytes) -> None:
        transaction = {"from": sender, "to": self._token, "data": f"0x{data.hex()}"}
        sent = await self._call("eth_sendTransaction", transaction)
        for _ in range(_BLOCKS_MAX):
            if await self._call("eth_getTransactionReceipt", sent) is not None:
                return
            await asyncio.sleep(_BLOCK_S / 2)
        raise CheckFailed("The local chain makes no blocks.", remedy="Run `anvil` to see why.")

    async def _call(self, method: str, *params: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = (await self._http.post(self.url, json=question)).json()
        if "error" in answer:
            problem = f"The local chain refuses {method}: {answer['error']}."
            raise CheckFailed(problem, remedy="Try another version of anvil.")
        return answer["result"]


@asynccontextmanager
async def running_chain() -> AsyncIterator[LocalChain]:
    """Start a chain with a block a second; end it with the context.

    Raises:
        OperatorError: there is no anvil, or it does not start.
    """
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(_find_anvil(), "--host", LOOPBACK, "--port", str(port), "--silent"),
        *("--chain-id", str(chain_named(CHAIN).chain_id), "--block-time", str(_BLOCK_S)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to handle
    )
    chain = LocalChain(f"http://{LOOPBACK}:{port}")
    try:
        await _until_it_answers(chain, process)
        await chain.put_token()
        yield chain
    finally:
        await chain.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_it_answers(chain: LocalChain, process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_START_S):
            while process.returncode is None:
                try:
                    await chain.head()
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
                else:
                    return
    except TimeoutError:
        pass
    raise CheckFailed("The local chain does not start.", remedy="Run `anvil` to see why.")


def _find_anvil() -> str:
    """Return where anvil is.

    Raises:
        OperatorError: nowhere.
    """
    built = sorted(_BUILT.glob("anvil-*/bin/anvil"))
    found = shutil.which("anvil") or (str(built[0].absolute()) if built else None)
    if found is None:
        remedy = (
            "Install it, for example with `npm install --global @foundry-rs/anvil`, "
            "or run `make demo ARGS=--chain` where npm is."
        )
        raise OperatorError("There is no local chain: anvil was not found.", remedy=remedy)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _raw(wallet: str) -> bytes:
    return bytes.fromhex(wallet.removeprefix("0x"))
