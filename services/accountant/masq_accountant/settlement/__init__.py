"""How debts are paid and payments are found (accounting.md section 6). Pure."""

from masq_accountant.settlement import bookings
from masq_accountant.settlement.fees import FeePolicy, Fees, Market
from masq_accountant.settlement.payment import Attempt, Payment, Phase
from masq_accountant.settlement.progress import (
    Bury,
    Confirm,
    Fail,
    Mine,
    Receipt,
    Resend,
    Return,
    Sight,
    Step,
    Wait,
    next_step,
    step_after,
)
from masq_accountant.settlement.selection import Debt, Funds, Selected, Selection, select
from masq_accountant.settlement.transfers import Transfer

__all__ = [
    "Attempt",
    "Bury",
    "Confirm",
    "Debt",
    "Fail",
    "FeePolicy",
    "Fees",
    "Funds",
    "Market",
    "Mine",
    "Payment",
    "Phase",
    "Receipt",
    "Resend",
    "Return",
    "Selected",
    "Selection",
    "Sight",
    "Step",
    "Transfer",
    "Wait",
    "bookings",
    "next_step",
    "select",
    "step_after",
]
