"""Keep what others have signed, say what we sign ourselves, and note who contradicts us.

vouchers   the last word of each debtor; one that owns up to less than before is a dispute
uncovered  what we have charged beyond that word
answer     a statement for a debtor that asks and proves its wallet
owed       what we own up to ourselves, with each payer proof
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice

import structlog

from masq_accountant.ledger import Account, Kind, Standing
from masq_accountant.ledger.bans import Uncovered
from masq_accountant.ledger.evidence import (
    Dispute,
    Question,
    Statement,
    Voucher,
    price_of,
    slack_of,
)
from masq_accountant.store import Ledger
from masq_accountant.store.evidence import (
    dispute_drawer,
    statement_text,
    voucher_drawer,
    voucher_text,
)
from masq_kernel.bus.messages.router import VoucherGiven
from masq_kernel.clock import Clock
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.proofs import ProofClaim
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["STRANGERS_MAX", "Notary"]

STRANGERS_MAX = 10_000

_NOTHING = Standing()

_log = structlog.get_logger()


class Notary:
    """Holds the evidence.

    Args:
        ledger: the books that it is about.
        unvouchered_size: bytes that a wallet may be charged for beyond its last voucher.
        clock: for the time of statements and disputes.
        payer_of: which of our wallets pays an earning wallet.
    """

    def __init__(
        self,
        ledger: Ledger,
        unvouchered_size: int,
        clock: Clock,
        payer_of: Callable[[WalletAddress], WalletAddress],
    ) -> None:
        self._payer_of = payer_of
        self._ledger, self._unvouchered_size, self._clock = ledger, unvouchered_size, clock
        self._own = ledger.keys.identity.node_id
        self._voucher_drawer = voucher_drawer(ledger)
        self._dispute_drawer = dispute_drawer(ledger)
        self.vouchers: dict[WalletAddress, Voucher] = {}
        self.disputes: dict[bytes, Dispute] = {}
        self._strangers: dict[WalletAddress, None] = {}  # who gave a word and was never charged
        self._sequence = 0
        self._by_node: dict[NodeId, list[Account]] = {}
        self._known_accounts = 0

    async def load(self) -> None:
        """Read what was kept."""
        vouchers, fault = await self._voucher_drawer.load()
        self.vouchers = {WalletAddress(name): voucher for name, voucher in vouchers.items()}
        self.disputes, other_fault = await self._dispute_drawer.load()
        for each in (fault, other_fault):
            if each is not None:
                self._ledger.distrust(each)

    # -- the word of others ------------------------------------------------------------------

    async def take(self, given: Iterable[VoucherGiven]) -> list[WalletAddress]:
        """Keep vouchers that the router has verified; return whose word is new."""
        newer: dict[WalletAddress, Voucher] = {}
        for each in given:
            voucher = self._read(each)
            if voucher.supersedes(newer.get(each.wallet, self.vouchers.get(each.wallet))):
                newer[each.wallet] = voucher
        kept = {}
        for wallet, voucher in newer.items():
            before = self.vouchers.get(wallet)
            if before is None or voucher.owed >= before.owed:
                kept[wallet] = voucher
            await self._weigh(wallet, voucher, before.owed if before else Wei(0))
        self.vouchers.update(kept)
        await self._store(kept)
        self._forget_strangers(kept)
        return list(newer)

    async def _store(self, kept: Mapping[WalletAddress, Voucher]) -> None:
        """Write down the word of those who were ever charged; books that are read-only stay so."""
        lasting = {
            wallet.raw: voucher
            for wallet, voucher in kept.items()
            if self._standing(wallet) is not _NOTHING
        }
        if lasting and self._ledger.fault is None:
            await self._voucher_drawer.save(lasting)

    def _forget_strangers(self, kept: Iterable[WalletAddress]) -> None:
        """Remember only so many who were never charged: wallets cost nothing to make."""
        for wallet in kept:
            self._strangers.pop(wallet, None)
            if self._standing(wallet) is _NOTHING:
                self._strangers[wallet] = None
        while len(self._strangers) > STRANGERS_MAX:
            wallet = next(iter(self._strangers))
            del self._strangers[wallet]
            if self._standing(wallet) is _NOTHING:
                del self.vouchers[wallet]

    def _read(self, given: VoucherGiven) -> Voucher:
        claim = ProofClaim(
            node_id=self._own,
            secret_hash=given.secret_hash,
            rates=given.rates,
            expires_at=given.expires_at,
            owed=Wei(int(given.owed)),
            sequence=given.sequence,
        )
        return Voucher(wallet=given.wallet, claim=claim, signature=given.signature)

    def uncovered(self, wallet: WalletAddress) -> Uncovered | None:
        """Return how far a wallet's last word lags behind; None: it never gave one."""
        voucher = self.vouchers.get(wallet)
        if voucher is None:
            return None
        standing = self._standing(wallet)
        limit = price_of(self._unvouchered_size, standing.charged, standing.size)
        return Uncovered(Wei(standing.charged - voucher.owed), limit)

    async def _weigh(self, wallet: WalletAddress, word: Voucher, before: Wei) -> None:
        """Hold a debtor's word against what it has said before, and against our books.

        A little less than before is a settlement on the lower of two figures. Our books may be
        ahead by what was charged since the word was given, which the limit allows for.
        """
        standing = self._standing(wallet)
        slack = slack_of(standing.charged, standing.size)
        limit = price_of(self._unvouchered_size, standing.charged, standing.size)
        takes_back = before > word.owed + slack
        if not takes_back and standing.charged <= word.owed + max(slack, limit):
            await self.settle(wallet.raw)
            return
        await self.dispute(
            wallet.raw,
            node_id=self._own,
            wallet=wallet,
            ours=max(before, standing.charged),
            theirs=word.owed,
            ours_signed=statement_text(self._state(wallet, bytes(16))),
            theirs_signed=voucher_text(word),
        )

    # -- our own word ------------------------------------------------------------------------

    def answer(self, question: bytes) -> bytes:
        """Return a signed statement for a debtor that asks.

        Raises:
            MalformedError: it does not prove its wallet, or asks somebody else.
        """
        keys = self._ledger.keys
        asked = Question.from_bytes(question, keys.chain, node_id=self._own, now=self._clock.unix())
        return self._state(asked.wallet, asked.nonce).to_bytes()

    def _state(self, wallet: WalletAddress, nonce: bytes) -> Statement:
        standing, voucher = self._standing(wallet), self.vouchers.get(wallet)
        return Statement(
            node_id=self._own,
            wallet=wallet,
            nonce=nonce,
            charged=standing.charged,
            received=Wei(standing.charged - standing.balance),
            vouched=voucher.owed if voucher else Wei(0),
            sequence=voucher.claim.sequence if voucher else 0,
            as_of=self._clock.unix(),
        ).signed(self._ledger.keys.identity, self._ledger.keys.chain)

    def owed(self, node_id: NodeId, payer: WalletAddress) -> Wei:
        """Return what one of our wallets owes a node for all time, paid or not."""
        return Wei(-sum(standing.balance for _, standing in self.creditor(node_id, payer)))

    def creditor(self, node_id: NodeId, payer: WalletAddress) -> list[tuple[Account, Standing]]:
        """Return what is booked for a node, one line for each wallet with which it has earned."""
        standings = self._ledger.standings()
        return [
            (each, standings[each])
            for each in self._creditors().get(node_id, ())
            if each.wallet is not None and self._payer_of(each.wallet) == payer
        ]

    def payers(self, node_id: NodeId) -> list[WalletAddress]:
        """Return which of our wallets ever owed a node anything: mostly one."""
        earned = (each.wallet for each in self._creditors().get(node_id, ()))
        return list(dict.fromkeys(self._payer_of(each) for each in earned if each is not None))

    def creditors(self) -> list[NodeId]:
        """Return all nodes that we ever owed anything."""
        return list(self._creditors())

    def _creditors(self) -> dict[NodeId, list[Account]]:
        """Return the accounts of each node; accounts only ever become more, at the end."""
        standings = self._ledger.standings()
        for account in islice(standings, self._known_accounts, None):
            if account.node is not None:
                self._by_node.setdefault(account.node, []).append(account)
        self._known_accounts = len(standings)
        return self._by_node

    def next_sequence(self) -> int:
        """Return a number for payer proofs, larger than every one before."""
        self._sequence = max(self._sequence + 1, self._clock.unix() * 1_000)
        return self._sequence

    def _standing(self, wallet: WalletAddress) -> Standing:
        return self._ledger.standings().get(Account(Kind.RECEIVABLE, wallet), _NOTHING)

    # -- disputes ----------------------------------------------------------------------------

    async def dispute(
        self,
        name: bytes,
        *,
        node_id: NodeId,
        wallet: WalletAddress,
        ours: Wei,
        theirs: Wei,
        ours_signed: str,
        theirs_signed: str,
    ) -> None:
        """Record one, or that one goes on."""
        now, known = self._clock.unix(), self.disputes.get(name)
        is_open = known is not None and known.closed_at is None
        since = known.since if known is not None and is_open else now
        made = Dispute(
            node_id=node_id,
            wallet=wallet,
            ours=ours,
            theirs=theirs,
            since=since,
            seen_at=now,
            ours_signed=ours_signed,
            theirs_signed=theirs_signed,
        )
        if self._ledger.fault is None:
            await self._dispute_drawer.save({name: made})
        self.disputes[name] = made
        if not is_open:
            _log.warning("books are disputed", node=node_id.short)

    async def settle(self, name: bytes) -> None:
        """The books agree again."""
        known = self.disputes.get(name)
        if known is None or known.closed_at is not None:
            return
        closed = replace(known, closed_at=UnixSeconds(self._clock.unix()))
        if self._ledger.fault is None:
            await self._dispute_drawer.save({name: closed})
        self.disputes[name] = closed

    @property
    def open_disputes(self) -> int:
        """How many there are."""
        return sum(dispute.closed_at is None for dispute in self.disputes.values())
