"""What is written about the bus is what the code does."""

import json
from pathlib import Path

from masq_kernel.bus.describe import asyncapi, markdown
from masq_kernel.bus.subjects import ALL

DOCS = Path(__file__).parents[3] / "docs"


def test_the_committed_pages_are_those_of_the_code():
    """Mend with: python -m masq_kernel.bus.describe docs."""
    assert (DOCS / "bus.md").read_text() == markdown()
    assert json.loads((DOCS / "asyncapi.json").read_text()) == json.loads(asyncapi())


def test_every_subject_and_every_message_is_described():
    page, document = markdown(), json.loads(asyncapi())
    for subject in ALL:
        assert f"`{subject.name}`" in page
        assert subject.name in document["channels"]
        assert subject.message.__doc__
    for name, message in document["components"]["messages"].items():
        assert f"## {name}\n" in page
        assert message["summary"]


def test_every_reference_leads_somewhere():
    text = asyncapi()
    document = json.loads(text)

    def references(part):
        if isinstance(part, dict):
            if "$ref" in part:
                yield part["$ref"]
            for each in part.values():
                yield from references(each)
        elif isinstance(part, list):
            for each in part:
                yield from references(each)

    seen = set(references(document))
    assert seen
    for reference in seen:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
