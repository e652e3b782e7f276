"""Links: TLS 1.3 connections between nodes that have proven their NodeIds (protocol.md 3).

pace -> what a peer may ask of us; certificate -> what we show; link -> one connection;
listener and dialler -> how connections begin; pool -> one link per peer.
"""
