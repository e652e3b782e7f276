"""The API in a test: the real application, and services that answer what they are given."""

import httpx
from prometheus_client import CollectorRegistry, Gauge

from masq_api.app import make_app
from masq_api.auth import Guard
from masq_api.feed import EventFeed
from masq_api.node import BEHIND, Node
from masq_kernel.bus import subjects
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages import accountant, control, gossip, router, settlement
from masq_kernel.bus.subjects import Service
from masq_kernel.clock import ManualClock
from masq_kernel.entropy import OsEntropy
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.tokens import SCOPES, TokenStore
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import ByteCount, UnixSeconds

NOW = UnixSeconds(1_800_000_000)
US, PEER, FAR = (NodeId(bytes([number]) * 32) for number in (1, 2, 3))
WALLETS = [WalletAddress(bytes([number]) * 20) for number in range(1, 6)]
HUGE = 10**30 + 1


def make_graph_node(node_id, neighbors, **changes):
    fields = {
        "node_id": node_id,
        "version": 7,
        "published_at": NOW,
        "neighbors": neighbors,
        "hops_away": 1,
        "rates": DEFAULT_RATES,
        "accepts_connections": True,
        "routes_data": True,
        "country": "CH",
        "is_self": node_id == US,
        "experience": gossip.Experience(served=1.0, lost=1.0, success_rate=0.75, latency_s=0.05),
        "liking": None,
    }
    return gossip.NodeState(**{**fields, **changes})


def make_account(number, balance):
    return accountant.AccountState(
        wallet=WALLETS[number],
        balance=str(balance),
        packages=3,
        size=ByteCount(1_000),
        oldest_unpaid_at=UnixSeconds(NOW - 60),
        updated_at=NOW,
    )


THRESHOLDS = accountant.ThresholdValues(
    debt_threshold_gwei=10**18,
    maturity_threshold_sec=1_200,
    payment_grace_period_sec=1_200,
    permanent_debt_allowed_gwei=500_000_000,
    threshold_interval_sec=21_600,
    unban_below_gwei=500_000_000,
    credit_limit_gwei=None,
)


def make_stance(wallet, **changes):
    fields = {
        "wallet": wallet,
        "cause": "delinquent",
        "since": NOW,
        "owed": str(HUGE),
        "owed_max": "5",
        "decision": None,
        "decided_by": "",
        "note": "",
    }
    return accountant.WalletStance(**{**fields, **changes})


