"""What a model needs to know about a market: the calibration produces it, the models consume it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from market_making.market.sides import Directions
from market_making.market.tape import FloatArray


@dataclass(frozen=True)
class OrderFlow:
    """Order flow of one coin: market buys lift our ask, market sells hit our bid.

    Parameters
    ----------
    arrival_rate : Directions[float]
        λ, market orders per second [1/s].
    fill_intensity : Directions[float]
        A, rate of market orders that reach depth 0, extrapolated: ``A exp(−κ d)`` reach depth d [1/s].
    fill_decay : Directions[float]
        κ [1/price].
    adverse_selection : Directions[float]
        ε over all market orders: the mean move of mid against the maker [price].
    adverse_selection_on_fill : Directions[float]
        ε over the orders that reach beyond the touch: what a filled quote suffers [price].
    adverse_selection_slope : Directions[float]
        θ of ``E[J | reach ≥ d] = e0 + θ d`` [1].
    volatility : float
        σ of mid [price/√s].
    half_spread : float
        Time-weighted mean half-spread of the book [price].
    funding_rate : float
        Share of its value that a long position pays per second; negative where it receives [1/s].
    imbalance_response : float
        β, how far mid moves in the next second for each unit of the imbalance of the best sizes; 0 unless quotes
        anchored there are sure to gain [price].
    """

    arrival_rate: Directions[float]
    fill_intensity: Directions[float]
    fill_decay: Directions[float]
    adverse_selection: Directions[float]
    adverse_selection_on_fill: Directions[float]
    adverse_selection_slope: Directions[float]
    volatility: float
    half_spread: float
    funding_rate: float = 0.0
    imbalance_response: float = 0.0


class OrderFlows(NamedTuple):
    """Order flows of many coins or moments: what the value equation takes of `OrderFlow`, as arrays of shape (C,)."""

    arrival_rate: Directions[FloatArray]
    fill_intensity: Directions[FloatArray]
    fill_decay: Directions[FloatArray]
    adverse_selection: Directions[FloatArray]
    adverse_selection_on_fill: Directions[FloatArray]
    adverse_selection_slope: Directions[FloatArray]
    half_spread: FloatArray
    funding_rate: FloatArray

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.half_spread)

    @classmethod
    def of(cls, flows: Sequence[OrderFlow]) -> "OrderFlows":
        """Put single flows together."""

        def both(name: str) -> Directions[FloatArray]:
            values: list[Directions[float]] = [getattr(flow, name) for flow in flows]
            return Directions(np.array([value.buy for value in values]), np.array([value.sell for value in values]))

        return cls(
            arrival_rate=both("arrival_rate"),
            fill_intensity=both("fill_intensity"),
            fill_decay=both("fill_decay"),
            adverse_selection=both("adverse_selection"),
            adverse_selection_on_fill=both("adverse_selection_on_fill"),
            adverse_selection_slope=both("adverse_selection_slope"),
            half_spread=np.array([flow.half_spread for flow in flows]),
            funding_rate=np.array([flow.funding_rate for flow in flows]),
        )

    def part(self, chosen: slice) -> "OrderFlows":
        """Some of them, in their order."""

        def both(values: Directions[FloatArray]) -> Directions[FloatArray]:
            return Directions(values.buy[chosen], values.sell[chosen])

        return OrderFlows(
            arrival_rate=both(self.arrival_rate),
            fill_intensity=both(self.fill_intensity),
            fill_decay=both(self.fill_decay),
            adverse_selection=both(self.adverse_selection),
            adverse_selection_on_fill=both(self.adverse_selection_on_fill),
            adverse_selection_slope=both(self.adverse_selection_slope),
            half_spread=self.half_spread[chosen],
            funding_rate=self.funding_rate[chosen],
        )
