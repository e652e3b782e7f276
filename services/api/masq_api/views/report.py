"""Earned and spent in a period, for a bookkeeper."""

from collections.abc import Iterable
from datetime import date

from pydantic import BaseModel, Field

from masq_api.views.values import Masq, WeiText, masq
from masq_kernel.bus.messages.accountant import TurnoverShown

__all__ = ["ReportLine", "ReportView"]


class ReportLine(BaseModel):
    """One kind of income or expense."""

    kind: str = Field(examples=["income:routing"])
    amount: WeiText
    amount_masq: Masq
    packages: int
    size: int = Field(description="Bytes, as they were charged")


class ReportView(BaseModel):
    """A period; what was charged in it, whether or not it is paid yet."""

    chain: str
    begin: date = Field(description="The first day, UTC")
    end: date = Field(description="The last day, UTC")
    lines: list[ReportLine]
    income: WeiText
    income_masq: Masq
    expense: WeiText
    expense_masq: Masq
    result: WeiText = Field(description="income - expense")

    @classmethod
    def of(cls, chain: str, begin: date, end: date, pages: Iterable[TurnoverShown]) -> "ReportView":
        """Add up the pages."""
        sums: dict[str, list[int]] = {}
        for page in pages:
            for each in page.sums:
                known = sums.setdefault(each.kind, [0, 0, 0])
                for at, value in enumerate((int(each.amount), each.packages, each.size)):
                    known[at] += value
        lines = [
            ReportLine(
                kind=kind,
                amount=str(amount),
                amount_masq=masq(str(amount)),
                packages=packages,
                size=size,
            )
            for kind, (amount, packages, size) in sums.items()
        ]
        income = sum(int(line.amount) for line in lines if line.kind.startswith("income"))
        expense = sum(int(line.amount) for line in lines if line.kind.startswith("expense"))
        return cls(
            chain=chain,
            begin=begin,
            end=end,
            lines=lines,
            income=str(income),
            income_masq=masq(str(income)),
            expense=str(expense),
            expense_masq=masq(str(expense)),
            result=str(income - expense),
        )
