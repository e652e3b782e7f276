"""What one node can show of another's word (accounting.md section 5, docs/adr/0021). Pure.

    Voucher     a payer to its creditor: "I owe you so much in all"      signed by the wallet
    Question    a payer to its creditor: "what do I owe you?"            signed by the wallet
    Statement   the answer: charged, received, the last voucher          signed by the node

    compare(ours, theirs)   agreed | lower, which is settled on | disputed

So neither can change a figure without the other holding a signature that contradicts it.
"""

import struct
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from masq_kernel.chains import Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.eip191 import WALLET_SIGNATURE_SIZE, recover_signer, sign_message
from masq_kernel.identity.keys import SIGNATURE_SIZE, IdentityKey, NodeId, WalletAddress
from masq_kernel.identity.proofs import ProofClaim
from masq_kernel.units import UnixSeconds, Wei

__all__ = [
    "NONCE_SIZE",
    "SLACK_SIZE",
    "Dispute",
    "Finding",
    "Question",
    "Statement",
    "Voucher",
    "compare",
    "price_of",
    "slack_of",
]

NONCE_SIZE = 16

SLACK_SIZE = 64 << 20
"""Bytes that two books may differ by for what is on its way, or was lost with a process."""

SLACK_SHARE = 1_000
"""And the thousandth part of the whole: over the years processes die more than once."""

FRESH_S = 300
"""Clocks of two nodes may differ by so much."""

