"""One stream inside an association: two directions, each with offsets and an end. Pure.

Each direction ends by itself (half-close). The stream is gone when both have ended and every byte
is acknowledged, the FINs included, or by RESET.
"""

from masq_router.streams.send_buffer import SendBuffer
from masq_router.streams.windows import WINDOW_MAX, WindowTuner

__all__ = ["Stream"]


class Stream:
    """The state of one stream; only its Association changes it.

    Attributes:
        stream_id: its number, chosen by the originator.
        outbound: what we send, until the other end has consumed it.
        send_limit: the offset up to which the other end lets us send.
        received: the offset up to which we have everything.
        consumed: the offset up to which our TCP socket has taken it.
        told: the position in our last ACK.
        tuner: how many bytes beyond `consumed` we let the other end send.
        allowed: up to where we have let it, which a smaller window does not take back.
        their_window: the same for us, by the other end's last ACK.
        is_open: the exit is connected (data may flow).
        opening: the OPEN, which a new route may have to carry again (originator).
        fin_wanted: we have written the last byte.
        fin_sent: and the other end has been told.
        fin_acked: and has heard it.
        fin_received: the other end has sent its last byte.
        wants_more: a writer was asked to stop and waits for on_writable.
    """

    __slots__ = (
        "allowed",
        "consumed",
        "fin_acked",
        "fin_received",
        "fin_sent",
        "fin_wanted",
        "is_open",
        "opening",
        "outbound",
        "received",
        "send_limit",
        "stream_id",
        "their_window",
        "told",
        "tuner",
        "wants_more",
    )

    def __init__(self, stream_id: int, *, tuner: WindowTuner, their_window: int) -> None:
        self.stream_id = stream_id
        self.outbound = SendBuffer()
        self.tuner = tuner
        self.allowed = tuner.size
        self.their_window = min(their_window, WINDOW_MAX)
        self.send_limit = self.their_window
        self.received = 0
        self.consumed = 0
        self.told = 0
        self.is_open = False
        self.opening = b""
        self.wants_more = False
        self.fin_wanted = False
        self.fin_sent = False
        self.fin_acked = False
        self.fin_received = False

    @property
    def sendable(self) -> int:
        """How many bytes could be sent now, as far as this stream alone is concerned."""
        return min(self.outbound.end, self.send_limit) - self.outbound.sent

    @property
    def owes_fin(self) -> bool:
        """Whether everything is sent and only the FIN is missing."""
        return self.fin_wanted and not self.fin_sent and self.outbound.unsent == 0

    @property
    def position(self) -> int:
        """What our ACK says: how far everything is consumed, the FIN counted as one byte."""
        at_the_end = self.fin_received and self.consumed == self.received
        return self.consumed + at_the_end

    @property
    def ack_is_due(self) -> bool:
        """Whether enough was consumed that the other end should hear of it.

        A quarter of the window: rare enough to cost nothing, often enough that the sender's
        window never runs dry while ACKs travel. And once when all is consumed, FIN included: then
        the other end can forget what it kept.
        """
        position = self.position
        return position - self.told >= self.tuner.size // 4 or self.told < position > self.consumed

    @property
    def has_ended(self) -> bool:
        """Whether both ends have said their last byte; all that may be missing is its ACK."""
        return self.fin_wanted and self.fin_received and self.outbound.unsent == 0

    @property
    def is_done(self) -> bool:
        """Whether both directions have ended and both ends know it."""
        return self.fin_acked and self.fin_received and self.told > self.received

    def acknowledge(self, offset: int, window: int) -> bool:
        """Take an ACK; False: it speaks of what was never sent."""
        if offset > self.outbound.sent + self.fin_sent:
            return False
        if offset > self.outbound.end:
            self.fin_acked = True
            offset -= 1
        self.outbound.ack(offset)
        self.their_window = min(window, WINDOW_MAX)  # a larger one would be held in our memory
        self.send_limit = max(self.send_limit, offset + self.their_window)
        return True

    @property
    def held_size(self) -> int:
        """Bytes in memory: written and not acknowledged, received and not consumed."""
        return self.outbound.unacked + self.received - self.consumed

    @property
    def awaits_ack(self) -> bool:
        """Whether so much is on its way that the other end ought to have said something."""
        return self.outbound.in_flight > 0 and self.outbound.in_flight >= self.their_window // 2

    def rewind(self, offset: int) -> None:
        """Send again from `offset`, and the FIN after it; one that arrived is heard twice."""
        self.outbound.rewind(offset)
        if not self.fin_acked:
            self.fin_sent = False
