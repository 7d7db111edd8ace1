r"""How many actions it takes to keep quotes in place, and how many of them the exchange gives for the volume.

An order rests for its minimum life L and then until mid has left the tolerance a around it. With a driftless mid the
deviation after L is normal, and from a deviation x < a the mean time to leave is (a² − x²)/σ²:

.. math:: E[T] = L + \frac{1}{\sigma^2} E\big[(a^2 - \sigma^2 L Z^2)^{+}\big], \quad Z \sim N(0, 1)

Hyperliquid gives an address one action for each USDC traded, a tenth of one in growth mode, after an allowance of
10 000 at its first use, and sells more at 0.0005 USDC each.
"""

from math import erf, exp, pi, sqrt

ACTIONS_PER_MOVE = 2.0  # cancel and order
ACTIONS_PER_ORDER = 1.0  # after a fill
ACTION_PRICE = 0.0005  # of an action beyond those that volume earns [USDC]


def rest_s(volatility: float, tolerance: float, minimum_life_s: float) -> float:
    """Mean time an order rests before it is moved [s]; infinite in a market that does not move.

    Parameters
    ----------
    volatility : float
        σ of mid [price/√s, or any other unit of price that `tolerance` shares].
    tolerance : float
        How far the order may be off.
    minimum_life_s : float
        Before which it is not moved [s].
    """
    if volatility <= 0:
        return float("inf")
    leave_s = (tolerance / volatility) ** 2
    if minimum_life_s <= 0:
        return leave_s
    ratio = sqrt(leave_s / minimum_life_s)
    inside = erf(ratio / sqrt(2))
    density = exp(-(ratio**2) / 2) / sqrt(2 * pi)
    return minimum_life_s * (1 + (ratio**2 - 1) * inside + 2 * ratio * density)


def actions_per_hour(rest: float, fills_per_hour: float, limit_per_minute: float, orders: int = 2) -> float:
    """Actions that keeping orders in place takes, at most what the bot allows itself.

    Parameters
    ----------
    rest : float
        Mean time an order rests before it is moved [s].
    fills_per_hour : float
        After each there is a new order, and another one that rests is moved: inventory has changed.
    limit_per_minute : float
        What the bot allows itself.
    orders : int
        How many rest at a time.
    """
    moves = orders * ACTIONS_PER_MOVE * 3600 / rest if rest > 0 else float("inf")
    after_fill = ACTIONS_PER_ORDER + (orders - 1) * ACTIONS_PER_MOVE
    return min(moves + after_fill * fills_per_hour, 60 * limit_per_minute)


def action_cost_per_hour(actions: float, earned: float) -> float:
    """Price of the actions beyond those that the turnover has earned [USDC]."""
    return ACTION_PRICE * max(0.0, actions - earned)
