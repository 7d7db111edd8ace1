"""Whether the account holds what the bot's own books say."""

from market.errors import SafetyError
from market.sides import Side
from trading.holding import RestingOrder


def check_position(
    account: float, closed: float, resting: RestingOrder | None, *, tolerance: float, shared: bool = False
) -> None:
    """Compare the account's position with what finished orders add up to.

    The resting order may have been filled, in part or whole, since either of them was read.

    Parameters
    ----------
    account : float
        Position according to the exchange [coins, signed].
    closed : float
        Position from finished orders [coins, signed].
    resting : RestingOrder or None
        The order whose fills are under way.
    tolerance : float
        Difference that is rounding [coins].
    shared : bool
        Whether the account may hold more that is not the bot's, as a spot wallet does.

    Raises
    ------
    SafetyError
        If they do not agree: somebody else trades on this account, or a fill or an order went unnoticed.
    """
    open_size = 0.0 if resting is None else resting.remaining + resting.filled
    reach = closed + (open_size if resting is not None and resting.side is Side.BID else -open_size)
    low, high = min(closed, reach) - tolerance, max(closed, reach) + tolerance
    if not account >= low or (account > high and not shared):
        raise SafetyError(f"unknown position: the account holds {account:g} coins, own orders add up to {closed:g}")
