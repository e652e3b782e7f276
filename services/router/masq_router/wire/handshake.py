"""How two nodes prove their NodeIds inside a TLS channel (protocol.md 3). Pure.

    dialler                                         listener
    HELLO  version, own NodeId, wanted NodeId, nonce  ->
                                                    <-  HELLO  nonce
    HELLO  signature, own worker                      ->
                                                    <-  HELLO  signature, own worker

Each signature covers the chain, the signer's role, the SHA-256 of the listener's certificate *as
the signer saw it*, both nonces, both NodeIds and the signer's worker. A man in the middle shows
another certificate, so his signatures never match; a proof of one channel is worth nothing in
another. The listener says nothing before it has been asked for by name, and proves itself only to
a dialler that has.

The worker is which of its node's router processes a side is (docs/adr/0015): zeros where there is
one.
"""

from dataclasses import dataclass
from enum import Enum

from masq_kernel.chains import PROTOCOL_VERSION, Chain
from masq_kernel.entropy import Entropy
from masq_kernel.identity.keys import NODE_ID_SIZE, SIGNATURE_SIZE, IdentityKey, NodeId
from masq_router.errors import WireError

__all__ = [
    "HELLO_SIZE",
    "LONE_WORKER",
    "NONCE_SIZE",
    "WORKER_SIZE",
    "DiallerHandshake",
    "LinkRole",
    "ListenerHandshake",
    "NotForUs",
    "Transcript",
]

NONCE_SIZE = 32
WORKER_SIZE = 8
LONE_WORKER = bytes(WORKER_SIZE)
CERTIFICATE_HASH_SIZE = 32
HELLO_SIZE = 1 + 2 * NODE_ID_SIZE + NONCE_SIZE
"""97 bytes: the first message, by whose exact size and type a listener knows a dialler."""


class NotForUs(WireError):  # noqa: N818 - states a fact
    """A first message that no node of ours would send: to be answered as a web server would."""


class LinkRole(Enum):
    """Who signs."""

    DIALLER = b"dialler"
    LISTENER = b"listener"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What both sides of one channel agree on, and sign.

    Args:
        chain: nodes of different chains never link.
        certificate_hash: SHA-256 of the listener's DER certificate as this side saw it.
        dialler, listener: the two NodeIds.
        dialler_nonce, listener_nonce: 32 bytes each.
    """

    chain: Chain
    certificate_hash: bytes
    dialler: NodeId
    listener: NodeId
    dialler_nonce: bytes
    listener_nonce: bytes

    def message(self, role: LinkRole, worker: bytes) -> bytes:
        """Return the bytes that `role` signs; every field has a fixed size but the first two."""
        assert len(self.certificate_hash) == CERTIFICATE_HASH_SIZE
        return b"".join(
            (
                self.chain.context("link-proof"),
                role.value.ljust(8, b"\0"),
                self.certificate_hash,
                self.dialler_nonce,
                self.listener_nonce,
                self.dialler.raw,
                self.listener.raw,
                worker,
            )
        )


class DiallerHandshake:
    """The side that connects.

    Args:
        chain: ours.
        identity: our key.
        wanted: the NodeId that must answer.
        certificate_hash: SHA-256 of the certificate the listener showed.
        entropy: for the nonce.
        worker: which of our node's processes we are, 8 bytes.

    Attributes:
        peer, peer_worker: who is at the other end, once it is proven.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        identity: IdentityKey,
        wanted: NodeId,
        certificate_hash: bytes,
        entropy: Entropy,
        worker: bytes = LONE_WORKER,
    ) -> None:
        self._chain, self._identity, self._wanted = chain, identity, wanted
        self._certificate_hash, self._worker = certificate_hash, worker
        self._nonce = entropy.token(NONCE_SIZE)
        self._transcript: Transcript | None = None
        self.peer: NodeId | None = None
        self.peer_worker = LONE_WORKER

    def hello(self) -> bytes:
        """Return the first message."""
        own = self._identity.node_id
        return bytes([PROTOCOL_VERSION]) + own.raw + self._wanted.raw + self._nonce

    def receive(self, body: bytes) -> bytes | None:
        """Take the listener's next message; return the answer, or None when all is proven.

        Raises:
            WireError: it is not the node we wanted, or somebody sits in between.
        """
        assert self.peer is None
        if self._transcript is None:
            return self._prove(body)
        signature, self.peer_worker = _proof(body)
        message = self._transcript.message(LinkRole.LISTENER, self.peer_worker)
        if not self._wanted.verify(signature, message):
            raise WireError("the listener does not prove the NodeId that was wanted")
        self.peer = self._wanted
        return None

    def _prove(self, body: bytes) -> bytes:
        if len(body) != NONCE_SIZE:
            raise WireError("the listener's first message has another size")
        self._transcript = Transcript(
            chain=self._chain,
            certificate_hash=self._certificate_hash,
            dialler=self._identity.node_id,
            listener=self._wanted,
            dialler_nonce=self._nonce,
            listener_nonce=body,
        )
        message = self._transcript.message(LinkRole.DIALLER, self._worker)
        return self._identity.sign(message) + self._worker


