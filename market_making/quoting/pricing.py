"""The one place where a model's quote becomes the price of an order: what is asked of every model alike, step by step.

The depth of the model is multiplied for a toxic flow, for losing fills and by the user's factor, in this order; it is
bounded; both quotes are moved to where the best sizes say that mid goes; a quote that must leave stands at the touch
instead; the price is rounded away from mid and never crosses. Each step says in the terms of the quote what it has
changed.
"""

from dataclasses import dataclass
from math import copysign, isfinite
from typing import NamedTuple, Self

from market_making.market.errors import ConfigurationError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld

LARGEST_SHIFT = 0.5  # of the nearer quote's distance from mid


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
    """What is asked of every model alike: factors on its depth, its bounds, and the anchor above mid [price]."""

    regime_factor: float
    risk_factor: float
    user_factor: float
    bounds: DepthBounds
    shift: float = 0.0

    def steps(self, depth: float, mid: float) -> tuple[float, float, float, float]:
        """A model's depth after each of the factors, and within the bounds [price]."""
        widened = depth * self.regime_factor
        faded = widened * self.risk_factor
        wished = faded * self.user_factor
        return widened, faded, wished, self.bounds.apply(wished, mid)

    def anchored(self, wanted: Quotes, market: MarketView, response: float) -> Self:
        """The same with both quotes anchored where the best sizes say that mid goes, unless the model does so itself.

        No quote comes nearer to mid than by half its depth for it. The user's bounds are of the distance of both from
        each other, which stays.

        Parameters
        ----------
        wanted : Quotes
            Of the model.
        market : MarketView
            Whose best sizes are looked at.
        response : float
            β of the calibration [price].
        """
        shift, mid = response * market.imbalance, market.mid
        if shift == 0 or wanted.anchored:
            return self
        limit = abs(shift)
        for quote in wanted.sides:
            if isinstance(quote, Quote) and isfinite(quote.depth):
                limit = min(limit, LARGEST_SHIFT * self.steps(quote.depth, mid)[-1])
        return self._replace(shift=copysign(max(limit, 0.0), shift))


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
    widened, faded, wished, bounded = asked.steps(depth, mid)
    if not (isfinite(wished) and isfinite(quote.size)):
        return Withheld(Reason.NUMBERS_UNUSABLE, f"the model gives depth {depth} and size {quote.size}")
    anchored = bounded - asked.shift if side is Side.BID else bounded + asked.shift
    final = (market.ask_price - market.bid_price) / 2 if at_touch else anchored
    price = _valid_price(side, market, instrument, final)
    if price is None:
        return Withheld(Reason.MODEL_WITHHOLDS, f"a bid {final:g} below mid {mid:g} has no price")
    distance = mid - price if side is Side.BID else price - mid
    asked_for = (widened - depth, faded - widened, wished - faded, bounded - wished)
    return Quote(
        price, terms.changed_by(*asked_for, anchored - bounded, final - anchored, distance - final), quote.size
    )


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
