"""The server that every way of a benchmark leads to: answers each `size` with that many bytes.

    file_server.py        prints its port, serves until it is killed

A request is four bytes, the size; a connection takes any number of them, one after another.
"""

import asyncio

import uvloop

BLOCK = bytes(1 << 18)


async def serve(reader, writer):
    """Answer one connection."""
    try:
        while left := int.from_bytes(await reader.readexactly(4), "big"):
            while left:
                writer.write(BLOCK[:left])
                await writer.drain()
                left -= min(left, len(BLOCK))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
