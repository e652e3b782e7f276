"""Builders for usage reports."""

from masq_kernel.bus.messages.router import UsageEntry, UsageReported
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, UnixSeconds

NOW = UnixSeconds(1_800_000_000)
WALLETS = [WalletAddress(bytes([number + 1]) * 20) for number in range(6)]


def make_usage(**changes):
    fields = {
        "session_id": bytes(16),
        "side": "provided",
        "service": "routing",
        "wallet": WALLETS[0],
        "packages": 1,
        "size": ByteCount(1_000),
        "amount": "53844",
    }
    return UsageEntry(**{**fields, **changes})


def make_report(event_id="1", *entries, at=NOW):
    return UsageReported(event_id=event_id, at=at, entries=entries or (make_usage(),))
