"""Ask our creditors what we owe them, and compare it with our books (accounting.md section 5).

for each node that we ever owed: question -> a route that ends there -> statement -> compare
agreed     nothing
lower      once no traffic goes on, we settle on it: the difference is booked back
disputed   kept with both words; only what our books say will be paid; gossip hears of it
silent     no route, or no answer; asked again the next time
"""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from masq_accountant.errors import LedgerReadOnly
from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.ledger.evidence import (
    NONCE_SIZE,
    Finding,
    Question,
    Statement,
    compare,
    slack_of,
)
from masq_accountant.notary import Notary
from masq_accountant.store import Ledger
from masq_accountant.store.evidence import statement_text, voucher_text
from masq_accountant.wallets import Wallets
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable
from masq_kernel.bus.messages.evidence import CreditorDisputed, CreditorFinding
from masq_kernel.bus.messages.router import AskCreditor
from masq_kernel.bus.port import Bus
from masq_kernel.clock import Clock
from masq_kernel.entropy import Entropy
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["Reconciler"]

AT_ONCE = 4
"""Creditors asked at the same time; each takes a route."""

ANSWER_S = 20.0

AT_REST_S = 30
"""A lower figure may be one that has not arrived yet: it counts when nothing was booked so long."""

_ORDER = {"disputed": 0, "silent": 1, "lower": 2, "agreed": 3}

_log = structlog.get_logger()


