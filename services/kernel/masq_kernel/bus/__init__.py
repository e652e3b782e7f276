"""How services meet: typed subjects, messages, and a bus with two implementations."""
