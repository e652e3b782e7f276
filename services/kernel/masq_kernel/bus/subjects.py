"""Every subject of the bus, spelled here and nowhere else.

Grammar (docs/adr/0007): `masq.v1.<service>.<verb-or-event>`. A subject is a typed value, so that
`bus.request(subjects.ROUTE, RouteRequested(...))` is known to return a RouteFound. Who may speak
and who may listen stands beside each; the NATS permissions of each service are made from it.

Subject
|- Event      told to whoever listens; may be lost while nobody does
|- Request    asked of one service, answered or refused with a code
|- Stream     kept by JetStream until its reader has it; told at least once, deduplicated by id
|- Retained   the newest message of each key, kept by JetStream; who comes later learns them all
+- Journal    the last events of several kinds, kept by JetStream for one reader
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, Self, TypeVar

from masq_kernel.bus.messages import accountant, control, evidence, gossip, router, settlement
from masq_kernel.bus.messages.base import BusMessage

__all__ = [
    "ALL",
    "Event",
    "Journal",
    "Request",
    "Retained",
    "Service",
    "Stream",
    "Subject",
    "health",
    "metrics",
]

M = TypeVar("M", bound=BusMessage)
R = TypeVar("R", bound=BusMessage)


class Service(StrEnum):
    """The processes of a node; also their user names on the bus."""

    GOSSIP = "gossip"
    ROUTER = "router"
    ACCOUNTANT = "accountant"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[M]):
    """A message told to all that listen."""

    name: str
    message: type[M]
    speaker: Service
    listeners: frozenset[Service]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[M, R]):
    """A question to one service.

    Where `by_worker`, it can also be put to one worker of the service, by the others alone.
    """

    name: str
    message: type[M]
    reply: type[R]
    server: Service
    callers: frozenset[Service]
    by_worker: bool = False

    @property
    def of_any_worker(self) -> str:
        """The subjects on which single workers are asked, as a NATS wildcard."""
        return f"{self.name}.*"

    def of(self, worker: bytes) -> Self:
        """Return the same question to one worker; its service asks itself."""
        assert self.by_worker
        callers = frozenset({self.server})
        return replace(self, name=f"{self.name}.{worker.hex()}", callers=callers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Generic[M]):
    """A durable sequence with one reader."""

    name: str
    message: type[M]
    stream: str
    speaker: Service
    reader: Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained(Generic[M]):
    """What one service keeps for others: the newest message of each key, also for latecomers."""

    bucket: str
    message: type[M]
    keeper: Service
    followers: frozenset[Service]

    @property
    def name(self) -> str:
        """The subjects of all keys, as NATS's key-value buckets spell them."""
        return f"$KV.{self.bucket}.>"

    def subject(self, key: str) -> str:
        """Return the subject of one key."""
        return f"$KV.{self.bucket}.{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What was told lately: the server keeps it, so that a reader that was away misses nothing."""

    stream: str
    events: tuple["Event[BusMessage]", ...]
    reader: Service

    @property
    def subjects(self) -> str:
        """All its subjects, as a NATS wildcard."""
        return f"{_PREFIX}.>"

    def event_named(self, name: str) -> "Event[BusMessage] | None":
        """Return the event of that subject."""
        return next((event for event in self.events if event.name == name), None)


Subject = Event[M] | Request[M, R] | Stream[M] | Retained[M]

_PREFIX = "masq.v1"
_GOSSIP, _ROUTER, _ACCOUNTANT, _API = Service
_EVERYONE_ELSE = frozenset({_API})


def _event(name: str, message: type[M], speaker: Service, *listeners: Service) -> Event[M]:
    owner = name if "." in name else f"{speaker}.{name}"
    return Event(
        name=f"{_PREFIX}.{owner}",
        message=message,
        speaker=speaker,
        listeners=frozenset(listeners),
    )


def _request(
    name: str,
    message: type[M],
    reply: type[R],
    server: Service,
    *callers: Service,
    by_worker: bool = False,
) -> Request[M, R]:
    return Request(
        name=f"{_PREFIX}.{server}.{name}",
        message=message,
        reply=reply,
        server=server,
        callers=frozenset(callers),
        by_worker=by_worker,
    )


# The router tells
LINK_OPENED = _event("link-opened", router.LinkOpened, _ROUTER, _GOSSIP, _API)
LINK_CLOSED = _event("link-closed", router.LinkClosed, _ROUTER, _GOSSIP, _API)
DIAL_FAILED = _event("dial-failed", router.DialFailed, _ROUTER, _GOSSIP, _API)
GOSSIP_RECEIVED = _event("gossip-received", router.GossipReceived, _ROUTER, _GOSSIP)
ONION_KEY_ANNOUNCED = _event("onion-key-announced", router.OnionKeyAnnounced, _ROUTER, _GOSSIP)
ROUTE_SERVED = _event("route-served", router.RouteServed, _ROUTER, _GOSSIP)
ROUTE_LOST = _event("route-lost", router.RouteLost, _ROUTER, _GOSSIP)
HOST_FAILED = _event("host-failed", router.HostFailed, _ROUTER, _GOSSIP)
USAGE = Stream(
    name=f"{_PREFIX}.router.usage",
    message=router.UsageReported,
    stream="USAGE",
    speaker=_ROUTER,
    reader=_ACCOUNTANT,
)

