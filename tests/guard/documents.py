"""Documents as the guard reads them."""

from typing import Any

from market_making.guard.watch import AccountView, BotView
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.sides import Side
from market_making.safety.books import BotBooks
from market_making.safety.state_file import BotState, PairState, QuoteState, RestingState

PAIR, COIN, NOW_MS = "ETH/USDC:USDC", "ETH", 1_800_000_000_000


def order(oid: int = 1, **changes: Any) -> OpenOrder:
    """A bid of 100 USDC that rests 3 USDC under mid, as an answer tells it."""
    return OpenOrder(oid, COIN, Side.BID, 2997.0, 0.0333, 0.0333, NOW_MS, False, False)._replace(**changes)


def state(pair: PairState | None = None, **changes: Any) -> BotState:
    """A bot that quotes ETH at 2997 and 3003."""
    given = {"bot": "maker", "run": "1", "pid": 7, "mode": "live", "strategy": "MarketMaking", "started_ms": 1}
    given |= {"written_ms": NOW_MS, "loop": 3, "loop_ms": 4.5, "pairs": (pair or pair_state(),)}
    return BotState(**(given | changes))


def pair_state(**changes: Any) -> PairState:
    given: dict[str, Any] = {"quoting": True, "mid": 3000.0, "volatility": 0.3}
    given |= {"bid": QuoteState(2997.0, 3.0, 1.0), "ask": QuoteState(3003.0, 3.0, 1.0)}
    return PairState(PAIR, COIN, **(given | changes))


def resting(oid: int = 1, **changes: Any) -> RestingState:
    """The order 1 as the state file tells it."""
    given: dict[str, Any] = {"side": "bid", "price": 2997.0, "size": 0.0333, "filled": 0.0, "order_id": str(oid)}
    return RestingState(**(given | {"placed_ms": NOW_MS, "planned_mid": 3000.0} | changes))


def bot_view(**changes: Any) -> BotView:
    """A living bot that knows order 1 and has fresh parameters."""
    given: dict[str, Any] = {"name": "maker", "state": state(), "silent_s": 0.5, "books": BotBooks(frozenset({1}))}
    return BotView(**(given | {"valid_until_ms": {COIN: NOW_MS + 60_000}} | changes))


def view(now_s: float = 0.0, bot: BotView | None = None, **changes: Any) -> AccountView:
    given: dict[str, Any] = {"bot": bot or bot_view(), "orders": (order(),), "positions": {}, "kill": None}
    given |= {"coins_of": {PAIR: COIN}, "now_s": now_s, "now_ms": NOW_MS + round(now_s * 1e3)}
    return AccountView(**(given | changes))
