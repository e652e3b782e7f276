"""A SOCKS5 client as small as one can be, for tests that look at replies and at timing."""

import asyncio


async def socks_connect(proxy_port, host, port, *, credentials=None, limit=1 << 16):
    """Return (reply code, reader, writer)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy_port, limit=limit)
    if credentials is None:
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
    else:
        user, password = (part.encode() for part in credentials)
        writer.write(b"\x05\x01\x02")
        assert await reader.readexactly(2) == b"\x05\x02"
        writer.write(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        assert await reader.readexactly(2) == b"\x01\x00"
    name = host.encode()
    writer.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    reply = await asyncio.wait_for(reader.readexactly(10), 60)
    assert reply[0] == 5
    return reply[1], reader, writer
