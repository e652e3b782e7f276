"""What the operator prefers on routes."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from masq_kernel.bus.messages.gossip import ExitCountries

__all__ = ["ExitPreferencesView", "PreferenceChange"]

Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["CH"])]


class ExitPreferencesView(BaseModel):
    """Where exits should stand."""

    countries: list[Annotated[list[Country], Field(min_length=1, max_length=32)]] = Field(
        max_length=8,
        description="Tiers of two-letter codes, the most preferred first; empty: anywhere",
        examples=[[["CH"], ["DE", "FR"]]],
    )
    strict: bool = Field(default=False, strict=True, description="No other country will do")

    @classmethod
    def of(cls, countries: ExitCountries) -> "ExitPreferencesView":
        """Show what gossip goes by."""
        return cls(countries=[list(tier) for tier in countries.tiers], strict=countries.is_strict)

    def to_message(self) -> ExitCountries:
        """Return what gossip should go by."""
        tiers = tuple(tuple(tier) for tier in self.countries)
        return ExitCountries(tiers=tiers, is_strict=self.strict)


class PreferenceChange(BaseModel):
    """How gladly a node is had on routes."""

    preference: Literal["never", "less", "more", "always"] = Field(
        description="never: on no route; less, more: as if it asked four times or a quarter of its "
        "price; always: on every route where one through it is found"
    )
