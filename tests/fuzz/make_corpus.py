"""Write the inputs from which campaigns begin: one valid input of each kind.

python -m fuzz.make_corpus        from the root, with PYTHONPATH=tests
"""

from pathlib import Path

from fuzz.targets import ALICE, BOB, CERTIFICATE, DEV, SECRET
from masq_gossip.messages import (
    Debut,
    Digest,
    Failure,
    FailureReason,
    Farewell,
    Introduction,
    Request,
    Standard,
    message_to_bytes,
)
from masq_kernel.entropy import SeededEntropy
from masq_router.onion.geometry import SETUP_SIZE
from masq_router.onion.layers import hop_layer
from masq_router.streams.attach import Attach, Attached, ResumePoint
from masq_router.streams.datagrams import Datagram, flow_end_frame
from masq_router.streams.frames import (
    DATA_HEADER,
    FrameType,
    Open,
    ack_frame,
    fin_frame,
    probe_frame,
    probed_frame,
    reset_frame,
)
from masq_router.wire import FrameType as WireType
from masq_router.wire import TeardownReason, frame
from masq_router.wire.frames import teardown_body
from masq_router.wire.handshake import DiallerHandshake
from support.gossip_builders import make_key, sign_record, sign_statement
from support.routes import make_route
from support.stream_pair import SECRET as ASSOCIATION
from support.stream_pair import WAY_BACK
from support.udp_client import wrapped

FOLDER = Path(__file__).with_name("corpus")


def samples():
    """Yield target and input."""
    yield from (("framer", each) for each in framer())
    yield from (("frames", b"\xff" + each) for each in stream_frames())
    yield "attach", attach().to_bytes()
    yield "attach", Attached(epoch=1, point=ResumePoint(backlog=3, received=((1, 9),))).to_bytes()
    yield "handshake", hello()
    yield "setup", bytes(range(256)) * (SETUP_SIZE // 256)
    yield "block", make_route(3)[0].spec.block.to_bytes()
    yield "block", make_route(1)[0].spec.block.to_bytes()
    yield "layer", hop_layer(DEV, SECRET).seal(b"a package")[:-1]
    yield from (("proxy", bytes([len(each) // 2]) + each) for each in clients())
    for host in ("192.0.2.1", "2001:db8::1", "example.org"):
        yield "udp", wrapped(host, 53, b"question")
    yield from (("gossip", each) for each in gossip())
    yield "descriptor", f"masq://dev:{ALICE.node_id.text}@192.0.2.1:4433".encode()


def framer():
    yield b"\x01" + frame(WireType.PING, bytes(8)) + frame(WireType.PADDING, bytes(20))
    yield b"\x10" + frame(WireType.TEARDOWN, teardown_body(b"link-tag", TeardownReason.OVERLOAD))
    yield b"\xff" + frame(WireType.DATA, b"link-tag" + bytes(1_000))


def stream_frames():
    yield ack_frame(0, consumed=0, window=1 << 20) + ack_frame(1, consumed=0, window=1 << 20)
    yield DATA_HEADER.pack(FrameType.DATA, 1, 0, 5) + b"bytes" + fin_frame(1, final=5)
    yield reset_frame(1, 4) + probe_frame(7) + probed_frame(7)
    yield Open(stream=2, window=1 << 18, host="example.org", port=443).to_bytes()
    datagram = Datagram(flow=1, host="192.0.2.1", port=53, data=b"question")
    yield datagram.to_bytes() + flow_end_frame(1)


def attach():
    point = ResumePoint(backlog=5, received=((1, 17), (2, 0)))
    return Attach(secret=ASSOCIATION, epoch=2, must_exist=True, way_back=WAY_BACK, point=point)


def hello():
    return DiallerHandshake(
        chain=DEV,
        identity=ALICE,
        wanted=BOB.node_id,
        certificate_hash=CERTIFICATE,
        entropy=SeededEntropy(3),
    ).hello()


def clients():
    yield b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x01\xbb"
    yield b"\x05\x01\x02\x01\x01a\x01b\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"
    yield b"\x05\x01\x00\x05\x03\x00\x04" + bytes(16) + b"\x00\x00"
    yield b"CONNECT example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\n\r\n"


def gossip():
    key = make_key(1)
    record = sign_record(key, neighbors=[make_key(2).node_id]).raw
    statement = sign_statement(key, "192.0.2.1").raw
    yield record
    yield statement
    yield message_to_bytes(Debut(record, statement, (make_key(2).node_id,)))
    yield message_to_bytes(Introduction(statement))
    yield message_to_bytes(Standard((record,), None))
    yield message_to_bytes(Digest(((key.node_id, 7),)))
    yield message_to_bytes(Request((key.node_id,)))
    yield message_to_bytes(Farewell())
    yield message_to_bytes(Failure(next(iter(FailureReason))))


def main():
    counts = {}
    for target, data in samples():
        folder = FOLDER / target
        folder.mkdir(parents=True, exist_ok=True)
        counts[target] = counts.get(target, 0) + 1
        (folder / f"valid-{counts[target]}").write_bytes(data)


if __name__ == "__main__":
    main()