# The router is told and asked
SEND_GOSSIP = _event("router.send-gossip", router.GossipToSend, _GOSSIP, _ROUTER)
DIAL = _request("dial", router.DialRequested, control.Done, _ROUTER, _GOSSIP)
CLOSE_LINK = _request(
    "close-link", router.LinkCloseRequested, control.Done, _ROUTER, _GOSSIP, by_worker=True
)
MOVE = _request("move", router.MoveRequested, control.Done, _ROUTER, _GOSSIP, by_worker=True)
LINKS = _request("links", router.LinksRequested, router.LinksListed, _ROUTER, _GOSSIP, _API)
SESSIONS = _request(
    "sessions", router.SessionsRequested, router.SessionsListed, _ROUTER, _API, by_worker=True
)
ROUTER_STATUS = _request(
    "status", router.RouterStatusRequested, router.RouterStatus, _ROUTER, _GOSSIP, _API
)

# Routers of one node among themselves (docs/adr/0015)
WORKER_TOLD = _event("worker-told", router.WorkerTold, _ROUTER, _ROUTER)
SETUP_SEEN = _event("setup-seen", router.SetupSeen, _ROUTER, _ROUTER)
ASSOCIATION = _request(
    "association",
    router.AssociationSought,
    router.AssociationSeen,
    _ROUTER,
    _ROUTER,
    by_worker=True,
)

# Gossip tells and is asked
STAGE_CHANGED = _event("stage-changed", gossip.StageChanged, _GOSSIP, _ROUTER, _ACCOUNTANT, _API)
ROUTE = _request("route", gossip.RouteRequested, gossip.RouteFound, _GOSSIP, _ROUTER, _API)
GOSSIP_STATUS = _request(
    "status", gossip.GossipStatusRequested, gossip.GossipStatus, _GOSSIP, _API, _ROUTER, _ACCOUNTANT
)
STAGES = _request("stages", gossip.StagesRequested, gossip.StagesListed, _GOSSIP, _API)
ADDRESS = _request("address", gossip.AddressRequested, gossip.AddressShown, _GOSSIP, _API)
SET_ADDRESS = _request("set-address", gossip.AddressToSet, gossip.AddressShown, _GOSSIP, _API)
NEIGHBORS = _request(
    "neighbors", gossip.NeighborsRequested, gossip.NeighborsListed, _GOSSIP, _API, _ROUTER
)
NEIGHBORHOOD = _request(
    "neighborhood", gossip.NeighborhoodRequested, gossip.NeighborhoodShown, _GOSSIP, _API
)
BANS = _request("bans", gossip.BansRequested, gossip.BansListed, _GOSSIP, _API)
PARDON = _request("pardon", gossip.PardonRequested, control.Done, _GOSSIP, _API)
EXIT_COUNTRIES = _request(
    "exit-countries", gossip.ExitCountriesRequested, gossip.ExitCountries, _GOSSIP, _API
)
SET_EXIT_COUNTRIES = _request(
    "set-exit-countries", gossip.ExitCountries, gossip.ExitCountries, _GOSSIP, _API
)
SET_LIKING = _request("set-liking", gossip.LikingToSet, control.Done, _GOSSIP, _API)

# The accountant is asked
SIGN_PROOFS = _request(
    "sign-proofs", accountant.SignProofsRequested, accountant.ProofsSigned, _ACCOUNTANT, _ROUTER
)
WALLETS = _request(
    "wallets",
    accountant.WalletsRequested,
    accountant.WalletsShown,
    _ACCOUNTANT,
    _ROUTER,
    _GOSSIP,
    _API,
)
ACCOUNTS = _request(
    "accounts", accountant.AccountsRequested, accountant.AccountsListed, _ACCOUNTANT, _API
)
ENTRIES = _request(
    "entries", accountant.EntriesRequested, accountant.EntriesListed, _ACCOUNTANT, _API
)
CHECKPOINTS = _request(
    "checkpoints",
    accountant.CheckpointsRequested,
    accountant.CheckpointsListed,
    _ACCOUNTANT,
    _API,
)
TURNOVER = _request(
    "turnover", accountant.TurnoverRequested, accountant.TurnoverShown, _ACCOUNTANT, _API
)
LEDGER_SUMMARY = _request(
    "summary", accountant.LedgerSummaryRequested, accountant.LedgerSummary, _ACCOUNTANT, _API
)

