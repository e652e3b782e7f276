"""From what the router reports to what is booked (accounting.md sections 1 and 2). Pure.

provided   debit receivable:WALLET   credit income:<service>
consumed   debit expense:<service>   credit payable:WALLET
           debit owed-to-nodes       credit owed-to-node:WALLET NODE       (memorandum)
"""

from collections.abc import Container

from masq_accountant.errors import UsageRefused
from masq_accountant.ledger.journal import Account, Entry, Kind
from masq_kernel.bus.messages.router import UsageEntry, UsageReported
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import ByteCount, Wei

__all__ = ["AMOUNT_MAX", "entries_for"]

AMOUNT_MAX = 1 << 256
"""No ERC-20 balance can be larger."""

_DIGITS_MAX = 78
_PACKAGES_MAX = 1 << 48
_SIZE_MAX = 1 << 63

_ACCOUNTS = {
    ("provided", "routing"): (Kind.RECEIVABLE, Kind.INCOME_ROUTING),
    ("provided", "exit"): (Kind.RECEIVABLE, Kind.INCOME_EXIT),
    ("consumed", "routing"): (Kind.EXPENSE_ROUTING, Kind.PAYABLE),
    ("consumed", "exit"): (Kind.EXPENSE_EXIT, Kind.PAYABLE),
}


def entries_for(report: UsageReported, own: Container[WalletAddress]) -> list[Entry]:
    """Return what a report books, one entry for each account; empty when there is nothing.

    Args:
        report: a batch of usage.
        own: this node's wallets, which are never charged.

    Raises:
        UsageRefused: a figure that cannot be; nothing of the report may be booked.
    """
    totals: dict[Account, tuple[int, int, int]] = {}
    for usage in report.entries:
        amount = _amount(usage)
        if usage.wallet in own or amount == 0:
            continue
        debit, credit = _ACCOUNTS[usage.side, usage.service]
        pairs = [
            (Account(kind, usage.wallet if _is_wallets(kind) else None), signed)
            for kind, signed in ((debit, amount), (credit, -amount))
        ]
        if usage.side == "consumed" and usage.node is not None:
            pairs.append((Account(Kind.OWED_TO_NODES), amount))
            pairs.append((Account(Kind.OWED_TO_NODE, usage.wallet, usage.node), -amount))
        for account, signed in pairs:
            sums = totals.get(account, (0, 0, 0))
            totals[account] = (
                sums[0] + signed,
                sums[1] + usage.packages,
                sums[2] + usage.size,
            )
    return [
        Entry(account=account, amount=Wei(amount), packages=packages, size=ByteCount(size))
        for account, (amount, packages, size) in totals.items()
    ]


def _is_wallets(kind: Kind) -> bool:
    return kind in (Kind.PAYABLE, Kind.RECEIVABLE)


def _amount(usage: UsageEntry) -> int:
    digits = usage.amount
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
        raise UsageRefused("an amount is not a decimal number of wei")
    amount = int(digits)
    if amount > AMOUNT_MAX:
        raise UsageRefused("an amount is larger than any token balance")
    if not (0 <= usage.packages < _PACKAGES_MAX and 0 <= usage.size < _SIZE_MAX):
        raise UsageRefused("a count is outside of what one report can hold")
    return amount