def answers():
    """What every subject answers unless a test says otherwise; a value or a function."""
    return {
        subjects.GOSSIP_STATUS: gossip.GossipStatus(
            node_id=US,
            descriptor=f"masq://dev:{US.text}@:",
            chain="dev",
            mode="standard",
            stage="routable",
            reason="round trips exist",
            stage_since=NOW,
            neighbors=1,
            nodes_known=3,
            hops_min=3,
            rates=DEFAULT_RATES,
            earning_wallet=WALLETS[0],
        ),
        subjects.ROUTER_STATUS: router.RouterStatus(
            onion_key=router.OnionKeyAnnounced(public_key=bytes(1216), expires_at=NOW),
            listen_address="127.0.0.1",
            listen_port=4321,
            proxy_address=None,
            proxy_port=None,
            links=1,
            sessions=2,
            streams=3,
        ),
        subjects.STAGES: gossip.StagesListed(
            stages=(gossip.StageChanged(stage="routable", reason="found", before="alone", at=NOW),)
        ),
        subjects.ADDRESS: gossip.AddressShown(
            address="203.0.113.7", ports=(4321,), is_setting=True
        ),
        subjects.SET_ADDRESS: lambda message: gossip.AddressShown(
            address=message.address, ports=message.ports or (4321,), is_setting=False
        ),
        subjects.EXIT_COUNTRIES: gossip.ExitCountries(tiers=(("CH",),)),
        subjects.SET_EXIT_COUNTRIES: lambda message: message,
        subjects.SET_LIKING: control.Done(),
        subjects.NEIGHBORS: gossip.NeighborsListed(
            neighbors=(
                gossip.NeighborState(
                    node_id=PEER,
                    address="203.0.113.7",
                    ports=(443,),
                    edge="full",
                    link_up=True,
                    inbound=True,
                    since=NOW,
                    rates=None,
                    degree=2,
                ),
            )
        ),
        subjects.LINKS: router.LinksListed(
            links=(
                router.LinkState(
                    peer=PEER,
                    address="203.0.113.7",
                    inbound=True,
                    opened_at=NOW,
                    rtt_ms=1.5,
                    bytes_in=ByteCount(10),
                    bytes_out=ByteCount(20),
                ),
            )
        ),
        subjects.NEIGHBORHOOD: gossip.NeighborhoodShown(
            nodes=(
                make_graph_node(US, (PEER,)),
                make_graph_node(PEER, (US, FAR)),
                make_graph_node(FAR, ()),
            )
        ),
        subjects.SESSIONS: router.SessionsListed(
            sessions=(
                router.SessionState(
                    session_id=bytes(range(16)),
                    role="origin",
                    direction="over",
                    age_s=1.5,
                    packages=2,
                    size=ByteCount(2_048),
                    amount=str(HUGE),
                    hops=(PEER, FAR),
                ),
            )
        ),
        subjects.BANS: gossip.BansListed(
            bans=(
                gossip.BanState(
                    node_id=PEER,
                    offences=2,
                    reason="a bad signature",
                    since=NOW,
                    until=UnixSeconds(NOW + 1_200),
                    evidence=b"evidence",
                ),
            )
        ),
        subjects.PARDON: control.Done(),
        subjects.WALLET_BANS: accountant.WalletBansListed(
            wallets=(make_stance(WALLETS[2]),), more=False
        ),
        subjects.DECIDE: lambda message: make_stance(message.wallet, decision=message.decision),
        subjects.THRESHOLDS: accountant.ThresholdsShown(
            values=THRESHOLDS, revision=4, changed_at=NOW
        ),
        subjects.SET_THRESHOLDS: lambda message: accountant.ThresholdsShown(
            values=message.values, revision=message.revision + 1, changed_at=NOW
        ),
        subjects.PREVIEW_THRESHOLDS: accountant.ThresholdsPreviewed(
            bans=1, unbans=0, payments=2, would_ban=(WALLETS[1],), would_unban=()
        ),
        subjects.THRESHOLDS_HISTORY: accountant.ThresholdsHistory(
            changes=(
                accountant.ThresholdsChange(
                    revision=4, at=NOW, by="token", before=THRESHOLDS, after=THRESHOLDS
                ),
            ),
            more=True,
        ),
        subjects.VERIFY_LEDGER: lambda message: accountant.VerificationState(
            is_running=message.start,
            is_read_only=True,
            row="ledger_entry 3/1",
            reason="is not what was written there",
            transactions=9,
            verified=2,
            finished_at=NOW,
            checkpoint=8,
        ),
        subjects.BACK_UP_LEDGER: lambda message: accountant.BackupState(
            is_running=message.start,
            folder="/data/backups/20270115T080000Z",
            transactions=9,
            finished_at=NOW,
        ),
        subjects.PAYMENTS: settlement.PaymentsListed(payments=(make_payment(7),), more=True),
        subjects.BALANCES: settlement.BalancesShown(
            wallets=(
                settlement.WalletBalance(
                    wallet=WALLETS[0], role="earning", tokens=str(HUGE), coin="5"
                ),
                settlement.WalletBalance(wallet=WALLETS[1], role="consuming", reason="down"),
            ),
            chain="dev",
            is_configured=True,
            servers=(settlement.ChainServer(name="rpc:1", head=None, trouble="down"),),
            read_up_to=17,
        ),
        subjects.SCAN_INTERVALS: settlement.ScanIntervalsShown(
            seconds={"payables": 600.0, "delinquency": 60.0}, revision=3
        ),
        subjects.SET_SCAN_INTERVALS: lambda message: settlement.ScanIntervalsShown(
            seconds={"payables": 600.0, "delinquency": 60.0, **message.seconds},
            revision=message.revision + 1,
        ),
        subjects.SCANS: settlement.ScansListed(
            scans=(
                settlement.ScanState(
                    kind="payables",
                    is_running=False,
                    interval_s=600,
                    runs=2,
                    outcome="nothing is due",
                    is_well=True,
                    changed=0,
                    started_at=NOW,
                    finished_at=NOW,
                    took_ms=1.5,
                    next_at=None,
                ),
            )
        ),
        subjects.SCAN: accountant.ScanDone(at=NOW, accounts=3, banned=1, unbanned=0, took_ms=1.5),
        subjects.WALLETS: accountant.WalletsShown(consuming=None, earning=WALLETS[0]),
        subjects.ACCOUNTS: accountant.AccountsListed(
            accounts=(make_account(1, HUGE), make_account(2, 5)), more=False
        ),
        subjects.ENTRIES: accountant.EntriesListed(
            entries=(
                accountant.LedgerEntry(
                    transaction=9,
                    at=NOW,
                    service="usage",
                    packages=1,
                    size=ByteCount(10),
                    amount=str(HUGE),
                ),
            ),
            more=True,
        ),
        subjects.CHECKPOINTS: accountant.CheckpointsListed(
            checkpoints=(
                accountant.LedgerCheckpoint(
                    number=9, at=NOW, hash=bytes(32), balances=bytes(32), signature=bytes(64)
                ),
            ),
            more=False,
        ),
        subjects.LEDGER_SUMMARY: accountant.LedgerSummary(
            payable=str(HUGE),
            receivable="0",
            payable_accounts=1,
            receivable_accounts=0,
            transactions=9,
            usage_events=9,
        ),
    }


