"""Gossip: who is out there and how to reach them. One process of a node (docs/gossip.md)."""
