"""A third of a minute of `make soak`, with less load since other tests run beside it."""

import pytest

from bench.soak import check, soak

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_under_load_nothing_grows_so_fast_that_it_shows():
    told = []
    seen = await soak(0.3, told.append, downloads=1, uploads=1)
    print("", *told, sep="\n")
    check(seen)
    assert all(held.counts["client_streams"] >= 2 for held in seen)
