"""Names of nodes and wallets in paths and queries: what they look like, said in the description."""

from typing import Annotated

from fastapi import Path, Query

from masq_api.views.values import NODE_ID_PATTERN, WALLET_PATTERN

__all__ = ["NodeIdInPath", "NodeIdInQuery", "WalletInPath", "WalletInQuery"]

NodeIdInPath = Annotated[str, Path(pattern=NODE_ID_PATTERN, description="A node's name")]
NodeIdInQuery = Annotated[str | None, Query(pattern=NODE_ID_PATTERN, description="Only this node")]
WalletInPath = Annotated[str, Path(pattern=WALLET_PATTERN, description="A wallet's address")]
WalletInQuery = Annotated[
    str | None, Query(pattern=WALLET_PATTERN, description="Only this wallet's")
]
