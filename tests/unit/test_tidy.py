"""What this repository has learned to keep in order."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "services").rglob("*.py"))
LINES_MAX = 450


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_file_is_short_and_finished(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LINES_MAX
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
    assert path.stem not in ("utils", "helpers", "common", "misc")


def test_every_vector_has_the_script_that_made_it():
    scripts = "".join(path.read_text() for path in (ROOT / "tests/vectors").glob("make_*.py"))
    for vector in (ROOT / "tests/vectors").glob("*.json"):
        assert vector.stem in scripts


def test_every_decision_is_listed():
    listed = (ROOT / "docs/adr/README.md").read_text()
    for path in (ROOT / "docs/adr").glob("0*.md"):
        assert path.name in listed


def test_every_link_between_pages_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{relative(page)}: {target}"


def test_commands_in_the_readme_exist():
    makefile, readme = (ROOT / "Makefile").read_text(), (ROOT / "README.md").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_nothing_built_is_committed():
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert not [name for name in names if "__pycache__" in name or name.startswith("build/")]


def test_tests_that_the_pages_name_exist():
    code = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for page in (ROOT / "docs").rglob("*.md"):
        for name in set(re.findall(r"`(test_\w+)`", page.read_text())):
            assert f"def {name}(" in code, f"{relative(page)}: {name}"
