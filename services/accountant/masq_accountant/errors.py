"""What can go wrong in the accountant.

MasqError (kernel)
|- UnbalancedTransaction   our own mistake: entries that do not cancel
+- RemoteError (kernel)
   +- UsageRefused         a usage report that cannot be booked
"""

from masq_kernel.errors import MasqError, RemoteError

__all__ = ["UnbalancedTransaction", "UsageRefused"]


class UnbalancedTransaction(MasqError):  # noqa: N818 - states a fact
    """Entries whose amounts do not sum to zero, or that name one account twice."""


class UsageRefused(RemoteError):  # noqa: N818 - states a fact
    """A usage report with an impossible figure; refused whole, and the reason is kept."""
