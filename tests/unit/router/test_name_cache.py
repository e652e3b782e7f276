"""Names that were looked up lately."""

import ipaddress

from masq_router.exit.name_cache import FAILED_S, FOUND_S, NAMES_MAX, NameCache
from masq_router.streams.errors import ResetCode

ADDRESSES = (ipaddress.ip_address("192.0.2.1"),)


def test_answers_are_good_for_a_minute_and_failures_for_seconds():
    cache = NameCache()
    cache.put("found.org", ADDRESSES, 100.0)
    cache.put("failed.org", ResetCode.NAME_NOT_RESOLVED, 100.0)
    just_before = 100.0 + FAILED_S - 0.1
    assert cache.get("found.org", just_before) == ADDRESSES
    assert cache.get("failed.org", just_before) is ResetCode.NAME_NOT_RESOLVED
    assert cache.get("failed.org", 100.0 + FAILED_S) is None
    assert cache.get("found.org", 100.0 + FOUND_S) is None
    assert cache.get("never.org", 100.0) is None


def test_the_least_recently_used_name_goes_first():
    cache = NameCache()
    for number in range(NAMES_MAX):
        cache.put(f"n{number}.org", ADDRESSES, 0.0)
    assert cache.get("n0.org", 1.0) == ADDRESSES
    cache.put("one.more.org", ADDRESSES, 1.0)
    assert len(cache) == NAMES_MAX
    assert cache.get("n1.org", 1.0) is None
    assert cache.get("n0.org", 1.0) == ADDRESSES
