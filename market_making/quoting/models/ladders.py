"""Ladders of limit orders around mid that steer the share of stock in the total back to a reference.

With stock I, money Q and their total I·S + Q, the share of stock is ρ = I·S/(I·S + Q) and its deviation
m = (ρ − ρ₀)/ρ₀. Beyond a band the side that would enlarge the deviation is made smaller, and stopped at the limit:
bids ×(U − m)/(U − B), asks ×(m − D)/(S − D). Level i stands i steps from mid.

Where only one order can rest per side, the ladder collapses to the level that is expected to earn most,
λ(δ)·(δ − ε − fee)·size. That is *not* a ladder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, floor

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.market.sums import in_sequence
from market_making.quoting.models.ladder_shape import LadderShape, level_weights
from market_making.quoting.models.levels import NO_LEVEL, by_level
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import SMALLEST_SIZE, fault, numbers_only
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.readings.observations import Balances
from market_making.quoting.terms import Terms

_ROUNDING = 1e-9
_LARGEST_INDEX_GAP = 0.02
_EVEN_START = Balances(3.0, 3.0)


@dataclass(frozen=True)
class DeviationBands:
    """Deviations at which the sides shrink (`buy_band`, `sell_band`) and stop (`buy_stop`, `sell_stop`).

    Raises
    ------
    ConfigurationError
        Unless sell_stop < sell_band ≤ 0 ≤ buy_band < buy_stop.
    """

    buy_stop: float = 0.6
    buy_band: float = 0.3
    sell_band: float = -0.3
    sell_stop: float = -0.6

    def __post_init__(self) -> None:
        if not self.sell_stop < self.sell_band <= 0 <= self.buy_band < self.buy_stop:
            raise ConfigurationError(
                "the deviation bands must be sell_stop < sell_band <= 0 <= buy_band < buy_stop, "
                f"got {self.sell_stop}, {self.sell_band}, {self.buy_band}, {self.buy_stop}"
            )

    def multipliers(self, deviation: float) -> Sides[float]:
        """Factor on the sizes of each side, from 1 down to 0."""
        buy = (self.buy_stop - deviation) / (self.buy_stop - self.buy_band)
        sell = (deviation - self.sell_stop) / (self.sell_band - self.sell_stop)
        return Sides(bid=min(1.0, max(0.0, buy)), ask=min(1.0, max(0.0, sell)))


@dataclass(frozen=True)
class LadderSettings:
    """What the user decides.

    Parameters
    ----------
    shape : LadderShape, optional
        None for automatic: the shape observed, spot before there is one.
    start : Balances
        Stock and money at an inventory of zero, both in lots (money at the present mid); their ratio is the reference.
    up_range, down_range : float
        How far asks and bids reach from mid, as shares of it.
    step_bps : float
        Distance of neighbouring levels [bps of mid].
    live_orders : int
        Most orders at a time, both sides together.
    ratio : float
        Of neighbouring weights of a curve.
    bands : DeviationBands
        See there.
    smallest_size, largest_size : float
        A smaller order is dropped, a larger one cut [lots].
    maker_fee : float
        Share of the value of a fill.
    """

    shape: LadderShape | None = LadderShape.SPOT
    start: Balances = _EVEN_START
    up_range: float = 0.02
    down_range: float = 0.02
    step_bps: float = 5.0
    live_orders: int = 10
    ratio: float = 0.95
    bands: DeviationBands = field(default_factory=DeviationBands)
    smallest_size: float = 0.1
    largest_size: float = 1.0
    maker_fee: float = 0.00015

    def __post_init__(self) -> None:
        _accept(min(self.start) > 0, "start", self.start, "positive in stock and money")
        _accept(0 < self.down_range < 1 and self.up_range > 0, "range", (self.down_range, self.up_range), "in (0, 1)")
        _accept(self.step_bps > 0, "step_bps", self.step_bps, "positive")
        _accept(self.live_orders >= 2, "live_orders", self.live_orders, "at least 2")
        _accept(0 < self.ratio < 1, "ratio", self.ratio, "between 0 and 1")
        _accept(0 < self.smallest_size <= self.largest_size, "smallest_size", self.smallest_size, "at most the largest")
        reach = 1 / self.reference - 1
        _accept(self.bands.buy_stop <= reach + _ROUNDING, "buy_stop", self.bands.buy_stop, f"at most {reach:.3g}")

    @property
    def reference(self) -> float:
        """ρ₀: the share of stock to return to."""
        return self.start.stock / (self.start.stock + self.start.money)


def stock_share(balances: Balances, mid: float) -> float:
    """ρ: the share of stock in the total; 0 if there is nothing."""
    total = balances.stock * mid + balances.money
    return balances.stock * mid / total if total > 0 else 0.0


def deviation(balances: Balances, mid: float, reference: float) -> float:
    """m: how far the share of stock is from the reference, relative to it.

    Raises
    ------
    ConfigurationError
        If the reference is not between 0 and 1.
    """
    _accept(0 < reference < 1, "reference", reference, "between 0 and 1")
    return (stock_share(balances, mid) - reference) / reference


def ladder(balances: Balances, mid: float, settings: LadderSettings, shape: LadderShape) -> Sides[tuple[Quote, ...]]:
    """All levels of both sides, nearest first; a stopped side has none.

    Bids together never cost more than the money there is, asks never sell more than the stock.
    """
    factors = settings.bands.multipliers(deviation(balances, mid, settings.reference))
    step = settings.step_bps * 1e-4

    def side_levels(side: Side, reach: float, factor: float) -> tuple[Quote, ...]:
        levels = min(floor(reach / step + _ROUNDING), settings.live_orders // 2)
        depths = [mid * level * step for level in range(1, levels + 1)]
        prices = [mid - depth if side is Side.BID else mid + depth for depth in depths]
        budgets = [max(0.0, balances.money / price if side is Side.BID else balances.stock) for price in prices]
        weights = level_weights(shape, levels, settings.ratio)
        sizes = [budget * float(weight) * factor for budget, weight in zip(budgets, weights, strict=True)]
        return tuple(
            Quote(price, Terms(level=depth), min(size, settings.largest_size))
            for price, depth, size in zip(prices, depths, merged_outward(sizes, settings.smallest_size), strict=True)
            if size > 0
        )

    return Sides(
        bid=side_levels(Side.BID, settings.down_range, factors.bid),
        ask=side_levels(Side.ASK, settings.up_range, factors.ask),
    )


def merged_outward(sizes: Sequence[float], smallest: float) -> list[float]:
    """Sizes of levels, nearest first, of which each is 0 or an order; what is too small goes to the next one out.

    What is left over at the end goes to the farthest order.
    """
    orders, carried = [], 0.0
    for size in sizes:
        carried += size
        orders.append(carried if carried >= smallest else 0.0)
        carried -= orders[-1]
    last = max((place for place, size in enumerate(orders) if size > 0), default=None)
    if last is not None:
        orders[last] += carried
    return orders


def expected_value(level: Quote, side: Side, flow: OrderFlow, fee: float, *, cap: float = 1.0) -> float:
    """λ(δ)·(δ − ε − fee)·size of one level [price·lots/s]; `fee` in price."""
    return _values((level,), side, flow, fee, cap)[0]


def _values(levels: Sequence[Quote], side: Side, flow: OrderFlow, fee: float, cap: float = 1.0) -> list[float]:
    """What each level is worth; see `expected_value`."""
    intensity, decay = flow.fill_intensity.on(side), flow.fill_decay.on(side)
    cost = flow.adverse_selection_on_fill.on(side) + fee
    return [
        intensity * exp(min(-decay * (depth := level.depth), 700.0)) * (depth - cost) * min(level.size, cap)
        for level in levels
    ]


def collapse(
    levels: tuple[Quote, ...], side: Side, flow: OrderFlow, fee: float, *, inventory: float
) -> Quote | Withheld:
    """The one level worth most; where none earns anything, the nearest with what would leave the inventory [lots].

    The level that loses least would be the one that nobody reaches: a position would have no way out.
    """
    if not levels:
        return NO_LEVEL
    values = _values(levels, side, flow, fee)
    best = max(values)
    if best > 0:
        return levels[values.index(best)]
    to_leave = -inventory if side is Side.BID else inventory
    if to_leave < SMALLEST_SIZE:
        return Withheld(Reason.NOTHING_EARNS, "no level of the ladder is expected to earn anything")
    nearest = min(levels, key=lambda level: level.depth)
    return nearest._replace(size=min(in_sequence(level.size for level in levels), to_leave))


@dataclass(frozen=True)
class LadderQuoter:
    """The ladder as a model: it quotes the level that should earn most, or all of them (`levels`)."""

    settings: LadderSettings

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG002 - a ladder has no horizon
        """Quotes of the collapsed ladder."""
        levels = self._ladder(market, inventory, flow)
        if isinstance(levels, Because):
            return Quotes.none(levels)
        fee = self.settings.maker_fee * market.mid
        offers = Sides(
            bid=collapse(levels.bid, Side.BID, flow, fee, inventory=inventory),
            ask=collapse(levels.ask, Side.ASK, flow, fee, inventory=inventory),
        )
        return Quotes(offers.map(numbers_only))

    def levels(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> tuple[Quotes, ...]:  # noqa: ARG002 - a ladder has no horizon
        """Quotes of every level of the ladder, nearest first."""
        levels = self._ladder(market, inventory, flow)
        if isinstance(levels, Because):
            return (Quotes.none(levels),)
        return tuple(Quotes(sides.map(numbers_only)) for sides in by_level(*levels))

    def _ladder(self, market: MarketView, inventory: float, flow: OrderFlow) -> Sides[tuple[Quote, ...]] | Because:
        """All levels, or why there are none."""
        seen, mid = market.observations, market.mid
        if because := fault(market, inventory, flow):
            return because
        if seen.index_price is not None and not abs(seen.index_price / mid - 1) < _LARGEST_INDEX_GAP:
            detail = f"mid {mid} is not within 2 % of the index {seen.index_price}"
            return Because(Reason.BOOK_UNUSABLE, detail)
        shape = self.settings.shape or seen.ladder_shape or LadderShape.SPOT
        balances = balances_of(self.settings, inventory, mid, seen.balances)
        return ladder(balances, mid, self.settings, shape)


def quoter(settings: LadderSettings) -> LadderQuoter:
    """Quoter of the collapsed ladder."""
    return LadderQuoter(settings)


def balances_of(settings: LadderSettings, inventory: float, mid: float, observed: Balances | None) -> Balances:
    """What the ladder owns: as observed, else the start with the inventory bought at the present mid."""
    if observed is not None:
        return observed
    return Balances(settings.start.stock + inventory, (settings.start.money - inventory) * mid)


def _accept(good: bool, key: str, seen: object, needed: str) -> None:
    if not good:
        raise ConfigurationError(f"{key} must be {needed}, got {seen}")
