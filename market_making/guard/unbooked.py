"""What an account holds beyond the books of its bot, and which part of that is certainly the bot's own."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from market_making.hyperliquid.open_orders import AccountFill

SAME_COINS = 1e-8
_DECIMALS = 8  # no lot is finer; a difference of two sizes is not the size of an order before it is rounded


def booked_coins(booked: Mapping[str, float], coins_of: Mapping[str, str]) -> dict[str, float]:
    """Positions of the books by coin [coins, signed]; they have them by Freqtrade's pair."""
    return {coins_of.get(pair, pair): coins for pair, coins in booked.items()}


def beyond_books(held: float, own: float | None) -> float:
    """How much of a position is beyond what the books have in its direction [coins, signed]; 0 without books."""
    if own is None:
        return 0.0
    beyond = round(held - own, _DECIMALS)
    if held * beyond <= 0 or abs(beyond) <= SAME_COINS:
        return 0.0
    return beyond if abs(beyond) < abs(held) else held


def unbooked_coins(fills: Iterable[AccountFill], known: Collection[int], names: Collection[str]) -> dict[str, float]:
    """Coins that orders of the bot have filled which its database does not know [coins, signed], by coin.

    Parameters
    ----------
    fills : iterable of AccountFill
        Fills of the account.
    known : collection of int
        Orders that the database knows.
    names : collection of str
        Names of orders that the bot has asked for, and of those with which the guard has left the like.
    """
    coins: dict[str, float] = defaultdict(float)
    for fill in fills:
        if fill.oid not in known and fill.name in names:
            coins[fill.coin] += fill.size
    return {coin: round(size, _DECIMALS) for coin, size in coins.items()}


def within(coins: float, bound: float) -> float:
    """The part of `coins` that is in the direction of `bound` and no larger [coins, signed]."""
    if abs(coins) <= SAME_COINS or coins * bound <= 0:
        return 0.0
    return coins if abs(coins) < abs(bound) else bound
