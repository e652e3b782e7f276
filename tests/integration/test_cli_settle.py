"""`masq settlements`, `wallets` and `scan`: against the API over HTTP."""

import json

import msgspec
import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.settlement import BalancesShown, PaymentsListed, ScansListed
from support.api_node import HUGE, WALLETS, make_payment
from support.masq_command import run_masq
from support.served_node import ServedNode


@pytest.fixture
def served(tmp_path, monkeypatch):
    served = ServedNode(tmp_path)
    served.start()
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.setenv("MASQ_API_TOKEN", served.node.token())
    yield served
    served.stop()


@pytest.fixture
def masq(served, monkeypatch):
    return lambda *arguments: run_masq(*arguments, "--url", served.url, monkeypatch=monkeypatch)


def test_payments_are_listed_page_after_page(served, masq, capsys):
    def answer(message):
        numbers = [
            number for number in (3, 2, 1) if message.before is None or number < message.before
        ]
        return PaymentsListed(payments=(make_payment(numbers[0]),), more=len(numbers) > 1)

    served.node.answers[subjects.PAYMENTS] = answer
    assert masq("settlements", "--phase", "failed", "--wallet", WALLETS[1].text, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["number"] for each in found] == [3, 2, 1]
    asked = served.node.asked[-1]
    assert (asked.phase, asked.wallet) == ("failed", WALLETS[1])
    assert masq("settlements") == 0
    assert WALLETS[1].text in capsys.readouterr().out
    served.node.answers[subjects.PAYMENTS] = PaymentsListed(payments=(), more=False)
    assert masq("settlements") == 0
    assert "has paid nothing yet" in capsys.readouterr().out


def test_wallets_are_shown_with_their_servers(served, masq, capsys):
    assert masq("wallets") == 0
    out = capsys.readouterr().out
    assert WALLETS[0].text in out
    assert "rpc:1" in out
    assert "read up to" in out
    assert masq("wallets", "--json") == 0
    assert json.loads(capsys.readouterr().out)["wallets"][0]["tokens"] == str(HUGE)
    bare = BalancesShown(wallets=(), chain="dev", is_configured=False)
    served.node.answers[subjects.BALANCES] = bare
    assert masq("wallets") == 0
    assert "set `rpc_urls`" in capsys.readouterr().out


class Scanner:
    """Runs a scan for two questions."""

    def __init__(self, answer, **outcome):
        [self.state] = answer.scans
        self.outcome, self.begun, self.questions = outcome, False, 0

    def __call__(self, message):
        if message.start is not None:
            self.begun = True
            return self.listed(is_running=True)
        self.questions += self.begun
        if self.questions < 2:
            return self.listed(is_running=self.begun)
        return self.listed(runs=self.state.runs + 1, **self.outcome)

    def listed(self, **changes):
        return ScansListed(scans=(msgspec.structs.replace(self.state, **changes),))


@pytest.mark.parametrize(("is_well", "code"), [(True, 0), (False, 1)])
def test_a_scan_is_begun_and_waited_for(served, masq, capsys, is_well, code):
    scanner = Scanner(
        served.node.answers[subjects.SCANS], outcome="2 payments were sent", is_well=is_well
    )
    served.node.answers[subjects.SCANS] = scanner
    assert masq("scan", "payables") == code
    assert capsys.readouterr().out.endswith("\n2 payments were sent.\n")
    assert scanner.questions == 2


def test_scans_are_listed(masq, capsys):
    assert masq("scan") == 0
    assert "nothing is due" in capsys.readouterr().out
    assert masq("scan", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "payables"


def test_a_scan_that_cannot_be_begun_is_a_sentence(served, masq, capsys):
    reason = "this node has no payables scan: no RPC server or no consuming wallet is set"
    served.node.answers[subjects.SCANS] = BusRefused(Refusal.CONFLICT, reason)
    assert masq("scan", "payables") == 1
    said = capsys.readouterr().err
    assert "no RPC server" in said
    assert "Traceback" not in said
    assert masq("scan", "everything") == 2
