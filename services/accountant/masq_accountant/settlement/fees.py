"""What a transaction may cost, and what its replacement must (EIP-1559, EIP-155). Pure."""

from dataclasses import dataclass

from masq_kernel.units import WEI_PER_GWEI

__all__ = ["FeePolicy", "Fees", "Market"]

_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
"""Nodes take a replacement at the same nonce when it offers a tenth more; an eighth is enough for
all of them."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What one transaction offers for each unit of gas, in wei of the chain's own coin.

    Args:
        price: the most it pays in all.
        tip: of that for the block's maker, beyond the base fee; None: a legacy transaction.
    """

    price: int
    tip: int | None = None

    def cost(self, gas: int) -> int:
        """Return what so much gas can cost at most."""
        return self.price * gas


@dataclass(frozen=True, slots=True)
class Market:
    """What gas costs now.

    Args:
        price: what the server proposes.
        base: the last block's base fee; None: the chain has none.
        tip: what the server proposes beyond it.
    """

    price: int
    base: int | None = None
    tip: int = 0


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """What an operator is ready to pay.

    Args:
        price_max: for a unit of gas, wei.
    """

    price_max: int

    def offer(self, market: Market) -> Fees | None:
        """Return what to offer; None: gas costs more than the operator pays.

        Twice the base fee outlasts six full blocks; less is offered where the limit says so, as
        long as it would be taken now.
        """
        if market.base is None:
            return Fees(market.price) if market.price <= self.price_max else None
        if market.base + market.tip > self.price_max:
            return None
        return Fees(min(2 * market.base + market.tip, self.price_max), market.tip)

    def replacement(self, before: Fees, market: Market) -> Fees | None:
        """Return a higher offer at the same nonce that would be taken now; None: not within limits.

        It is of the same kind as the first: a chain does not change its kind while one waits.
        """
        wanted = self.offer(market)
        if wanted is None:
            return None
        price = max(wanted.price, _raised(before.price))
        if before.tip is None:
            return Fees(price) if price <= self.price_max else None
        tip = max(wanted.tip or 0, _raised(before.tip))
        return Fees(price, min(tip, price)) if price <= self.price_max else None

    @classmethod
    def of_gwei(cls, gwei: float) -> "FeePolicy":
        """Return the policy of a limit in gwei."""
        return cls(round(gwei * WEI_PER_GWEI))


def _raised(value: int) -> int:
    return -(-value * _BUMP_NUMERATOR // _BUMP_DENOMINATOR)
