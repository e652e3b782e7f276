"""Several RPC servers as one chain: fail-over where one will do, agreement where money is booked.

What we send or estimate takes the first server that answers. What is *booked* (payments that
came, payments that were mined) must be told alike by as many servers as the quorum says.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from masq_accountant.chain.port import ServerState, TransferPage
from masq_accountant.chain.server import Server
from masq_accountant.errors import ChainError, ChainRefused, ChainUnavailable, ServersDisagree
from masq_accountant.settlement import Market, Sight, Transfer
from masq_kernel.chains import Chain
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["BLOCKS_FIRST", "Servers"]

BLOCKS_FIRST, BLOCKS_MIN = 10_000, 16
"""How many blocks one question about transfers covers, at first, and when a server refuses."""

GAS_MARGIN_NUMERATOR, GAS_MARGIN_DENOMINATOR = 5, 4
GAS_MAX = 500_000
"""A transfer of tokens takes about 55,000; a server that says more than this is not believed."""

T = TypeVar("T")


class Servers:
    """Answers as a chain (`ChainPort`).

    Args:
        chain: which one.
        urls: of its servers, the preferred one first.
        quorum: how many must agree; at most as many as there are.
        confirmations: how many blocks make a transaction final.
        timeout_s: for one question to one server.
    """

    def __init__(
        self,
        chain: Chain,
        urls: Sequence[str],
        *,
        quorum: int,
        confirmations: int,
        timeout_s: float = 10.0,
    ) -> None:
        self._servers = [
            Server(chain, url, confirmations=confirmations, timeout_s=timeout_s) for url in urls
        ]
        self._quorum, self._confirmations = min(quorum, len(urls)), confirmations
        self._blocks = BLOCKS_FIRST
        self._failures: Counter[str] = Counter()

    @property
    def failures(self) -> Mapping[str, int]:
        """How many questions failed, by server."""
        return self._failures

    async def check(self) -> Sequence[ServerState]:
        """Ask every server how it is."""

        async def one(server: Server) -> ServerState:
            try:
                return ServerState(server.name, await server.head(), "")
            except ChainError as error:
                return ServerState(server.name, None, str(error))

        return await asyncio.gather(*map(one, self._servers))

    async def balances(self, wallet: WalletAddress) -> tuple[Wei, int]:
        """Return wei of MASQ, and wei of the chain's own coin."""
        return await self._first(lambda server: server.balances(wallet))

    async def market(self) -> Market:
        """Return what gas costs now."""
        return await self._first(lambda server: server.market())

    async def nonce(self, wallet: WalletAddress) -> int:
        """Return the next nonce, waiting transactions that a server knows included."""
        return await self._first(lambda server: server.nonce(wallet))

    async def gas(self, payer: WalletAddress, to: WalletAddress, amount: Wei) -> int:
        """Return how much gas a transfer needs, with a margin."""
        needed = await self._first(lambda server: server.gas(payer, to, amount))
        if needed > GAS_MAX:
            raise ChainRefused(f"a transfer would take {needed} gas")
        return needed * GAS_MARGIN_NUMERATOR // GAS_MARGIN_DENOMINATOR

    async def send(self, raw: bytes) -> None:
        """Offer a signed transaction to every server: one may keep it to itself."""
        outcomes = await self._all(self._servers, lambda server: server.send(raw))
        if all(isinstance(outcome, ChainError) for outcome in outcomes):
            raise _worst(outcomes)

    async def sight(self, wallet: WalletAddress, hashes: Sequence[bytes]) -> Sight:
        """Return what the chain shows of a payment, as enough servers agree.

        Heads differ for a moment all the time; what is agreed upon is the receipt, and that a nonce
        is taken. The least advanced of those that agree gives the depth.
        """
        sights = await self._agreeing(
            self._servers,
            lambda server: server.sight(wallet, hashes),
            lambda sight: (sight.receipt, sight.nonce_deep if sight.receipt is None else None),
        )
        return min(sights, key=lambda sight: (sight.head, sight.nonce_next))

    async def safe_head(self) -> int:
        """Return the newest block that is deep enough on enough servers."""
        heads = await self._heads()
        return _safe(heads, self._quorum, self._confirmations)

    async def transfers(self, to: WalletAddress, first: int) -> TransferPage:
        """Return the next transfers to a wallet from a block on, as enough servers agree."""
        heads = await self._heads()
        safe = _safe(heads, self._quorum, self._confirmations)
        if first > safe:
            return TransferPage((), first - 1, is_all=True)
        able = [server for server, head in heads if head >= safe]
        while True:
            last = min(first + self._blocks - 1, safe)
            try:
                found = await self._transfers(able, to, first, last)
            except ChainRefused:
                if last - first < BLOCKS_MIN:
                    raise
                self._blocks = max(BLOCKS_MIN, (last - first + 1) // 2)
                continue
            return TransferPage(found, last, is_all=last == safe)

    async def close(self) -> None:
        """Let go of connections."""
        await asyncio.gather(*(server.close() for server in self._servers))

    # -- inside ------------------------------------------------------------------------------

    async def _transfers(
        self, able: Sequence[Server], to: WalletAddress, first: int, last: int
    ) -> tuple[Transfer, ...]:
        found = await self._agreeing(
            able, lambda server: server.transfers(to, first, last), lambda answer: answer
        )
        return found[0]

    async def _heads(self) -> list[tuple[Server, int]]:
        outcomes = await self._all(self._servers, lambda server: server.head())
        heads = [
            (server, outcome)
            for server, outcome in zip(self._servers, outcomes, strict=True)
            if isinstance(outcome, int)
        ]
        if len(heads) < self._quorum:
            raise _worst(outcomes)
        return heads

    async def _first(self, ask: Callable[[Server], Awaitable[T]]) -> T:
        """Return the first answer; whoever gave it is asked first the next time."""
        problems: list[ChainError] = []
        for server in list(self._servers):
            try:
                answer = await ask(server)
            except ChainError as error:
                problems.append(self._failed(server, error))
                continue
            self._servers.remove(server)
            self._servers.insert(0, server)
            return answer
        raise _worst(problems)

    async def _agreeing(
        self,
        servers: Sequence[Server],
        ask: Callable[[Server], Awaitable[T]],
        of: Callable[[T], object],
    ) -> list[T]:
        """Return the answers of a quorum that says the same.

        Raises:
            ChainUnavailable, ChainRefused: too few answer.
            ServersDisagree: too few say the same.
        """
        outcomes = await self._all(servers, ask)
        answers = [each for each in outcomes if not isinstance(each, ChainError)]
        if len(answers) < self._quorum:
            raise _worst(outcomes)
        groups: dict[object, list[T]] = {}
        for answer in answers:
            groups.setdefault(of(answer), []).append(answer)
        best = max(groups.values(), key=len)
        rivals = sum(len(group) == len(best) for group in groups.values())
        if len(best) < self._quorum or rivals > 1:
            raise ServersDisagree(f"{len(answers)} servers tell {len(groups)} different stories")
        return best

    async def _all(
        self, servers: Sequence[Server], ask: Callable[[Server], Awaitable[T]]
    ) -> list[T | ChainError]:
        async def one(server: Server) -> T | ChainError:
            try:
                return await ask(server)
            except ChainError as error:
                return self._failed(server, error)

        return await asyncio.gather(*map(one, servers))

    def _failed(self, server: Server, error: ChainError) -> ChainError:
        self._failures[server.name] += 1
        said = f"{server.name}: {error}"
        if isinstance(error, ChainRefused):
            return ChainRefused(said, error.code)
        return type(error)(said)


def _safe(heads: Sequence[tuple[Server, int]], quorum: int, confirmations: int) -> int:
    """Return the newest block that a quorum of servers has buried deep enough; -1: none is."""
    deepest = sorted((head for _, head in heads), reverse=True)[quorum - 1]
    return max(-1, deepest - confirmations + 1)


def _worst(outcomes: Sequence[object]) -> ChainError:
    """Return the error to raise when too few answer: what one said before that others did not."""
    errors = [each for each in outcomes if isinstance(each, ChainError)]
    for kind in (ServersDisagree, ChainRefused):
        for error in errors:
            if isinstance(error, kind):
                return error
    said = "; ".join(dict.fromkeys(str(error) for error in errors))
    return ChainUnavailable(said or "no RPC server is set")
