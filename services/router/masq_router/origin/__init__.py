"""The originating side: clients of this node and their round trips (protocol.md 4.4).

greeting, socks5, http_connect -> what a client wants; proxy -> its socket; side -> whose circuit;
builder, plan -> how a circuit is made; circuit -> one round trip in use.
"""
