"""What payments book (accounting.md sections 2 and 6). Pure.

signed     debit in-flight:WALLET      credit in-flights                  (memorandum)
confirmed  debit payable:WALLET        credit tokens:spent                and the memorandum back
failed     the memorandum back
returned   all of it back: the chain has lost the blocks that said so
received   debit tokens:received       credit receivable:WALLET, or suspense:WALLET
matched    debit suspense:WALLET       credit receivable:WALLET

The payable is what we owe until the chain has moved the tokens: its age goes on meanwhile, and a
payment that fails leaves it as it was.
"""

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.settlement.payment import Payment
from masq_accountant.settlement.transfers import Transfer
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.units import Wei

__all__ = ["confirmed", "failed", "matched", "received", "returned", "signed"]


def signed(payment: Payment) -> list[Entry]:
    """Return what is booked before a payment is sent."""
    return _in_flight(payment, payment.amount)


def confirmed(payment: Payment) -> list[Entry]:
    """Return what is booked when the tokens have moved for good."""
    return [
        Entry(account=Account(Kind.PAYABLE, payment.wallet), amount=payment.amount),
        Entry(account=Account(Kind.TOKENS_SPENT), amount=Wei(-payment.amount)),
        *_in_flight(payment, Wei(-payment.amount)),
    ]


def returned(payment: Payment) -> list[Entry]:
    """Return what is booked when a payment that was confirmed is in no block any more."""
    return [
        Entry(account=Account(Kind.PAYABLE, payment.wallet), amount=Wei(-payment.amount)),
        Entry(account=Account(Kind.TOKENS_SPENT), amount=payment.amount),
        *_in_flight(payment, payment.amount),
    ]


def failed(payment: Payment) -> list[Entry]:
    """Return what is booked when the tokens can never move."""
    return _in_flight(payment, Wei(-payment.amount))


def received(transfer: Transfer, *, is_known: bool) -> list[Entry]:
    """Return what a transfer to us books.

    Args:
        transfer: that came.
        is_known: whether its payer ever owed us anything; otherwise it waits in suspense.
    """
    kind = Kind.RECEIVABLE if is_known else Kind.SUSPENSE
    return [
        Entry(account=Account(Kind.TOKENS_RECEIVED), amount=transfer.amount),
        Entry(account=Account(kind, transfer.payer), amount=Wei(-transfer.amount)),
    ]


def matched(wallet: WalletAddress, amount: Wei) -> list[Entry]:
    """Return what is booked when a payer in suspense turns up as a debtor."""
    return [
        Entry(account=Account(Kind.SUSPENSE, wallet), amount=amount),
        Entry(account=Account(Kind.RECEIVABLE, wallet), amount=Wei(-amount)),
    ]


def _in_flight(payment: Payment, amount: Wei) -> list[Entry]:
    return [
        Entry(account=Account(Kind.IN_FLIGHT, payment.wallet), amount=amount),
        Entry(account=Account(Kind.IN_FLIGHTS), amount=Wei(-amount)),
    ]
