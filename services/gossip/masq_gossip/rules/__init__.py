"""The pure core of gossip: events and the time in; commands and the next wake-up out.

Reading order: events, parameters, view, peers, acceptor, bootstrap, producer, routing, state,
conversation, neighborhood.
"""
