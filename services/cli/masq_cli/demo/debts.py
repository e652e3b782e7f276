"""The demo's second act: debts are paid on a chain, and who does not pay is refused meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from masq_cli.demo.chain import LocalChain
from masq_cli.demo.display import Display
from masq_cli.demo.mesh import Mesh, MeshNode
from masq_cli.demo.plan import SCAN_S
from masq_cli.errors import CheckFailed
from masq_cli.show.values import amount
from masq_kernel.clock import Clock
from masq_kernel.units import WEI_PER_GWEI, WEI_PER_MASQ

__all__ = ["FUNDS", "STRICT", "Debts", "fund"]

FUNDS = 1_000 * WEI_PER_MASQ

SMALL_GWEI = 10
"""Debts up to this are never paid; 200 kB through a relay cost as much."""

STRICT: dict[str, str | int] = {
    "debt_threshold_gwei": "20",
    "permanent_debt_allowed_gwei": str(SMALL_GWEI),
    "unban_below_gwei": str(SMALL_GWEI),
    "credit_limit_gwei": str(10**15),
    "maturity_threshold_sec": 2,
    "payment_grace_period_sec": 4,
    "threshold_interval_sec": 10,
}
"""Debts of a download are due after seconds, and a debtor is refused a few seconds later."""

_WAIT_S = 60.0
_POLL_S = 0.3
_REMEDY = "Look at `masq scan` and `masq settlements` (keep the nodes' files with --keep)."


async def fund(chain: LocalChain, mesh: Mesh) -> None:
    """Give every node's consuming wallet something to pay with."""
    for node in mesh.nodes:
        await chain.give(node.made.consuming.text, FUNDS)


class Debts:
    """Tells how they are paid.

    Args:
        mesh: the nodes.
        client: the one that owes.
        chain: where it pays.
        display: where the story is told.
        clock: limits how long anything may take.
    """

    def __init__(
        self, mesh: Mesh, client: MeshNode, chain: LocalChain, display: Display, clock: Clock
    ) -> None:
        self._mesh, self._client, self._chain = mesh, client, chain
        self._display, self._clock = display, clock
        self._shown = 0  # the last payment that was told of

    async def run(self, download: Callable[[], Awaitable[None]]) -> None:
        """Pay, fail to pay, and pay again.

        Args:
            download: makes new debts.

        Raises:
            CheckFailed: what should happen does not.
        """
        self._tell("due", "\nFrom now on debts are due after two seconds (`masq thresholds set`):")
        for node in self._mesh.nodes:
            await node.api.change("/v1/thresholds", lambda before: {**before, **STRICT})
        await self._show_paid()
        taken = await self._chain.take(self._client.made.consuming.text)
        self._tell("broke", "\nThe client's wallet is emptied, and it downloads once more:")
        await download()
        await self._show_bans()
        await self._chain.give(self._client.made.consuming.text, taken)
        self._tell("rich", "\nThe client has tokens again:")
        await self._show_paid()
        await self._until("the bans are lifted", self._is_served)
        self._tell("served", "  Everybody serves it again.")

    async def _show_paid(self) -> None:
        await self._until("the client has paid", self._is_paid)
        fresh = [each for each in await self._payments() if each["number"] > self._shown]
        for payment in reversed(fresh):
            self._shown = payment["number"]
            line = (
                f"  paid {amount(payment['amount']):>20} wei to {payment['wallet'][:10]}...  "
                f"in block {payment['block']}, transaction {payment['transaction'][:12]}..."
            )
            self._display.tell("paid", line, {key: payment[key] for key in ("amount", "wallet")})
        await self._until("the creditors have found it", self._is_received)
        paid, received = await self._sums()
        line = f"  {amount(paid)} wei were paid, and {amount(received)} received: "
        verdict = "equal to the wei" if paid == received else "NOT EQUAL"
        data = {"paid_wei": str(paid), "received_wei": str(received), "equal": paid == received}
        self._display.tell("settled", line + verdict, data)

    async def _show_bans(self) -> None:
        await self._until("a creditor refuses the client", self._is_refused)
        await asyncio.sleep(2 * SCAN_S)  # the others do a moment later
        for node, ban in await self._bans():
            line = (
                f"  node {node.number} refuses {ban['wallet'][:10]}...: {ban['cause']}, "
                f"owes {amount(ban['owed'])} wei"
            )
            self._display.tell("banned", line, {"node": node.number, "cause": ban["cause"]})

    # -- questions ---------------------------------------------------------------------------

    async def _payments(self) -> list[dict[str, Any]]:
        return await self._client.api.items("/v1/settlements", phase="confirmed")

    async def _sums(self) -> tuple[int, int]:
        """Return what the client has paid, and what all others have received."""
        paid = int((await self._client.api.get("/v1/wallets"))["paid"])
        others = [node for node in self._mesh.nodes if node is not self._client]
        shown = await asyncio.gather(*(node.api.get("/v1/wallets") for node in others))
        return paid, sum(int(each["received"]) for each in shown)

    async def _bans(self) -> list[tuple[MeshNode, dict[str, Any]]]:
        wallet = self._client.made.consuming.text
        listed = await asyncio.gather(
            *(node.api.items("/v1/bans", kind="financial") for node in self._mesh.nodes)
        )
        return [
            (node, ban)
            for node, bans in zip(self._mesh.nodes, listed, strict=True)
            for ban in bans
            if ban["wallet"] == wallet and ban["cause"]
        ]

    async def _is_paid(self) -> bool:
        owed = await self._client.api.items("/v1/ledger/payables")
        limit = SMALL_GWEI * WEI_PER_GWEI
        return bool(await self._payments()) and all(int(each["balance"]) <= limit for each in owed)

    async def _is_received(self) -> bool:
        paid, received = await self._sums()
        return paid == received

    async def _is_refused(self) -> bool:
        return bool(await self._bans())

    async def _is_served(self) -> bool:
        return not await self._bans()

    async def _until(self, what: str, question: Callable[[], Awaitable[bool]]) -> None:
        deadline = self._clock.monotonic() + _WAIT_S
        while not await question():
            if self._clock.monotonic() > deadline:
                raise CheckFailed(f"Within {_WAIT_S:g} s not {what}.", remedy=_REMEDY)
            await asyncio.sleep(_POLL_S)

    def _tell(self, kind: str, text: str) -> None:
        self._display.tell(kind, text, {})
