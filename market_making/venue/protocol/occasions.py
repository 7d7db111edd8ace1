"""What a request is about, as far as a fault may ask: account, coins, sides and orders."""

from typing import Any

from market_making.hyperliquid.actions import Action, CancelOrders, ModifyOrders, PlaceOrders
from market_making.hyperliquid.orders import OrderTerms
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.engine.state import State
from market_making.venue.faults.fault import Occasion, Target
from market_making.venue.order_book.order import Order


def question_occasion(request: Any, state: State) -> Occasion:
    """A question to ``/info``, whatever it looks like; one about an order has the order's coin and side."""
    if not isinstance(request, dict):
        return Occasion(Target.INFO, "")
    kind, user, named = str(request.get("type")), request.get("user"), request.get("req")
    coin = request.get("coin", named.get("coin") if isinstance(named, dict) else None)
    address = user.lower() if isinstance(user, str) else ""
    order = _asked_about(address, request.get("oid"), state) if kind == "orderStatus" else None
    return _occasion(Target.INFO, kind, address, [order] if order else [], [coin] if isinstance(coin, str) else [])


def action_occasion(kind: str, action: Action, account: Account | None, state: State) -> Occasion:
    """An action of an account."""
    orders: list[Order | None] = []
    terms: list[OrderTerms] = []
    match action:
        case PlaceOrders():
            terms = list(action.orders)
        case CancelOrders() if account is not None:
            orders = [state.find(account, cancel.key) for cancel in action.cancels]
        case ModifyOrders() if account is not None:
            orders = [state.find(account, modify.key) for modify in action.modifies]
            terms = [modify.terms for modify in action.modifies]
    known = [order for order in orders if order is not None]
    coins = [coin.listing.coin for item in terms if (coin := state.coin_at(item.asset)) is not None]
    address = "" if account is None else account.address
    occasion = _occasion(Target.ACTION, kind, address, known, coins)
    return occasion._replace(
        sides=occasion.sides | {_side(item.side) for item in terms}, items=max(len(terms), len(orders), 1)
    )


def _asked_about(address: str, key: Any, state: State) -> Order | None:
    account = state.accounts.get(address)
    if account is None or type(key) not in (int, str):
        return None
    return state.find(account, key.lower() if isinstance(key, str) else key)


def _occasion(target: Target, kind: str, user: str, orders: list[Order], coins: list[str]) -> Occasion:
    return Occasion(
        target,
        kind,
        user,
        coins=frozenset(coins) | {order.coin for order in orders},
        sides=frozenset(_side(order.side) for order in orders),
        oids=frozenset(order.oid for order in orders),
    )


def _side(side: Side) -> str:
    return "buy" if side is Side.BID else "sell"
