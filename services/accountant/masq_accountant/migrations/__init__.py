"""How the tables came to be, step by step (Alembic)."""

__all__ = ["HEAD"]

HEAD = "0005"
"""The last step; tests compare it with the scripts."""
