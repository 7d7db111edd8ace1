"""The parameter file: what the calibrator publishes and everything else reads.

Written whole and atomically (temporary file in the same folder, fsync, rename). A reader refuses an unknown major
schema, another venue or coin, values out of bounds and a file past `valid_until_ms`, and says which.
"""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from market_making.market.durable_file import write_durably
from market_making.market.errors import InvalidParameters, MissingParameters, SafetyError, StaleParameters
from market_making.market.reasons import Reason
from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.settings.sections import Horizon

SCHEMA = "1.2"  # as that of the history; a file of an older minor schema lacks what came later
_CLOCK_TOLERANCE_MS = 5_000
# How far mid may move while a file is valid: for a minute; for longer it grows with the square root of time.
# In 133 days BTC, ETH and SOL moved 5.2 % at most within a 5-minute candle, HYPE 14.4 %: 6.4 % for a minute.
_FURTHEST_MOVE = 0.10
_FURTHEST_WITHIN_MS = 60_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Document(BaseModel):
    """A part of the file; unknown keys of a later minor schema are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PublishedEstimate(Document):
    """A value with its 95 % interval, the number of observations behind it and its source."""

    value: Finite
    low: Finite
    high: Finite
    n: Annotated[int, Field(ge=0)]
    source: EstimateSource

    @model_validator(mode="after")
    def _interval_holds_the_value(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the interval [{self.low}, {self.high}] does not hold the value {self.value}")
        return self

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """Take over an estimate."""
        return cls(**vars(estimate))


class PublishedFlow(Document):
    """Market orders of one direction."""

    arrival_rate: PublishedEstimate
    fill_decay: PublishedEstimate
    fill_intensity: PublishedEstimate
    adverse_selection: PublishedEstimate
    adverse_selection_on_fill: PublishedEstimate
    adverse_selection_slope: PublishedEstimate

    @model_validator(mode="after")
    def _rates_are_not_negative(self) -> Self:
        if self.arrival_rate.value < 0 or self.fill_intensity.value < 0:
            raise ValueError("a rate is negative")
        if self.fill_decay.value <= 0:
            raise ValueError(f"fill_decay {self.fill_decay.value} is not positive")
        return self

    @classmethod
    def of(cls, estimates: FlowEstimates) -> Self:
        """Take over the estimates of one direction."""
        return cls(**{name: PublishedEstimate.of(value) for name, value in vars(estimates).items()})


class PublishedWindow(Document):
    """What the estimates were made from."""

    start_ms: int
    end_ms: int
    exposure_s: NotNegative


class Market(Document):
    """State of the market at the end of the window; prices in quote currency, volatility in price/√s.

    `funding_rate` is the share of its value a long position pays in a second. `activity` is how often orders get
    beyond the touch now, as a multiple of the window's mean, with the 95 % interval of the next minute's; the
    intensities include it. A file older than schema 1.2 has none.
    """

    mid: Positive
    tick: Positive
    lot: Positive
    half_spread: NotNegative
    volatility: NotNegative
    funding_rate: Finite = 0.0
    activity: PublishedEstimate | None = None


class Model(Document):
    """Model settings behind the table: `order_size` in coins, inventory in lots of it."""

    order_size: Positive
    maximum_inventory: Annotated[int, Field(ge=1)]
    running_penalty: NotNegative
    terminal_penalty: NotNegative
    maker_fee: Finite
    horizon: Horizon
    drift_weight: Annotated[float, Field(ge=0, le=1)]


class Table(Document):
    """h(t, q) and the depths, shape (len(time_left_s), len(inventory)); null where that side is not quoted."""

    time_left_s: list[NotNegative]
    inventory: list[int]
    h: list[list[Finite]]
    ask_depth: list[list[Finite | None]]
    bid_depth: list[list[Finite | None]]

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        rows, columns = max(len(self.time_left_s), 1), len(self.inventory)
        for name in ("h", "ask_depth", "bid_depth"):
            table: list[list[float | None]] = getattr(self, name)
            if len(table) != rows or any(len(row) != columns for row in table):
                raise ValueError(f"{name} does not have {rows} rows of {columns}")
        if self.inventory != sorted(set(self.inventory)):
            raise ValueError("inventory does not ascend")
        return self


class PublishedRegime(Document):
    """Whether the coin can be quoted: toxicity is κ(ε on fill + fee)."""

    toxicity_buy: NotNegative
    toxicity_sell: NotNegative
    state: Literal["quote", "widen", "pause"]


class Quality(Document):
    """How far the calibration can be trusted."""

    status: Literal["ok", "weak", "bad"]
    flags: list[str]
    events: Annotated[int, Field(ge=0)]


class Parameters(Document):
    """One published calibration of one coin."""

    schema_version: str = Field(default=SCHEMA, alias="schema")
    venue: str
    coin: str
    pair: str
    wire: str | None = None
    asset: int | None = None
    created_ms: int
    valid_until_ms: int
    calibration_id: str
    window: PublishedWindow
    market: Market
    buy: PublishedFlow
    sell: PublishedFlow
    model: Model
    hjb: Table
    regime: PublishedRegime
    quality: Quality

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def require_good(self) -> Self:
        """Return these parameters, unless their quality forbids to quote from them.

        Raises
        ------
        SafetyError
            With the flags.
        """
        if self.quality.status == "bad":
            flags = ", ".join(self.quality.flags) or "no reason given"
            raise SafetyError(f"the calibration is bad: {flags}", reason=Reason.CALIBRATION_BAD)
        return self

    def require_market(self, pair: str, mid: float, wire: str = "") -> Self:
        """Return these parameters, unless they are those of another market.

        Parameters
        ----------
        pair : str
            Freqtrade's name of the market that is to be quoted.
        mid : float
            Mid of its book [price].
        wire : str
            The venue's name of it, if it is known: ccxt may call two markets alike.

        Raises
        ------
        InvalidParameters
            If the pair or the venue's name is another one, or if the mid of the file is so far from the book's that no
            market moves by as much while a file is valid: it then is of another coin, unit, network or time.
        """
        if pair != self.pair:
            raise InvalidParameters(f"the parameters of {self.coin} must be for {pair}, got those for {self.pair}")
        if wire and self.wire is not None and wire != self.wire:
            raise InvalidParameters(
                f"the parameters of {self.coin} must be for {wire}, which is what orders in {pair} go to, "
                f"got those for {self.wire}"
            )
        periods = max(1.0, (self.valid_until_ms - self.created_ms) / _FURTHEST_WITHIN_MS)
        limit, apart = _FURTHEST_MOVE * math.sqrt(periods), abs(mid / self.market.mid - 1)
        if not apart <= limit:
            raise InvalidParameters(
                f"the parameters of {pair} were made at {self.market.mid:g} and its book stands at {mid:g}, "
                f"{100 * apart:.0f} % apart, limit {100 * limit:.0f} %"
            )
        return self

    def order_flow(self) -> OrderFlow:
        """What the quoting models need of it."""
        both = Directions(self.buy, self.sell)
        return OrderFlow(
            arrival_rate=both.map(lambda flow: flow.arrival_rate.value),
            fill_intensity=both.map(lambda flow: flow.fill_intensity.value),
            fill_decay=both.map(lambda flow: flow.fill_decay.value),
            adverse_selection=both.map(lambda flow: flow.adverse_selection.value),
            adverse_selection_on_fill=both.map(lambda flow: flow.adverse_selection_on_fill.value),
            adverse_selection_slope=both.map(lambda flow: flow.adverse_selection_slope.value),
            volatility=self.market.volatility,
            half_spread=self.market.half_spread,
            funding_rate=self.market.funding_rate,
        )

    def write(self, folder: Path) -> Path:
        """Publish as ``<folder>/<COIN>.json``: a reader sees the old file or the new one, never a part."""
        path = folder / f"{self.coin}.json"
        write_durably(path, self.model_dump_json(by_alias=True, indent=1))
        return path


def read_parameters(folder: Path, coin: str, *, venue: str, now_ms: int | None) -> Parameters:
    """Read the published parameters of one coin, if they may be quoted from at `now_ms`.

    `now_ms` None leaves out the check of age: for people who look at an old file, never for a strategy.

    Raises
    ------
    MissingParameters, InvalidParameters, StaleParameters
        With what was seen and what is needed.
    """
    path = folder / f"{coin}.json"
    parameters = _parse(path)
    if parameters.schema_version.split(".")[0] != SCHEMA.split(".", maxsplit=1)[0]:
        raise InvalidParameters(f"{path} has schema {parameters.schema_version}, this program reads {SCHEMA}")
    if (parameters.venue, parameters.coin) != (venue, coin):
        raise InvalidParameters(f"{path} must be for {coin} on {venue}, got {parameters.coin} on {parameters.venue}")
    if now_ms is not None:
        _check_age(parameters, path, now_ms)
    return parameters


def _check_age(parameters: Parameters, path: Path, now_ms: int) -> None:
    valid_for_s = (parameters.valid_until_ms - parameters.created_ms) / 1e3
    if now_ms > parameters.valid_until_ms:
        raise StaleParameters(
            f"{path} expired {(now_ms - parameters.valid_until_ms) / 1e3:.0f} s ago (valid for {valid_for_s:.0f} s); "
            'is the calibrator running? "mm calibrate" starts it'
        )
    if parameters.created_ms > now_ms + _CLOCK_TOLERANCE_MS:
        raise InvalidParameters(
            f"{path} was created {(parameters.created_ms - now_ms) / 1e3:.0f} s in the future; check the clocks"
        )


def _parse(path: Path) -> Parameters:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise MissingParameters(f'there is no {path}; is the calibrator running? "mm calibrate" starts it') from None
    except OSError as error:
        raise MissingParameters(f"{path} cannot be read: {error.strerror}") from None
    try:
        return Parameters.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidParameters(f"{path} is torn or out of bounds: {where}: {first['msg']}") from None


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN: a value that does not exist is null."""
    return value if math.isfinite(value) else None
