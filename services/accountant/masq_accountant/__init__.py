"""accountant service."""
