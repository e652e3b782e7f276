"""gossip service."""
