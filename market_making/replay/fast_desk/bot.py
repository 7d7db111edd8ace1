"""The loop of `market_making.replay.bot.bot`, cut at the moments at which a bot needs the exchange.

Between two moments a setting only waits; each has its own next one, and the pass over the tape stops at the earliest.
"""

from typing import Any

import numpy as np

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.fast_desk.book import look_deep, price_of
from market_making.replay.fast_desk.budget import sent, spend
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.desk import clear, finish, look, make, planned
from market_making.replay.fast_desk.layout import ASK, BID, CROWDED, NONE, OUTSIDE, OWN_FILLS, REASON, Arrays, Records
from market_making.replay.fast_desk.legs import tell
from market_making.replay.fast_desk.market import NO_ASK, SLEPT, put_in, take_out
from market_making.replay.fast_desk.own_fills import watch
from market_making.replay.fast_desk.planning import ask_price, bid_price, coins_of, significant
from market_making.replay.fast_desk.readings import observe
from market_making.replay.fast_desk.risk import judge
from market_making.replay.result import Outcome
from market_making.trading.actions.budget import CANCEL_ACTIONS, EXIT_ACTIONS

HEARD, FIRST_CANCELLED, HEARD_AGAIN, ASKED, CANCELLED, FOLLOWED, PLACED = range(7)
DONE = 8
_WAITS, _SEND, _SLEEP = range(3)  # how a part of the loop ends
NEVER = 1 << 62
_MISSING, _OLD = REASON[Reason.NO_HISTORY], REASON[Reason.PARAMETERS_STALE]
_BAD, _NO_BOOK = REASON[Reason.CALIBRATION_BAD], REASON[Reason.BOOK_UNUSABLE]
_WAS_CANCELLED, _WAS_REFUSED = int(Outcome.CANCELLED), int(Outcome.REFUSED)


@compiled
def step(w: Any, c: Any, x: Any, o: Any, a: Arrays) -> None:
    """Go on with what a setting has waited for."""
    x.reached_ms = x.next_ms
    if x.phase == SLEPT:
        begin(w, x, a.lags, max(min(x.reached_ms + x.feed_ms, x.wake_ms), x.earliest_ms))
        return
    if x.phase in (HEARD, HEARD_AGAIN):
        _turn_pages(x, a.models[c.group])
    k = a.models[c.group, max(x.calibration, 0)]
    if x.phase in (FIRST_CANCELLED, CANCELLED):
        _cancel(c, x, o, a)
    ends = _placed(w, c, x, o, a) if x.phase == PLACED else _went_on(w, c, x, k, a)
    if ends == _SEND:
        _send(w, c, x, a.orders)
    elif ends == _SLEEP:
        _sleep(w, c, x, a)


@compiled
def _went_on(w: Any, c: Any, x: Any, k: Any, a: Arrays) -> int:
    """The part of the loop that needs plans."""
    if x.phase == HEARD and _is_stale(c, x, a.mids):
        return _wait(w, x, x.now_ms + x.entry_ms, FIRST_CANCELLED)
    if x.phase in (HEARD, HEARD_AGAIN):
        return _heard(w, c, x, k, a)
    if x.phase == FIRST_CANCELLED:
        return _wait(w, x, x.now_ms - x.feed_ms, HEARD_AGAIN)
    if x.phase == ASKED:
        return _asked(w, c, x, k, a.cells)
    if x.phase == CANCELLED:
        return _finish(w, c, x, k, a.cells)
    return _follow(w, c, x)


@compiled
def begin(w: Any, x: Any, all_lags: IntArray, time_ms: int) -> None:
    """Begin a loop [ms]; at the end of the session there is none."""
    if time_ms >= w.end_ms:
        x.phase, x.next_ms = DONE, NEVER
        return
    lags = all_lags[min(x.draw, len(all_lags) - 1)]
    x.feed_ms, x.decide_ms, x.entry_ms, x.response_ms = lags[0], lags[1], lags[2], lags[3]
    x.period_ms, x.pause_ms = lags[4], lags[5]
    x.draw += 1
    x.news = 0
    w.drawn = max(w.drawn, x.draw)
    x.begin_ms = x.now_ms = time_ms
    _wait(w, x, max(time_ms - x.feed_ms, x.start_ms), HEARD)


@compiled
def _wait(w: Any, x: Any, time_ms: int, phase: int) -> int:
    x.phase, x.next_ms = phase, max(min(time_ms, w.end_ms), x.reached_ms)
    x.wanted_ms, x.turn = time_ms, w.turn
    w.turn += 1
    return _WAITS


