"""Half a minute of `make soak`: its load runs, and nothing grows so fast that it shows."""

import pytest

from bench.soak import check, soak

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_half_a_minute_at_full_load():
    told = []
    seen = await soak(0.5, told.append)
    print("", *told, sep="\n")
    check(seen)
    assert all(held.counts["client_streams"] >= 10 for held in seen)
