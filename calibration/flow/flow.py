"""The order flow of both directions from what was observed, each direction helped by the other where it has little.

A number rests on its own direction as far as it can. Its prior is the same number of both directions together, and
behind that a scale every market has: an order walks about as far as mid moves in a second.
"""

from dataclasses import replace
from typing import NamedTuple

from calibration.estimators.activity import Activity
from calibration.estimators.diagnostics import GoodnessOfFit
from calibration.estimators.estimate import Estimate, EstimateSource, FlowEstimates
from calibration.estimators.fill_decay import tail_range
from calibration.flow.impact import Impact, impact
from calibration.flow.rates import Rates, rates
from calibration.observation.observations import ObservedWindow
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction, Directions

ENOUGH_ORDERS = 30
ENOUGH_IN_TAIL = 20
TOO_FEW = 10
_MOVES_WALKED = 1.2  # mean walk of an order in units of the one-second standard deviation of mid


class FlowQuality(NamedTuple):
    """How far the assumptions behind the estimates of one direction hold."""

    fano: float
    fit: GoodnessOfFit | None


class Flow(NamedTuple):
    """Estimates of both directions, their quality, and how busy the market is against the mean of the window."""

    estimates: Directions[FlowEstimates]
    quality: Directions[FlowQuality]
    activity: Activity


def estimate_flow(observed: ObservedWindow, tick: float, volatility: float, half_spread: float) -> Flow:
    """Estimate λ, κ, A, ε and θ of both directions.

    Parameters
    ----------
    observed : ObservedWindow
        A window with observed time.
    tick : float
        [price].
    volatility : float
        σ of mid [price/√s].
    half_spread : float
        Time-weighted mean [price].

    Raises
    ------
    NotEnoughData
        If there is no market order.
    """
    if len(observed.orders) == 0:
        raise NotEnoughData(f"0 market orders in {observed.exposure_s:.0f} s, need {2 * TOO_FEW}")
    depths = tail_range(observed.mid, half_spread, tick)
    found = rates(observed, depths, 1 / max(_MOVES_WALKED * volatility, tick))
    cost = impact(observed, half_spread, max(1 / decay.value for decay in found.decay))
    quality = Directions(*map(FlowQuality, found.fano, found.fit))
    return Flow(Directions(*(_flow(direction, found, cost) for direction in Direction)), quality, found.activity)


def _flow(direction: Direction, found: Rates, cost: Impact) -> FlowEstimates:
    return FlowEstimates(
        arrival_rate=_labelled(found.arrival.of(direction), ENOUGH_ORDERS),
        fill_decay=_labelled(found.decay.of(direction).estimate, ENOUGH_IN_TAIL),
        fill_intensity=_labelled(found.intensity.of(direction), ENOUGH_IN_TAIL),
        adverse_selection=_labelled(cost.all.of(direction), ENOUGH_ORDERS),
        adverse_selection_on_fill=_labelled(cost.on_fill.of(direction), ENOUGH_IN_TAIL),
        adverse_selection_slope=_labelled(cost.slope.of(direction), ENOUGH_IN_TAIL),
    )


def _labelled(estimate: Estimate, enough: int) -> Estimate:
    """Say how far the window's own data carry the estimate."""
    if estimate.n >= enough:
        return estimate
    return replace(estimate, source=EstimateSource.WEAK if estimate.n >= TOO_FEW else EstimateSource.PRIOR)
