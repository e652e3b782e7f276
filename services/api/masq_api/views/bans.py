"""Nodes that this node does not deal with for the time being."""

import base64
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from masq_api.views.values import NodeIdText, moment
from masq_kernel.bus.messages.gossip import BanState

__all__ = ["BanView", "Bans"]


class BanView(BaseModel):
    """One ban: who, why, until when, and what was seen."""

    kind: Literal["misconduct"] = "misconduct"
    node_id: NodeIdText
    reason: str = Field(examples=["a record whose signature does not verify"])
    offences: int = Field(description="So far; each doubles the next ban, up to a day")
    since: datetime
    until: datetime
    evidence: str = Field(description="The beginning of the payload that gave offence, base64")

    @classmethod
    def of(cls, ban: BanState) -> "BanView":
        """Show a ban."""
        return cls(
            node_id=ban.node_id.text,
            reason=ban.reason,
            offences=ban.offences,
            since=moment(ban.since),
            until=moment(ban.until),
            evidence=base64.b64encode(ban.evidence).decode("ascii"),
        )


class Bans(BaseModel):
    """All bans in force, the newest first."""

    items: list[BanView]
