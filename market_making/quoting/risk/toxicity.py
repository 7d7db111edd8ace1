"""How much of a maker's income is lost to better informed traders, and when to stop quoting for it.

Toxicity is κ(ε + f·mid): the adverse selection of a fill plus the fee, in units of the depth 1/κ that a market order
walks on average. A maker at the best depth keeps the share exp(−toxicity) of what a harmless flow would pay, 37 % at 1
and 14 % at 2. It is the same number for every coin, lot and unit of price. Source: docs/model.md.
"""

from enum import StrEnum

import numpy as np

from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow

WIDEN_FACTOR = 1.5
_ROUNDING = 1e-12


class Regime(StrEnum):
    """What a maker should do about the toxicity of the flow."""

    QUOTE = "quote"
    WIDEN = "widen"
    PAUSE = "pause"


def toxicity(flow: OrderFlow, mid: float, maker_fee: float) -> Directions[float]:
    """κ(ε on fill + f·mid) of the market orders of each direction, at least 0."""
    fee = maker_fee * mid
    decay, adverse_selection = flow.fill_decay, flow.adverse_selection_on_fill
    return Directions(
        buy=max(0.0, decay.buy * (adverse_selection.buy + fee)),
        sell=max(0.0, decay.sell * (adverse_selection.sell + fee)),
    )


def regime(toxicities: Directions[float], *, widen: float = 1.0, pause: float = 2.0) -> Regime:
    """Regime from the worse direction: widen from the first threshold on, pause from the second on."""
    worse = max(toxicities) + _ROUNDING
    if worse >= pause:
        return Regime.PAUSE
    return Regime.WIDEN if worse >= widen else Regime.QUOTE


def expected_income(flow: OrderFlow, mid: float, maker_fee: float) -> Directions[float]:
    """What a maker without inventory earns per lot from each direction at the best depth [price/s].

    The best depth is 1/κ + ε + f·mid, but not inside the book's half-spread; there the income may be negative.
    """

    def income(intensity: float, decay: float, adverse_selection: float) -> float:
        cost = adverse_selection + maker_fee * mid
        depth = max(flow.half_spread, 1 / decay + cost)
        return float(intensity * np.exp(-decay * depth) * (depth - cost))

    both = zip(flow.fill_intensity, flow.fill_decay, flow.adverse_selection_on_fill, strict=True)
    return Directions(*(income(*values) for values in both))
