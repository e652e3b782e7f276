"""Where others can dial this node."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from masq_kernel.bus.messages.gossip import AddressShown, AddressToSet

__all__ = ["AddressChange", "AddressView"]

Port = Annotated[int, Field(ge=1, le=65535)]
Ports = Annotated[
    list[Port],
    Field(
        max_length=8,
        description="Preferred first",
        examples=[[4321]],
        json_schema_extra={"uniqueItems": True},
    ),
]


class AddressView(BaseModel):
    """Where others can dial this node."""

    address: str | None = Field(description="null: nowhere", examples=["203.0.113.9"])
    ports: Ports
    origin: Literal["setting", "run time"] = Field(
        description="Said by the configuration file, or changed since"
    )

    @classmethod
    def of(cls, shown: AddressShown) -> "AddressView":
        """Show what gossip states to neighbors."""
        origin: Literal["setting", "run time"] = "setting" if shown.is_setting else "run time"
        return cls(address=shown.address, ports=list(shown.ports), origin=origin)


class AddressChange(BaseModel):
    """Where others can dial this node from now on."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=45, description="An IP address", examples=["203.0.113.9"])
    ports: Ports = Field(default=[], description="Left out or empty: the ports stay")

    def to_message(self) -> AddressToSet:
        """Return what gossip is asked for."""
        return AddressToSet(address=self.address, ports=tuple(self.ports))
