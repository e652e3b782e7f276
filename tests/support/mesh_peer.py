"""A node's links without the rest of it: real TLS on loopback, events in a list."""

import asyncio

from masq_kernel.clock import SystemClock
from masq_kernel.entropy import SeededEntropy
from masq_kernel.identity.keys import IdentityKey
from masq_router.lifecycle import LiveSessions
from masq_router.links.certificate import make_certificate
from masq_router.links.dialler import Dialler
from masq_router.links.listener import Listener
from masq_router.mesh import Mesh
from masq_router.metering import Metering
from masq_router.sessions import SessionTable
from support.routes import DEV

CLOCK = SystemClock()


class Told:
    """Stands where the announcer does: keeps what was told, in order."""

    def __init__(self):
        self.events = []
        self._changed = asyncio.Event()

    def tell(self, message):
        self.events.append(message)
        self._changed.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind, *, count=1, timeout_s=10.0):
        async with asyncio.timeout(timeout_s):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[count - 1]


class MeshPeer:
    """Links of one node; `start` makes it listen."""

    def __init__(self, number, tasks, *, address="127.0.0.1", cover=None):
        entropy = SeededEntropy(7000 + number)
        self.identity = IdentityKey.generate(entropy)
        self.node_id = self.identity.node_id
        self.address = address
        self.told = Told()
        self.live = LiveSessions(SessionTable(sessions_max=1000), Metering(f"test{number}"))
        self.mesh = Mesh(
            chain=DEV,
            identity=self.identity,
            live=self.live,
            dialler=Dialler(address),
            announcer=self.told,
            tasks=tasks,
            clock=CLOCK,
            entropy=entropy,
            cover=cover,
        )
        self.certificate = make_certificate(CLOCK.utc(), entropy)
        self.listener = Listener(admit=self.mesh.admit, give_up=self.mesh.give_up, tasks=tasks)
        self.port = 0

    async def start(self):
        _, self.port = await self.listener.start(self.address, self.port, self.certificate)
        return self

    def dial(self, other, *, port=None):
        assert self.mesh.dial(other.node_id, other.address, (port or other.port,))

    def stop(self):
        self.listener.stop()
        self.mesh.close("the test is over")
