"""What an operator sets in the section `[gossip]`, or as `MASQ_GOSSIP_*`."""

import ipaddress
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from masq_gossip.rules.events import Endpoint
from masq_gossip.rules.parameters import Mode, Parameters
from masq_kernel.chains import Chain
from masq_kernel.errors import MalformedError
from masq_kernel.identity.descriptor import Descriptor
from masq_kernel.rates import DEFAULT_RATES, RATE_WEI_MAX, ZERO_RATES, RatePack
from masq_kernel.runtime.address import Place
from masq_kernel.runtime.settings import SectionSettings, SettingsError
from masq_kernel.units import Wei

__all__ = ["GossipSettings"]

Port = Annotated[int, Field(ge=1, le=65535)]
RateWei = Annotated[int, Field(ge=0, le=RATE_WEI_MAX)]


class GossipSettings(SectionSettings):
    """The gossip process's settings.

    Args:
        address: the IP address at which others dial this node; None: it cannot be dialled.
        ports: the ports the router listens on, preferred first.
        neighbors: descriptors of nodes to begin with.
        hops_min: links of a route each way, at least.
        mode: how the node takes part.
        country: two capital letters told to others, or "".
        routing_byte, routing_service, exit_byte, exit_service: prices in wei; None: the default.
    """

    address: str | None = None
    ports: tuple[Port, ...] = ()
    neighbors: tuple[str, ...] = ()
    hops_min: int = Field(default=3, ge=1, le=6)
    mode: Mode = "standard"
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    routing_byte: RateWei | None = None
    routing_service: RateWei | None = None
    exit_byte: RateWei | None = None
    exit_service: RateWei | None = None

    @field_validator("address")
    @classmethod
    def _canonical_address(cls, value: str | None) -> str | None:
        return None if value is None else str(ipaddress.ip_address(value))

    @model_validator(mode="after")
    def _address_and_ports(self) -> Self:
        if (self.address is None) != (not self.ports):
            raise ValueError("set both `address` and `ports`, or neither")
        try:
            self.place()
        except MalformedError as error:
            raise ValueError(error.reason) from None
        return self

    def parameters(self) -> Parameters:
        """Return the parameters of the gossip rules."""
        return Parameters(hops_min=self.hops_min, mode=self.mode, country=self.country)

    def rates(self) -> RatePack:
        """Return this node's prices; nodes that serve nobody ask nothing."""
        if self.mode in ("consume-only", "zero-hop"):
            return ZERO_RATES
        default = DEFAULT_RATES
        return RatePack(
            routing_byte=_wei(self.routing_byte, default.routing_byte),
            routing_service=_wei(self.routing_service, default.routing_service),
            exit_byte=_wei(self.exit_byte, default.exit_byte),
            exit_service=_wei(self.exit_service, default.exit_service),
        )

    def place(self) -> Place | None:
        """Return where this node can be dialled in standard mode; None: nowhere."""
        return None if self.address is None else Place(self.address, self.ports)

    def descriptors(self, chain: Chain) -> tuple[Endpoint, ...]:
        """Return the nodes to begin with.

        Raises:
            SettingsError: one is not a descriptor, of another chain, or without an address.
        """
        return tuple(_endpoint(text, chain) for text in self.neighbors)


def _wei(value: int | None, default: Wei) -> Wei:
    return default if value is None else Wei(value)


def _endpoint(text: str, chain: Chain) -> Endpoint:
    remedy = "Correct `neighbors` in the section [gossip] of the configuration file."
    try:
        descriptor = Descriptor.from_text(text)
    except MalformedError as error:
        problem = f"{text!r} is no descriptor: {error.reason}."
        raise SettingsError(problem, remedy=remedy) from None
    if descriptor.chain != chain:
        problem = f"{text!r} is not of this node's chain, {chain.name}."
        raise SettingsError(problem, remedy=remedy)
    if not descriptor.addresses or not descriptor.ports:
        problem = f"{text!r} has no address, so it cannot be dialled."
        raise SettingsError(problem, remedy=remedy)
    return Endpoint(descriptor.node_id, str(descriptor.addresses[0]), tuple(descriptor.ports))
