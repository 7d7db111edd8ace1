"""The `market_making` section of Freqtrade's config.json, read by the bot and by every sidecar.

A wrong value is refused with its key, the value seen and what is accepted.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from market_making.market.errors import ConfigurationError
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.risk.rules import RiskLimits
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.edge import EdgeSettings
from market_making.settings.files import load_all, typed
from market_making.settings.role import Role

_ADDRESS = "^0x[0-9a-fA-F]{40}$"
_SMALLEST_NOTIONAL = 13.0
_NO_ADDRESS = "0x" + "0" * 40

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Horizon(Section):
    """`rolling`: stationary quotes; `session`: quotes that end flat after `seconds`."""

    mode: Literal["rolling", "session"] = "rolling"
    seconds: Positive | None = None

    @model_validator(mode="after")
    def _session_has_an_end(self) -> "Horizon":
        if (self.mode == "session") != (self.seconds is not None):
            raise ValueError("seconds is needed in session mode and must be null in rolling mode")
        return self


class ModelSettings(Section):
    """Settings of the quoting model.

    `order_notional` is the value of one lot [quote currency], `maximum_inventory` is in lots, `running_penalty` in
    price/s per lot² (null: derived, see `market_making.quoting.value.penalty`), `terminal_penalty` in price per
    lot², `maker_fee` a fraction (negative: a rebate); without it the exchange is asked
    for the fee of the account.
    """

    order_notional: Positive = 100.0
    maximum_inventory: Annotated[int, Field(ge=1, le=1000)] = 3
    running_penalty: NotNegative | None = None
    terminal_penalty: NotNegative = 0.0
    maker_fee: Annotated[float, Field(ge=-0.01, le=0.01, allow_inf_nan=False)] = 0.00015
    horizon: Horizon = Horizon()
    drift_weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    widen_toxicity: Positive = 1.0
    pause_toxicity: Positive = 2.0

    @model_validator(mode="after")
    def _thresholds_ascend(self) -> "ModelSettings":
        if self.widen_toxicity > self.pause_toxicity:
            raise ValueError(
                f"widen_toxicity {self.widen_toxicity} must not be above pause_toxicity {self.pause_toxicity}"
            )
        return self

    @property
    def smallest_lots(self) -> float:
        """The smallest order that Freqtrade places at an exchange's minimum of 10, with room for moves [lots]."""
        return min(1.0, _SMALLEST_NOTIONAL / self.order_notional)

    def cartea_jaimungal(self) -> CarteaJaimungalSettings:
        """The same in the terms of the Cartea–Jaimungal model."""
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
    """How the bot turns a model's quote into a resting order.

    A resting order is replaced when its price is off by more than `tolerance_bps` and it has rested for
    `minimum_life_s`; a book older than `maximum_book_age_s` is not quoted from; the account's positions are read again
    when they are older than `maximum_account_age_s`; `actions_per_minute` bounds what the bot may ask of the exchange.
    """

    minimum_half_spread_bps: NotNegative = 0.0
    maximum_half_spread_bps: Positive = 50.0
    tolerance_bps: NotNegative = 0.5
    minimum_life_s: NotNegative = 2.0
    maximum_book_age_s: Positive = 3.0
    maximum_account_age_s: NotNegative = 5.0
    actions_per_minute: Positive = 60.0

    @property
    def bounds(self) -> DepthBounds:
        """Of the distance from mid."""
        return DepthBounds(self.minimum_half_spread_bps, self.maximum_half_spread_bps)

    @model_validator(mode="after")
    def _bounds_ascend(self) -> "QuoteSettings":
        if self.minimum_half_spread_bps > self.maximum_half_spread_bps:
            raise ValueError(
                f"minimum_half_spread_bps {self.minimum_half_spread_bps} must not be above "
                f"maximum_half_spread_bps {self.maximum_half_spread_bps}"
            )
        return self


class RiskSettings(Section):
    """Losses that stop a pair from opening and make it leave [quote currency].

    `daily_loss` is forgotten at 00:00 UTC, `drawdown` from the peak when somebody removes the state kept in `state`.
    """

    daily_loss: Positive = 50.0
    drawdown: Positive = 100.0
    state: Path = Path("user_data/risk")


class CalibrationSettings(Section):
    """Cadence and window of the calibration service [s].

    A window whose newest quote is older than `maximum_data_age_s` is not calibrated from: the collector has stopped.
    """

    period_s: Positive = 15.0
    window_s: Positive = 1800.0
    valid_for_s: Positive = 60.0
    minimum_exposure_s: NotNegative = 600.0
    maximum_data_age_s: Positive = 30.0


