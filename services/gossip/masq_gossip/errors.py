"""What goes wrong in gossip.

RemoteError
|- MalformedError        bytes that do not parse (kernel)
+- SignatureRefusedError bytes that parse but are not signed by whom they name, for this chain
"""

from masq_kernel.errors import RemoteError

__all__ = ["SignatureRefusedError"]


class SignatureRefusedError(RemoteError):
    """A record or statement whose signature does not hold on this chain.

    Args:
        what: the thing that was read, in the words of the glossary.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not signed by the node it names for this chain")
        self.what = what
