"""What can go wrong in the accountant.

MasqError (kernel)
|- UnbalancedTransaction   our own mistake: entries that do not cancel
|- LedgerReadOnly          the books did not verify; nothing is booked until an operator looks
|- SealBroken              a cell that was changed, or stands in another place
+- RemoteError (kernel)
   |- UsageRefused         a usage report that cannot be booked
   |- ThresholdsRefused    values that do not fit together
   +- ChainError           the chain cannot be asked, or not be believed
      |- ChainUnavailable  no server answers
      |- ChainRefused      a server answers, and says no
      +- ServersDisagree   servers tell different stories
"""

from collections.abc import Mapping

from masq_kernel.errors import MasqError, RemoteError

__all__ = [
    "ChainError",
    "ChainRefused",
    "ChainUnavailable",
    "LedgerReadOnly",
    "SealBroken",
    "ServersDisagree",
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


class ChainError(RemoteError):
    """The chain cannot be asked, or not be believed; nothing has changed, so try again."""


class ChainUnavailable(ChainError):  # noqa: N818 - states a fact
    """No server answers."""


class ServersDisagree(ChainError):  # noqa: N818 - states a fact
    """Servers tell different stories, so that none is believed."""


class ChainRefused(ChainError):  # noqa: N818 - states a fact
    """A server answers, and says no.

    Args:
        reason: its words, as far as they are short and printable.
        code: of JSON-RPC; None: it gave none.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code
