# ruff: noqa: N802 - methods are named as JSON-RPC spells them
"""A local chain without anvil: py-evm (by eth-tester) behind JSON-RPC, where there is no npm.

It answers what the accountant asks, and can do what the tests of a payment's life need; it cannot
be rolled back, lie or forget.
"""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils.address import to_checksum_address

from masq_cli.demo.token import RUNTIME_CODE, mint_data
from masq_kernel.chains import chain_named
from support.nats_server import HOST, free_port

DEV = chain_named("dev")
TOKEN = to_checksum_address(DEV.token)
_BANKER = Account.from_key(bytes(31) + b"\xba")
_ACCOUNT = {"nonce": 0, "code": b"", "storage": {}}


class PyEvm:
    """Speaks as a node does, and as `support.evm.Evm` as far as tests need it."""

    def __init__(self, port):
        self.url = f"http://{HOST}:{port}"
        banker = bytes.fromhex(_BANKER.address[2:])
        state = {
            DEV.token: {**_ACCOUNT, "balance": 0, "code": RUNTIME_CODE},
            banker: {**_ACCOUNT, "balance": 10**30},
        }
        backend = PyEVMBackend(genesis_state=state)
        type(backend.chain).chain_id = DEV.chain_id
        self._chain = EthereumTester(backend)
        self._chain.mine_block()

    # -- as a test's operator ----------------------------------------------------------------

    async def mine(self, blocks=1):
        await asyncio.to_thread(self._chain.mine_blocks, blocks)

    async def give(self, wallet, *, tokens=0, coin=0):
        if coin:
            await asyncio.to_thread(self._send, wallet.text, b"", coin)
        if tokens:
            await asyncio.to_thread(self._send, TOKEN, mint_data(wallet.raw, tokens), 0)

    async def tokens(self, wallet):
        data = "0x70a08231" + wallet.raw.rjust(32, b"\0").hex()
        return int(self._chain.call({**_FROM, "to": TOKEN, "data": data}), 16)

    async def coin(self, wallet):
        return self._chain.get_balance(wallet.text)

    def _send(self, to, data, value):
        transaction = {
            "type": 2,
            "chainId": DEV.chain_id,
            "nonce": self._chain.get_nonce(_BANKER.address),
            "gas": 200_000,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 1,
            "to": to,
            "value": value,
            "data": data,
        }
        signed = Account.sign_transaction(transaction, _BANKER.key)
        self._chain.send_raw_transaction(f"0x{signed.raw_transaction.hex()}")

    # -- as a node ---------------------------------------------------------------------------

    async def answer(self, request):
        question = json.loads(await request.read())
        answer = {"jsonrpc": "2.0", "id": question["id"]}
        method = getattr(self, question["method"], None)
        if method is None:
            answer["error"] = {"code": -32601, "message": "the method is not there"}
        else:
            try:
                answer["result"] = await asyncio.to_thread(method, *question["params"])
            except Exception as error:
                answer["error"] = {"code": -32000, "message": f"{type(error).__name__}: {error}"}
        return web.json_response(answer)

    def eth_chainId(self):
        return hex(DEV.chain_id)

    def eth_blockNumber(self):
        return hex(self._chain.get_block_by_number("latest")["number"])

    def eth_gasPrice(self):
        return hex(2 * self._chain.get_block_by_number("latest")["base_fee_per_gas"])

    def eth_maxPriorityFeePerGas(self):
        return hex(10**9)

    def eth_getBalance(self, address, block):
        return hex(self._chain.get_balance(address, block_number=_number(block)))

    def eth_getTransactionCount(self, address, block):
        return hex(self._chain.get_nonce(address, block_number=_number(block)))

    def eth_call(self, transaction, _block):
        return self._chain.call({**_FROM, **transaction})

    def eth_estimateGas(self, transaction, _block="latest"):
        return hex(self._chain.estimate_gas({**_FROM, **transaction}))

    def eth_sendRawTransaction(self, raw):
        return self._chain.send_raw_transaction(raw)

    def eth_getBlockByNumber(self, block, _full):
        found = self._chain.get_block_by_number(_number(block))
        return {
            "number": hex(found["number"]),
            "hash": found["hash"],
            "baseFeePerGas": hex(found["base_fee_per_gas"]),
        }

    def eth_getTransactionReceipt(self, transaction):
        try:
            found = self._chain.get_transaction_receipt(transaction)
        except Exception:
            return None
        return {
            "transactionHash": transaction,
            "blockNumber": hex(found["block_number"]),
            "blockHash": found["block_hash"],
            "status": hex(found["status"]),
            "gasUsed": hex(found["gas_used"]),
            "effectiveGasPrice": hex(found["effective_gas_price"]),
        }

    def eth_getLogs(self, wanted):
        found = self._chain.get_logs(
            from_block=_number(wanted["fromBlock"]),
            to_block=_number(wanted["toBlock"]),
            address=wanted["address"],
            topics=wanted["topics"],
        )
        return [
            {
                "address": each["address"],
                "topics": list(each["topics"]),
                "data": each["data"],
                "blockNumber": hex(each["block_number"]),
                "blockHash": each["block_hash"],
                "transactionHash": each["transaction_hash"],
                "logIndex": hex(each["log_index"]),
                "removed": False,
            }
            for each in found
        ]


_FROM = {"from": _BANKER.address}


def _number(block):
    return int(block, 16) if block.startswith("0x") else block


@asynccontextmanager
async def running_pyevm():
    """Run one, with a block for each transaction."""
    port = free_port()
    made = PyEvm(port)
    application = web.Application()
    application.router.add_post("/", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield made
    finally:
        await runner.cleanup()
