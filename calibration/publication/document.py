"""The parts of the parameter file: numbers with their intervals, the market, the model, the table, the shadow maker."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from market_making.settings.sections import Horizon

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


class PublishedTiming(Document):
    """How long the bot takes [ms], and whether its own record says so.

    From look to look (0: an order that has become too close wakes it), from the look until the old order is gone and
    until the next one rests, from a fill until the next order rests, from the book of its price until it rests, and
    from then until the bot knows it. An older file does not say the last: it is taken for half a second, which 95 % of
    orders take less than.
    """

    loop_ms: NotNegative
    cancel_ms: NotNegative
    place_ms: NotNegative
    pause_ms: NotNegative
    aim_ms: NotNegative
    known_ms: NotNegative = 500.0
    source: Literal["record", "usual"]


class PublishedShadow(Document):
    """What quotes at some depths [price] would have earned in the window with the bot's timing, before the fee.

    `age_cost` is what a fill makes less than one of a quote that follows mid at once [price]; `order_flow` adds it to
    the adverse selection on a fill. An older file has no `timing`.
    """

    depth: list[Positive]
    fills_per_hour: list[PublishedEstimate]
    net_per_fill: list[PublishedEstimate]
    age_cost: PublishedEstimate
    timing: PublishedTiming | None = None


class PublishedLeader(Document):
    """What the last second of another market is worth beside the imbalance.

    `response` is γ: how far mid moves in the next second for each unit that the leader moved in the last one; `lead_s`
    how far it is ahead, null where the two do not move together; the rest is of quotes anchored at both, as in
    `PublishedFairValue`.
    """

    name: str
    response: PublishedEstimate
    lead_s: PublishedEstimate | None
    gain_per_fill: PublishedEstimate | None
    fills: Annotated[int, Field(ge=0)]
    fills_around_mid: Annotated[int, Field(ge=0)]
    sure: bool


class PublishedFairValue(Document):
    """Where mid goes, and whether quotes may be anchored there.

    `imbalance` is β: how far mid moves in the next second for each unit of (bid size − ask size) / (bid size + ask
    size) at the touch, shrunk by its error [price]. `gain_per_fill` is what a quote at mid + β·imbalance, `age_ms`
    old, would have gained against one around mid of the same age, β fitted on what came before [price]; null where
    nothing was filled. `used` says that the interval lies above 0 with ten fills of each kind: then bots anchor
    their quotes there. `age_source` tells whether the bot's own record says how old its quotes are. `leader` is
    published and not used by a bot.
    """

    imbalance: PublishedEstimate
    age_ms: NotNegative
    age_source: Literal["record", "usual"]
    gain_per_fill: PublishedEstimate | None
    fills: Annotated[int, Field(ge=0)]
    fills_around_mid: Annotated[int, Field(ge=0)]
    used: bool
    leader: PublishedLeader | None = None

    @property
    def response(self) -> float:
        """β that quotes are anchored with: 0 unless it is used [price]."""
        return self.imbalance.value if self.used else 0.0


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
