"""What can go wrong in the accountant.

MasqError (kernel)
|- UnbalancedTransaction   our own mistake: entries that do not cancel
|- LedgerReadOnly          the books did not verify; nothing is booked until an operator looks
|- SealBroken              a cell that was changed, or stands in another place
+- RemoteError (kernel)
   |- UsageRefused         a usage report that cannot be booked
   +- ThresholdsRefused    values that do not fit together
"""

from collections.abc import Mapping

from masq_kernel.errors import MasqError, RemoteError

__all__ = [
    "LedgerReadOnly",
    "SealBroken",
    "ThresholdsRefused",
    "UnbalancedTransaction",
    "UsageRefused",
]


class UnbalancedTransaction(MasqError):  # noqa: N818 - states a fact
    """Entries whose amounts do not sum to zero, or that name one account twice."""


class LedgerReadOnly(MasqError):  # noqa: N818 - states a fact
    """The books did not verify, so nothing is added to them."""


class SealBroken(MasqError):  # noqa: N818 - states a fact
    """A cell that does not open: it was changed, or stands where it was not written."""


class UsageRefused(RemoteError):  # noqa: N818 - states a fact
    """A usage report with an impossible figure; refused whole, and the reason is kept."""


class ThresholdsRefused(RemoteError):  # noqa: N818 - states a fact
    """Thresholds that do not fit together.

    Args:
        problems: what is wrong, by the name of the value.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name} {problem}" for name, problem in problems.items()))
        self.problems = dict(problems)
