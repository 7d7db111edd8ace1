"""The sections below `market_making`: the model, the quote, the risk limits and the calibration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from market_making.settings.section import USER_DATA, NotNegative, Positive, Section

if TYPE_CHECKING:  # the models load numpy, which takes as long as all the rest of a command that ends with an error
    from market_making.quoting.pricing import DepthBounds
    from market_making.quoting.value.quote_table import CarteaJaimungalSettings

SMALLEST_NOTIONAL = 13.0  # Freqtrade's own minimum is 11.7 at a stop of 10 % [quote currency]

_Fee = Annotated[float, Field(ge=-0.01, le=0.01, allow_inf_nan=False)]


class Horizon(Section):
    """How far ahead the model looks."""

    mode: Literal["rolling", "session"] = Field(
        "rolling", description="rolling: quotes do not depend on the time; session: they end flat after `seconds`"
    )
    seconds: Positive | None = Field(None, description="Length of a session [s]; null in rolling mode")

    @model_validator(mode="after")
    def _session_has_an_end(self) -> "Horizon":
        if (self.mode == "session") != (self.seconds is not None):
            raise ValueError("seconds must be given in session mode and must be null in rolling mode")
        return self


class ModelSettings(Section):
    """The quoting model."""

    order_notional: Positive = Field(
        100.0, description="Value of one order, the lot in which inventory is counted [quote currency]"
    )
    maximum_inventory: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Largest inventory, long or short [lots]"
    )
    running_penalty: NotNegative | None = Field(
        None, description="Cost of holding inventory [price/s per lot²]; null: derived from the market"
    )
    terminal_penalty: NotNegative = Field(
        0.0, description="Cost of the inventory that is left at the end of a session [price per lot²]"
    )
    maker_fee: _Fee = Field(
        0.00015,
        description="Maker fee [fraction of the value], negative for a rebate; "
        "if it is not configured, the exchange is asked for the fee of the account on each market",
    )
    maker_fees: dict[str, _Fee] = Field(
        {},
        description="Maker fees of single markets by any of their names [fraction of the value], "
        "such as those of a promotion; they win over `maker_fee`",
    )
    horizon: Horizon = Field(Horizon(), description="How far ahead the model looks")
    drift_weight: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Share of the drift λ⁺ε⁺ − λ⁻ε⁻ that the model believes in [fraction]"
    )
    widen_toxicity: Positive = Field(1.0, description="Toxicity κ(ε + fee) from which the quotes are widened [–]")
    pause_toxicity: Positive = Field(2.0, description="Toxicity κ(ε + fee) from which nothing is quoted [–]")

    @model_validator(mode="after")
    def _thresholds_ascend(self) -> "ModelSettings":
        if self.widen_toxicity > self.pause_toxicity:
            raise ValueError(
                f"widen_toxicity {self.widen_toxicity:g} must not be above pause_toxicity {self.pause_toxicity:g}"
            )
        return self

    @property
    def smallest_lots(self) -> float:
        """The smallest order that Freqtrade places at an exchange's minimum of 10, with room for moves [lots]."""
        return min(1.0, SMALLEST_NOTIONAL / self.order_notional)

    def cartea_jaimungal(self) -> "CarteaJaimungalSettings":
        """The same in the terms of the Cartea–Jaimungal model."""
        from market_making.quoting.value.quote_table import CarteaJaimungalSettings  # noqa: PLC0415

        return CarteaJaimungalSettings(
            maximum_inventory=self.maximum_inventory,
            running_penalty=self.running_penalty,
            terminal_penalty=self.terminal_penalty,
            maker_fee=self.maker_fee,
            drift_weight=self.drift_weight,
            session_s=self.horizon.seconds,
            widen_toxicity=self.widen_toxicity,
            pause_toxicity=self.pause_toxicity,
        )


class QuoteSettings(Section):
    """How the bot turns a model's quote into a resting order."""

    minimum_half_spread_bps: NotNegative = Field(
        0.0, description="Smallest distance of a quote from mid, or from its anchor [bps]"
    )
    maximum_half_spread_bps: Positive = Field(
        50.0, description="Largest distance of a quote from mid, or from its anchor [bps]"
    )
    anchor: bool = Field(
        True,
        description="Anchor quotes where the best sizes say that mid goes, while that is sure to gain; off, at mid",
    )
    tolerance_bps: NotNegative = Field(0.5, description="A resting order is moved when its price is off by more [bps]")
    minimum_life_s: NotNegative = Field(2.0, description="A resting order is not moved before it is this old [s]")
    maximum_book_age_s: Positive = Field(3.0, description="Nothing is quoted from a book that is older [s]")
    maximum_account_age_s: NotNegative = Field(
        5.0, description="The positions of the account are read again when they are older [s]"
    )
    actions_per_minute: Positive = Field(
        60.0, description="Orders and cancels the bot may send per minute, those that exit a position excepted [1/min]"
    )
    reserved_actions: Annotated[int, Field(ge=0)] = Field(
        500, description="Of the actions that the address has left, kept for cancels and exits [actions]"
    )
    action_price: NotNegative = Field(
        0.0005, description="Price of an action; a better price is taken only if it earns more than its actions [USDC]"
    )

    @property
    def bounds(self) -> "DepthBounds":
        """Of the distance from mid."""
        from market_making.quoting.pricing import DepthBounds  # noqa: PLC0415

        return DepthBounds(self.minimum_half_spread_bps, self.maximum_half_spread_bps)

    @model_validator(mode="after")
    def _bounds_ascend(self) -> "QuoteSettings":
        if self.minimum_half_spread_bps > self.maximum_half_spread_bps:
            raise ValueError(
                f"minimum_half_spread_bps {self.minimum_half_spread_bps:g} must not be above "
                f"maximum_half_spread_bps {self.maximum_half_spread_bps:g}"
            )
        return self


class RiskSettings(Section):
    """Losses that stop a pair from opening and make it exit its position."""

    daily_loss: Positive = Field(
        50.0,
        description="Loss since 00:00 UTC after which a pair exits its position and opens nothing until the day ends "
        "[quote currency]",
    )
    drawdown: Positive = Field(
        100.0,
        description="Loss from the peak after which a pair exits its position and opens nothing until its file is "
        "removed [quote currency]",
    )
    state: Path = Field(USER_DATA / "risk", description="Folder in which the losses are kept over restarts")


class CalibrationSettings(Section):
    """Cadence and window of the calibration service."""

    period_s: Positive = Field(
        10.0, description="Time between two calibrations [s]; a thousand coins on two cores need 15"
    )
    window_s: Positive = Field(1800.0, description="Length of the window that is calibrated from [s]")
    valid_for_s: Positive = Field(60.0, description="How long a calibration may be quoted from [s]")
    minimum_exposure_s: NotNegative = Field(
        600.0, description="Recorded time that a window needs at least to be calibrated from [s]"
    )
    maximum_data_age_s: Positive = Field(
        30.0, description="A window whose newest quote is older is not calibrated from [s]"
    )
    leader: Literal["binanceusdm", "binance", "bybit", "okx"] | None = Field(
        None, description="Venue recorded beside this one whose market of the same coin may move first; null for none"
    )
