"""Books for bookkeepers and other programs."""

import csv
import io
import json

from masq_kernel.bus import subjects
from masq_kernel.bus.messages.accountant import AccountsListed, AccountsRequested
from masq_kernel.identity.keys import WalletAddress
from support.api_node import HUGE, WALLETS, make_account


def wallet(number):
    return WalletAddress(number.to_bytes(20, "big"))


async def test_an_export_reads_all_pages_and_loses_no_digit(node):
    listed = [make_account(0, HUGE - number) for number in range(2_500)]
    for number, account in enumerate(listed):
        listed[number] = type(account)(
            **{
                **{name: getattr(account, name) for name in account.__struct_fields__},
                "wallet": wallet(number),
            }
        )
    asked = []

    def answer(message: AccountsRequested):
        asked.append(message)
        begin = 0 if message.after is None else int.from_bytes(message.after.raw, "big") + 1
        page = tuple(listed[begin : begin + message.limit])
        return AccountsListed(accounts=page, more=begin + message.limit < len(listed))

    node.answers[subjects.ACCOUNTS] = answer
    got = await node.get("/v1/ledger/payables/export", by="age", place="owing", age_min_s="5")
    assert got.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert got.headers["Content-Disposition"] == 'attachment; filename="payables.csv"'
    rows = list(csv.DictReader(io.StringIO(got.text)))
    assert [row["wallet"] for row in rows] == [each.wallet.text for each in listed]
    assert [int(row["balance"]) for row in rows] == [HUGE - number for number in range(2_500)]
    assert len(asked) == 3
    assert {(each.by, each.place, each.age_min_s) for each in asked} == {("age", "owing", 5)}


async def test_json_lines(node):
    got = await node.get("/v1/ledger/payables/export", format="jsonl")
    assert got.headers["Content-Type"].startswith("application/jsonl")
    items = [json.loads(line) for line in got.text.splitlines()]
    assert [item["balance"] for item in items] == [str(HUGE), "5"]


async def test_a_history_is_exported(node):
    node.answers[subjects.ENTRIES] = type(node.answers[subjects.ENTRIES])(
        entries=node.answers[subjects.ENTRIES].entries, more=False
    )
    path = f"/v1/ledger/receivables/{WALLETS[1].text}/entries/export"
    rows = list(csv.DictReader(io.StringIO((await node.get(path)).text)))
    assert int(rows[0]["amount"]) == HUGE
    assert (await node.get("/v1/ledger/receivables/0x12/entries/export")).status_code == 422


async def test_wishes_are_checked(node):
    for wrong in ({"balance_min": "-1"}, {"place": "lost"}, {"by": "wallet"}, {"format": "xml"}):
        path = "/v1/ledger/payables/export" if "format" in wrong else "/v1/ledger/payables"
        assert (await node.get(path, **wrong)).status_code == 422


async def test_checkpoints(node):
    content = (await node.get("/v1/ledger/checkpoints")).json()
    assert content["next"] is None
    assert content["items"][0]["number"] == 9
    assert content["items"][0]["signature"] == "00" * 64


async def test_an_account_shows_its_place_on_the_curve(node):
    account = make_account(1, 150)
    shown = {name: getattr(account, name) for name in account.__struct_fields__}
    over = type(account)(**{**shown, "place": "over", "allowed": "100", "charged": "900"})
    node.answers[subjects.ACCOUNTS] = AccountsListed(accounts=(over,), more=False)
    [item] = (await node.get("/v1/ledger/receivables")).json()["items"]
    assert (item["place"], item["allowed"], item["share"]) == ("over", "100", 1.5)
    assert item["charged"] == "900"
