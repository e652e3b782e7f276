"""Nodes' books against a local chain: the accountant's own parts, and a clock that tests move."""

from contextlib import asynccontextmanager

from masq_accountant.cashier import Cashier, open_chain
from masq_accountant.ledger import Account, Entry, Kind, Standing
from masq_accountant.payers import Payers
from masq_accountant.reconciler import Reconciler
from masq_accountant.settings import AccountantSettings
from masq_accountant.store.stances import stance_drawer
from masq_accountant.store.threshold_log import ThresholdLog
from masq_accountant.wallets import Wallets
from masq_accountant.warden import Warden
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.proofs import wallet_of
from masq_kernel.units import WEI_PER_MASQ, Wei
from support.evm import DEV
from support.ledgers import make_notary, open_ledger
from support.usage_builders import NOW

CONFIRMATIONS = 3
DUE_S = 1_200 + 21_600 + 1
"""Older than the whole default curve: half a MASQ and more is due."""

MASQ = WEI_PER_MASQ
_NOTHING = Standing()


def key_of(number):
    """Private key of a wallet of the tests."""
    return bytes(30) + b"\x5e" + bytes([number])


def address_of(number):
    return wallet_of(key_of(number))


class House:
    """One node's books, with a consuming and an earning wallet.

    Args:
        folder: where they are kept.
        number: of its wallets: 2 * number and the next.
        urls: of RPC servers.
        more_keys: of further consuming wallets.
        settings: other than the tests' defaults.
    """

    def __init__(self, folder, number, urls, *, more_keys=(), **settings):
        self.folder, self.urls = folder, urls
        self.consuming, self.earning = address_of(2 * number), address_of(2 * number + 1)
        self._keys = {wallet_of(key): key for key in (key_of(2 * number), *more_keys)}
        fast = {"confirmations": CONFIRMATIONS, "rpc_timeout_s": 2, "scans": False}
        self.settings = AccountantSettings(rpc_urls=urls, **{**fast, **settings})
        self.clock = ManualClock(int(NOW))

    async def open(self):
        self.folder.mkdir(exist_ok=True)
        self.ledger = await open_ledger(self.folder)
        self.bus = MemoryBroker().connect(Service.ACCOUNTANT)
        wallets = Wallets(chain=DEV, earning=self.earning, keys=self._keys)
        payers = self.payers = Payers(self.ledger, wallets, OsEntropy())
        log = ThresholdLog(self.ledger)
        notary = make_notary(self.ledger, self.clock, payer_of=payers.of)
        stances = stance_drawer(self.ledger)
        self.warden = Warden(self.ledger, stances, log, notary, self.bus, self.clock)
        reconciler = Reconciler(self.ledger, notary, wallets, self.bus, self.clock, OsEntropy())
        self.cashier = Cashier(
            self.ledger,
            wallets,
            payers,
            open_chain(DEV, self.settings),
            self.warden,
            reconciler,
            log,
            self.settings,
            self.bus,
            self.clock,
        )
        await log.load()
        await payers.load()
        await self.warden.load()
        await self.cashier.load()
        return self

    async def close(self):
        await self.bus.close()
        await self.cashier.close()
        await self.ledger.close()

    async def reopen(self):
        """As after a crash: nothing but the files is left."""
        await self.close()
        return await self.open()

    # -- the books ---------------------------------------------------------------------------

    async def owe(self, wallet, amount, *, age_s=DUE_S):
        """Let a wallet have served us."""
        await self._charge(Kind.PAYABLE, wallet, -amount, Kind.EXPENSE_ROUTING, age_s)

    async def serve(self, wallet, amount, *, age_s=DUE_S):
        """Let us have served a wallet."""
        await self._charge(Kind.RECEIVABLE, wallet, amount, Kind.INCOME_ROUTING, age_s)

    async def _charge(self, kind, wallet, amount, other, age_s):
        entries = [
            Entry(account=Account(kind, wallet), amount=Wei(amount)),
            Entry(account=Account(other), amount=Wei(-amount)),
        ]
        cause = f"usage:{self.ledger.count}"
        assert await self.ledger.book(cause, entries, self.clock.unix() - age_s)

    def balance(self, kind, wallet=None):
        return self.ledger.standings().get(Account(kind, wallet), _NOTHING).balance

    def owed(self, wallet):
        """What we owe it, whatever is in flight."""
        return -self.balance(Kind.PAYABLE, wallet)

    def owes(self, wallet):
        """What it owes us."""
        return self.balance(Kind.RECEIVABLE, wallet)

    @property
    def in_flight(self):
        return -self.balance(Kind.IN_FLIGHTS)

    @property
    def paid(self):
        return -self.balance(Kind.TOKENS_SPENT)

    @property
    def payments(self):
        return list(self.cashier.store.payments.values())

    # -- scans -------------------------------------------------------------------------------

    async def scan(self, kind):
        """Do one scan as the schedule would; return what it says."""
        scan = self.cashier.scans.by_kind[kind]
        await scan._once(self.clock)
        return scan.outcome


@asynccontextmanager
async def house(folder, number, urls, **settings):
    """Open one, and close it in the end."""
    made = await House(folder, number, urls, **settings).open()
    try:
        yield made
        assert await made.ledger.verify() is None
    finally:
        await made.close()