class Settings(Section):
    """The whole `market_making` section.

    `sides` says what this bot may hold: `long_only`; `short_only`; `alternate`, long or short, one at a time; or one of
    two bots on two accounts that quote both sides together, `long_leg` and `short_leg`, which tell each other their
    position through files in `legs`. Every program keeps its state file in `state`, where the kill switch lies as well,
    and the pace of requests that the bots of a machine share. `leverage` applies to futures only. `account` is the
    address whose fee holds; in a configuration without it, the exchange's ``walletAddress``.
    """

    venue: str = "hyperliquid"
    coins: tuple[str, ...] = ()
    url: str = "https://api.hyperliquid.xyz"
    account: Annotated[str, Field(pattern=_ADDRESS)] | None = None
    market_data: Path | str = Path("user_data/market_data")  # or an address such as s3://bucket/ticks
    parameters: Path = Path("user_data/parameters")
    decisions: Path = Path("user_data/logs/decisions")
    legs: Path = Path("user_data/legs")
    state: Path = Path("user_data/state")
    sides: Literal["long_only", "short_only", "alternate", "long_leg", "short_leg"] = "long_only"
    leverage: Annotated[float, Field(ge=1, le=10)] = 1.0
    model: ModelSettings = ModelSettings()
    quote: QuoteSettings = QuoteSettings()
    risk: RiskSettings = RiskSettings()
    calibration: CalibrationSettings = CalibrationSettings()
    edge: EdgeSettings = EdgeSettings()

    @classmethod
    def from_section(cls, section: dict[str, Any], *, where: str = "market_making") -> "Settings":
        """Validate the section of an already loaded configuration.

        Raises
        ------
        ConfigurationError
            Naming every offending key, the value seen and what is accepted.
        """
        try:
            return cls.model_validate(section)
        except ValidationError as error:
            raise ConfigurationError("; ".join(_explain(where, item) for item in error.errors())) from None

    @classmethod
    def from_files(cls, paths: Sequence[Path]) -> "Settings":
        """Read the section from Freqtrade configuration files, merged as Freqtrade does: deeply, the later file wins.

        Without `coins` in the section the pair whitelist names them, without `account` it is the exchange's wallet
        address; without the section all defaults hold.

        Raises
        ------
        ConfigurationError
            If a file is missing, is not JSON, or the section is wrong.
        """
        config = load_all(paths)
        where = ", ".join(str(path) for path in paths)
        settings = cls.from_section(config.get("market_making", {}), where=f"{where}: market_making")
        exchange = typed(config, "exchange", dict, where)
        told: dict[str, Any] = {}
        if not settings.coins:
            pairs = typed(exchange, "pair_whitelist", list, f"{where}: exchange")
            told["coins"] = tuple(str(pair).split("/")[0] for pair in pairs)
        wallet = str(exchange.get("walletAddress", ""))
        if settings.account is None and re.match(_ADDRESS, wallet) and wallet != _NO_ADDRESS:
            told["account"] = wallet
        return settings.model_copy(update=told)

    @property
    def role(self) -> Role:
        """What this bot may hold."""
        return Role(self.sides)

    @property
    def asks_for_fee(self) -> bool:
        """Whether the maker fee is that of the account's tier: none is configured, and there is somebody to ask."""
        return self.account is not None and self.venue == "hyperliquid" and not self.has_own_fee

    @property
    def has_own_fee(self) -> bool:
        """Whether the maker fee was configured."""
        return "maker_fee" in self.model.model_fields_set

    def with_maker_fee(self, fee: float) -> "Settings":
        """Return the same with a fee that was told; it does not count as configured."""
        values = dict(self.model) | {"maker_fee": fee}
        model = ModelSettings.model_construct(_fields_set=self.model.model_fields_set, **values)
        return self.model_copy(update={"model": model})

    def risk_limits(self) -> RiskLimits:
        """Limits of the risk rules; an inventory at its bound is two thirds of what they call the largest position."""
        bound = self.model.order_notional * self.model.maximum_inventory
        return RiskLimits(
            1.5 * bound,
            daily_loss=self.risk.daily_loss,
            drawdown=self.risk.drawdown,
            oldest_data_ms=max(1, round(self.quote.maximum_book_age_s * 1e3)),
        )


def _explain(where: str, item: Any) -> str:
    key = ".".join([where, *(str(part) for part in item["loc"])])
    return f"{key}: {item['msg']} (seen: {item['input']!r})"
