"""Pay what is due, and follow each payment until the chain has had the last word.

    pay      choose -> sign -> write down, debt marked in flight -> send
    follow   ask the chain -> book as paid | release | send again | sign a dearer one, write, send

Nothing is sent before it is written down, and what is written down is sent again until it is mined
or can never be: a crash at any point neither loses a payment nor makes two (transactional outbox).
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

import structlog

from masq_accountant.chain import ChainPort, Signer
from masq_accountant.errors import ChainError
from masq_accountant.ledger import Account, Entry, Kind, Standing
from masq_accountant.ledger.thresholds import Thresholds
from masq_accountant.scans import Outcome
from masq_accountant.settlement import (
    Attempt,
    Bury,
    Confirm,
    Debt,
    Fail,
    FeePolicy,
    Fees,
    Funds,
    Mine,
    Payment,
    Phase,
    Receipt,
    Resend,
    Return,
    Selected,
    Sight,
    Wait,
    bookings,
    next_step,
    select,
    step_after,
)
from masq_accountant.store import Ledger
from masq_accountant.store.payments import PaymentStore
from masq_accountant.unbroken import unbroken
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import Wei, masq_text

__all__ = ["Payer"]

ATTEMPTS_MAX = 12
"""Of one payment, each an eighth dearer than the last: four times the first price."""

WAITING_MAX = 64
"""Transactions of our wallet that no block has and a server may tell of; more is not believed."""

_log = structlog.get_logger()

Reconcile = Callable[[list[NodeId]], Coroutine[Any, Any, None]]
Tell = Callable[[Payment], Awaitable[None]]


class Payer:
    """Pays; one thing at a time.

    Args:
        ledger: what we owe.
        store: all payments.
        chain: where they are made.
        signers: of each consuming wallet.
        payer_of: which of them pays an earning wallet.
        thresholds: gives those in force.
        policy: what gas may cost.
        reconcile: asks creditors what we owe them, before they are paid.
        tell: told of each payment that has changed.
        clock: for ages.
        confirmations: how many blocks make a payment final.
        stuck_s: how long one waits before a dearer one is made.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: PaymentStore,
        chain: ChainPort,
        signers: Mapping[WalletAddress, Signer],
        *,
        payer_of: Callable[[WalletAddress], WalletAddress],
        thresholds: Callable[[], Thresholds],
        policy: FeePolicy,
        reconcile: Reconcile,
        tell: Tell,
        clock: Clock,
        confirmations: int,
        stuck_s: int,
    ) -> None:
        self._ledger, self._store, self._chain = ledger, store, chain
        self._signers, self._payer_of = signers, payer_of
        self._thresholds, self._policy, self._clock = thresholds, policy, clock
        self._reconcile, self._tell = reconcile, tell
        self._confirmations, self._stuck_s = confirmations, stuck_s
        self._working = asyncio.Lock()

    # -- paying ------------------------------------------------------------------------------

    async def pay(self) -> Outcome:
        """Pay what is due and can be paid.

        Raises:
            ChainError: the chain cannot be asked.
            LedgerReadOnly: what these books say is not to be believed.
        """
        due = self._due()
        if not due:
            return Outcome("nothing is due")
        await unbroken(self._reconcile(self._creditors(due)), name="reconcile before paying")
        async with self._working:
            return await self._pay_all()

    async def _pay_all(self) -> Outcome:
        due: dict[WalletAddress, list[Debt]] = {}
        for debt in self._due():
            due.setdefault(self._payer_of(debt.wallet), []).append(debt)
        if not due:
            return Outcome("nothing is due any more, now that the books were compared")
        outcomes = [await self._pay(payer, debts) for payer, debts in due.items()]
        return Outcome(
            "; ".join(outcome.text for outcome in outcomes),
            changed=sum(outcome.changed for outcome in outcomes),
            is_well=all(outcome.is_well for outcome in outcomes),
        )

    async def _pay(self, payer: WalletAddress, due: list[Debt]) -> Outcome:
        """Pay with one wallet."""
        if payer not in self._signers:
            text = f"{len(due)} debts wait: the wallet that owes them is gone"
            return Outcome(text, is_well=False)
        market = await self._chain.market()
        fees = self._policy.offer(market)
        if fees is None:
            return Outcome(f"{len(due)} debts wait: gas costs more than is allowed", is_well=False)
        tokens, coin = await self._chain.balances(payer)
        under_way = self._store.open(payer)
        waiting = [each for each in under_way if each.phase is Phase.IN_FLIGHT]
        tokens = Wei(tokens - sum(each.amount for each in waiting))
        if tokens <= 0:
            return Outcome(f"{len(due)} debts wait: the wallet has no MASQ left", is_well=False)
        gas = await self._gas(payer, Wei(min(tokens, min(debt.owed for debt in due))))
        coin -= sum(each.attempts[-1].fees.cost(gas) for each in waiting)
        funds = Funds(tokens=tokens, coin=max(0, coin), fee=fees.cost(gas))
        chosen = select(due, self._thresholds(), funds)
        made = await self._make_all(payer, chosen.payments, gas, fees)
        total = masq_text(Wei(sum(each.amount for each in made)))
        text = f"{len(made)} payments of {total} MASQ were sent"
        if chosen.left:
            text += f"; {chosen.left} debts wait: {chosen.why}"
        return Outcome(text, changed=len(made), is_well=bool(made) or not chosen.left)

    async def _make_all(
        self, payer: WalletAddress, wanted: tuple[Selected, ...], gas: int, fees: Fees
    ) -> list[Payment]:
        nonce = await self._next_nonce(payer) if wanted else 0
        made = []
        for offset, each in enumerate(wanted):
            made.append(await self._make(payer, each, nonce + offset, gas, fees))
        return made

    async def _make(
        self, payer: WalletAddress, wanted: Selected, nonce: int, gas: int, fees: Fees
    ) -> Payment:
        """Sign a payment, write it down together with the debt's mark, and only then send it."""
        attempt, now = await self._sign(payer, wanted, nonce, gas, fees), self._clock.unix()
        payment = Payment(
            number=self._store.next_number,
            payer=payer,
            wallet=wanted.wallet,
            amount=wanted.amount,
            nonce=nonce,
            attempts=(attempt,),
            created_at=now,
            updated_at=now,
        )
        await self._book(payment, "in-flight", bookings.signed(payment))
        _log.info("payment signed", number=payment.number, nonce=nonce)
        await self._send(payment)
        return payment

    async def _sign(
        self, payer: WalletAddress, wanted: Selected, nonce: int, gas: int, fees: Fees
    ) -> Attempt:
        signed = await self._signers[payer].sign_transfer(
            wanted.wallet, wanted.amount, nonce=nonce, gas=gas, fees=fees
        )
        return Attempt(raw=signed.raw, hash=signed.hash, fees=fees, at=self._clock.unix())

    async def _send(self, payment: Payment) -> None:
        try:
            await self._chain.send(payment.attempts[-1].raw)
        except ChainError as error:  # it is written down: the next scan sends it again
            _log.warning("payment not taken yet", number=payment.number, reason=str(error))

    async def _gas(self, payer: WalletAddress, amount: Wei) -> int:
        """Return how much gas a transfer to anybody needs at most.

        To a wallet that never had the token it takes a third more than to others, so the question
        is about one that cannot have: nobody knows it before it is asked.
        """
        seed = payer.raw + self._store.next_number.to_bytes(8, "big")
        fresh = WalletAddress(hashlib.sha256(seed).digest()[:20])
        return await self._chain.gas(payer, fresh, amount)

    async def _next_nonce(self, payer: WalletAddress) -> int:
        """Return the first nonce that neither the chain nor a payment of ours has.

        What no block has yet is one server's word, so it may add only a little.
        """
        in_blocks = (await self._chain.sight(payer, ())).nonce_next
        waiting = await self._chain.nonce(payer)
        if not in_blocks <= waiting <= in_blocks + WAITING_MAX:
            waiting = in_blocks
        return max(waiting, *(each.nonce + 1 for each in self._store.open(payer)), in_blocks)

    def _due(self) -> list[Debt]:
        """Return the debts that are due, without what is in flight already."""
        now, thresholds = self._clock.unix(), self._thresholds()
        standings, none = self._ledger.standings(), Standing()
        debts = []
        for account, standing in standings.items():
            if account.kind is not Kind.PAYABLE or account.wallet is None:
                continue
            in_flight = standings.get(Account(Kind.IN_FLIGHT, account.wallet), none).balance
            debt = Debt(account.wallet, Wei(-standing.balance - in_flight), standing.age_s(now))
            if thresholds.qualifies(debt.owed, debt.age_s):
                debts.append(debt)
        return debts

    def _creditors(self, debts: list[Debt]) -> list[NodeId]:
        """Return the nodes that earn with these wallets."""
        wallets = {debt.wallet for debt in debts}
        nodes = (
            account.node
            for account in self._ledger.standings()
            if account.kind is Kind.OWED_TO_NODE and account.wallet in wallets
        )
        return list(dict.fromkeys(node for node in nodes if node is not None))

    # -- following ---------------------------------------------------------------------------

    async def follow(self) -> Outcome:
        """Look after every payment that is not finished.

        Raises:
            ChainError: the chain cannot be asked about any of them.
            LedgerReadOnly: nothing may be booked.
        """
        async with self._working:
            await self._watch()
            waiting = self._store.open()
            if not waiting:
                return Outcome("no payment is under way")
            problems: list[ChainError] = []
            finished = 0
            for payment in waiting:
                try:
                    finished += await self._advance(payment)
                except ChainError as error:
                    problems.append(error)
            if len(problems) == len(waiting):
                raise problems[0]
            left = len(self._store.open())
            text = f"{finished} payments were finished, {left} are under way"
            if problems:
                text += f"; {len(problems)} could not be looked up: {problems[0]}"
            return Outcome(text, changed=finished, is_well=not problems)

    async def _advance(self, payment: Payment) -> bool:
        """Take the next step with a payment; return whether it is finished."""
        now = self._clock.unix()
        hashes = [each.hash for each in payment.attempts]
        step = next_step(
            payment,
            await self._chain.sight(payment.payer, hashes),
            now=now,
            confirmations=self._confirmations,
            stuck_s=self._stuck_s,
        )
        match step:
            case Wait():
                pass
            case Mine(receipt):
                await self._keep(replace(_in_block(payment, receipt), updated_at=now))
            case Confirm(receipt):
                done = replace(_in_block(payment, receipt), phase=Phase.CONFIRMED, updated_at=now)
                place = f"paid:{receipt.block_hash.hex()}"
                await self._book(done, place, bookings.confirmed(done))
                _log.info("payment confirmed", number=done.number)
            case Fail(reason, receipt):
                seen = payment if receipt is None else _in_block(payment, receipt)
                await self._book(seen.failed(reason, now), "released", bookings.failed(seen))
                _log.warning("payment failed", number=payment.number, reason=reason)
            case Return():
                _log.warning("a payment's block left the chain", number=payment.number)
                await self._keep(payment.unmined(now))
                await self._send(payment)
            case Resend(dearer):
                await self._resend(payment, dearer=dearer)
        return not self._store.payments[payment.number].is_open

    async def _watch(self) -> None:
        """Look at what is confirmed until it is buried; what left the chain is in flight again."""
        for payment in self._store.watched():
            hashes = [each.hash for each in payment.attempts]
            try:
                sight = await self._chain.sight(payment.payer, hashes)
            except ChainError:  # the next scan looks again; who is under way cannot wait for that
                continue
            await self._look_again(payment, sight)

    async def _look_again(self, payment: Payment, sight: Sight) -> None:
        match step_after(payment, sight, confirmations=self._confirmations):
            case Bury():
                await self._keep(replace(payment, is_final=True))
            case Mine(receipt):
                await self._keep(replace(_in_block(payment, receipt), phase=Phase.CONFIRMED))
            case Return():
                assert payment.block_hash is not None
                _log.error("a confirmed payment left the chain", number=payment.number)
                again = payment.unmined(self._clock.unix())
                what = f"returned:{payment.block_hash.hex()}"
                await self._book(again, what, bookings.returned(payment))
                await self._send(again)
            case _:
                pass

    async def _resend(self, payment: Payment, *, dearer: bool) -> None:
        can_sign = payment.payer in self._signers and len(payment.attempts) < ATTEMPTS_MAX
        if dearer and can_sign:
            fees = self._policy.replacement(payment.attempts[-1].fees, await self._chain.market())
            if fees is not None:
                payment = await self._replace(payment, fees)
        await self._send(payment)

    async def _replace(self, payment: Payment, fees: Fees) -> Payment:
        """Sign a dearer transaction of the same nonce, and write it down before it is sent."""
        same = Selected(payment.wallet, payment.amount)
        payer, gas = payment.payer, await self._gas(payment.payer, payment.amount)
        dearer = payment.with_attempt(await self._sign(payer, same, payment.nonce, gas, fees))
        await self._keep(dearer)
        _log.info("payment offered at a higher price", number=payment.number)
        return dearer

    # -- keeping -----------------------------------------------------------------------------

    async def _book(self, payment: Payment, what: str, entries: list[Entry]) -> None:
        """Book and keep a payment in one database transaction."""
        await unbroken(self._book_at_once(payment, what, entries), name=f"book {what}")
        await self._tell(payment)

    async def _book_at_once(self, payment: Payment, what: str, entries: list[Entry]) -> None:
        cause = f"{payment.cause}:{what}"
        beside = self._store.saving(payment)
        if await self._ledger.book(cause, entries, self._clock.unix(), beside=beside):
            self._store.note(payment)

    async def _keep(self, payment: Payment) -> None:
        await unbroken(self._store.save(payment), name="keep a payment")
        await self._tell(payment)


def _in_block(payment: Payment, receipt: Receipt) -> Payment:
    return replace(
        payment,
        phase=Phase.MINED,
        mined=receipt.hash,
        block=receipt.block,
        block_hash=receipt.block_hash,
        gas_cost=receipt.gas_cost,
    )
