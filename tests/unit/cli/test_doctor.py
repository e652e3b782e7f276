"""What the doctor says of what the API answers."""

import pytest

from masq_cli.commands.doctor import diagnose

WELL = {"ready": True, "dependencies": {"bus": "ok"}}
NODE = {
    "stage": "routable",
    "stage_reason": "",
    "refusing": "",
    "services": {"gossip": WELL, "router": WELL, "accountant": WELL},
}
BOOKS = {"is_read_only": False, "row": None, "reason": None, "transactions": 9, "checkpoint": 5}


def wrong(node=NODE, books=BOOKS, disputes=()):
    return [each for each in diagnose(node, books, list(disputes)) if not each.is_well]


def test_a_node_that_is_well_is_said_to_be_well():
    findings = list(diagnose(NODE, BOOKS, []))
    assert all(each.is_well and not each.remedy for each in findings)
    assert {"gossip", "router", "accountant", "mesh", "books", "disputes", "clients"} == {
        each.subject for each in findings
    }


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
    [finding] = wrong(**case)
    assert (finding.subject, words in finding.state) == (subject, True)
    assert finding.remedy
