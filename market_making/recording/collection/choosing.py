"""Which markets a collector records, and over which connections, within what the exchange allows an address.

Best quotes, trades and slow books of up to `COINS_PER_CONNECTION` coins share a connection; fast books, whose frames
look like slow ones, have connections of their own. The contexts of many perpetuals come by one subscription; it tells
nothing of spot, whose contexts are asked for one by one as far as the subscriptions go.
"""

import logging
from collections.abc import Mapping, Sequence, Set

from market_making.hyperliquid.contexts import CONTEXT, EVERY_CONTEXT
from market_making.hyperliquid.market_data import Subscription
from market_making.market.errors import ConfigurationError
from market_making.market.identity import Kind, Market

COINS_PER_CONNECTION = 60
# What the exchange allows an address, that is a machine. Two connections and 20 subscriptions are left to a bot and its
# guard there.
ALLOWED_CONNECTIONS, ALLOWED_SUBSCRIPTIONS = 10, 1000
MOST_CONNECTIONS = ALLOWED_CONNECTIONS - 2
MOST_SUBSCRIPTIONS = ALLOWED_SUBSCRIPTIONS - 20
# From so many perpetuals on their contexts come together, whichever others the exchange sends with them.
MANY_CONTEXTS = 60
# Trades first: when the first quote or book arrives, nothing of the coin on this connection is still unsubscribed.
EVENT_CHANNELS = ("trades", "bbo", CONTEXT, "l2Book")
_TOGETHER = tuple(channel for channel in EVENT_CHANNELS if channel != CONTEXT)
_BY_SUBSCRIPTIONS = (MOST_SUBSCRIPTIONS - 1) // (len(_TOGETHER) + 1)
MOST_MARKETS = min(MOST_CONNECTIONS // 2 * COINS_PER_CONNECTION, _BY_SUBSCRIPTIONS)
"""So many markets a collector can record."""

log = logging.getLogger(__name__)


def busiest(markets: Sequence[Market], volumes: Mapping[str, float], most: int) -> tuple[Market, ...]:
    """The markets in which most is traded within a day, at most so many, in the venue's order.

    Parameters
    ----------
    markets : sequence of Market
        To choose from.
    volumes : mapping of str to float
        Value traded within a day by name on the wire [quote currency]; what is not known counts as nothing.
    most : int
        How many.
    """
    ranked = sorted(markets, key=lambda market: -volumes.get(market.wire, 0.0))[:most]
    chosen = {market.wire for market in ranked}
    return tuple(market for market in markets if market.wire in chosen)


def subscriptions_of(markets: Sequence[Market]) -> list[list[Subscription]]:
    """Subscriptions of each connection.

    Raises
    ------
    ConfigurationError
        If there are too many markets for one address.
    """
    coins = [market.wire for market in markets]
    together, own = _contexts_of(markets)
    groups = [coins[start : start + COINS_PER_CONNECTION] for start in range(0, len(coins), COINS_PER_CONNECTION)]
    plan = [[subscription for coin in group for subscription in _events_of(coin, own)] for group in groups]
    plan += [[Subscription("l2Book", coin, fast=True) for coin in group] for group in groups]
    if together:
        plan[0].append(Subscription(EVERY_CONTEXT, ""))
    subscriptions = sum(map(len, plan))
    if len(plan) > MOST_CONNECTIONS or subscriptions > MOST_SUBSCRIPTIONS:
        raise ConfigurationError(
            f"{len(coins)} markets need {len(plan)} connections and {subscriptions} subscriptions; the exchange allows "
            f"an address {ALLOWED_CONNECTIONS} and {ALLOWED_SUBSCRIPTIONS}, and a bot and its guard need two of the "
            f"connections: name at most {MOST_MARKETS}"
        )
    return plan


def _events_of(coin: str, own: Set[str]) -> list[Subscription]:
    """What is asked for of a coin beside its fast book."""
    channels = EVENT_CHANNELS if coin in own else _TOGETHER
    return [Subscription(channel, coin) for channel in channels]


def _contexts_of(markets: Sequence[Market]) -> tuple[bool, Set[str]]:
    """Whether the contexts of perpetuals come together, and the coins whose contexts have a subscription each."""
    perpetuals = [market.wire for market in markets if market.kind is Kind.PERPETUAL]
    spot = [market.wire for market in markets if market.kind is not Kind.PERPETUAL]
    room = MOST_SUBSCRIPTIONS - len(markets) * (len(_TOGETHER) + 1)
    together = len(perpetuals) > MANY_CONTEXTS or (bool(perpetuals) and len(markets) > room)
    own = frozenset(spot[: max(room - 1, 0)] if together else [*perpetuals, *spot][: max(room, 0)])
    if without := [coin for coin in spot if coin not in own]:
        log.warning("no room in the exchange's limit of subscriptions for the contexts of %s", ", ".join(without))
    return together, own
