"""An RPC server that passes questions on to a real one, and misbehaves as a test says."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from support.nats_server import HOST, free_port


class BadRpc:
    """Stands before a real server.

    Attributes:
        status: answered instead of anything else, when it is not 200.
        delay_s: before each answer.
        body: answered instead of anything else, when it is not None.
        change: takes method, parameters and result, and returns the result that is told.
        refuse: takes method and parameters, and returns an error's text, or None.
        asked: how often each method was.
    """

    def __init__(self, behind, port):
        self.url, self._behind = f"http://{HOST}:{port}/secret-key", behind
        self.asked = {}
        self.behave()

    def behave(self):
        """Be a good server again."""
        self.status, self.delay_s, self.body = 200, 0.0, None
        self.change = lambda _method, _params, result: result
        self.refuse = lambda _method, _params: None

    async def answer(self, request):
        question = json.loads(await request.read())
        method, params = question["method"], question.get("params", [])
        self.asked[method] = self.asked.get(method, 0) + 1
        await asyncio.sleep(self.delay_s)
        if self.status != 200:
            return web.Response(status=self.status)
        if self.body is not None:
            return web.Response(body=self.body)
        refusal = self.refuse(method, params)
        if refusal is not None:
            error = {"code": -32000, "message": refusal}
            return web.json_response({"jsonrpc": "2.0", "id": question["id"], "error": error})
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._behind, json=question) as answered,
        ):
            told = await answered.json()
        if "result" in told:
            told["result"] = self.change(method, params, told["result"])
        return web.json_response(told)


@asynccontextmanager
async def bad_rpc(behind):
    """Run one."""
    port = free_port()
    made = BadRpc(behind, port)
    application = web.Application()
    application.router.add_post("/{tail:.*}", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield made
    finally:
        await runner.cleanup()
