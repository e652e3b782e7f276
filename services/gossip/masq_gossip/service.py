"""Wire the gossip process together, run it, and stop it in order."""

import asyncio

from masq_gossip.handlers import Handlers, serve
from masq_gossip.metrics import register_metrics
from masq_gossip.mover import Mover
from masq_gossip.preference_file import PreferenceFile
from masq_gossip.rules.events import Endpoint
from masq_gossip.rules.neighborhood import Neighborhood
from masq_gossip.rules.state import Origin
from masq_gossip.settings import GossipSettings
from masq_gossip.shell import Shell
from masq_gossip.store import GossipStore
from masq_kernel.ending import end_all
from masq_kernel.identity.keys import NodeId
from masq_kernel.runtime.address import AddressFile
from masq_kernel.runtime.service import Runtime

__all__ = ["main"]

FLUSH_S = 0.1
"""Time for farewells to reach the router and the wire."""


async def main(runtime: Runtime) -> None:
    """Run until the process is told to stop."""
    settings = runtime.section(GossipSettings)
    store = GossipStore(runtime.node.data_dir / "gossip.json")
    address_file = AddressFile(runtime.node.data_dir)
    origin = _origin(runtime, settings, store, address_file)
    preference_file = PreferenceFile(runtime.node.data_dir / "preferences.json")
    neighborhood = Neighborhood(origin, settings.parameters(), runtime.entropy)
    neighborhood.state.routes.preferences = preference_file.load()
    shell = Shell(
        neighborhood=neighborhood,
        bus=runtime.bus,
        clock=runtime.clock,
        store=store,
        rates=settings.rates(),
        tasks=runtime.tasks,
        report=runtime.health.report,
    )
    handlers = Handlers(
        neighborhood=neighborhood,
        clock=runtime.clock,
        rates=settings.rates(),
        put=shell.put,
        preference_file=preference_file,
    )
    mover = Mover(
        state=neighborhood.state,
        setting=settings.place(),
        file=address_file,
        bus=runtime.bus,
        put=shell.put,
    )
    register_metrics(runtime.metrics, neighborhood)
    await shell.listen()
    await serve(runtime.bus, handlers, mover)
    running = (
        runtime.tasks.create_task(shell.run(), name="gossip core"),
        runtime.tasks.create_task(shell.keep_current(), name="keep current"),
    )
    await runtime.stopping.wait()
    await end_all(running)
    await shell.stop()
    await asyncio.sleep(FLUSH_S)


def _origin(
    runtime: Runtime, settings: GossipSettings, store: GossipStore, address_file: AddressFile
) -> Origin:
    """Return what the node starts with; the new boot counter is on disk.

    Raises:
        OperatorError: no identity, or an unusable descriptor or data directory.
    """
    chain, identity = runtime.chain, runtime.open_keystore().identity()
    descriptors = settings.descriptors(chain)
    memory = store.begin(runtime.clock.unix())
    return Origin(
        identity=identity,
        chain=chain,
        boot=memory.boot,
        address=_address(settings, address_file, identity.node_id),
        descriptors=descriptors,
        past=memory.neighbors,
        bans=memory.bans,
    )


def _address(settings: GossipSettings, file: AddressFile, own: NodeId) -> Endpoint | None:
    """Return where we can be dialled: where we last moved, unless the setting is the later word."""
    setting = settings.place()
    move = file.load_over(setting)
    if move is None:
        file.remove()
    place = move.place if move else setting
    if place is None or settings.mode != "standard":
        return None
    return Endpoint(own, place.address, place.ports)