@compiled
def _turn_pages(x: Any, models: Records) -> None:
    """Find the newest calibration that has been published."""
    while x.calibration + 1 < len(models) and models[x.calibration + 1].created_ms <= x.now_ms:
        x.calibration += 1


@compiled
def _heard(w: Any, c: Any, x: Any, k: Any, a: Arrays) -> int:
    """What the start of a loop does: the plan, and then the order is looked after."""
    x.decisions += 1
    look(c, x, x.now_ms)
    clear(x)
    why = _read(w, c, x, k, a.levels)
    if why == NONE:
        x.plan_ms, x.inputs = x.now_ms, 1
        if c.tiers > 0:
            watch(c, x, x.reached_ms, x.mid)
        else:
            observe(x, x.reached_ms, x.mid)
        judge(c, x, x.reached_ms, k.volatility)
        why = make(c, x, k, a.cells)
    else:
        tell(x, coins_of(c, x.lots), False, False)
    if why != NONE:
        if x.withheld[why] == 0:
            x.first[why] = x.decisions
        x.withheld[why] += 1
    x.now_ms += x.decide_ms
    return _wait(w, x, x.now_ms - x.feed_ms, ASKED) if x.number >= 0 else _place(w, c, x, k, a.cells)


@compiled
def _read(w: Any, c: Any, x: Any, k: Any, levels: Records) -> int:
    """Look at the calibration and the best quotes of now; return why nothing can be quoted."""
    if x.calibration < 0:
        return _MISSING
    if x.now_ms - k.created_ms > c.valid_ms:
        return _OLD
    if k.is_bad == 1:
        return _BAD
    if w.bid < 0 or w.ask >= NO_ASK or w.bid >= w.ask:
        return _NO_BOOK
    x.bid, x.ask = price_of(c, w.bid), price_of(c, w.ask)
    x.mid = (x.bid + x.ask) / 2
    bid, ask = levels[w.bid].bid_size, levels[w.ask].ask_size
    x.imbalance = (bid - ask) / (bid + ask) if 0 < bid < np.inf and 0 < ask < np.inf else 0.0
    if c.tiers > 0:
        look_deep(w, c, x, levels)
    return NONE


@compiled
def _is_stale(c: Any, x: Any, mids: Records) -> bool:
    """Whether the order is to be cancelled before anything is planned."""
    if c.cancels_first == 0 or x.number < 0 or not _is_wanted(x):
        return False
    count = _until(mids, x.reached_ms)
    if count == 0:
        return False
    wanted = x.made_price + mids[count - 1].mid - x.made_mid
    closer = x.price - wanted if x.side == BID else wanted - x.price
    return bool(closer - (x.made_near * x.made_mid / 1e4 + x.made_ahead) > 0)


@compiled
def _is_wanted(x: Any) -> bool:
    """Whether the last plan says where the order should rest as mid moves."""
    return bool(x.made == 1 and x.wants == 1 and x.made_touch == 0 and x.made_side == x.side)


@compiled
def _until(mids: Records, time_ms: int) -> int:
    """How many mids there are up to and with a time [ms]."""
    low, high = 0, len(mids)
    while low < high:
        middle = (low + high) // 2
        if mids[middle].time_ms <= time_ms:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _asked(w: Any, c: Any, x: Any, k: Any, cells: FloatArray) -> int:
    """The exchange has said what became of the order."""
    if x.is_open == 0:
        return _finish(w, c, x, k, cells)
    if planned(c, x, k, cells) and x.wants == 1 and x.keep == 1:
        return _SLEEP
    x.told_order = NONE
    return _wait(w, x, x.now_ms + x.entry_ms, CANCELLED)


@compiled
def _cancel(c: Any, x: Any, o: Any, a: Arrays) -> None:
    """A cancellation arrives, and its answer goes back."""
    sent(c, x, CANCEL_ACTIONS, x.now_ms)
    x.news = 1
    if x.is_open == 1:
        take_out(o, a.levels)
        x.is_open = 0
        order = a.orders[x.number]
        order.ended_ms, order.outcome = x.reached_ms, _WAS_CANCELLED
    x.now_ms += x.entry_ms + x.response_ms


@compiled
def _finish(w: Any, c: Any, x: Any, k: Any, cells: FloatArray) -> int:
    """The order has ended; the plan is made again."""
    finish(c, x, x.now_ms)
    if x.own_count >= OWN_FILLS:
        w.fault = CROWDED
    return _place(w, c, x, k, cells)


