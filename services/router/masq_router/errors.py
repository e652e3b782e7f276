"""What can go wrong in the router.

RemoteError (kernel)
+- RemoteProtocolError     a peer broke the rules: its link or session ends, the process goes on
   |- WireError            frames and handshakes
   |- OnionError           packages
   |  |- SetupRefused      a SETUP that does not open, was changed, or was seen before
   |  +- LayerBroken       a DATA package that was changed, lost or reordered
   |- StreamProtocolError  frames inside the innermost layer
   +- ProxyProtocolError   what a client says to the proxy
"""

from masq_kernel.errors import RemoteError

__all__ = [
    "LayerBroken",
    "OnionError",
    "ProxyProtocolError",
    "RemoteProtocolError",
    "SetupRefused",
    "StreamProtocolError",
    "WireError",
]


class RemoteProtocolError(RemoteError):
    """A peer broke the rules."""


class WireError(RemoteProtocolError):
    """A frame or a handshake message that is not allowed."""


class OnionError(RemoteProtocolError):
    """A package that does not open."""


class SetupRefused(OnionError):  # noqa: N818 - states a fact
    """A SETUP that is not for us as it is; deliberately without details for the peer."""


class LayerBroken(OnionError):  # noqa: N818 - states a fact
    """A DATA package that fails authentication."""


class StreamProtocolError(RemoteProtocolError):
    """A frame inside the innermost layer that is not allowed."""


class ProxyProtocolError(RemoteProtocolError):
    """A client that speaks neither SOCKS5 nor HTTP CONNECT, or wants what is not served.

    Args:
        reason: what was wrong.
        answer: the bytes to send before its connection is closed.
    """

    def __init__(self, reason: str, *, answer: bytes | bytearray) -> None:
        super().__init__(reason)
        self.answer = bytes(answer)
