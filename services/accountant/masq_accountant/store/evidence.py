"""Vouchers and disputes as they are written."""

import msgspec

from masq_accountant.ledger.evidence import Dispute, Statement, Voucher
from masq_accountant.store.drawer import Drawer
from masq_accountant.store.ledger import Ledger
from masq_accountant.store.tables import DISPUTES, VOUCHERS
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.identity.proofs import ProofClaim
from masq_kernel.rates import RatePack
from masq_kernel.units import UnixSeconds, Wei

__all__ = ["dispute_drawer", "statement_text", "voucher_drawer", "voucher_text"]


class _Voucher(msgspec.Struct):
    wallet: str
    node: str
    secret_hash: str
    rates: str
    expires_at: int
    owed: str
    sequence: int
    signature: str


class _Dispute(msgspec.Struct):
    node: str
    wallet: str
    ours: str
    theirs: str
    since: int
    seen_at: int
    ours_signed: str
    theirs_signed: str
    closed_at: int | None


def voucher_drawer(ledger: Ledger) -> Drawer[Voucher]:
    """Return where the last voucher of each wallet is kept."""
    return Drawer(
        ledger.roll(VOUCHERS), ledger.keys.vault, lambda it: voucher_text(it).encode(), _voucher
    )


def dispute_drawer(ledger: Ledger) -> Drawer[Dispute]:
    """Return where the last dispute with each counterparty is kept."""
    return Drawer(ledger.roll(DISPUTES), ledger.keys.vault, _dispute_bytes, _dispute)


def voucher_text(voucher: Voucher) -> str:
    """Return a voucher as JSON, with all that its signature covers."""
    claim = voucher.claim
    cell = _Voucher(
        wallet=voucher.wallet.text,
        node=claim.node_id.text,
        secret_hash=claim.secret_hash.hex(),
        rates=claim.rates.to_bytes().hex(),
        expires_at=claim.expires_at,
        owed=str(claim.owed),
        sequence=claim.sequence,
        signature=voucher.signature.hex(),
    )
    return msgspec.json.encode(cell).decode()


def statement_text(statement: Statement) -> str:
    """Return a statement as JSON: what it says, and its bytes with the signature."""
    return msgspec.json.encode(
        {
            "node": statement.node_id.text,
            "wallet": statement.wallet.text,
            "charged": str(statement.charged),
            "received": str(statement.received),
            "vouched": str(statement.vouched),
            "sequence": statement.sequence,
            "as_of": statement.as_of,
            "signed": statement.to_bytes().hex(),
        }
    ).decode()


def _voucher(data: bytes) -> Voucher:
    cell = msgspec.json.decode(data, type=_Voucher)
    claim = ProofClaim(
        node_id=NodeId.from_text(cell.node),
        secret_hash=bytes.fromhex(cell.secret_hash),
        rates=RatePack.from_bytes(bytes.fromhex(cell.rates)),
        expires_at=UnixSeconds(cell.expires_at),
        owed=Wei(int(cell.owed)),
        sequence=cell.sequence,
    )
    wallet = WalletAddress.from_text(cell.wallet)
    return Voucher(wallet=wallet, claim=claim, signature=bytes.fromhex(cell.signature))


def _dispute_bytes(dispute: Dispute) -> bytes:
    return msgspec.json.encode(
        _Dispute(
            node=dispute.node_id.text,
            wallet=dispute.wallet.text,
            ours=str(dispute.ours),
            theirs=str(dispute.theirs),
            since=dispute.since,
            seen_at=dispute.seen_at,
            ours_signed=dispute.ours_signed,
            theirs_signed=dispute.theirs_signed,
            closed_at=dispute.closed_at,
        )
    )


def _dispute(data: bytes) -> Dispute:
    cell = msgspec.json.decode(data, type=_Dispute)
    return Dispute(
        node_id=NodeId.from_text(cell.node),
        wallet=WalletAddress.from_text(cell.wallet),
        ours=Wei(int(cell.ours)),
        theirs=Wei(int(cell.theirs)),
        since=UnixSeconds(cell.since),
        seen_at=UnixSeconds(cell.seen_at),
        ours_signed=cell.ours_signed,
        theirs_signed=cell.theirs_signed,
        closed_at=None if cell.closed_at is None else UnixSeconds(cell.closed_at),
    )
