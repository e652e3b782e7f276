"""One RPC server: typed questions, and answers that are checked before anybody believes them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import AsyncWeb3
from web3.exceptions import TransactionNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import LogReceipt, TxReceipt

from masq_accountant.chain.signer import transfer_data
from masq_accountant.chain.transport import BoundedProvider
from masq_accountant.errors import ChainError, ChainRefused, ChainUnavailable, ServersDisagree
from masq_accountant.settlement import Market, Receipt, Sight, Transfer
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["Server"]

_TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Keccak-256 of Transfer(address,address,uint256)."""

_BALANCE_OF = bytes.fromhex("70a08231")
_NUMBER_MAX = 1 << 64
_WEI_MAX = 1 << 256
_WORDS_MAX = 200

_ALREADY_THERE = ("already known", "already imported", "known transaction", "already in mempool")
_TOO_LATE = ("nonce too low", "nonce is too low", "old nonce")


class Server:
    """Asks one server.

    Args:
        chain: that it must be of.
        url: where it is; never printed.
        confirmations: how many blocks make a transaction final.
        timeout_s: for one question.
    """

    def __init__(self, chain: Chain, url: str, *, confirmations: int, timeout_s: float) -> None:
        parts = urlsplit(url)
        self.name = parts.hostname or "?"
        if parts.port is not None:
            self.name += f":{parts.port}"
        self._chain, self._confirmations = chain, confirmations
        self._token = to_checksum_address(chain.token)
        self._provider = BoundedProvider(url, timeout_s)
        self._web3: AsyncWeb3[Any] = AsyncWeb3(self._provider)
        self._web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        self._is_checked = False

    async def check(self) -> None:
        """Make sure that it is of the right chain.

        Raises:
            ChainUnavailable, ChainRefused: it is not, or does not say.
        """
        if self._is_checked:
            return
        async with self._asking():
            found = await self._web3.eth.chain_id
        if found != self._chain.chain_id:
            wanted = f"{self._chain.name} has {self._chain.chain_id}"
            raise ChainRefused(f"it is of the chain with id {found}; {wanted}")
        self._is_checked = True

    async def head(self) -> int:
        """Return the newest block's number."""
        await self.check()
        async with self._asking():
            return _number(await self._web3.eth.block_number)

    async def balances(self, wallet: WalletAddress) -> tuple[Wei, int]:
        """Return wei of MASQ, and wei of the chain's own coin."""
        await self.check()
        asked = {"to": self._token, "data": HexBytes(_BALANCE_OF + wallet.raw.rjust(32, b"\0"))}
        async with self._asking():
            tokens = bytes(await self._web3.eth.call(asked))  # type: ignore[arg-type]  # TxParams
            coin = await self._web3.eth.get_balance(_address(wallet))
        if len(tokens) != 32:
            raise ChainRefused("there is no token contract at its address")
        return Wei(int.from_bytes(tokens, "big")), _wei(coin)

    async def market(self) -> Market:
        """Return what gas costs now."""
        await self.check()
        async with self._asking():
            block = await self._web3.eth.get_block("latest")
            price = _wei(await self._web3.eth.gas_price)
            base = block.get("baseFeePerGas")
            if base is None:
                return Market(price)
            tip = _wei(await self._web3.eth.max_priority_fee)
        return Market(price, _wei(base), tip)

    async def nonce(self, wallet: WalletAddress) -> int:
        """Return the next nonce after all transactions that it knows, waiting ones included."""
        await self.check()
        async with self._asking():
            count = await self._web3.eth.get_transaction_count(_address(wallet), "pending")
        return _number(count)

    async def gas(self, payer: WalletAddress, to: WalletAddress, amount: Wei) -> int:
        """Return how much gas a transfer needs."""
        await self.check()
        transaction = {
            "from": _address(payer),
            "to": self._token,
            "data": HexBytes(transfer_data(to, amount)),
        }
        async with self._asking():
            found = await self._web3.eth.estimate_gas(transaction)  # type: ignore[arg-type]
        return _number(found)

    async def send(self, raw: bytes) -> None:
        """Offer a signed transaction; one that is known, or came too late, is no error."""
        await self.check()
        try:
            async with self._asking():
                await self._web3.eth.send_raw_transaction(HexBytes(raw))
        except ChainRefused as refused:
            words = refused.reason.lower()
            if not any(each in words for each in (*_ALREADY_THERE, *_TOO_LATE)):
                raise

    async def sight(self, wallet: WalletAddress, hashes: Sequence[bytes]) -> Sight:
        """Return what the chain shows of a payment."""
        head = await self.head()
        deep = max(0, head - self._confirmations + 1)
        async with self._asking():
            address = _address(wallet)
            taken = _number(await self._web3.eth.get_transaction_count(address, head))
            taken_deep = _number(await self._web3.eth.get_transaction_count(address, deep))
        receipts = [await self._receipt(each) for each in hashes]
        found = next((each for each in receipts if each is not None), None)
        return Sight(head=head, receipt=found, nonce_next=taken, nonce_deep=taken_deep)

    async def transfers(self, to: WalletAddress, first: int, last: int) -> tuple[Transfer, ...]:
        """Return the transfers to a wallet in these blocks, in the order of the chain.

        Raises:
            ChainRefused: it does not answer for so many blocks, or what it answers cannot be.
        """
        await self.check()
        topics = [_TRANSFER_TOPIC, None, "0x" + to.raw.rjust(32, b"\0").hex()]
        asked = {"address": self._token, "fromBlock": first, "toBlock": last, "topics": topics}
        async with self._asking():
            logs = await self._web3.eth.get_logs(asked)  # type: ignore[arg-type]  # FilterParams
            found = [self._transfer(log, to, first, last) for log in logs]
        made = {each.cause: each for each in found if each is not None}
        if len(made) != sum(each is not None for each in found):
            raise ServersDisagree(f"{self.name} tells of one transfer twice")
        return tuple(sorted(made.values()))

    async def close(self) -> None:
        """Let go of connections."""
        await self._provider.disconnect()

    # -- inside ------------------------------------------------------------------------------

    async def _receipt(self, transaction: bytes) -> Receipt | None:
        """Return where a transaction is, if its block is still of this chain."""
        async with self._asking():
            try:
                receipt = await self._web3.eth.get_transaction_receipt(HexBytes(transaction))
            except TransactionNotFound:
                return None
            found = _receipt(receipt, transaction)
            block = await self._web3.eth.get_block(found.block)
            return found if bytes(block["hash"]) == found.block_hash else None

    def _transfer(
        self, log: LogReceipt, to: WalletAddress, first: int, last: int
    ) -> Transfer | None:
        """Return what a log tells, None for one of nothing; refuse one that was not asked for."""
        topics = [bytes(topic) for topic in log["topics"]]
        block, amount = _number(log["blockNumber"]), int.from_bytes(bytes(log["data"]), "big")
        is_asked = (
            bytes.fromhex(log["address"][2:]) == self._chain.token
            and len(topics) == 3
            and topics[0].hex() == _TRANSFER_TOPIC[2:]
            and topics[2] == to.raw.rjust(32, b"\0")
            and topics[1][:12] == bytes(12)
            and len(log["data"]) == 32
            and first <= block <= last
            and not log.get("removed", False)
        )
        if not is_asked:
            raise ServersDisagree(f"{self.name} tells of transfers that nobody asked for")
        if amount == 0:
            return None
        return Transfer(
            block=block,
            log_index=_number(log["logIndex"]),
            transaction=_hash(log["transactionHash"]),
            block_hash=_hash(log["blockHash"]),
            payer=WalletAddress(topics[1][12:]),
            amount=Wei(amount),
        )

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Turn everything that a bad server can cause into one of our errors."""
        try:
            yield
        except ChainError:
            raise
        except Web3RPCError as error:
            raise _refused(error) from None
        except (Web3Exception, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise ChainUnavailable("the answer makes no sense") from None


def _refused(error: Web3RPCError) -> ChainRefused:
    response = error.rpc_response or {}
    said = response.get("error")
    words, code = (
        (said.get("message"), said.get("code")) if isinstance(said, dict) else (said, None)
    )
    text = "".join(each for each in str(words or error) if each.isprintable())[:_WORDS_MAX]
    return ChainRefused(text, code if isinstance(code, int) else None)


def _receipt(receipt: TxReceipt, transaction: bytes) -> Receipt:
    if _hash(receipt["transactionHash"]) != transaction:
        raise ValueError
    used = _number(receipt["gasUsed"])
    return Receipt(
        hash=transaction,
        block=_number(receipt["blockNumber"]),
        block_hash=_hash(receipt["blockHash"]),
        succeeded=receipt["status"] == 1,
        gas_cost=used * _wei(receipt.get("effectiveGasPrice", 0)),
    )


def _address(wallet: WalletAddress) -> Any:
    return to_checksum_address(wallet.raw)


def _hash(value: Any) -> bytes:
    found = bytes(value)
    if len(found) != 32:
        raise ValueError
    return found


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _NUMBER_MAX:
        raise ValueError
    return value


def _wei(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _WEI_MAX:
        raise ValueError
    return int(value)
