"""Originator and exit joined in memory: what one sends the other receives, package by package."""

from collections import defaultdict

from masq_router.streams import Association, Role


class RecordingEvents:
    """A shell that writes down what it is told and, unless told otherwise, consumes at once."""

    def __init__(self) -> None:
        self.association: Association | None = None
        self.data = defaultdict(bytearray)
        self.opens, self.opened, self.fins, self.resets = [], [], [], []
        self.attaches, self.probed, self.writable = [], [], []
        self.consumes = True

    def on_attach(self, attach) -> None:
        self.attaches.append(attach)

    def on_open(self, request) -> None:
        self.opens.append(request)

    def on_opened(self, stream_id) -> None:
        self.opened.append(stream_id)

    def on_data(self, stream_id, data) -> None:
        self.data[stream_id] += data
        if self.consumes:
            self.association.consumed(stream_id, len(data))

    def on_fin(self, stream_id) -> None:
        self.fins.append(stream_id)

    def on_reset(self, stream_id, code) -> None:
        self.resets.append((stream_id, code))

    def on_writable(self, stream_id) -> None:
        self.writable.append(stream_id)

    def on_probed(self, token) -> None:
        self.probed.append(token)


class StreamPair:
    def __init__(self, *, hint: int = 3) -> None:
        self.origin_events, self.exit_events = RecordingEvents(), RecordingEvents()
        self.origin = Association(Role.ORIGIN, self.origin_events, hint=hint)
        self.exit = Association(Role.EXIT, self.exit_events, hint=hint)
        self.origin_events.association = self.origin
        self.exit_events.association = self.exit
        self.package_sizes = []

    def settle(self, packages_max: int = 10_000) -> int:
        """Carry packages both ways until nobody has anything to send; return how many."""
        carried = 0
        while carried < packages_max:
            moved = self._carry(self.origin, self.exit) + self._carry(self.exit, self.origin)
            if moved == 0:
                return carried
            carried += moved
        raise AssertionError("the pair never comes to rest")

    def _carry(self, source, target) -> int:
        package = source.next_package()
        if package is None:
            return 0
        self.package_sizes.append(len(package))
        target.receive(memoryview(package))
        return 1

    def connected_stream(self, host="example.com", port=443) -> int:
        stream_id = self.origin.open(host, port)
        self.settle()
        self.exit.opened(stream_id)
        self.settle()
        return stream_id
