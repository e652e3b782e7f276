"""`/v1/node/address`: where others dial this node, and moving it while it runs."""

from typing import Annotated

from fastapi import APIRouter, Depends

from masq_api.auth import requires
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.address import AddressChange, AddressView
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import AddressRequested
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["node"], responses=responses(401, 403, 429, 502, 503, 504))


@router.get(
    "/node/address",
    summary="Where others can dial this node",
    dependencies=[Depends(requires("node:read"))],
)
async def show_address(node: NodeDependency) -> AddressView:
    """What this node states to its neighbors; nobody else is told."""
    return AddressView.of(await node.ask(subjects.ADDRESS, AddressRequested()))


@router.put(
    "/node/address",
    summary="Move this node to another address",
    responses=responses(409, 422),
)
async def set_address(
    wanted: AddressChange,
    node: NodeDependency,
    token: Annotated[Token, Depends(requires("neighbors:write"))],
) -> AddressView:
    """For a node whose public IP has changed; holds at once and after a restart.

    Where the router is bound to the old address it moves along, or refuses (409) if this machine
    does not have the new one. Neighbors are told, and linked with again from the new address. To
    set the address in force again changes nothing, so a script may do so whenever it likes.
    """
    before = AddressView.of(await node.ask(subjects.ADDRESS, AddressRequested()))
    shown = AddressView.of(await node.ask(subjects.SET_ADDRESS, wanted.to_message()))
    if shown != before:
        node.audit.record(
            "address changed",
            token.token_id,
            before=before.model_dump(),
            after=shown.model_dump(),
        )
    return shown