class Reconciler:
    """Compares, never two times at once.

    Args:
        ledger: our books.
        notary: keeps what comes of it.
        wallets: the key that proves who asks.
        bus: to the router, which carries questions, and to gossip.
        clock, entropy: for questions.
    """

    def __init__(
        self,
        ledger: Ledger,
        notary: Notary,
        wallets: Wallets,
        bus: Bus,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._ledger, self._notary, self._wallets = ledger, notary, wallets
        self._bus, self._clock, self._entropy = bus, clock, entropy
        self._wanted: asyncio.Queue[NodeId | None] = asyncio.Queue(1)
        self.is_running = False
        self.finished_at: UnixSeconds | None = None
        self.findings: tuple[CreditorFinding, ...] = ()

    def start(self, node_id: NodeId | None) -> None:
        """Begin one, of one creditor or of all (None), unless one goes on."""
        if not self.is_running:
            self.is_running = True
            self._wanted.put_nowait(node_id)

    async def run(self) -> None:
        """Reconcile whenever somebody asks, for ever."""
        while True:
            node_id = await self._wanted.get()
            try:
                await self.reconcile([node_id] if node_id else self._notary.creditors())
            except SQLAlchemyError as error:
                _log.warning("a reconciliation could not be kept", reason=str(error.__class__))
            finally:
                self.is_running = False

    async def reconcile_all(self) -> str:
        """Ask all creditors, unless somebody is asking already; return what came of it."""
        if self.is_running:
            return "another one went on"
        await self.reconcile_unless_busy(self._notary.creditors())
        disputed = sum(each.finding == "disputed" for each in self.findings)
        silent = sum(each.finding == "silent" for each in self.findings)
        asked = len(self.findings)
        return f"{asked} creditors asked, {disputed} dispute, {silent} did not answer"

    async def reconcile_unless_busy(self, creditors: list[NodeId]) -> None:
        """Ask these, unless somebody is asking already."""
        if self.is_running or not creditors:
            return
        self.is_running = True
        try:
            await self.reconcile(creditors)
        finally:
            self.is_running = False

    async def reconcile(self, creditors: list[NodeId]) -> None:
        """Ask these, and keep what comes of it."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(node_id: NodeId, payer: WalletAddress) -> CreditorFinding:
            async with places:
                return await self._one(node_id, payer)

        pairs = ((each, payer) for each in creditors for payer in self._notary.payers(each))
        found = await asyncio.gather(*(one(each, payer) for each, payer in pairs))
        self.findings = tuple(sorted(found, key=lambda each: _ORDER[each.finding]))
        self.finished_at = self._clock.unix()

    async def _one(self, node_id: NodeId, payer: WalletAddress) -> CreditorFinding:
        ours = self._notary.owed(node_id, payer)
        try:
            statement = await self._ask(node_id, payer)
        except (BusRefused, BusTimeout, BusUnavailable, MalformedError) as problem:
            return CreditorFinding(
                node_id=node_id, finding="silent", ours=str(ours), theirs="", reason=str(problem)
            )
        finding = compare(ours, statement.charged, self._slack(node_id, payer))
        match finding:
            case Finding.DISPUTED:
                await self._dispute(node_id, ours, statement)
            case Finding.LOWER:
                await self._settle_on(node_id, statement)
                await self._notary.settle(_name(node_id, payer))
            case Finding.AGREED:
                await self._notary.settle(_name(node_id, payer))
        return CreditorFinding(
            node_id=node_id,
            finding=finding.value,
            ours=str(ours),
            theirs=str(statement.charged),
        )

    async def _ask(self, node_id: NodeId, wallet: WalletAddress) -> Statement:
        """Return a creditor's statement.

        Raises:
            BusRefused, BusTimeout, BusUnavailable: no route, or no answer.
            MalformedError: what came is not its answer, or the wallet is not ours any more.
        """
        key = self._wallets.keys.get(wallet)
        if key is None:
            raise MalformedError("question", "the consuming wallet that owes it is gone")
        question = Question(
            node_id=node_id,
            wallet=wallet,
            nonce=self._entropy.token(NONCE_SIZE),
            asked_at=self._clock.unix(),
        )
        signed = question.to_bytes(self._wallets.chain, key)
        asked = AskCreditor(node_id=node_id, question=signed)
        answered = await self._bus.request(subjects.ASK_CREDITOR, asked, timeout_s=ANSWER_S)
        statement = Statement.from_bytes(answered.answer, self._wallets.chain)
        if not statement.answers(question):
            raise MalformedError("statement", "answers another question")
        return statement

    def _slack(self, node_id: NodeId, payer: WalletAddress) -> Wei:
        booked = self._notary.creditor(node_id, payer)
        charged = sum(standing.charged for _, standing in booked)
        return slack_of(Wei(charged), sum(standing.size for _, standing in booked))

    async def _dispute(self, node_id: NodeId, ours: Wei, statement: Statement) -> None:
        payer, sequence = statement.wallet, self._notary.next_sequence()
        proof = self._wallets.own_word(payer, node_id, ours, sequence)
        await self._notary.dispute(
            _name(node_id, payer),
            node_id=node_id,
            wallet=statement.wallet,
            ours=ours,
            theirs=statement.charged,
            ours_signed=voucher_text(proof),
            theirs_signed=statement_text(statement),
        )
        await self._bus.publish(subjects.CREDITOR_DISPUTED, CreditorDisputed(node_id=node_id))

    async def _settle_on(self, node_id: NodeId, statement: Statement) -> None:
        """Book back what the creditor does not ask for."""
        booked = self._notary.creditor(node_id, statement.wallet)
        quiet_since = self._clock.unix() - AT_REST_S
        if any(standing.updated_at > quiet_since for _, standing in booked):
            return
        left = self._notary.owed(node_id, statement.wallet) - statement.charged
        entries: list[Entry] = []
        for account, standing in booked:
            amount = min(left, -standing.balance)
            if amount > 0:
                left -= amount
                entries += _booked_back(account, Wei(amount))
        if not entries:
            return
        cause = f"reconciled:{statement.nonce.hex()}"
        try:
            await self._ledger.book(cause, _summed(entries), self._clock.unix())
        except LedgerReadOnly:
            return
        _log.info("settled on the lower of two figures", node=node_id.short)


def _name(node_id: NodeId, payer: WalletAddress) -> bytes:
    """Return what a dispute between a creditor and one of our wallets is kept under."""
    return node_id.raw + payer.raw


def _booked_back(account: Account, amount: Wei) -> list[Entry]:
    return [
        Entry(account=Account(Kind.PAYABLE, account.wallet), amount=amount),
        Entry(account=Account(Kind.EXPENSE_ROUTING), amount=Wei(-amount)),
        Entry(account=account, amount=amount),
        Entry(account=Account(Kind.OWED_TO_NODES), amount=Wei(-amount)),
    ]


def _summed(entries: list[Entry]) -> list[Entry]:
    """Return one entry for each account."""
    sums: dict[Account, int] = {}
    for entry in entries:
        sums[entry.account] = sums.get(entry.account, 0) + entry.amount
    return [Entry(account=account, amount=Wei(amount)) for account, amount in sums.items()]
