"""What the API shows: one model for each resource, made from the bus's messages."""
