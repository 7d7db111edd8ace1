"""Switches of what the bot changes in the running objects of ccxt and Freqtrade."""

from pydantic import BaseModel, ConfigDict, Field


class EdgeSettings(BaseModel):
    """Which overrides are on, by name; one that is off leaves the object as ccxt or Freqtrade ships it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    builder_fee: bool = Field(
        True, description="Approve no builder and pay none; off, ccxt adds its own to every order"
    )
    pace: bool = Field(
        True, description="One bucket of the exchange's true weights for all bots of the machine; off, ccxt's limiter"
    )
    asked_once: bool = Field(
        True, description="Ask the same question once until something happens; off, every question is asked"
    )
    leverage_once: bool = Field(
        True, description="Send the leverage of a pair once and verify it; off, with every order that is no exit"
    )
    funding: bool = Field(
        True, description="Ask for no funding within the hour of the last fill; off, before every order"
    )
