"""Routes are cut at random points and replaced: every byte arrives, in order, once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from support.stream_pair import StreamPair

STREAMS = 3
INDEX = st.integers(0, STREAMS - 1)
SIZES = st.one_of(st.integers(1, 3_000), st.integers(30_000, 400_000))
STEPS = st.one_of(
    st.tuples(st.just("write"), INDEX, st.booleans(), SIZES),
    st.tuples(st.just("finish"), INDEX, st.booleans()),
    st.tuples(st.just("load"), st.integers(1, 6)),
    st.tuples(st.just("carry"), st.integers(1, 6)),
    st.tuples(st.just("cut"), st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.just("attach"), st.integers(0, 15)),
    st.tuples(st.just("pause"), st.booleans()),
)


class World:
    """A pair, and what was written where; `step` plays one random event."""

    def __init__(self):
        self.pair = StreamPair()
        self.streams = [self.pair.connected_stream() for _ in range(STREAMS)]
        self.written = {(stream, way): b"" for stream in self.streams for way in (True, False)}
        self.finished = set()
        self.held = {True: {}, False: {}}

    def source(self, way):
        return self.pair.origin if way else self.pair.exit

    def write(self, index, way, size):
        key = (self.streams[index], way)
        if key not in self.finished:
            data = (bytes([size % 251]) + size.to_bytes(4, "big")) * (size // 5 + 1)
            self.source(way).write(key[0], data[:size])
            self.written[key] += data[:size]

    def finish(self, index, way):
        self.finished.add((self.streams[index], way))
        self.source(way).finish(self.streams[index])

    def load(self, count):
        self.pair.load(count)

    def carry(self, count):
        for _ in range(count):
            self.pair.load(1)
            self.pair.deliver(1, 1)

    def cut(self, over_left, back_left):
        self.pair.cut(over_left=over_left, back_left=back_left)

    def attach(self, hint):
        self.pair.attach(hint)

    def pause(self, way):
        """The sockets of one end stop taking bytes until the end."""
        self.events(way).consumes = False

    def events(self, way):
        return self.pair.exit_events if way else self.pair.origin_events

    def step(self, name, *arguments):
        getattr(self, name)(*arguments)

    def come_to_rest(self):
        """All is finished, both ends consume, one more route is there: what must hold then."""
        self.pair.attach()
        for way in (True, False):
            events, target = self.events(way), self.source(not way)
            if not events.consumes:
                events.consumes = True
                for stream in self.streams:
                    left = len(events.data[stream]) - consumed(target, stream)
                    if left:
                        target.consumed(stream, left, 1.0)
        for stream in self.streams:
            self.pair.origin.finish(stream)
            self.pair.exit.finish(stream)
        self.pair.settle()


def consumed(association, stream_id):
    stream = association._streams.get(stream_id)
    return stream.consumed if stream else 0


@given(steps=st.lists(STEPS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_byte_arrives_in_order_once_whatever_is_cut(steps):
    world = World()
    for name, *arguments in steps:
        world.step(name, *arguments)
    world.come_to_rest()
    for (stream, way), data in world.written.items():
        assert world.events(way).data[stream] == data
    for events in (world.pair.origin_events, world.pair.exit_events):
        assert sorted(events.fins) == world.streams
        assert events.resets == []
    assert world.pair.origin.stream_count == world.pair.exit.stream_count == 0


@given(steps=st.lists(STEPS, max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_windows_are_whole_again_after_any_cuts(steps):
    """What a whole association window of fresh bytes needs is there, on whatever route."""
    world = World()
    for name, *arguments in steps:
        world.step(name, *arguments)
    world.come_to_rest()
    pair, size = world.pair, 9 << 20  # more than the window of the association
    stream = pair.connected_stream()
    for _ in range(size >> 18):
        pair.origin.write(stream, bytes(1 << 18))
        pair.exit.write(stream, bytes(1 << 18))
    pair.settle()
    assert len(pair.exit_events.data[stream]) == len(pair.origin_events.data[stream]) == size


@given(steps=st.lists(STEPS, max_size=20), data=st.data())
@settings(max_examples=3000, deadline=None)
def test_streams_opened_and_reset_on_the_way_are_settled_at_both_ends(steps, data):
    world = World()
    pair, fresh = world.pair, []
    for name, *arguments in steps:
        world.step(name, *arguments)
        what = data.draw(st.sampled_from(["open", "refuse", "connect", "leave", "nothing"]))
        asked = [request.stream for request in pair.exit_events.opens[STREAMS:]]
        if what == "open":
            fresh.append(pair.origin.open("example.com", 80))
        elif what == "connect" and asked:
            pair.exit.opened(data.draw(st.sampled_from(asked)))
        elif what == "refuse" and asked:
            pair.exit.reset(data.draw(st.sampled_from(asked)), 5)
        elif what == "leave" and fresh:
            pair.origin.reset(data.draw(st.sampled_from(fresh)), 13)
    world.come_to_rest()
    assert sorted(pair.origin.stream_ids) == sorted(pair.exit.stream_ids)
    assert len({request.stream for request in pair.exit_events.opens}) == len(
        pair.exit_events.opens
    )
    for stream, code in pair.origin_events.resets:
        assert code == 5, f"stream {stream}"
