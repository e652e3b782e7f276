"""The comparison of both sides' books."""

import pytest

from masq_cli.demo.books import Account, Books, read_accounts

WALLETS = {"relay": "0xA", "exit": "0xB", "client": "0xC"}


def account(wallet, wei):
    return Account(wallet=wallet, wei=wei, size=10, packages=1)


def books(payables, relay, exit_):
    receivables = {
        "relay": [account("0xC", wei) for wei in relay],
        "exit": [account("0xC", wei) for wei in exit_],
        "client": [],
    }
    return Books.compare([account(w, wei) for w, wei in payables], receivables, WALLETS)


def test_equal_books_agree_and_show_each_hop_once():
    found = books([("0xA", 5), ("0xB", 7)], [5], [3, 4])
    assert found.agree
    assert (found.owed, found.earned) == (12, 12)
    assert [(share.node_id, share.size) for share in found.shares] == [("relay", 10), ("exit", 20)]


@pytest.mark.parametrize(
    ("payables", "relay", "exit_"),
    [
        ([("0xA", 5), ("0xB", 7)], [5], [8]),  # one wei more is earned than owed
        ([("0xA", 5)], [5], [7]),  # a hop that the client forgot
        ([("0xA", 5), ("0xB", 7)], [5], []),  # a hop that forgot the client
        ([("0xA", 7), ("0xB", 5)], [5], [7]),  # equal sums, but not hop by hop
        ([("0xA", 5), ("0xB", 7), ("0xD", 1)], [5], [7]),  # owed to nobody of this mesh
        ([], [], []),  # nothing happened at all
    ],
)
def test_anything_else_does_not(payables, relay, exit_):
    assert not books(payables, relay, exit_).agree


def test_amounts_beyond_64_bits_stay_exact():
    item = {"wallet": "0xA", "balance": "123456789012345678901234567890", "size": 3, "packages": 2}
    assert read_accounts([item]) == [
        Account(wallet="0xA", wei=123456789012345678901234567890, size=3, packages=2)
    ]
