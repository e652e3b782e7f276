"""The API's description: committed, complete, and the same as the code."""

import json
from pathlib import Path

import pytest

from masq_api.openapi import description

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
OPERATIONS = [
    (path, method, operation)
    for path, methods in json.loads(description())["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_description_is_that_of_the_code():
    """Mend with: python -m masq_api.openapi > docs/openapi.json."""
    assert json.loads(COMMITTED.read_text()) == json.loads(description())


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:40]
)
def test_every_operation_is_described(path, method, operation):
    assert operation["summary"]
    assert operation["description"]
    if path not in ("/healthz", "/readyz"):
        assert operation["security"]
        assert {"401", "403", "429"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        if status.startswith(("4", "5")) and path != "/readyz":
            assert "application/problem+json" in response["content"], (path, status)
