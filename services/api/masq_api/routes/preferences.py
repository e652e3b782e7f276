"""`/v1/exit-preferences` and each node's `preference`: what routes should be like."""

from typing import Annotated

from fastapi import APIRouter, Depends

from masq_api.auth import requires
from masq_api.names import NodeIdInPath
from masq_api.node import NodeDependency
from masq_api.problems import responses
from masq_api.views.preferences import ExitPreferencesView, PreferenceChange
from masq_kernel.bus import subjects
from masq_kernel.bus.messages.gossip import ExitCountriesRequested, LikingToSet
from masq_kernel.identity.keys import NodeId
from masq_kernel.identity.tokens import Token

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["mesh"], responses=responses(401, 403, 429, 502, 503, 504))

Changer = Annotated[Token, Depends(requires("neighbors:write"))]


@router.get(
    "/exit-preferences",
    summary="Where exits should stand",
    dependencies=[Depends(requires("node:read"))],
)
async def show_exit_preferences(node: NodeDependency) -> ExitPreferencesView:
    """Countries by priority, and whether another country will do."""
    shown = await node.ask(subjects.EXIT_COUNTRIES, ExitCountriesRequested())
    return ExitPreferencesView.of(shown)


@router.put("/exit-preferences", summary="Prefer exits elsewhere", responses=responses(422))
async def set_exit_preferences(
    wanted: ExitPreferencesView, node: NodeDependency, token: Changer
) -> ExitPreferencesView:
    """Holds for new routes at once and after a restart; live sessions keep theirs."""
    before = await node.ask(subjects.EXIT_COUNTRIES, ExitCountriesRequested())
    kept = await node.ask(subjects.SET_EXIT_COUNTRIES, wanted.to_message())
    shown = ExitPreferencesView.of(kept)
    node.audit.record(
        "exit preferences changed",
        token.token_id,
        before=ExitPreferencesView.of(before).model_dump(),
        after=shown.model_dump(),
    )
    return shown


@router.put(
    "/neighborhood/{node_id}/preference",
    status_code=204,
    summary="Have a node on routes less or more gladly",
    responses=responses(422),
)
async def set_preference(
    node_id: NodeIdInPath, change: PreferenceChange, node: NodeDependency, token: Changer
) -> None:
    """Also for a node that is not known yet; nobody else learns of it."""
    wanted = NodeId.from_text(node_id)
    await node.ask(subjects.SET_LIKING, LikingToSet(node_id=wanted, liking=change.preference))
    node.audit.record(
        "preference set", token.token_id, node=wanted.short, preference=change.preference
    )


@router.delete(
    "/neighborhood/{node_id}/preference",
    status_code=204,
    summary="Treat a node like any other again",
    responses=responses(422),
)
async def clear_preference(node_id: NodeIdInPath, node: NodeDependency, token: Changer) -> None:
    """Changes nothing if nothing was preferred."""
    wanted = NodeId.from_text(node_id)
    await node.ask(subjects.SET_LIKING, LikingToSet(node_id=wanted, liking=None))
    node.audit.record("preference cleared", token.token_id, node=wanted.short)
