"""What the doctor says of what the API answers."""

import pytest

from masq_cli.commands.doctor import Answers, diagnose

WELL = {"ready": True, "dependencies": {"bus": "ok"}}
NODE = {
    "stage": "routable",
    "stage_reason": "",
    "refusing": "",
    "services": {"gossip": WELL, "router": WELL, "accountant": WELL},
}
BOOKS = {"is_read_only": False, "row": None, "reason": None, "transactions": 9, "checkpoint": 5}


WALLETS = {"is_configured": True, "servers": [{"name": "rpc", "head": 9, "trouble": ""}]}
SCAN = {"kind": "payables", "is_well": True, "outcome": "nothing is due"}


def findings(node=NODE, books=BOOKS, disputes=(), wallets=WALLETS, scans=(SCAN,)):
    return list(diagnose(Answers(node, books, list(disputes), wallets, scans)))


def test_a_node_that_is_well_is_said_to_be_well():
    found = findings()
    assert all(each.is_well and not each.remedy for each in found)
    assert [each.subject for each in found] == [
        *("gossip", "router", "accountant", "mesh", "books", "RPC rpc", "disputes", "clients")
    ]


def test_a_node_without_a_chain_is_well_and_says_that_it_pays_nothing():
    found = findings(wallets={"is_configured": False, "servers": []})
    [chain] = [each for each in found if each.subject == "chain"]
    assert (chain.is_well, "nothing is paid" in chain.state) == (True, True)


@pytest.mark.parametrize(
    ("case", "subject", "words"),
    [
        (
            {
                "books": {
                    **BOOKS,
                    "is_read_only": True,
                    "row": "ledger_entry 7/0",
                    "reason": "is bad",
                }
            },
            "books",
            "ledger_entry 7/0",
        ),
        (
            {"scans": [{**SCAN, "is_well": False, "outcome": "the wallet has no MASQ left"}]},
            "scan payables",
            "no MASQ left",
        ),
        (
            {"wallets": {**WALLETS, "servers": [{"name": "a", "head": None, "trouble": "502"}]}},
            "RPC a",
            "502",
        ),
        ({"disputes": [{"node_id": "x"}]}, "disputes", "1 open"),
        ({"node": {**NODE, "stage": "connected"}}, "mesh", "connected"),
        ({"node": {**NODE, "refusing": "no route"}}, "clients", "no route"),
        (
            {
                "node": {
                    **NODE,
                    "services": {
                        "accountant": {"ready": False, "dependencies": {"ledger": "read-only"}}
                    },
                }
            },
            "accountant",
            "ledger: read-only",
        ),
        (
            {"node": {**NODE, "services": {"router": {"ready": False, "dependencies": {}}}}},
            "router",
            "does not answer",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(case, subject, words):
    [finding] = [each for each in findings(**case) if not each.is_well]
    assert (finding.subject, words in finding.state) == (subject, True)
    assert finding.remedy
