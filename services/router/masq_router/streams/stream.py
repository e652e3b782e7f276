"""One stream inside an association: two directions, each with offsets and an end. Pure.

Each direction ends by itself (half-close). The stream is gone when both have
ended and every byte is acknowledged, or by RESET.
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
        told: the consumed offset of our last ACK.
        window: how many bytes beyond `consumed` we let the other end send.
        is_open: the exit is connected (data may flow).
        fin_wanted: we have written the last byte.
        fin_sent: and the other end has been told.
        fin_received: the other end has sent its last byte.
        wants_more: a writer was asked to stop and waits for on_writable.
    """

    __slots__ = (
        "consumed",
        "fin_received",
        "fin_sent",
        "fin_wanted",
        "is_open",
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
        self.wants_more = False
        self.fin_wanted = False
        self.fin_sent = False
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
    def ack_is_due(self) -> bool:
        """Whether enough was consumed that the other end should hear of it.

        A quarter of the window: rare enough to cost nothing, often enough that the sender's
        window never runs dry while ACKs travel. After the FIN, once, when all is consumed: then
        the other end can forget what it kept.
        """
        fresh = self.consumed - self.told
        at_the_end = self.fin_received and self.consumed == self.received and fresh > 0
        return at_the_end or fresh >= self.window // 4

    @property
    def is_done(self) -> bool:
        """Whether both directions have ended and nobody may need a byte again."""
        ended = self.fin_sent and self.fin_received
        return ended and self.outbound.unacked == 0 and self.consumed == self.received
