"""The chain: servers that answer for it, and signers of transactions (accounting.md section 6)."""

from masq_accountant.chain.port import ChainPort, ServerState, TransferPage
from masq_accountant.chain.signer import KeySigner, Signed, Signer

__all__ = ["ChainPort", "KeySigner", "ServerState", "Signed", "Signer", "TransferPage"]
