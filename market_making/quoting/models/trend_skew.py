r"""A spread that follows volatility, leans against inventory and with trend and book.

In basis points, with v the standard deviation of the return over the holding time, r the inventory as a share of its
bound, I the imbalance of the book and b the trend bias:

.. math::
    \text{spread} = \mathrm{clip}(base + k_v v + 2|r|), \qquad \text{skew} = k_s\,r\,v\,(1 + 1.5\,(|r| - 0.6)^+)

.. math::
    \text{ask}, \text{bid} = \pm\,\text{spread}/2 - \text{skew} + 0.3\,I\,\text{spread}
    + \mathrm{clip}(\tfrac12 b\,v, \pm\,\text{spread}/2)

The holding time is stated because the same formula with hourly ranges or with ticks of a second differs twentyfold.
"""

from dataclasses import dataclass
from math import sqrt

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Side, Sides
from market_making.market.sums import in_sequence
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import fault, numbers_only, offers, picked_off, sizes_within
from market_making.quoting.quote import MarketView, Quote, Quoter, Quotes, Withheld
from market_making.quoting.readings.book_depth import book_depth
from market_making.quoting.readings.markouts import factor_of
from market_making.quoting.terms import Terms

_INVENTORY_WIDENING_BPS = 2.0
_BOOK_SHARE = 0.3
_BIAS_SHARE = 0.5
_CROWDED, _CROWDED_SLOPE = 0.6, 1.5


@dataclass(frozen=True)
class TrendSkewSettings:
    """What the user decides.

    Parameters
    ----------
    base_bps, minimum_bps, maximum_bps : float
        Spread without volatility and its limits [bps of mid].
    volatility_factor, skew_factor : float
        k_v and k_s, per standard deviation over the holding time.
    holding_s : float
        The horizon of v [s].
    level_spacing_bps : float
        Distance of neighbouring levels where several can rest.
    level_weights : tuple of float
        Their sizes; they are normalised.
    maximum_inventory : int
        Bound on both sides [lots].
    maker_fee : float
        Share of the value of a fill; each quote keeps one fee of distance from mid.
    """

    base_bps: float = 2.0
    minimum_bps: float = 0.5
    maximum_bps: float = 20.0
    volatility_factor: float = 0.5
    skew_factor: float = 0.5
    holding_s: float = 60.0
    level_spacing_bps: float = 2.0
    level_weights: tuple[float, ...] = (0.5, 0.3, 0.15, 0.05)
    maximum_inventory: int = 3
    maker_fee: float = 0.00015

    def __post_init__(self) -> None:
        if not 0 < self.minimum_bps <= self.maximum_bps:
            raise ConfigurationError(
                f"the bounds of the spread must be 0 < minimum <= maximum, got {self.minimum_bps} and "
                f"{self.maximum_bps} bps"
            )
        if not (self.holding_s > 0 and self.maximum_inventory >= 1 and sum(self.level_weights) > 0):
            raise ConfigurationError(f"holding_s, maximum_inventory and level_weights must be positive, got {self}")


def spread_bps(settings: TrendSkewSettings, move_bps: float, share: float) -> float:
    """Distance of ask and bid [bps], never less than two fees; `share` is the inventory over its bound."""
    wanted = settings.base_bps + settings.volatility_factor * move_bps + _INVENTORY_WIDENING_BPS * abs(share)
    limited = min(max(wanted, settings.minimum_bps), settings.maximum_bps)
    return max(limited, 2e4 * settings.maker_fee)


def skew_bps(settings: TrendSkewSettings, move_bps: float, share: float) -> float:
    """Shift of both quotes against inventory [bps], steeper when the position is crowded."""
    steepness = 1 + _CROWDED_SLOPE * max(0.0, abs(share) - _CROWDED)
    return settings.skew_factor * share * move_bps * steepness


def side_terms(settings: TrendSkewSettings, market: MarketView, inventory: float, flow: OrderFlow) -> Sides[Terms]:
    """Terms of the nearest level, each quote at least one fee from mid [price].

    The base is the level, k_v v the volatility, 2|r| and the skew the inventory, the limits of the spread the floor,
    the imbalance the fair value, what a factor for markouts adds the adverse selection.
    """
    seen, unit = market.observations, market.mid / 1e4
    volatility = flow.volatility if seen.volatility is None else seen.volatility
    move = 1e4 * volatility * sqrt(settings.holding_s) / market.mid
    share = min(1.0, max(-1.0, inventory / settings.maximum_inventory))
    half = spread_bps(settings, move, share) / 2
    trend = min(half, max(-half, _BIAS_SHARE * seen.bias * move))
    fair_value = _BOOK_SHARE * book_depth(market).imbalance * 2 * half
    skew = skew_bps(settings, move, share)
    level, widening = settings.base_bps / 2, settings.volatility_factor * move / 2
    crowding = _INVENTORY_WIDENING_BPS * abs(share) / 2

    def terms(side: Side, sign: int) -> Terms:
        parts = Terms(
            adverse_selection=(factor_of(seen.markout_factors, side, inventory) - 1) * half * unit,
            inventory=(crowding - sign * skew) * unit,
            volatility=widening * unit,
            trend=sign * trend * unit,
            level=level * unit,
            fair_value=sign * fair_value * unit,
            floor=(half - level - widening - crowding) * unit,
        )
        return parts.at_least(max(0.0, settings.maker_fee * market.mid))

    return Sides(bid=terms(Side.BID, -1), ask=terms(Side.ASK, +1))


def levels(nearest: Quotes, mid: float, settings: TrendSkewSettings) -> Sides[tuple[Quote, ...]]:
    """The nearest quotes spread over all levels, where several orders can rest per side."""
    total = in_sequence(settings.level_weights)

    def spread_out(side: Side, quote: Quote | Withheld) -> tuple[Quote, ...]:
        if isinstance(quote, Withheld):
            return ()
        sign = -1 if side is Side.BID else 1
        steps = [number * settings.level_spacing_bps * mid / 1e4 for number in range(len(settings.level_weights))]
        return tuple(
            Quote(
                quote.price + sign * step,
                quote.terms._replace(level=quote.terms.level + step),
                quote.size * weight / total,
            )
            for step, weight in zip(steps, settings.level_weights, strict=True)
        )

    return Sides(bid=spread_out(Side.BID, nearest.sides.bid), ask=spread_out(Side.ASK, nearest.sides.ask))


def quoter(settings: TrendSkewSettings) -> Quoter:
    """Quoter of the nearest level."""

    def quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG001 - the model has no horizon
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        terms = side_terms(settings, market, inventory, flow)
        within = sizes_within(inventory, settings.maximum_inventory)
        sizes = Sides(*(picked_off(market, side, inventory) or size for side, size in zip(Side, within, strict=True)))
        return Quotes(offers(market, terms, sizes).map(numbers_only), anchored=True)

    return quotes
