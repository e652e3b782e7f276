"""What was earned and spent in a period."""

import pytest

from masq_accountant.ledger import Account, Entry, Kind
from masq_accountant.store.turnover import Sum, turnover
from support.ledgers import open_ledger
from support.usage_builders import NOW, WALLETS

DAY = 86_400


@pytest.fixture
async def ledger(tmp_path, books_url):
    ledger = await open_ledger(tmp_path, books_url)
    for number in range(30):
        earned = number % 3 != 0
        side = (
            (Kind.RECEIVABLE, Kind.INCOME_EXIT) if earned else (Kind.EXPENSE_ROUTING, Kind.PAYABLE)
        )
        debit, credit = (
            Account(kind, WALLETS[0] if kind in (Kind.RECEIVABLE, Kind.PAYABLE) else None)
            for kind in side
        )
        entries = [
            Entry(account=debit, amount=10**20 + number, packages=2, size=100),
            Entry(account=credit, amount=-(10**20) - number, packages=2, size=100),
        ]
        assert await ledger.book(f"usage:{number}", entries, NOW + number * DAY)
    yield ledger
    await ledger.close()


async def whole(ledger, begin, end):
    """Add up all pages, and count them."""
    totals, after, pages = {}, 0, 0
    while after is not None:
        sums, after = await turnover(ledger, begin, end, after=after)
        for kind, found in sums.items():
            known = totals.setdefault(kind, Sum())
            known.amount += found.amount
            known.packages += found.packages
            known.size += found.size
        pages += 1
    return totals, pages


@pytest.mark.parametrize(("page", "pages"), [(20_000, 1), (8, 3)])
async def test_a_period_has_what_was_booked_in_it_and_no_more(ledger, monkeypatch, page, pages):
    monkeypatch.setattr("masq_accountant.store.turnover.PAGE", page)
    sums, read = await whole(ledger, NOW + 5 * DAY, NOW + 20 * DAY)
    earned = [number for number in range(5, 20) if number % 3]
    spent = [number for number in range(5, 20) if number % 3 == 0]
    assert sums[Kind.INCOME_EXIT].amount == -sum(10**20 + number for number in earned)
    assert sums[Kind.EXPENSE_ROUTING].amount == sum(10**20 + number for number in spent)
    assert sums[Kind.INCOME_EXIT].packages == 2 * len(earned)
    assert sums[Kind.EXPENSE_ROUTING].size == 100 * len(spent)
    assert sums[Kind.INCOME_ROUTING] == sums[Kind.EXPENSE_EXIT] == Sum()
    assert read >= pages


async def test_a_period_without_anything_is_empty(ledger):
    sums, _ = await whole(ledger, NOW - DAY, NOW)
    assert set(map(str, sums)) == {
        "income:routing",
        "income:exit",
        "expense:routing",
        "expense:exit",
    }
    assert all(found == Sum() for found in sums.values())
