"""What a node asks for its work, and the charges that follow. Pure; amounts in wei.

Source: design/accounting.md section 1.
"""

from dataclasses import dataclass
from typing import Self

from masq_kernel.errors import MalformedError
from masq_kernel.units import ByteCount, Wei

__all__ = ["DEFAULT_RATES", "RATE_PACK_SIZE", "RATE_WEI_MAX", "ZERO_RATES", "RatePack"]

RATE_WEI_MAX = 10**18
"""One token per byte or package. A node asking more is misconfigured or hostile: refused."""

RATE_PACK_SIZE = 32
"""Four unsigned 64-bit numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePack:
    """The four prices of a node, in wei.

    Args:
        routing_byte: for each byte of a DATA package's body that it relays.
        routing_service: for each DATA package that it relays.
        exit_byte: for each byte of end-to-end plaintext at the exit, padding included.
        exit_service: for each end-to-end package at the exit.

    Raises:
        MalformedError: a rate is negative or above RATE_WEI_MAX.
    """

    routing_byte: Wei
    routing_service: Wei
    exit_byte: Wei
    exit_service: Wei

    def __post_init__(self) -> None:
        if not all(0 <= rate <= RATE_WEI_MAX for rate in self._rates()):
            raise MalformedError("rate pack", f"a rate is outside 0..{RATE_WEI_MAX} wei")

    def routing_charge(self, *, packages: int, size: ByteCount) -> Wei:
        """Return what a relay charges for this many packages of this many bytes in total."""
        return Wei(self.routing_service * packages + self.routing_byte * size)

    def exit_charge(self, *, packages: int, size: ByteCount) -> Wei:
        """Return what an exit charges for this many end-to-end packages and plaintext bytes."""
        return Wei(self.exit_service * packages + self.exit_byte * size)

    def covers(self, current: "RatePack") -> bool:
        """Say whether paying these rates satisfies a node that now asks `current`."""
        pairs = zip(self._rates(), current._rates(), strict=True)
        return all(offered >= asked for offered, asked in pairs)

    def to_bytes(self) -> bytes:
        """Return the 32 canonical bytes."""
        return b"".join(rate.to_bytes(8, "big") for rate in self._rates())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the 32 canonical bytes.

        Raises:
            MalformedError: wrong size, or a rate above the limit.
        """
        if len(data) != RATE_PACK_SIZE:
            raise MalformedError("rate pack", f"{len(data)} bytes, not {RATE_PACK_SIZE}")
        rates = [Wei(int.from_bytes(data[at : at + 8], "big")) for at in range(0, 32, 8)]
        return cls(
            routing_byte=rates[0],
            routing_service=rates[1],
            exit_byte=rates[2],
            exit_service=rates[3],
        )

    def _rates(self) -> tuple[Wei, Wei, Wei, Wei]:
        return self.routing_byte, self.routing_service, self.exit_byte, self.exit_service


DEFAULT_RATES = RatePack(
    routing_byte=Wei(53_844),
    routing_service=Wei(53_844),
    exit_byte=Wei(107_688),
    exit_service=Wei(107_688),
)
"""MASQ's defaults (accounting.md section 1)."""

ZERO_RATES = RatePack(
    routing_byte=Wei(0), routing_service=Wei(0), exit_byte=Wei(0), exit_service=Wei(0)
)
"""For nodes that serve nobody: consume-only and zero-hop."""
