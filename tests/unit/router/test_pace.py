from masq_kernel.units import Seconds
from masq_router.links.pace import DEAD_AFTER_S, PING_AFTER_S, Heartbeat, TokenBucket


def test_a_bucket_gives_its_burst_then_its_rate():
    bucket = TokenBucket(rate=2.0, burst=3.0, now=Seconds(0.0))
    assert [bucket.take(Seconds(0.0)) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(Seconds(0.4))
    assert bucket.take(Seconds(0.5))
    assert not bucket.take(Seconds(0.5))


def test_a_bucket_never_holds_more_than_its_burst():
    bucket = TokenBucket(rate=100.0, burst=2.0, now=Seconds(0.0))
    assert [bucket.take(Seconds(1000.0)) for _ in range(3)] == [True, True, False]


def test_a_fresh_link_is_pinged_once_to_learn_its_round_trip():
    heart = Heartbeat(Seconds(100.0))
    assert heart.ping_is_due(Seconds(100.0))
    heart.pinged(b"12345678", Seconds(100.0))
    assert not heart.ping_is_due(Seconds(101.0))
    heart.ponged(b"12345678", Seconds(100.25))
    assert heart.rtt_s == 0.25


def test_pings_follow_silence_and_the_dead_are_known():
    heart = Heartbeat(Seconds(0.0))
    heart.pinged(b"12345678", Seconds(0.0))
    heart.ponged(b"12345678", Seconds(0.01))
    heart.heard(Seconds(5.0))
    assert not heart.ping_is_due(Seconds(5.0 + PING_AFTER_S - 0.1))
    assert heart.ping_is_due(Seconds(5.0 + PING_AFTER_S))
    assert not heart.is_dead(Seconds(5.0 + DEAD_AFTER_S - 0.1))
    assert heart.is_dead(Seconds(5.0 + DEAD_AFTER_S))


def test_a_pong_that_was_never_asked_for_tells_nothing():
    heart = Heartbeat(Seconds(0.0))
    heart.pinged(b"12345678", Seconds(0.0))
    heart.ponged(b"????????", Seconds(9.0))
    assert heart.rtt_s is None


def test_the_round_trip_is_smoothed():
    heart = Heartbeat(Seconds(0.0))
    for index, sample in enumerate((0.1, 0.9)):
        heart.pinged(b"%08d" % index, Seconds(10.0 * index))
        heart.ponged(b"%08d" % index, Seconds(10.0 * index + sample))
    assert heart.rtt_s is not None
    assert abs(heart.rtt_s - 0.2) < 1e-9
