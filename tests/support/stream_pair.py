"""Originator and exit joined in memory: what one sends the other receives, package by package."""

from collections import defaultdict, deque

from masq_kernel.identity.keys import NodeId
from masq_router.onion.geometry import SETUP_SIZE
from masq_router.streams import Association, Attach, Role, WayBack
from masq_router.streams.attach import refusal_package
from masq_router.streams.frames import ack_frame
from masq_router.streams.windows import WINDOW_MIN

SECRET = bytes([1]) * 32
WAY_BACK = WayBack(
    secret=bytes([2]) * 32, first=NodeId(bytes([3]) * 32), setup=bytes([4]) * SETUP_SIZE
)


class RecordingEvents:
    """A shell that writes down what it is told and, unless told otherwise, consumes at once."""

    def __init__(self) -> None:
        self.association: Association | None = None
        self.data = defaultdict(bytearray)
        self.opens, self.opened, self.fins, self.resets = [], [], [], []
        self.probed, self.writable = [], []
        self.datagrams, self.flow_ends, self.statements = [], [], []
        self.attached = self.unknown = 0
        self.consumes = True
        self.now = 0.0

    def on_attached(self) -> None:
        self.attached += 1

    def on_unknown(self) -> None:
        self.unknown += 1

    def on_open(self, request) -> None:
        self.opens.append(request)

    def on_opened(self, stream_id) -> None:
        self.opened.append(stream_id)

    def on_data(self, stream_id, data) -> None:
        self.data[stream_id] += data
        if self.consumes:
            self.now += 0.001
            self.association.consumed(stream_id, len(data), self.now)

    def on_fin(self, stream_id) -> None:
        self.fins.append(stream_id)

    def on_reset(self, stream_id, code) -> None:
        self.resets.append((stream_id, code))

    def on_writable(self, stream_id) -> None:
        self.writable.append(stream_id)

    def on_probed(self, token) -> None:
        self.probed.append(token)

    def on_datagram(self, datagram) -> None:
        said = datagram.flow, datagram.host, datagram.port, bytes(datagram.data)
        self.datagrams.append(said)

    def on_flow_end(self, flow) -> None:
        self.flow_ends.append(flow)

    def on_statement(self, data) -> None:
        self.statements.append(data)


class Route:
    """One round trip: ordered and reliable until it is cut, then empty."""

    def __init__(self, hint: int) -> None:
        self.hint = hint
        self.over, self.back = deque(), deque()
        self.is_adopted = False


class StreamPair:
    """Two associations and the routes between them; the first route stands from the beginning.

    `attach` begins another route, with or without a `cut` before; the exit's shell is played here.
    """

    def __init__(self, *, hint: int = 3) -> None:
        self.origin_events, self.exit_events = RecordingEvents(), RecordingEvents()
        self.origin = Association(Role.ORIGIN, self.origin_events)
        self.exit = Association(Role.EXIT, self.exit_events)
        self.origin_events.association = self.origin
        self.exit_events.association = self.exit
        self.package_sizes = []
        self.attaches = []
        self.exit_route: Route | None = None
        self.attach(hint)
        self.settle()

    def attach(self, hint: int = 3) -> None:
        """The originator takes another route."""
        self.route = Route(hint)
        self.origin.attach(SECRET, WAY_BACK, hint=hint)

    def cut(self, *, over_left: int = 0, back_left: int = 0) -> None:
        """Lose the route; so many packages each way still arrive, because they were further on."""
        self.deliver(over_left, back_left)
        self.route.over.clear()
        self.route.back.clear()
        self.origin.detach()
        if self.exit_route is not None:
            self.exit_route = None
            self.exit.detach()

    def settle(self, packages_max: int = 10_000) -> int:
        """Carry packages both ways until nobody has anything to send; return how many."""
        carried = 0
        while carried < packages_max:
            moved = self.load(1) + self.deliver(1, 1)
            if moved == 0:
                return carried
            carried += moved
        raise AssertionError("the pair never comes to rest")

    def load(self, count: int) -> int:
        """Put up to `count` packages each way on the route, and leave them on their way."""
        moved = 0
        for _ in range(count):
            moved += self._load(self.origin, self.route.over)
            if self.exit_route is self.route:
                moved += self._load(self.exit, self.route.back)
        return moved

    def _load(self, source, queue) -> int:
        package = source.next_package()
        if package is None:
            return 0
        self.package_sizes.append(len(package))
        queue.append(package)
        return 1

    def deliver(self, over: int, back: int) -> int:
        """Let up to so many packages arrive, over and back; return how many did."""
        moved = 0
        while over and self.route.over:
            self._at_exit(memoryview(self.route.over.popleft()))
            over, moved = over - 1, moved + 1
        while back and self.route.back:
            self.origin.receive(memoryview(self.route.back.popleft()))
            back, moved = back - 1, moved + 1
        return moved

    def _at_exit(self, package) -> None:
        if self.route.is_adopted:
            if self.exit_route is self.route:
                self.exit.receive(package)
            return
        attach, end = Attach.pop(package, 0)
        self.attaches.append(attach)
        self.exit.adopt(attach, hint=self.route.hint)
        self.route.is_adopted, self.exit_route = True, self.route
        self.exit.receive(package[end:])

    def refuse(self) -> None:
        """Answer the ATTACH as an exit that does not know the association."""
        attach, _ = Attach.pop(memoryview(self.origin.next_package()), 0)
        self.attaches.append(attach)
        self.origin.receive(memoryview(refusal_package(attach.epoch, hint=self.route.hint)))

    def connected_stream_quietly(self) -> int:
        """The same without carrying what else waits at the exit."""
        stream_id = self.origin.open("example.com", 443)
        while (package := self.origin.next_package()) is not None:
            self.exit.receive(memoryview(package))
        self.exit.opened(stream_id)
        self.exit.receive(memoryview(ack_frame(stream_id, consumed=0, window=WINDOW_MIN)))
        return stream_id

    def connected_stream(self, host="example.com", port=443) -> int:
        stream_id = self.origin.open(host, port)
        self.settle()
        self.exit.opened(stream_id)
        self.settle()
        return stream_id
