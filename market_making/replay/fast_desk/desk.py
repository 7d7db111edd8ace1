"""The desk of `market_making.trading.desk`, on the numbers of one setting: its plan, and what became of its order."""

from typing import Any

from market_making.market.tape import FloatArray
from market_making.replay.fast_desk.budget import earned, left, spend, stand
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import BID, NONE
from market_making.replay.fast_desk.own_fills import keep_own
from market_making.replay.fast_desk.planning import coins_of, lots_of, plan
from market_making.replay.fast_desk.readings import keep_fill
from market_making.trading.actions.budget import CANCEL_ACTIONS
from market_making.trading.desk import _VIEW_MS


@compiled
def look(c: Any, x: Any, now_ms: int) -> None:
    """See what rests: an order that was known and is gone was cancelled."""
    if x.number < 0 and x.tracked == 1:
        spend(c, x, CANCEL_ACTIONS, now_ms)
    x.tracked = x.number >= 0


@compiled
def clear(x: Any) -> None:
    """Forget everything a former loop knew."""
    x.inputs = x.made = x.out = x.wants = 0


@compiled
def make(c: Any, x: Any, k: Any, cells: FloatArray) -> int:
    """Make the plan for what is held; return why it has no order."""
    free, coins = x.number < 0, coins_of(c, x.lots)
    stand(c, x, x.plan_ms, free and coins == 0)
    x.shut_growing, x.shut_reducing = x.growing, x.reducing
    if x.growing == NONE and free:
        x.shut_growing = x.opening
    if x.reducing == NONE and free:
        x.shut_reducing = x.placing
    x.leaving = (x.leaves == 1 and coins != 0) or x.orders >= c.orders_before_flat
    why = plan(c, x, k, cells)
    left(c, x, x.plan_ms)
    x.made, x.made_lots, x.made_number, x.made_orders = 1, x.lots, x.number, x.orders
    x.out, x.out_price = x.wants, x.made_price
    x.view_ms, x.view_mid, x.view_lot = x.plan_ms, x.mid, k.lot
    return why


@compiled
def planned(c: Any, x: Any, k: Any, cells: FloatArray) -> bool:
    """Whether there is a plan for what is held now; it is made again if that has changed since."""
    is_same = x.made_lots == x.lots and x.made_number == x.number and x.made_orders == x.orders
    if x.inputs == 0 or (x.made == 1 and is_same):
        return bool(x.made == 1)
    look(c, x, x.plan_ms)
    make(c, x, k, cells)
    return True


@compiled
def finish(c: Any, x: Any, now_ms: int) -> None:
    """The resting order has ended; what is filled of it belongs to the position."""
    if x.fill_ms >= 0:
        lots = lots_of(c, x.size)
        x.lots += lots if x.side == BID else -lots
        bought = x.size if x.side == BID else -x.size
        x.cash -= bought * x.price + abs(bought) * x.price * c.maker_fee
    x.number = NONE
    if x.lots == 0:
        x.orders = 0
    if x.fill_ms >= 0:
        x.tracked = 0
        earned(c, x, x.price * x.size, now_ms)
        if x.view_ms >= 0 and abs(now_ms - x.view_ms) <= _VIEW_MS:
            keep_fill(x, now_ms)
            if c.tiers > 0:
                keep_own(x, now_ms)
