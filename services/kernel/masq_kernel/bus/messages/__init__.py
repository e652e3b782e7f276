"""Every message on the bus, one file per speaker.

A message is a frozen msgspec struct, sent as MessagePack. Readers ignore fields they do not know
and new fields have defaults, so that versions one step apart work together.
"""
