"""What an account has done, for people and for the demo; no part of Hyperliquid's protocol."""

from statistics import median
from typing import Any

from market_making.hyperliquid.accounts import Fill
from market_making.hyperliquid.orders import basic_order
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import equity
from market_making.venue.accounts.position import ZERO
from market_making.venue.engine.state import State

POST_ONLY = "Alo"
TRIGGER = "trigger"


def audit(account: Account, state: State) -> dict[str, Any]:
    """Everything counted about an account, ready for JSON.

    Shares are null before the first order; money is in USDC, `net_pnl` is equity minus deposits.
    """
    done, worth = account.statistics, equity(account, state.prices, state.token_prices)
    deposits, held, spot = account.total("deposits"), account.held(), account.spot
    return {
        "user": account.address,
        "orders_placed": done.accepted.total(),
        "orders_by_tif": dict(done.accepted),
        "post_only_share": _share(done.accepted),
        "post_only_share_attempted": _share(done.attempted),
        "rejected": done.rejected.total(),
        "rejected_by_reason": dict(done.rejected),
        "refused_actions": dict(done.refused_actions),
        "cancels": done.cancelled,
        "actions": account.budget.used,
        "actions_by_type": dict(done.actions),
        "actions_limit": account.budget.limit,
        "approvals_asked": done.actions["ApproveBuilderFee"],
        "referrals_asked": done.actions["SetReferrer"],
        "fills": done.maker_fills + done.taker_fills,
        "maker_fills": done.maker_fills,
        "taker_fills": done.taker_fills,
        "volume": float(done.maker_volume + done.taker_volume),
        "fees": float(account.total("fees")),
        "builder_fees": float(done.builder_fees),
        "funding": float(account.total("funding")),
        "deposits": float(deposits),
        "equity": float(worth),
        "realised_pnl": float(account.total("realised")),
        "net_pnl": float(worth - deposits),
        "round_trips": done.round_trips,
        "liquidations": done.liquidations,
        "seized": float(account.total("seized")),
        "open_orders": len(account.open_orders),
        "positions": {coin: float(position.size) for coin, position in held.items()},
        "position_value": float(
            sum((abs(position.value(state.prices[coin])) for coin, position in held.items()), ZERO)
        ),
        "tokens": {token: float(spot.total(token)) for token in spot.tokens},
        "token_value": float(
            sum((spot.total(token) * state.token_prices.get(token, ZERO) for token in spot.tokens), ZERO)
        ),
        "resting_s": {name: spent / 1000 for name, spent in done.resting_ms(state.now_ms).items()},
        "fill_to_quote_ms": done.fill_to_quote_ms,
        "fill_to_quote_ms_median": median(done.fill_to_quote_ms) if done.fill_to_quote_ms else None,
    }


def _share(orders: dict[str, int]) -> float | None:
    """Share of post-only orders among those with a limit price only."""
    total = sum(number for tif, number in orders.items() if tif != TRIGGER)
    return orders.get(POST_ONLY, 0) / total if total else None


def orders(account: Account) -> dict[str, Any]:
    """Orders of an account that rest or wait, the ids of those that were filled, wholly or in part, and every fill."""
    return {
        "orders": [basic_order(order.state()) for order in account.open_orders.values()],
        "filled_orders": sorted({fill.oid for fill in account.fills}),
        "fills": [_shown(fill) for fill in account.fills],
    }


def _shown(fill: Fill) -> dict[str, Any]:
    """A fill, by the side that its owner was on, in numbers: price in USDC, size in coins, fee in its token."""
    money: dict[str, Any] = {
        "price": float(fill.price),
        "size": float(fill.size),
        "fee": float(fill.fee),
        "fee_token": fill.fee_token,
    }
    in_coins = fill.is_spot and fill.side is Side.BID
    money["fee_value"] = float(fill.fee * fill.price if in_coins else fill.fee)
    how = {"side": "buy" if fill.side is Side.BID else "sell", "is_taker": fill.is_taker, "crossed": fill.crossed}
    return {"oid": fill.oid, "coin": fill.coin, "time_ms": fill.time_ms, **how, **money}
