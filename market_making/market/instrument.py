"""Trading rules of one coin: which prices and sizes exist, and rounding that never makes a quote more aggressive.

All rounding is done in decimal arithmetic on the shortest text of the number, so that 0.1 + 0.2 does not lose a tick.
Source of the Hyperliquid rules: its documentation, "Tick and lot size" (perpetuals: 5 significant figures and at most
6 − szDecimals decimals; integers are always valid).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isfinite
from typing import NamedTuple, Protocol

from market_making.market.errors import MalformedMessage
from market_making.market.names import Names, perpetual_names


class Listing(NamedTuple):
    """A coin as the venue lists it; a delisted one keeps its place, because the place is the venue's asset number.

    Parameters
    ----------
    coin : str
        The venue's name.
    size_decimals : int
        Decimals of a size.
    maximum_leverage : int
        At which it may be held.
    delisted : bool
        Whether it is no longer traded.
    isolated_only : bool
        Whether it cannot be held in cross margin.
    growth : bool
        Whether its fees are a tenth.
    fee_scale : float or None
        What its deployer takes, as a multiple of the exchange's own fee; None where no deployer does.
    """

    coin: str
    size_decimals: int
    maximum_leverage: int = 25
    delisted: bool = False
    isolated_only: bool = False
    growth: bool = False
    fee_scale: float | None = None


class PriceGrid(Protocol):
    """Which prices an exchange accepts."""

    def step(self, price: Decimal) -> Decimal:
        """Distance between neighbouring valid prices at this price."""
        ...


@dataclass(frozen=True)
class FixedTick:
    """A constant tick, as on most exchanges."""

    tick: Decimal

    def step(self, price: Decimal) -> Decimal:  # noqa: ARG002 - the grid of such an exchange is the same everywhere
        """Return the tick, whatever the price."""
        return self.tick


@dataclass(frozen=True)
class SignificantFigures:
    """At most `figures` significant figures and at most `decimals` decimals; integers are always valid."""

    figures: int
    decimals: int

    def step(self, price: Decimal) -> Decimal:
        """Distance between neighbouring valid prices at this price."""
        exponent = max(price.adjusted() - self.figures + 1, -self.decimals)
        return Decimal(1).scaleb(min(exponent, 0))


@dataclass(frozen=True)
class Instrument:
    """Trading rules of one coin on one venue.

    Parameters
    ----------
    coin, pair : str
        Its name in files (``kPEPE``) and Freqtrade's (``KPEPE/USDC:USDC``); see `market_making.market.names`.
    grid : PriceGrid
        Valid prices.
    lot : Decimal
        Smallest step of a size [coins].
    minimum_notional : float
        Smallest value of an order [quote currency].
    """

    coin: str
    pair: str
    grid: PriceGrid
    lot: Decimal
    minimum_notional: float = 10.0

    @classmethod
    def hyperliquid(cls, coin: str, size_decimals: int) -> "Instrument":
        """Rules of a Hyperliquid perpetual with this name on the wire and this ``szDecimals``."""
        return cls.of_names(perpetual_names(coin), size_decimals)

    @classmethod
    def of_names(cls, names: Names, size_decimals: int, most_decimals: int = 6) -> "Instrument":
        """Rules of a Hyperliquid market; `most_decimals` are those of a price whose sizes are whole coins."""
        grid = SignificantFigures(figures=5, decimals=most_decimals - size_decimals)
        return cls(names.key, names.pair, grid, Decimal(1).scaleb(-size_decimals))

    def tick(self, price: float) -> float:
        """Distance between neighbouring valid prices at this price [price]."""
        return float(self.grid.step(_decimal(price, "price")))

    def bid_price(self, price: float) -> float:
        """The highest valid price that is not above `price`."""
        return self._round(price, ROUND_FLOOR)

    def ask_price(self, price: float) -> float:
        """The lowest valid price that is not below `price`."""
        return self._round(price, ROUND_CEILING)

    def next_below(self, price: float) -> float:
        """The highest valid price strictly below `price`."""
        below = self.bid_price(price)
        if below < price:
            return below
        # Just under a power of ten the grid is finer than at it, so the step is taken a hair below the price.
        exact = _decimal(price, "price")
        return float(exact - self.grid.step(exact.next_minus()))

    def next_above(self, price: float) -> float:
        """The lowest valid price strictly above `price`."""
        above = self.ask_price(price)
        if above > price:
            return above
        exact = _decimal(price, "price")
        return self.ask_price(float(exact + self.grid.step(exact)))

    def size(self, size: float) -> float:
        """The largest valid size that is not above `size` [coins]."""
        lots = (_decimal(size, "size", allow_zero=True) / self.lot).to_integral_value(ROUND_FLOOR)
        return float(lots * self.lot)

    def is_valid_price(self, price: float) -> bool:
        """Whether the exchange would accept this price."""
        return isfinite(price) and price > 0 and self.bid_price(price) == price

    def _round(self, price: float, rounding: str) -> float:
        exact = _decimal(price, "price")
        step = self.grid.step(exact)
        return float((exact / step).to_integral_value(rounding) * step)


def _decimal(value: float, what: str, *, allow_zero: bool = False) -> Decimal:
    """Exact decimal of the shortest text of `value`.

    Raises
    ------
    MalformedMessage
        If the value is not positive and finite.
    """
    if not isfinite(value) or value < 0 or (value == 0 and not allow_zero):
        raise MalformedMessage(f"{what} {value!r} is not a positive finite number")
    return Decimal(repr(float(value)))