@compiled
def _place(w: Any, c: Any, x: Any, k: Any, cells: FloatArray) -> int:
    """Place what the plan wants for what is held now."""
    if not planned(c, x, k, cells) or x.wants == 0 or x.out == 0:
        return _SLEEP
    return _wait(w, x, x.now_ms - x.feed_ms, FOLLOWED) if c.fresh == 1 else _SEND


@compiled
def _follow(w: Any, c: Any, x: Any) -> int:
    """Let the price follow the touch of a newer book."""
    edge = w.bid if x.made_side == BID else w.ask
    if 0 <= edge < NO_ASK:
        touch = price_of(c, edge)
        wished = x.made_price + touch - (x.bid if x.made_side == BID else x.ask)
        if min(touch, wished) > 0:
            exact = significant(wished)
            price = bid_price(c, exact) if x.made_side == BID else ask_price(c, exact)
            x.out_price = price if price > 0 else x.out_price
    if x.grows == 1 and abs(x.made_price - x.out_price) / x.made_price * 1e4 > c.maximum_bps:
        x.out = 0
        return _SLEEP
    return _SEND


@compiled
def _send(w: Any, c: Any, x: Any, orders: Records) -> None:
    """An order goes to the exchange."""
    actions = c.entry_actions if x.grows == 1 else EXIT_ACTIONS
    spend(c, x, actions, x.now_ms)
    sent(c, x, actions, x.now_ms)
    order = orders[w.orders]
    order.setting, order.asked_ms, order.placed_ms, order.ended_ms, order.outcome = c.number, x.now_ms, 0, 0, 0
    order.sign, order.price, order.size, order.mid = 1 - 2 * x.made_side, x.out_price, x.made_size, x.made_mid
    x.sending, x.told_order = w.orders, x.made_side
    w.orders += 1
    _wait(w, x, x.now_ms + x.entry_ms, PLACED)


@compiled
def _placed(w: Any, c: Any, x: Any, o: Any, a: Arrays) -> int:
    """An order arrives at the exchange; one that would take is refused."""
    order = a.orders[x.sending]
    order.placed_ms, order.arrival = x.reached_ms, w.turn
    w.turn += 1
    side, tick = BID if order.sign > 0 else ASK, int(order.price / c.tick + 0.5) - c.lowest_tick
    if (tick >= w.ask) if side == BID else (tick <= w.bid):
        order.ended_ms, order.outcome = x.reached_ms, _WAS_REFUSED
    elif not 0 <= tick < len(a.levels):
        w.fault = OUTSIDE
    else:
        put_in(w, o, a.levels[tick], side, tick)
        x.number, x.side, x.price, x.size, x.placed_ms = x.sending, side, order.price, order.size, x.reached_ms
        x.is_open, x.fill_ms, x.orders = 1, NONE, x.orders + 1
    x.now_ms += x.entry_ms + x.response_ms
    return _SLEEP


@compiled
def _sleep(w: Any, c: Any, x: Any, a: Arrays) -> None:
    """Sleep until the next loop, which news of this one begin at once, a fill or a stale order early."""
    x.earliest_ms = x.now_ms + x.pause_ms
    x.wake_ms = max(x.begin_ms + x.period_ms, x.earliest_ms)
    if c.wakes == 1 and x.news == 1:
        begin(w, x, a.lags, x.earliest_ms)
        return
    if c.wakes == 0 or x.number < 0:
        begin(w, x, a.lags, x.wake_ms)
        return
    heard_ms = x.wake_ms - x.feed_ms
    if _is_wanted(x):
        heard_ms = _first_stale(x, a.mids, x.earliest_ms - x.feed_ms, heard_ms)
    _wait(w, x, heard_ms, SLEPT)


@compiled
def _first_stale(x: Any, mids: Records, after_ms: int, until_ms: int) -> int:
    """First time after `after_ms` at which mid is too close, `until_ms` if there is none by then."""
    place, bound, tolerance = (
        _until(mids, after_ms),
        x.price - x.made_price + x.made_mid,
        x.made_near * x.made_mid / 1e4 + x.made_ahead,
    )
    while place < len(mids) and mids[place].time_ms <= until_ms:
        closer = bound - mids[place].mid if x.side == BID else mids[place].mid - bound
        if closer > tolerance:
            return int(mids[place].time_ms)
        place += 1
    return until_ms
