"""Onion packages: how routes are sealed, slots opened, and layers added and removed."""

from masq_router.onion.hops import Direction, HopBlock, Role
from masq_router.onion.keys import OnionKeyPair
from masq_router.onion.layers import Layer, end_to_end_layer, hop_layer, session_id
from masq_router.onion.setup import HopSpec, OpenedSetup, build_setup, open_setup

__all__ = [
    "Direction",
    "HopBlock",
    "HopSpec",
    "Layer",
    "OnionKeyPair",
    "OpenedSetup",
    "Role",
    "build_setup",
    "end_to_end_layer",
    "hop_layer",
    "open_setup",
    "session_id",
]