_QUESTION = struct.Struct(f">32s 20s {NONCE_SIZE}s Q")
_STATEMENT = struct.Struct(f">32s 20s {NONCE_SIZE}s 32s 32s 32s Q Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A payer proof, for what it says of debts.

    Args:
        wallet: who signed.
        claim: what.
        signature: 65 bytes.
    """

    wallet: WalletAddress
    claim: ProofClaim
    signature: bytes

    @property
    def owed(self) -> Wei:
        """What the wallet says that it owes in all."""
        return self.claim.owed

    def supersedes(self, other: "Voucher | None") -> bool:
        """Whether this is the later word."""
        return other is None or self.claim.sequence > other.claim.sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Asks a creditor for a statement.

    Args:
        node_id: the creditor.
        wallet: about whom; it signs.
        nonce: returns in the answer, 16 bytes.
        asked_at: when.
    """

    node_id: NodeId
    wallet: WalletAddress
    nonce: bytes
    asked_at: UnixSeconds

    def to_bytes(self, chain: Chain, key: bytes) -> bytes:
        """Return it signed by the wallet's key: 141 bytes."""
        fields = self._fields()
        return fields + sign_message(key, chain.context("statement-question") + fields)

    def _fields(self) -> bytes:
        return _QUESTION.pack(self.node_id.raw, self.wallet.raw, self.nonce, self.asked_at)

    @classmethod
    def from_bytes(
        cls, data: bytes, chain: Chain, *, node_id: NodeId, now: UnixSeconds
    ) -> "Question":
        """Read and check one that was put to `node_id`.

        Raises:
            MalformedError: not a question, not to us, too old, or not signed by its wallet.
        """
        if len(data) != _QUESTION.size + WALLET_SIGNATURE_SIZE:
            raise MalformedError("question", "has another size")
        fields, signature = data[: _QUESTION.size], data[_QUESTION.size :]
        node, wallet, nonce, asked_at = _QUESTION.unpack(fields)
        if node != node_id.raw or abs(now - asked_at) > FRESH_S:
            raise MalformedError("question", "is for another node, or another time")
        signer = recover_signer(chain.context("statement-question") + fields, signature)
        if signer.raw != wallet:
            raise MalformedError("question", "is not signed by the wallet that it names")
        return cls(node_id=node_id, wallet=signer, nonce=nonce, asked_at=UnixSeconds(asked_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a creditor says of one debtor.

    Args:
        node_id: who says it.
        wallet: of whom.
        nonce: of the question, 16 bytes; zeros: it was made without one.
        charged: wei, for all time.
        received: wei of that which was paid.
        vouched: what the wallet's last voucher says that it owes in all.
        sequence: that voucher's.
        as_of: when.
        signature: 64 bytes, by the node's identity.
    """

    node_id: NodeId
    wallet: WalletAddress
    nonce: bytes
    charged: Wei
    received: Wei
    vouched: Wei
    sequence: int
    as_of: UnixSeconds
    signature: bytes = b""

    def signed(self, identity: IdentityKey, chain: Chain) -> Self:
        """Return it with the node's signature."""
        assert identity.node_id == self.node_id
        return replace(self, signature=identity.sign(self._message(chain)))

    def to_bytes(self) -> bytes:
        """Return it with its signature: 244 bytes."""
        return self._fields() + self.signature

    @classmethod
    def from_bytes(cls, data: bytes, chain: Chain) -> "Statement":
        """Read one and check its signature.

        Raises:
            MalformedError: not a statement, or not signed by the node that it names.
        """
        if len(data) != _STATEMENT.size + SIGNATURE_SIZE:
            raise MalformedError("statement", "has another size")
        node, wallet, nonce, charged, received, vouched, sequence, as_of = _STATEMENT.unpack_from(
            data
        )
        statement = cls(
            node_id=NodeId(node),
            wallet=WalletAddress(wallet),
            nonce=nonce,
            charged=Wei(int.from_bytes(charged, "big")),
            received=Wei(int.from_bytes(received, "big")),
            vouched=Wei(int.from_bytes(vouched, "big")),
            sequence=sequence,
            as_of=UnixSeconds(as_of),
            signature=data[_STATEMENT.size :],
        )
        if not statement.node_id.verify(statement.signature, statement._message(chain)):
            raise MalformedError("statement", "is not signed by the node that it names")
        return statement

    def answers(self, question: Question) -> bool:
        """Whether it is the answer to this question."""
        asked = question.node_id, question.wallet, question.nonce
        return (self.node_id, self.wallet, self.nonce) == asked

    def _message(self, chain: Chain) -> bytes:
        return chain.context("statement") + self._fields()

    def _fields(self) -> bytes:
        return _STATEMENT.pack(
            self.node_id.raw,
            self.wallet.raw,
            self.nonce,
            self.charged.to_bytes(32, "big"),
            self.received.to_bytes(32, "big"),
            self.vouched.to_bytes(32, "big"),
            self.sequence,
            self.as_of,
        )


class Finding(StrEnum):
    """What a comparison of two books comes to."""

    AGREED = "agreed"
    LOWER = "lower"  # the creditor asks for less than we have booked
    DISPUTED = "disputed"  # for more than anything explains


def compare(ours: Wei, theirs: Wei, slack: Wei) -> Finding:
    """Judge what a creditor says against our own books.

    Args:
        ours: wei charged for all time, by our books.
        theirs: the same by its word.
        slack: what loss and time explain.
    """
    if theirs > ours + slack:
        return Finding.DISPUTED
    return Finding.LOWER if theirs < ours else Finding.AGREED


def slack_of(charged: Wei, size: int) -> Wei:
    """Return by how much two books may differ without anybody lying.

    Args:
        charged: wei for all time.
        size: bytes behind it, which say what a byte has cost.
    """
    return Wei(price_of(SLACK_SIZE, charged, size) + charged // SLACK_SHARE)


def price_of(size: int, charged: Wei, of_size: int) -> Wei:
    """Return what so many bytes cost, if `of_size` of them cost `charged`."""
    return Wei(size * charged // max(1, of_size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Two books that nothing makes agree.

    Args:
        node_id: the creditor: another node, or we.
        wallet: the debtor: our consuming wallet, or another's.
        ours, theirs: wei for all time, by our books and by their word.
        since: when it was found.
        seen_at: when it was last confirmed.
        ours_signed, theirs_signed: both words with their signatures, as JSON (evidence of both).
        closed_at: when the books agreed again; None: they do not.
    """

    node_id: NodeId
    wallet: WalletAddress
    ours: Wei
    theirs: Wei
    since: UnixSeconds
    seen_at: UnixSeconds
    ours_signed: str
    theirs_signed: str
    closed_at: UnixSeconds | None = None
