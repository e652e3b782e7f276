"""cli service."""
