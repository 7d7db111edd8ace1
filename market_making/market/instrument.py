"""Trading rules of one coin: which prices and sizes exist, and rounding that never makes a quote more aggressive.

All rounding is that of decimal arithmetic on the shortest text of the number, so that 0.1 + 0.2 does not lose a tick;
`market_making.market.grid` does it without.
Source of the Hyperliquid rules: its documentation, "Tick and lot size" (perpetuals: 5 significant figures and at most
6 − szDecimals decimals; integers are always valid).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from math import inf, isfinite, nextafter
from typing import NamedTuple, Protocol

from market_making.market.errors import MalformedMessage
from market_making.market.grid import MOST_DECIMALS, MOST_UNITS, above, below, decimals_at, power_of_ten
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
    keeps_margin : bool
        Whether the margin of an isolated position cannot be taken back before it is closed.
    """

    coin: str
    size_decimals: int
    maximum_leverage: int = 25
    delisted: bool = False
    isolated_only: bool = False
    growth: bool = False
    fee_scale: float | None = None
    keeps_margin: bool = False


class Spacing(NamedTuple):
    """Distance between neighbouring valid numbers, unit/scale: a whole number over a power of ten."""

    unit: float
    scale: float

    @classmethod
    def of(cls, step: Decimal) -> "Spacing":
        """The same distance.

        Raises
        ------
        MalformedMessage
            If it has more decimals than a number in floating point.
        """
        _, digits, exponent = step.normalize().as_tuple()
        decimals = max(-int(exponent), 0)
        unit = int("".join(map(str, digits))) * 10 ** max(int(exponent), 0)
        if step <= 0 or decimals > MOST_DECIMALS or unit >= MOST_UNITS:
            raise MalformedMessage(f"a step must be positive and have at most {MOST_DECIMALS} decimals, got {step}")
        return cls(float(unit), power_of_ten(decimals))


class PriceGrid(Protocol):
    """Which prices an exchange accepts."""

    def spacing(self, price: float) -> Spacing:
        """Distance between neighbouring valid prices at this price, which is positive."""
        ...


@dataclass(frozen=True)
class FixedTick:
    """A constant tick, as on most exchanges."""

    tick: Decimal

    @cached_property
    def _spacing(self) -> Spacing:
        return Spacing.of(self.tick)

    def spacing(self, price: float) -> Spacing:  # noqa: ARG002 - the grid of such an exchange is the same everywhere
        """Return the tick, whatever the price."""
        return self._spacing


@dataclass(frozen=True)
class SignificantFigures:
    """At most `figures` significant figures and at most `decimals` decimals; integers are always valid."""

    figures: int
    decimals: int

    def spacing(self, price: float) -> Spacing:
        """Distance between neighbouring valid prices at this price, which is positive."""
        return Spacing(1.0, power_of_ten(decimals_at(price, self.figures, self.decimals)))


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
        unit, scale = self.grid.spacing(_positive(price, "price"))
        return unit / scale

    def bid_price(self, price: float) -> float:
        """The highest valid price that is not above `price`."""
        return _below(price, self.grid.spacing(_positive(price, "price")))

    def ask_price(self, price: float) -> float:
        """The lowest valid price that is not below `price`."""
        return _above(price, self.grid.spacing(_positive(price, "price")))

    def next_below(self, price: float) -> float:
        """The highest valid price strictly below `price`."""
        valid = self.bid_price(price)
        if valid < price:
            return valid
        # Just under a power of ten the grid is finer than at it, so the step is taken a hair below the price.
        hair = nextafter(price, 0.0)
        return _below(hair, self.grid.spacing(hair))

    def next_above(self, price: float) -> float:
        """The lowest valid price strictly above `price`."""
        valid = self.ask_price(price)
        return valid if valid > price else self.ask_price(nextafter(price, inf))

    def size(self, size: float) -> float:
        """The largest valid size that is not above `size` [coins]."""
        return _below(_positive(size, "size", allow_zero=True), self._lots)

    def is_valid_price(self, price: float) -> bool:
        """Whether the exchange would accept this price."""
        return isfinite(price) and price > 0 and self.bid_price(price) == price

    @cached_property
    def _lots(self) -> Spacing:
        return Spacing.of(self.lot)


def _below(value: float, spacing: Spacing) -> float:
    unit, scale = spacing
    return below(value, unit, scale) if value * scale < MOST_UNITS * unit else _exact(value, spacing, ROUND_FLOOR)


def _above(value: float, spacing: Spacing) -> float:
    unit, scale = spacing
    return above(value, unit, scale) if value * scale < MOST_UNITS * unit else _exact(value, spacing, ROUND_CEILING)


def _exact(value: float, spacing: Spacing, rounding: str) -> float:
    """Rounding of a number with more digits than floating point tells apart, in decimal arithmetic."""
    step = Decimal(spacing.unit) / Decimal(spacing.scale)
    return float((Decimal(repr(value)) / step).to_integral_value(rounding) * step)


def _positive(value: float, what: str, *, allow_zero: bool = False) -> float:
    """Return the number.

    Raises
    ------
    MalformedMessage
        If the value is not positive and finite.
    """
    if not isfinite(value) or value < 0 or (value == 0 and not allow_zero):
        raise MalformedMessage(f"{what} {value!r} is not a positive finite number")
    return float(value)