class ListenerHandshake:
    """The side that is connected to.

    Args:
        chain: ours.
        identity: our key.
        certificate_hash: SHA-256 of the certificate we showed on this connection.
        entropy: for the nonce.
        worker: which of our node's processes we are, 8 bytes.
        takes_siblings: whether only our node's other processes are taken, or only other nodes.

    Attributes:
        peer, peer_worker: who is at the other end, once it is proven.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        identity: IdentityKey,
        certificate_hash: bytes,
        entropy: Entropy,
        worker: bytes = LONE_WORKER,
        takes_siblings: bool = False,
    ) -> None:
        self._chain, self._identity = chain, identity
        self._certificate_hash, self._worker = certificate_hash, worker
        self._takes_siblings = takes_siblings
        self._nonce = entropy.token(NONCE_SIZE)
        self._transcript: Transcript | None = None
        self.peer: NodeId | None = None
        self.peer_worker = LONE_WORKER

    def receive(self, body: bytes) -> bytes:
        """Take the dialler's next message and return the answer; `peer` is set once it is proven.

        Raises:
            NotForUs: a first message that does not ask for us.
            WireError: a proof that does not hold.
        """
        assert self.peer is None
        if self._transcript is None:
            self._transcript = self._meet(body)
            return self._nonce
        dialler = self._transcript.dialler
        signature, self.peer_worker = _proof(body)
        message = self._transcript.message(LinkRole.DIALLER, self.peer_worker)
        if not dialler.verify(signature, message):
            raise WireError("the dialler does not prove its NodeId")
        self.peer = dialler
        message = self._transcript.message(LinkRole.LISTENER, self._worker)
        return self._identity.sign(message) + self._worker

    def _meet(self, body: bytes) -> Transcript:
        if len(body) != HELLO_SIZE or body[0] != PROTOCOL_VERSION:
            raise NotForUs("not a HELLO of this protocol")
        dialler = NodeId(body[1:33])
        listener = NodeId(body[33:65])
        own = self._identity.node_id
        if listener != own or (dialler == own) is not self._takes_siblings:
            raise NotForUs("a HELLO for another node")
        return Transcript(
            chain=self._chain,
            certificate_hash=self._certificate_hash,
            dialler=dialler,
            listener=own,
            dialler_nonce=body[65:],
            listener_nonce=self._nonce,
        )


def _proof(body: bytes) -> tuple[bytes, bytes]:
    """Part a last HELLO into signature and worker.

    Raises:
        WireError: it has another size.
    """
    if len(body) != SIGNATURE_SIZE + WORKER_SIZE:
        raise WireError("a proof of another size")
    return body[:SIGNATURE_SIZE], body[SIGNATURE_SIZE:]
