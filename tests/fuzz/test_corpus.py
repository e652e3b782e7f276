"""Every input that was ever worth keeping, and some random changes of each, on every run of tests.

Campaigns with coverage guidance are `make fuzz`; a defect that one finds leaves its input here.
"""

import random
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
CORPUS_SIZE_MAX = 128 << 10
CHANGES = 40


def inputs_of(name):
    return sorted((CORPUS / name).glob("*"))


def changed(data, chance):
    """Change, add or remove a few bytes."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(out))
        match chance.randint(0, 3):
            case 0:
                out[at : at + 1] = bytes([chance.randint(0, 255)])
            case 1:
                del out[at : at + chance.randint(1, 8)]
            case 2:
                out[at:at] = chance.randbytes(chance.randint(1, 8))
            case 3:
                out[at : at + 2] = chance.choice((b"\0\0", b"\xff\xff", b"\x7f\xff"))
    return bytes(out)


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_does_more_than_be_refused(name):
    paths = inputs_of(name)
    assert paths, f"{name} has no corpus"
    target = TARGETS[name]
    target.run(b"")
    for path in paths:
        data = path.read_bytes()
        target.run(data)
        chance = random.Random(path.name)
        for _ in range(CHANGES):
            target.run(changed(data, chance)[: target.size_max])


def test_the_corpus_is_small_and_belongs_to_targets():
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= CORPUS_SIZE_MAX
    assert {path.parent.name for path in files} == set(TARGETS)
