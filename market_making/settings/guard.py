"""How patient `mm guard` is, and how close it lets mid come to a quote."""

from typing import Annotated, Literal

from pydantic import Field

from market_making.settings.section import Positive, Section


class GuardSettings(Section):
    """The guard; a bot does not read it."""

    silence_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        5.0,
        description="Time without a finished loop after which no order of a bot rests any more [s]",
        json_schema_extra={"accepted": "1 or more"},
    )
    unknown_s: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        3.0,
        description="Time after which an order is cancelled that neither database nor state file knows [s]",
        json_schema_extra={"accepted": "1 or more"},
    )
    flatten_unknown: bool = Field(
        False, description="Close what the account holds beyond the bot's books; off, the guard only reports it"
    )
    quotes: bool = Field(True, description="Cancel a quote that mid has come closer to than planned")
    moves: Positive = Field(
        0.25, description="How much closer mid may come, in standard deviations of its move in a second [–]"
    )
    leader: Literal["binanceusdm", "binance", "bybit", "okx"] | None = Field(
        None, description="Venue whose mid also counts, because it moves first; null for none"
    )
