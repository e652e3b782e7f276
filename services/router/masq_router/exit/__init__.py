"""The exit side: the ends of over routes, and the sockets to servers (protocol.md 4.5).

policy -> which targets; resolver, connector -> how they are reached; streams -> sockets of one
association; session -> the route sessions that carry it; associations, detached -> which of them
are served, and for how long without a route; quota -> how much one payer may have.
"""
