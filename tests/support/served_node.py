"""An API with made-up services behind it, served over HTTP for the `masq` command."""

import asyncio
import threading

import uvicorn

from support.api_node import ApiNode
from support.nats_server import free_port


class ServedNode:
    """The application of an ApiNode, served by uvicorn in a thread of its own."""

    def __init__(self, folder):
        self.node, self.url = ApiNode(folder), ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self):
        await self.node.start()
        port = free_port()
        self._server = uvicorn.Server(
            uvicorn.Config(self.node.app, host="127.0.0.1", port=port, log_level="error")
        )
        serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{port}"
        self._ready.set()
        await serving

    def start(self):
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(10)
