"""How values look in JSON: wei as decimal text, times as RFC 3339, names as text. Pure."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from masq_kernel.rates import RatePack
from masq_kernel.units import Wei, masq_text

__all__ = [
    "NODE_ID_PATTERN",
    "WALLET_PATTERN",
    "Masq",
    "NodeIdText",
    "RatesView",
    "WalletText",
    "WeiText",
    "masq",
    "moment",
]

NODE_ID_PATTERN = "^[A-Za-z0-9_-]{43}$"
WALLET_PATTERN = "^0x[0-9a-fA-F]{40}$"
"""What names in requests look like; those in mixed case must also carry the right checksum."""

NodeIdText = Annotated[
    str,
    Field(
        description="A node's name: base64url of its 32-byte key",
        examples=["LQ7mYqXq5mZ3sVn0i1lZ1bq1o2s7F5b1Zy2m6l5Jv0Q"],
    ),
]
WalletText = Annotated[
    str,
    Field(
        description="An address in EIP-55 form",
        examples=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"],
    ),
]
WeiText = Annotated[
    str, Field(description="Wei of MASQ, decimal", examples=["1000000000000000000"])
]
Masq = Annotated[str, Field(description="The same in MASQ, rounded down", examples=["1.000000"])]


def moment(unix: int) -> datetime:
    """Return a time that JSON shows in RFC 3339, UTC."""
    return datetime.fromtimestamp(unix, UTC)


def masq(wei: str) -> str:
    """Return an amount for people."""
    return masq_text(Wei(int(wei)))


class RatesView(BaseModel):
    """What a node asks, in wei."""

    routing_byte: WeiText
    routing_service: WeiText
    exit_byte: WeiText
    exit_service: WeiText

    @classmethod
    def of(cls, rates: RatePack) -> "RatesView":
        """Show a rate pack."""
        return cls(
            routing_byte=str(rates.routing_byte),
            routing_service=str(rates.routing_service),
            exit_byte=str(rates.exit_byte),
            exit_service=str(rates.exit_service),
        )
