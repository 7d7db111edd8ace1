"""How the budget of a side is spread over the levels of a ladder, and which spread suits the volatility."""

from enum import StrEnum
from math import isfinite
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray

_HYSTERESIS = 0.1  # a threshold counts as passed this share beyond it
_UPDATES = 5  # … and this many times in a row


class LadderShape(StrEnum):
    """Weight over the levels: falling (curve), even (spot) or rising (bid_ask) with the distance from mid."""

    CURVE = "curve"
    SPOT = "spot"
    BID_ASK = "bid_ask"


_ORDER = tuple(LadderShape)  # by rising volatility


def level_weights(shape: LadderShape, levels: int, ratio: float = 0.95) -> FloatArray:
    """Share of the budget of each level, nearest first; they sum to 1.

    Neighbouring weights of a curve differ by the factor `ratio` (between 0 and 1); bid-ask is its mirror image.
    """
    powers = np.zeros(levels) if shape is LadderShape.SPOT else np.arange(levels, dtype=np.float64)
    weights = ratio ** (powers[::-1] if shape is LadderShape.BID_ASK else powers)
    return np.asarray(weights / weights.sum()) if levels else weights


class ShapeState(NamedTuple):
    """The shape in force, another one that the volatility asks for, and how many updates in a row it has done so."""

    shape: LadderShape = LadderShape.SPOT
    wanted: LadderShape = LadderShape.SPOT
    updates: int = 0


def next_shape(
    state: ShapeState, volatility_bps: float, *, calm_bps: float = 5.0, wild_bps: float = 25.0
) -> ShapeState:
    """Curve in a calm market, bid-ask in a wild one, spot between, changed only after five updates in a row.

    Parameters
    ----------
    volatility_bps : float
        Effective volatility [basis points per √minute]; NaN changes nothing.
    calm_bps, wild_bps : float
        The thresholds; 5 and 25 are 36 % and 181 % a year.
    """
    if not isfinite(volatility_bps):
        return state
    present = _ORDER.index(state.shape)
    passed = sum(
        volatility_bps > threshold * (1 + _HYSTERESIS if present <= step else 1 - _HYSTERESIS)
        for step, threshold in enumerate((calm_bps, wild_bps))
    )
    wanted = _ORDER[passed]
    if wanted is state.shape:
        return ShapeState(state.shape, state.shape, 0)
    updates = state.updates + 1 if wanted is state.wanted else 1
    return ShapeState(wanted, wanted, 0) if updates >= _UPDATES else ShapeState(state.shape, wanted, updates)
