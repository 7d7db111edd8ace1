"""The one place where a model's quote becomes the price of an order: what is asked of every model alike, step by step.

The depth of the model is multiplied for a toxic flow, for losing fills and by the user's factor, in this order; it is
bounded; a quote that must leave stands at the touch instead; the price is rounded away from mid and never crosses. Each
step says in the terms of the quote what it has changed.
"""

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView, Quote, Withheld


@dataclass(frozen=True)
class DepthBounds:
    """The least and the greatest distance of a quote from mid [basis points of mid].

    Raises
    ------
    ConfigurationError
        Unless 0 ≤ minimum ≤ maximum.
    """

    minimum_bps: float = 0.0
    maximum_bps: float = 50.0

    def __post_init__(self) -> None:
        if not 0 <= self.minimum_bps <= self.maximum_bps:
            raise ConfigurationError(
                "the bounds of the half-spread must be 0 <= minimum <= maximum, "
                f"got {self.minimum_bps} and {self.maximum_bps} bps"
            )

    def apply(self, depth: float, mid: float) -> float:
        """The depth within the bounds [price]."""
        return min(max(depth, self.minimum_bps * mid / 1e4), self.maximum_bps * mid / 1e4)


class Adjustments(NamedTuple):
    """What is asked of every model alike: factors on its depth, and the bounds of the final one."""

    regime_factor: float
    risk_factor: float
    user_factor: float
    bounds: DepthBounds


def priced(
    quote: Quote, side: Side, market: MarketView, instrument: Instrument, asked: Adjustments, *, at_touch: bool = False
) -> Quote | Withheld:
    """The quote at a valid price; its terms sum to the distance of that price from mid.

    Parameters
    ----------
    quote : Quote
        Of a model; its price is not looked at.
    side : Side
        Of the quote.
    market : MarketView
        Around whose mid it was made.
    instrument : Instrument
        Which prices there are.
    asked : Adjustments
        What to do to the model's depth.
    at_touch : bool
        Whether the quote must stand at the touch, whatever its depth.
    """
    terms, mid = quote.terms, market.mid
    depth = terms.depth
    widened = depth * asked.regime_factor
    faded = widened * asked.risk_factor
    wished = faded * asked.user_factor
    if not (isfinite(wished) and isfinite(quote.size)):
        return Withheld(Reason.NUMBERS_UNUSABLE, f"the model gives depth {depth} and size {quote.size}")
    bounded = asked.bounds.apply(wished, mid)
    final = (market.ask_price - market.bid_price) / 2 if at_touch else bounded
    price = _valid_price(side, market, instrument, final)
    if price is None:
        return Withheld(Reason.MODEL_WITHHOLDS, f"a bid {final:g} below mid {mid:g} has no price")
    distance = mid - price if side is Side.BID else price - mid
    steps = (widened - depth, faded - widened, wished - faded, bounded - wished, final - bounded, distance - final)
    return Quote(price, terms.changed_by(*steps), quote.size)


def _valid_price(side: Side, market: MarketView, instrument: Instrument, depth: float) -> float | None:
    """The valid price at a depth, rounded away from mid, that does not cross; None where there is none."""
    # Floating point must not cost a tick: 3000.05 + 0.05 is a hair above 3000.1.
    if side is Side.ASK:
        wished = instrument.ask_price(float(f"{market.mid + depth:.12g}"))
        return wished if wished > market.bid_price else instrument.next_above(market.bid_price)
    wished = float(f"{market.mid - depth:.12g}")
    price = instrument.bid_price(wished) if wished > 0 else 0.0
    if price <= 0:
        return None
    return price if price < market.ask_price else instrument.next_below(market.ask_price)
