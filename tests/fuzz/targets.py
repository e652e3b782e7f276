"""What strangers can make us parse: each target takes any bytes and fails only on a defect.

A target swallows our refusals, and nothing else. What it keeps between inputs is bounded or made
anew, so that memory which grows is a finding. Used by campaigns (campaign.py, with atheris) and, on
the committed corpus, by `make test`.
"""

import contextlib
import hashlib
from functools import cache

from masq_gossip.messages import message_from_bytes, message_to_bytes
from masq_gossip.record import SignedRecord
from masq_gossip.statement import SignedStatement
from masq_kernel.chains import CHAINS
from masq_kernel.entropy import SeededEntropy
from masq_kernel.errors import MalformedError, RemoteError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.identity.keys import IdentityKey
from masq_router.errors import ProxyProtocolError, RemoteProtocolError, WireError
from masq_router.onion.geometry import BLOCK_SIZE, SETUP_SIZE
from masq_router.onion.hops import HopBlock
from masq_router.onion.keys import OnionKeyPair
from masq_router.onion.layers import hop_layer
from masq_router.onion.setup import open_setup
from masq_router.origin.greeting import EARLY_SIZE_MAX, Greeting
from masq_router.origin.http_connect import HEAD_SIZE_MAX
from masq_router.origin.socks5_udp import unwrap
from masq_router.streams.attach import Attach, Attached
from masq_router.wire import Framer
from masq_router.wire.handshake import DiallerHandshake, ListenerHandshake
from support.stream_pair import StreamPair

__all__ = ["TARGETS", "Target"]

DEV = CHAINS["dev"]
CERTIFICATE = hashlib.sha256(b"a certificate").digest()
ALICE, BOB = (IdentityKey.generate(SeededEntropy(number)) for number in (1, 2))
SECRET = bytes([5]) * 32


class Target:
    """A parser under test.

    Args:
        run: takes one input.
        share: of a campaign's inputs; dear targets get fewer.
        size_max: of an input, in bytes.
    """

    def __init__(self, run, *, share, size_max):
        self.run, self.share, self.size_max = run, share, size_max


def framer(data):
    """The first byte says in how large pieces the rest arrives."""
    machine, piece = Framer(), 1 + data[0] * 8 if data else 1
    data = memoryview(data)[1:]
    try:
        while data:
            space = machine.space()
            size = min(len(space), len(data), piece)
            assert size > 0, "no room is left, so the link would hang"
            space[:size] = data[:size]
            machine.received(size, lambda kind, body: (kind, len(body)))
            data = data[size:]
    except WireError:
        return


def handshake(data):
    """Both sides take a stranger's message, first and second."""
    for machine in (
        DiallerHandshake(
            chain=DEV,
            identity=ALICE,
            wanted=BOB.node_id,
            certificate_hash=CERTIFICATE,
            entropy=SeededEntropy(3),
        ),
        ListenerHandshake(
            chain=DEV, identity=BOB, certificate_hash=CERTIFICATE, entropy=SeededEntropy(4)
        ),
    ):
        if isinstance(machine, DiallerHandshake):
            machine.hello()
        try:
            machine.receive(data)
            machine.receive(data)
        except WireError:
            pass
        assert machine.peer is None, "a stranger has proven to be somebody"


@cache
def onion_keys():
    return OnionKeyPair.generate()


def setup(data):
    """A SETUP of its right size whose front is the input."""
    whole = data.ljust(SETUP_SIZE, b"\0")[:SETUP_SIZE]
    for candidate in (data, whole):
        try:
            open_setup(DEV, [onion_keys()], candidate)
        except RemoteProtocolError:
            continue


def block(data):
    """A hop's block, as it is once its HPKE has opened; what is read has one spelling."""
    raw = data.ljust(BLOCK_SIZE, b"\0")[:BLOCK_SIZE]
    try:
        read = HopBlock.from_bytes(raw)
    except RemoteProtocolError:
        return
    assert read.to_bytes() == raw


def layer(data):
    """A DATA body that no key has sealed."""
    try:
        hop_layer(DEV, SECRET).open(data)
    except RemoteProtocolError:
        return
    raise AssertionError("a stranger's bytes authenticate")


def frames(data):
    """Plaintext packages at both ends of a standing association, with a stream in it.

    The first byte says how many bytes of the rest make a package, so state carries over.
    """
    pair = StreamPair()
    stream = pair.connected_stream()
    pair.exit.write(stream, b"answer")
    size = 1 + 16 * data[0] if data else 1
    for association in (pair.exit, pair.origin):
        try:
            for begin in range(1, len(data), size):
                association.receive(memoryview(data)[begin : begin + size])
                while association.next_package() is not None:
                    pass
        except RemoteProtocolError:
            pass
        assert association.held_size < 1 << 20


def attach(data):
    """The first frames of routes; what is read is written the same."""
    for kind in (Attach, Attached):
        try:
            read, end = kind.pop(memoryview(data), 0)
        except RemoteProtocolError:
            continue
        assert read.to_bytes() == data[:end]


def proxy(data):
    """What a client says to the proxy, in two pieces."""
    greeting = Greeting()
    cut = data[0] if data else 0
    try:
        for piece in (data[1 : 1 + cut], data[1 + cut :]):
            greeting.receive(piece)
            assert len(greeting.leftover()) <= max(EARLY_SIZE_MAX, HEAD_SIZE_MAX)
    except ProxyProtocolError:
        return
    request = greeting.request
    host = getattr(request, "host", None)
    assert host is None or (host.isascii() and 0 < len(host) <= 255)


def udp(data):
    """A client's datagram."""
    unwrapped = unwrap(data)
    if unwrapped is not None:
        host, port, _ = unwrapped
        assert host.isascii()
        assert 0 < port < 65_536


def gossip(data):
    """A neighbor's message, and the records and statements that it may hold."""
    with contextlib.suppress(RemoteError):
        assert message_to_bytes(message_from_bytes(data)) == data
    for kind in (SignedRecord, SignedStatement):
        try:
            kind.from_bytes(data, DEV)
        except RemoteError:
            continue


def descriptor(data):
    """A text that somebody pastes."""
    try:
        read = Descriptor.from_text(data.decode("utf-8", errors="replace"))
    except MalformedError:
        return
    assert Descriptor.from_text(read.text) == read


TARGETS = {
    "framer": Target(framer, share=20, size_max=4_096),
    "handshake": Target(handshake, share=2, size_max=256),
    "setup": Target(setup, share=1, size_max=SETUP_SIZE + 8),
    "block": Target(block, share=12, size_max=BLOCK_SIZE + 8),
    "layer": Target(layer, share=8, size_max=2_048),
    "frames": Target(frames, share=6, size_max=2_048),
    "attach": Target(attach, share=10, size_max=12_000),
    "proxy": Target(proxy, share=18, size_max=1_024),
    "udp": Target(udp, share=10, size_max=512),
    "gossip": Target(gossip, share=8, size_max=4_096),
    "descriptor": Target(descriptor, share=5, size_max=512),
}
