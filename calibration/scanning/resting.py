r"""What of a model's quotes a bot can rest, and for how much of the time.

The model quotes both sides and follows mid at once. A bot on its own rests one order at a time: it chooses a side as
`market_making.trading.plan` does. Its order is away while it is moved, and for a moment after each fill; now and then
it is late, and filled for that. How often it is filled at all is what the shadow maker has seen at a few depths d:

.. math:: \frac{2}{F(d)} = \frac{1}{u} \Big( \frac{e^{\kappa^a d}}{A^a} + \frac{e^{\kappa^b d}}{A^b} \Big) + 2 p

with F the fills of an order that is a bid and an ask in turn, p the pause after a fill, and u the presence. Orders that
are off by some distance have their rate changed by the same factor at every depth, so u does not depend on d.

Its fills make more or less than those of the model's quote at d: an order that has become too close goes at once, one
that is too far may stay, so it is mostly farther than planned when it is filled, and sometimes late.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.estimate import Estimate
from market_making.market.sides import Direction, Directions, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.preference import PERSISTENCE
from market_making.quoting.value.cartea_jaimungal import FillArrays
from market_making.quoting.value.fill_costs import FillCosts
from market_making.settings.role import Role

_QUANTILE = 1.96
# By which the logarithm of the bot's fills differs from that of the shadow maker's: root of the mean square of twelve
# live runs when it knew mid by whole seconds; by quarters it was 0.07 in eighteen (docs/calibration.md).
_PRESENCE_ERROR = 0.11
_MOVED_MS = 200.0  # within which mid moves after a market order, taken to be evenly spread
_LEAST, _MOST = 0.05, 1.5  # of a presence: beyond it the fills that were seen say nothing


def orders_of(role: Role) -> int:
    """How many orders rest at a time: those of both legs, or one."""
    return 1 if role.leg is None else 2


def rested(depths: Sides[FloatArray], fills: Sides[FillArrays], role: Role) -> Sides[FloatArray]:
    """Depths of the quotes that rest, infinite where the other side does; shape (N, C) [price].

    Parameters
    ----------
    depths : Sides[FloatArray], shape (N, C)
        Of the model's quotes at each inventory, ascending.
    fills : Sides[FillArrays]
        How market orders fill each side, arrays of shape (C,).
    role : Role
        Two legs rest both sides.
    """
    if role.leg is not None:
        return depths
    is_bid = _rests_bid(depths, fills, role)
    return Sides(ask=np.where(is_bid, np.inf, depths.ask), bid=np.where(is_bid, depths.bid, np.inf))


def _rests_bid(depths: Sides[FloatArray], fills: Sides[FillArrays], role: Role) -> NDArray[np.bool_]:
    """Whether the bid rests at each inventory: the side that reduces it, unless adding gains clearly more."""
    gain = Sides(*(_gain(*each) for each in zip(depths, fills, strict=True)))
    inventory = np.arange(len(depths.bid))[:, np.newaxis] - len(depths.bid) // 2
    is_long, is_short = inventory > 0, inventory < 0
    prefers_bid = np.where(
        is_long,
        gain.bid > PERSISTENCE * gain.ask,
        np.where(is_short, gain.ask <= PERSISTENCE * gain.bid, gain.bid > gain.ask),
    )
    if role is Role.LONG_ONLY:
        prefers_bid |= ~is_long
    if role is Role.SHORT_ONLY:
        prefers_bid &= is_short
    return np.asarray(prefers_bid)


def _gain(depth: FloatArray, fills: FillArrays) -> FloatArray:
    gain: FloatArray = fills.intensity / fills.decay * np.exp(-fills.decay * depth)
    return gain


def presence(flow: OrderFlow, depths: Sequence[float], fills_per_hour: Sequence[float], pause_s: float) -> Estimate:
    """Fills of a bot's order as a share of those of one that follows mid at once, its pauses apart.

    Parameters
    ----------
    flow : OrderFlow
        How often orders reach a depth.
    depths : Sequence[float]
        From mid [price].
    fills_per_hour : Sequence[float]
        What an order that is a bid and an ask in turn had of fills at each; at least one.
    pause_s : float
        From a fill until the next order rests [s].
    """
    shares: list[float] = []
    for depth, fills in zip(depths, fills_per_hour, strict=True):
        waits = Directions(*map(_wait_s, flow.fill_intensity, flow.fill_decay, [depth] * 2))
        waited_s = 2 * 3600 / fills - 2 * pause_s if fills > 0 else np.inf
        shares.append(sum(waits) / waited_s if waited_s > 0 else _MOST)
    share, spread = float(np.clip(np.mean(shares), _LEAST, _MOST)), float(np.exp(_QUANTILE * _PRESENCE_ERROR))
    return Estimate(share, share / spread, share * spread, len(shares))


def _wait_s(intensity: float, decay: float, depth: float) -> float:
    return float(np.exp(decay * depth)) / intensity


def unseen(pause_ms: float, aim_ms: float) -> float:
    """Share of mid's move after a fill that the price of the next order does not know.

    Parameters
    ----------
    pause_ms, aim_ms : float
        From the fill until the next order rests, and from the book that its price was made from [ms]; no pause is that
        of a maker who follows mid at once.
    """
    return max(0.0, 1 - max(pause_ms - aim_ms, 0.0) / _MOVED_MS) if pause_ms > 0 else 0.0


def surplus(flow: OrderFlow, depths: Sequence[float], nets: Sequence[Estimate]) -> Estimate:
    """What a fill of the bot's order makes more than the model says, before the fee; shrunk towards 0 [price].

    Parameters
    ----------
    flow : OrderFlow
        What the model says of it, the age of quotes included.
    depths : Sequence[float]
        From mid [price].
    nets : Sequence[Estimate]
        What the fills at each have made; at least one.
    """
    expected = [sum(_net(flow, direction, depth) for direction in Direction) / 2 for depth in depths]
    more = float(np.mean([net.value - usual for net, usual in zip(nets, expected, strict=True)]))
    # Fills at both depths come from the same orders, mostly.
    error = float(np.mean([net.high - net.low for net in nets])) / (2 * _QUANTILE)
    weight = flow.volatility**2 / (flow.volatility**2 + error**2) if flow.volatility > 0 else 0.0
    width = _QUANTILE * error * float(np.sqrt(weight))
    return Estimate(weight * more, weight * more - width, weight * more + width, min(net.n for net in nets))


def _net(flow: OrderFlow, direction: Direction, depth: float) -> float:
    on_fill, slope = flow.adverse_selection_on_fill.of(direction), flow.adverse_selection_slope.of(direction)
    costs = FillCosts.of(flow.fill_decay.of(direction), on_fill, slope, flow.half_spread, (0.0, 0.0))
    return float(costs.proceeds * depth - costs.cost)
