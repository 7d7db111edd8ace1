"""What a model needs to know about a market: the calibration produces it, the models consume it."""

from dataclasses import dataclass

from market.sides import Directions


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
        Share of its value a long position pays in a second; negative where it is paid [1/s].
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
