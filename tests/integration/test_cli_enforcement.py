"""`masq thresholds`, `ban`, `pardon`, `whitelist`, `ledger verify`: against the API over HTTP."""

import json

import msgspec
import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.accountant import (
    ThresholdsChange,
    ThresholdsHistory,
    VerificationState,
)
from support.api_node import NOW, PEER, THRESHOLDS, WALLETS
from support.masq_command import run_masq
from support.served_node import ServedNode

WALLET = WALLETS[3].text


@pytest.fixture
def served(tmp_path, monkeypatch):
    served = ServedNode(tmp_path)
    served.start()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQ_API_TOKEN", served.node.token())
    yield served
    served.stop()


@pytest.fixture
def masq(served, monkeypatch):
    return lambda *arguments: run_masq(*arguments, "--url", served.url, monkeypatch=monkeypatch)


def test_thresholds_are_shown_and_changed_one_by_one(served, masq, capsys):
    assert masq("thresholds", "show") == 0
    assert "maturity_threshold_sec" in capsys.readouterr().out
    assert masq("thresholds", "set", "maturity_threshold_sec=7", "credit_limit_gwei=9") == 0
    asked = served.node.asked[-1]
    assert (asked.values.maturity_threshold_sec, asked.values.credit_limit_gwei) == (7, 9)
    assert (asked.values.debt_threshold_gwei, asked.revision) == (10**18, 4)
    assert masq("thresholds", "set", "credit_limit_gwei=auto", "--json") == 0
    assert served.node.asked[-1].values.credit_limit_gwei is None


def test_a_change_that_came_second_is_told_so(served, masq, capsys):
    served.node.answers[subjects.SET_THRESHOLDS] = BusRefused(Refusal.CONFLICT, "it is 5")
    assert masq("thresholds", "set", "maturity_threshold_sec=7") == 1
    assert "Other thresholds are in force by now" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", ["maturity", "maturity_threshold_sec=soon", "height=5", "unban_below_gwei=auto"]
)
def test_a_value_that_is_none_is_wrong_usage_and_changes_nothing(served, masq, capsys, wrong):
    assert masq("thresholds", "set", wrong) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not [each for each in served.node.asked if hasattr(each, "values")]


def test_a_preview_and_the_history(served, masq, capsys):
    assert masq("thresholds", "preview", "maturity_threshold_sec=7", "--json") == 0
    assert json.loads(capsys.readouterr().out)["would_ban"] == [WALLETS[1].text]
    change = ThresholdsChange(
        revision=1,
        at=NOW,
        by="token",
        before=THRESHOLDS,
        after=msgspec.structs.replace(THRESHOLDS, maturity_threshold_sec=7),
    )
    served.node.answers[subjects.THRESHOLDS_HISTORY] = ThresholdsHistory(
        changes=(change,), more=False
    )
    assert masq("thresholds", "history") == 0
    assert "maturity_threshold_sec 1200 -> 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "decision", "note"),
    [
        (("ban", WALLET, "--note", "spam"), "ban", "spam"),
        (("whitelist", WALLET), "whitelist", ""),
        (("whitelist", WALLET, "--remove"), None, ""),
        (("pardon", WALLET), "pardon", ""),
    ],
)
def test_a_decision_reaches_the_accountant(served, masq, command, decision, note):
    assert masq(*command) == 0
    asked = served.node.asked[-1]
    assert (asked.wallet, asked.decision, asked.note) == (WALLETS[3], decision, note)


def test_pardon_still_takes_the_beginning_of_a_node_id(served, masq):
    assert masq("pardon", PEER.text[:6]) == 0
    assert served.node.asked[-1].node_id == PEER


def test_a_wallet_that_is_none_is_wrong_usage(masq, capsys):
    assert masq("ban", "0x12") == 2
    assert "is no wallet" in capsys.readouterr().err


def test_bans_show_nodes_and_wallets(masq, capsys):
    assert masq("bans") == 0
    out = capsys.readouterr().out
    assert "misconduct" in out
    assert WALLETS[2].text in out
    assert "delinquent" in out


def test_books_that_do_not_verify_fail_the_command_and_are_named(served, masq, capsys):
    assert masq("ledger", "verify") == 1
    assert "ledger_entry 3/1 is not what was written there" in capsys.readouterr().err
    served.node.answers[subjects.VERIFY_LEDGER] = VerificationState(
        is_running=False,
        is_read_only=False,
        row="",
        reason="",
        transactions=9,
        verified=9,
        finished_at=NOW,
        checkpoint=8,
    )
    assert masq("ledger", "verify") == 0
