"""One stream inside an association: two directions, each with offsets and an end. Pure.

Each direction ends by itself (half-close). The stream is gone when both have ended and every byte
is acknowledged, the FINs included, or by RESET.
"""

from masq_router.streams.send_buffer import SendBuffer

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
        window: how many bytes beyond `consumed` we let the other end send.
        is_open: the exit is connected (data may flow).
        opening: the OPEN, which a new route may have to carry again (originator).
        fin_wanted: we have written the last byte.
        fin_sent: and the other end has been told.
        fin_acked: and has heard it.
        fin_received: the other end has sent its last byte.
        wants_more: a writer was asked to stop and waits for on_writable.
    """

    __slots__ = (
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
        "told",
        "wants_more",
        "window",
    )

    def __init__(self, stream_id: int, *, window: int, send_limit: int) -> None:
        self.stream_id = stream_id
        self.outbound = SendBuffer()
        self.send_limit = send_limit
        self.received = 0
        self.consumed = 0
        self.told = 0
        self.window = window
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
        return position - self.told >= self.window // 4 or self.told < position > self.consumed

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
        self.send_limit = max(self.send_limit, offset + window)
        return True

    def rewind(self, offset: int) -> None:
        """Send again from `offset`, and the FIN after it; one that arrived is heard twice."""
        self.outbound.rewind(offset)
        if not self.fin_acked:
            self.fin_sent = False
