"""The embedded nats-server: its configuration, generated with least privilege, and its start."""
