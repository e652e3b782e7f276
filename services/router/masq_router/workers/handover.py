"""A route that ends at, or goes on over, another process of this node. Pure.

The SETUP is passed to that process as it came, and so is every package: it opens, admits nothing
twice, charges and answers, as if the neighbor were linked with it. We only carry.
"""

from functools import partial

from masq_kernel.units import UnixSeconds
from masq_router.lifecycle import LiveSessions
from masq_router.links.link import Link
from masq_router.metering import Meter
from masq_router.onion.geometry import LINK_TAG_SIZE
from masq_router.sessions import Forward, Port
from masq_router.wire.frames import TeardownReason

__all__ = ["CarriedSession", "carry"]


class CarriedSession:
    """A session whose packages we pass to a sibling, unopened and uncharged.

    Args:
        expires_at: when it ends by itself.
    """

    session_id = b""
    meters: tuple[Meter, ...] = ()

    def __init__(self, expires_at: UnixSeconds) -> None:
        self.expires_at = expires_at
        self.forward: Forward = _nowhere

    def state(self, now: UnixSeconds) -> None:
        """Show nothing: the sibling shows it."""

    def on_data(self, body: memoryview) -> None:
        """Pass one package on."""
        self.forward(bytes(body))

    def on_torn_down(self, reason: TeardownReason) -> None:
        """Nothing to release."""


def carry(
    live: LiveSessions, link: Link, sibling: Link, setup: bytes, expires_at: UnixSeconds
) -> CarriedSession | None:
    """Let a sibling serve what arrived on a link; None: a tag is taken."""
    session, ports = carried(link, sibling, setup, expires_at)
    if not live.begin(session, *ports):
        return None
    sibling.send_setup(setup)
    return session


def carried(
    link: Link, sibling: Link, setup: bytes, expires_at: UnixSeconds
) -> tuple[CarriedSession, tuple[Port, Port]]:
    """Return a session between a link and a sibling, with its ports; it is not entered yet.

    It has one tag on both: the SETUP is sealed around it (onion/setup.py).
    """
    tag = setup[:LINK_TAG_SIZE]
    session = CarriedSession(expires_at)
    session.forward = partial(sibling.egress.send, session, tag)
    return session, (
        Port(session=session, link=link, tag=tag, is_upstream=True),
        Port(session=session, link=sibling, tag=tag, is_upstream=False),
    )


def _nowhere(body: bytes) -> None:
    """Stands in until the session, which is the key of its own queue, exists."""
    raise AssertionError(f"{len(body)} bytes before the session was complete")
