"""The originating side: clients of this node and their round trips (protocol.md 4.4).

greeting, socks5, http_connect -> what a client wants; proxy -> its socket; side -> whose circuit;
circuit -> streams that share an exit; trip -> the round trip that carries them now; watch ->
whether it lives; builder, plan -> how one is made; healer, suspicion -> how a lost one is replaced.
"""