def make_payment(number, **changes):
    fields = {
        "number": number,
        "payer": WALLETS[2],
        "wallet": WALLETS[1],
        "amount": str(HUGE),
        "phase": "in_flight",
        "transaction": "0x" + "5e" * 32,
        "attempts": 1,
        "nonce": 4,
        "price_max": "9",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return settlement.PaymentState(**{**fields, **changes})


class ApiNode:
    """The API of one node.

    Args:
        folder: for its tokens.
        without: services that do not run.
    """

    def __init__(self, folder, *, without=()):
        self.broker, self.clock = MemoryBroker(), ManualClock(int(NOW))
        self.without, self.answers, self.asked = set(without), answers(), []
        self.tokens = TokenStore(folder / "api-tokens.json")
        self.metrics = CollectorRegistry()
        Gauge("masq_api_test", "A gauge of the test", registry=self.metrics)
        self.bus, self.feed = self.broker.connect(Service.API), EventFeed()
        node = Node(self.bus, self.clock)
        self.app = make_app(node, Guard(self.tokens, self.clock), self.metrics, self.feed)

    async def start(self):
        await self.feed.start(self.bus)
        for service in BEHIND:
            if service not in self.without:
                await self._stand_by(service)
        return self

    def token(self, *scopes, **options):
        return self.tokens.create(
            "test", scopes or SCOPES, OsEntropy(), self.clock.unix(), **options
        )

    def client(self, token=None, *, address="192.0.2.1"):
        transport = httpx.ASGITransport(self.app, client=(address, 5), raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers)

    async def get(self, path, **query):
        async with self.client(self.token()) as client:
            return await client.get(path, params=query or None)

    async def _stand_by(self, service):
        bus = self.broker.connect(service)
        for subject in self.answers:
            if subject.server is service:
                await bus.serve(subject, self._answerer(subject))

        async def on_health(_):
            return control.HealthReported(
                service=service,
                ready=True,
                version="1",
                pid=1,
                uptime_s=2.0,
                dependencies={"bus": "ok"},
            )

        async def on_metrics(_):
            name = f"masq_{service}_x"
            text = f"# HELP {name} Help\n# TYPE {name} gauge\n{name} 1.0\n"
            return control.MetricsReported(text=text)

        await bus.serve(subjects.health(service), on_health)
        await bus.serve(subjects.metrics(service), on_metrics)

    def _answerer(self, subject):
        async def answer(message):
            self.asked.append(message)
            given = self.answers[subject]
            if isinstance(given, Exception):
                raise given
            return given(message) if callable(given) else given

        return answer
