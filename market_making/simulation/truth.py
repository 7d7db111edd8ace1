r"""A market whose true parameters are known, and what follows from them exactly.

Mid is a compound Poisson process on the tick grid; market orders of direction ± arrive at rate λ±, reach K ticks
beyond the touch and move mid for good by J ticks:

.. math:: P(K \ge k) = \pi e^{-\kappa\,tick\,(k-1)} \; (k \ge 1), \qquad
          E[J \mid K = k] = \varepsilon_{fill} + \theta\,tick\,(k - E[K \mid K \ge 1])

The geometric law has no memory, therefore beyond the touch the rate of orders that reach a depth d [price] is exactly
``A exp(−κ d)`` and the mean move of those orders exactly ``e0 + θ d``: the assumptions of the quoting models hold.

What the exactness rests on: arrivals are Poisson, so the other orders within any horizon move mid by the same amount
on average as at any other time, and an estimate that takes out the mean drift measures ε itself. With `Bursts` this
stays true while the mean moves of both directions balance (λ⁺ε⁺ = λ⁻ε⁻), because a burst brings both; else the excess
of orders around an order adds to what is measured. With `SelfExcitation` it always adds: the truth is then that of a
single order, and mid has momentum. A `Surge` is no stationary market: the truth is that without it.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, exp, log10, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_making.market.identity import Market
from market_making.market.instrument import Instrument, Listing
from market_making.market.sides import Direction, Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.simulation.regimes import Bursts, SelfExcitation, Surge, Widening, require

LEVELS = 20
NONE = Directions(0.0, 0.0)


@dataclass(frozen=True)
class MarketTruth:
    """True parameters of one simulated coin; prices in quote currency, sizes in coins.

    Parameters
    ----------
    coin, size_decimals
        Name and ``szDecimals``; they and the price imply the tick.
    start_price : float
        Mid at the start, to the nearest possible one.
    spread_ticks : int
        Best ask minus best bid.
    arrival_rate : Directions[float]
        λ [1/s].
    reach_probability : Directions[float]
        π, probability that an order goes beyond the touch.
    fill_decay : Directions[float]
        κ of the depth beyond the touch [1/price].
    adverse_selection_at_touch, adverse_selection_on_fill : Directions[float]
        Mean lasting move of mid with an order that stops at the touch, and with one that goes beyond it [price].
    adverse_selection_slope : Directions[float]
        θ: how much further mid moves, on average, for each unit of depth reached [1].
    diffusion, drift : float
        Moves of mid that come without orders [price/√s, price/s].
    move_rate, refresh_rate : float
        Rates of these moves and of changes of size alone [1/s].
    level_size, order_size : float
        Mean size of the first level and of a market order.
    level_spacing : int
        Distance of neighbouring levels of the book [ticks].
    impact_delay_ms : int
        A move follows its order within this time, uniformly distributed.
    market : Market or None
        As the venue lists it, where it is no perpetual of the main dex.
    bursts, widening, surge, excitation
        Extensions; None where the market has none.
    """

    coin: str
    size_decimals: int
    start_price: float
    spread_ticks: int
    arrival_rate: Directions[float]
    reach_probability: Directions[float]
    fill_decay: Directions[float]
    adverse_selection_at_touch: Directions[float]
    adverse_selection_on_fill: Directions[float]
    adverse_selection_slope: Directions[float] = NONE
    diffusion: float = 0.0
    drift: float = 0.0
    move_rate: float = 2.0
    refresh_rate: float = 4.0
    level_size: float = 1.0
    order_size: float = 0.5
    level_spacing: int = 1
    impact_delay_ms: int = 200
    maximum_leverage: int = 25
    market: Market | None = None
    bursts: Bursts | None = field(default=None, kw_only=True)
    widening: Widening | None = field(default=None, kw_only=True)
    surge: Surge | None = field(default=None, kw_only=True)
    excitation: SelfExcitation | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse a market that cannot be simulated.

        Raises
        ------
        ConfigurationError
            Naming the value and what it must be.
        """
        require(self.spread_ticks >= 1, "spread_ticks", self.spread_ticks, "at least 1")
        require(self.level_spacing >= 1, "level_spacing", self.level_spacing, "at least 1")
        require(0 <= self.impact_delay_ms < 1000, "impact_delay_ms", self.impact_delay_ms, "in [0, 1000)")
        for direction in Direction:
            self._check_flow(direction)
        for name in ("diffusion", "move_rate", "refresh_rate"):
            require(getattr(self, name) >= 0, name, getattr(self, name), "not negative")
        require(self.move_rate > 0 or not (self.diffusion or self.drift), "move_rate", self.move_rate, "positive")
        require(
            abs(self.drift) <= self.move_rate * self.mean_move * self.tick, "drift", self.drift,
            "at most move_rate times the mean move",
        )  # fmt: skip
        low, high = self.bid_bounds
        require(low < self.start_bid < high, "start_price", self.start_price, "further from where the tick changes")

    def _check_flow(self, direction: Direction) -> None:
        for name in ("arrival_rate", "fill_decay"):
            value = getattr(self, name).of(direction)
            require(value > 0, f"{name}.{direction}", value, "positive")
        share = self.reach_probability.of(direction)
        require(0 < share <= 1, f"reach_probability.{direction}", share, "in (0, 1]")

    @cached_property
    def instrument(self) -> Instrument:
        """Trading rules of the coin."""
        if self.market is not None:
            return self.market.instrument
        return Instrument.hyperliquid(self.coin, self.size_decimals)

    @property
    def listing(self) -> Listing | Market:
        """The coin as the venue lists it."""
        return self.market or Listing(self.coin, self.size_decimals, self.maximum_leverage)

    @cached_property
    def tick(self) -> float:
        """Distance between neighbouring prices [price]."""
        return self.instrument.tick(self.start_price)

    @cached_property
    def ticks_per_unit(self) -> int:
        """A price is an integer over this power of ten; ticks above 1 do not exist on Hyperliquid."""
        return round(1 / self.tick)

    @cached_property
    def start_bid(self) -> int:
        """Best bid at the start [ticks]."""
        return round(self.start_price / self.tick - self.spread_ticks / 2)

    @cached_property
    def bid_bounds(self) -> tuple[int, int]:
        """Lowest and highest best bid [ticks]: within them every price of book and trades has the same tick.

        They lie far from any sensible start. There mid is stopped, and the truth does not hold.
        """
        low = 10.0 ** int(np.floor(log10(self.start_price)))
        high = low * 10
        while self.instrument.tick(low / 10) == self.tick:
            low /= 10
        extra = self.widening.extra_ticks if self.widening else 0
        sweep = ceil(40 / (min(self.fill_decay) * self.tick))
        margin = LEVELS * self.level_spacing + sweep + self.spread_ticks + extra
        return round(low * self.ticks_per_unit) + margin, round(high * self.ticks_per_unit) - margin

    @cached_property
    def move_sizes(self) -> tuple[int, float]:
        """A move of mid that comes without an order is of n ticks, or with probability p of n + 1: (n, p)."""
        if not self.diffusion:
            return (1, 0.0) if self.drift else (0, 0.0)
        square = (self.diffusion / self.tick) ** 2 / self.move_rate
        whole = int(sqrt(square))
        return whole, (square - whole**2) / (2 * whole + 1)

    @property
    def mean_move(self) -> float:
        """Mean length of such a move [ticks]."""
        return self.move_sizes[0] + self.move_sizes[1]

    @property
    def share_of_moves_up(self) -> float:
        """Probability that such a move goes up, so that the mean is `drift`."""
        if not self.drift:
            return 0.5
        return 0.5 + self.drift / (2 * self.move_rate * self.mean_move * self.tick)

    def continuation(self, direction: Direction) -> float:
        """Probability that an order which went k ≥ 1 ticks beyond the touch goes one more."""
        return exp(-self.fill_decay.of(direction) * self.tick)

    def mean_jump(self, reach: NDArray[np.int64], direction: Direction) -> NDArray[np.float64]:
        """E[J | K = k] for reaches k [ticks], in ticks."""
        mean_reach = 1 / (1 - self.continuation(direction))
        beyond = (
            self.adverse_selection_on_fill.of(direction) / self.tick
            + self.adverse_selection_slope.of(direction) * (reach - mean_reach)
        )  # fmt: skip
        return np.where(reach == 0, self.adverse_selection_at_touch.of(direction) / self.tick, beyond)

    def _mean_square_jump(self, direction: Direction) -> float:
        """E[J²] in price²; J is the mean jump rounded up or down at random so that its mean is exact."""
        continuation, share = self.continuation(direction), self.reach_probability.of(direction)
        reach = np.arange(ceil(40 / (self.fill_decay.of(direction) * self.tick)) + 2)
        weight = np.where(reach == 0, 1 - share, share * (1 - continuation) * continuation ** (reach - 1.0))
        mean = self.mean_jump(reach, direction)
        whole = np.floor(mean)
        rest = mean - whole
        square = whole**2 * (1 - rest) + (whole + 1) ** 2 * rest
        return float(weight @ square) * self.tick**2

    @property
    def half_spread(self) -> float:
        """Time-weighted mean half-spread [price]."""
        extra = self.widening.share * self.widening.extra_ticks if self.widening else 0.0
        return (self.spread_ticks / 2 + extra) * self.tick

    @cached_property
    def fill_intensity(self) -> Directions[float]:
        """A: the rate of orders that reach a depth d beyond the touch is ``A exp(−κ d)`` [1/s]."""

        def intensity(direction: Direction) -> float:
            decay, narrow = self.fill_decay.of(direction), self.spread_ticks / 2
            growth = exp(decay * (narrow + 1) * self.tick)
            if self.widening:
                growth *= 1 - self.widening.share * (1 - exp(decay * self.widening.extra_ticks * self.tick))
            return self.arrival_rate.of(direction) * self.reach_probability.of(direction) * growth

        return Directions(*map(intensity, Direction))

    @cached_property
    def adverse_selection(self) -> Directions[float]:
        """ε over all orders [price]."""

        def mean(direction: Direction) -> float:
            share = self.reach_probability.of(direction)
            at_touch = self.adverse_selection_at_touch.of(direction)
            return (1 - share) * at_touch + share * self.adverse_selection_on_fill.of(direction)

        return Directions(*map(mean, Direction))

    @cached_property
    def volatility(self) -> float:
        """σ of mid, orders and other moves together [price/√s]."""
        jumps = sum(self.arrival_rate.of(side) * self._mean_square_jump(side) for side in Direction)
        other = self.diffusion**2 if self.diffusion else self.move_rate * (self.mean_move * self.tick) ** 2
        return sqrt(other + jumps)

    @property
    def mean_drift(self) -> float:
        """Mean move of mid [price/s]: the drift and what the orders leave behind."""
        push = self.arrival_rate.buy * self.adverse_selection.buy - self.arrival_rate.sell * self.adverse_selection.sell
        return self.drift + push

    def order_flow(self) -> OrderFlow:
        """What a quoting model would know of this market if the calibration were perfect."""
        return OrderFlow(
            arrival_rate=self.arrival_rate,
            fill_intensity=self.fill_intensity,
            fill_decay=self.fill_decay,
            adverse_selection=self.adverse_selection,
            adverse_selection_on_fill=self.adverse_selection_on_fill,
            adverse_selection_slope=self.adverse_selection_slope,
            volatility=self.volatility,
            half_spread=self.half_spread,
        )

    def published(self) -> dict[str, Any]:
        """True values of what the calibration estimates, under the names of the parameter file."""
        flow = dict(vars(self.order_flow()))
        del flow["imbalance_response"]  # sizes tell nothing here, and the file has it in `fair_value`
        names = [name for name, value in flow.items() if isinstance(value, Directions)]
        market = {"tick": self.tick, "lot": float(self.instrument.lot)}
        market |= {name: value for name, value in flow.items() if name not in names}
        return {"market": market} | {
            direction.value: {name: flow[name].of(direction) for name in names} for direction in Direction
        }