WALLET_STANCE_CHANGED = _event(
    "wallet-stance-changed", accountant.WalletStanceChanged, _ACCOUNTANT, _API
)
REFUSED_WALLETS = Retained(
    bucket="BANS",
    message=accountant.WalletRefused,
    keeper=_ACCOUNTANT,
    followers=frozenset({_ROUTER}),
)
WALLET_BANS = _request(
    "wallet-bans", accountant.WalletBansRequested, accountant.WalletBansListed, _ACCOUNTANT, _API
)
DECIDE = _request("decide", accountant.DecisionToMake, accountant.WalletStance, _ACCOUNTANT, _API)
STATEMENT = _request(
    "statement", evidence.StatementRequested, evidence.StatementGiven, _ACCOUNTANT, _ROUTER
)
ASK_CREDITOR = _request(
    "ask-creditor", router.AskCreditor, router.CreditorAnswered, _ROUTER, _ACCOUNTANT
)
CREDITOR_DISPUTED = _event("creditor-disputed", evidence.CreditorDisputed, _ACCOUNTANT, _GOSSIP)
DISPUTES = _request(
    "disputes", evidence.DisputesRequested, evidence.DisputesListed, _ACCOUNTANT, _API
)
RECONCILE = _request(
    "reconcile",
    evidence.ReconciliationRequested,
    evidence.ReconciliationState,
    _ACCOUNTANT,
    _API,
)
THRESHOLDS = _request(
    "thresholds", accountant.ThresholdsRequested, accountant.ThresholdsShown, _ACCOUNTANT, _API
)
SET_THRESHOLDS = _request(
    "set-thresholds", accountant.ThresholdsToSet, accountant.ThresholdsShown, _ACCOUNTANT, _API
)
PREVIEW_THRESHOLDS = _request(
    "preview-thresholds",
    accountant.ThresholdsToPreview,
    accountant.ThresholdsPreviewed,
    _ACCOUNTANT,
    _API,
)
THRESHOLDS_HISTORY = _request(
    "thresholds-history",
    accountant.ThresholdsHistoryRequested,
    accountant.ThresholdsHistory,
    _ACCOUNTANT,
    _API,
)
SCAN = _request("scan", accountant.ScanRequested, accountant.ScanDone, _ACCOUNTANT, _API)
PAYMENTS = _request(
    "payments", settlement.PaymentsRequested, settlement.PaymentsListed, _ACCOUNTANT, _API
)
PAYMENT_CHANGED = _event("payment-changed", settlement.PaymentChanged, _ACCOUNTANT, _API)
BALANCES = _request(
    "balances", settlement.BalancesRequested, settlement.BalancesShown, _ACCOUNTANT, _API
)
SCANS = _request("scans", settlement.ScansRequested, settlement.ScansListed, _ACCOUNTANT, _API)
SCAN_INTERVALS = _request(
    "scan-intervals",
    settlement.ScanIntervalsRequested,
    settlement.ScanIntervalsShown,
    _ACCOUNTANT,
    _API,
)
SET_SCAN_INTERVALS = _request(
    "set-scan-intervals",
    settlement.ScanIntervalsToSet,
    settlement.ScanIntervalsShown,
    _ACCOUNTANT,
    _API,
)
VERIFY_LEDGER = _request(
    "verify", accountant.VerificationRequested, accountant.VerificationState, _ACCOUNTANT, _API
)
BACK_UP_LEDGER = _request(
    "back-up", accountant.BackupRequested, accountant.BackupState, _ACCOUNTANT, _API
)

EVENTS = Journal(
    stream="EVENTS",
    events=(  # type: ignore[arg-type]  # an event of a message is one of any
        LINK_OPENED,
        LINK_CLOSED,
        DIAL_FAILED,
        STAGE_CHANGED,
        WALLET_STANCE_CHANGED,
        PAYMENT_CHANGED,
    ),
    reader=_API,
)

_HEALTH = {
    service: _request("health", control.HealthRequested, control.HealthReported, service, _API)
    for service in (_GOSSIP, _ROUTER, _ACCOUNTANT)
}
_METRICS = {
    service: _request(
        "metrics",
        control.MetricsRequested,
        control.MetricsReported,
        service,
        _API,
        by_worker=service is _ROUTER,
    )
    for service in (_GOSSIP, _ROUTER, _ACCOUNTANT)
}


def health(service: Service) -> Request[control.HealthRequested, control.HealthReported]:
    """Return the subject on which a service says how it is; the api answers over HTTP instead."""
    return _HEALTH[service]


def metrics(service: Service) -> Request[control.MetricsRequested, control.MetricsReported]:
    """Return the subject on which a service shows its counters; the api uses HTTP instead."""
    return _METRICS[service]


_Any = (
    Event[BusMessage] | Request[BusMessage, BusMessage] | Stream[BusMessage] | Retained[BusMessage]
)


def _all() -> tuple[_Any, ...]:
    named = [
        value
        for value in globals().values()
        if isinstance(value, Event | Request | Stream | Retained)
    ]
    return (*named, *_HEALTH.values(), *_METRICS.values())  # type: ignore[arg-type]  # covariance


ALL = _all()
"""Every subject there is; permissions and documentation are made from it."""
