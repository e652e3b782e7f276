"""Values for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masq_cli.show.values import amount, plain, short_id, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (52_428_800, "52.4 MB"),
        (3 * 10**15, "3000.0 TB"),
        (None, "-"),
    ],
)
def test_sizes(value, shown):
    assert size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("0", "0"), ("-1234567", "-1 234 567"), (None, "-"), ("?", "?")]
)
def test_amounts(value, shown):
    assert amount(value) == shown


def test_a_route_shows_the_beginning_of_each_name():
    assert short_id(["a" * 43, "b" * 43]) == "aaaaaaaa > bbbbbbbb"
    assert short_id([]) == "-"


@given(st.text())
def test_nothing_but_printable_characters(text):
    assert plain(text).isprintable()
    assert len(plain(text)) <= 200
