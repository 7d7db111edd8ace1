"""The market's book and the orders of all settings in it, filled as hftbacktest fills them.

An order is filled whole: when the other side's best price reaches it, when a print passes it, or when prints at its
price have used up the size ahead of it. Of what else leaves a level, as large a part was ahead as of all of it.
(`power_prob_queue_model(1)` and `no_partial_fill_exchange` of hftbacktest 2.4.4, over its `ROIVectorMarketDepth`.)
"""

from typing import Any

from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import ASK, BID, NONE, Records, Run
from market_making.replay.result import Outcome
from market_making.replay.tape.events import BUY, KIND, NS_PER_MS, TRADE

NO_ASK = 1 << 40
SLEPT = 7  # the phase of a bot that sleeps until something happens
_FILLED = int(Outcome.FILLED)


@compiled
def play(run: Run, rows: Any, limit_ns: int) -> int:
    """Take rows in until a time [ns], or to the end of the millisecond in which a sleeping bot's order is filled.

    Returned is that millisecond, 0 if there is none [ms].
    """
    w, c, levels, owns, woken_ms = run.world[0], run.settings[0], run.arrays.levels, run.owns, 0
    row = w.row
    while row < len(rows) and rows[row].exch_ts <= limit_ns:
        event = rows[row]
        tick, is_buy, woke = int(event.px / c.tick + 0.5) - c.lowest_tick, event.ev & BUY > 0, False
        if event.ev & KIND == TRADE:
            if (w.own_ask <= tick) if is_buy else (w.own_bid >= tick):
                woke = _print(run, event, ASK if is_buy else BID, tick)
        else:
            before, own = _set(levels[tick], event.qty, is_buy)
            if own > 0:
                _advance_queues(owns, (BID if is_buy else ASK, tick), before, event.qty)
            if tick >= w.bid if is_buy else tick <= w.ask:
                woke = _change_best(run, event, tick, is_buy)
        if woke and woken_ms == 0:
            woken_ms = event.exch_ts // NS_PER_MS
            limit_ns = min(limit_ns, woken_ms * NS_PER_MS + NS_PER_MS // 2)
        row += 1
    w.row = row
    return int(woken_ms)


@compiled
def _set(level: Any, size: float, is_bid: bool) -> tuple[float, int]:
    """Give a level a new size; return the one before, and how many own orders rest there."""
    if is_bid:
        before, level.bid_size = level.bid_size, size
        return before, level.bid_own
    before, level.ask_size = level.ask_size, size
    return before, level.ask_own


@compiled
def _print(run: Run, event: Any, side: int, tick: int) -> bool:
    """A print that may meet the orders of a side."""
    woke, half_lot = False, run.settings[0].lot_size / 2
    for s in range(len(run.owns)):
        o = run.owns[s]
        if o.side != side:
            continue
        passed = o.tick - tick if side == BID else tick - o.tick
        if passed < 0:
            continue
        if passed == 0:
            o.front -= event.qty
            o.traded += event.qty
            if -o.front < half_lot:
                continue
        woke |= _fill(run, s, event.exch_ts // NS_PER_MS)
    _bound(run.world[0], run.owns, side)
    return woke


@compiled
def _change_best(run: Run, event: Any, tick: int, is_bid: bool) -> bool:
    """The best price of a side, or one before it, has a new size; what it reaches is filled."""
    w, levels = run.world[0], run.arrays.levels
    is_gone = event.qty / run.settings[0].lot_size < 0.5
    if is_bid:
        best = w.bid
        _change_bid(w, levels, tick, is_gone)
        return bool(w.bid > best and w.own_ask <= w.bid and _reach(run, event, ASK, w.bid))
    best = w.ask
    _change_ask(w, levels, tick, is_gone)
    return bool(w.ask < best and w.own_bid >= w.ask and _reach(run, event, BID, w.ask))


@compiled
def _change_bid(w: Any, levels: Records, tick: int, is_gone: bool) -> None:
    if is_gone and tick == w.bid:
        w.bid = _next_bid(levels, tick)
    elif not is_gone and tick > w.bid:
        w.bid = tick
        if tick >= w.ask:
            w.ask = _next_ask(levels, tick)


@compiled
def _change_ask(w: Any, levels: Records, tick: int, is_gone: bool) -> None:
    if is_gone and tick == w.ask:
        w.ask = _next_ask(levels, tick)
    elif not is_gone and tick < w.ask:
        w.ask = tick
        if w.bid >= tick:
            w.bid = _next_bid(levels, tick)


@compiled
def _next_bid(levels: Records, tick: int) -> int:
    """The best bid below a tick."""
    for lower in range(tick - 1, -1, -1):
        if levels[lower].bid_size > 0:
            return int(lower)
    return NONE


@compiled
def _next_ask(levels: Records, tick: int) -> int:
    """The best ask above a tick."""
    for higher in range(tick + 1, len(levels)):
        if levels[higher].ask_size > 0:
            return int(higher)
    return NO_ASK


@compiled
def _advance_queues(owns: Records, where: tuple[int, int], before: float, size: float) -> None:
    """The level of some orders has changed: what was traded there is known to have been ahead of them."""
    for s in range(len(owns)):
        o = owns[s]
        if o.side != where[0] or o.tick != where[1]:
            continue
        change = before - size - o.traded
        o.traded = 0.0
        front, behind = o.front, before - o.front
        total = behind + front
        if change < 0 or total == 0:
            o.front = min(front, size)
        else:
            share = behind / total
            o.front = min(front - (1.0 - share) * change + min(behind - share * change, 0.0), size)


@compiled
def _reach(run: Run, event: Any, side: int, best: int) -> bool:
    """The best price of the other side has come to the orders of a side: all that it reaches are filled."""
    woke = False
    for s in range(len(run.owns)):
        o = run.owns[s]
        if o.side == side and (o.tick >= best if side == BID else o.tick <= best):
            woke |= _fill(run, s, event.exch_ts // NS_PER_MS)
    _bound(run.world[0], run.owns, side)
    return woke


@compiled
def _fill(run: Run, s: int, time_ms: int) -> bool:
    """An order is filled; return whether that wakes its bot."""
    x = run.states[s]
    take_out(run.owns[s], run.arrays.levels)
    x.is_open, x.fill_ms = 0, time_ms
    order = run.arrays.orders[x.number]
    order.ended_ms, order.outcome = time_ms, _FILLED
    if x.phase != SLEPT:
        return False
    x.next_ms, x.wanted_ms = time_ms, 0  # before whatever else is due then
    return True


@compiled
def _bound(w: Any, owns: Records, side: int) -> None:
    """Draw the bound of own orders on a side anew."""
    edge = NONE if side == BID else NO_ASK
    for s in range(len(owns)):
        if owns[s].side == side:
            edge = max(edge, owns[s].tick) if side == BID else min(edge, owns[s].tick)
    if side == BID:
        w.own_bid = edge
    else:
        w.own_ask = edge


@compiled
def put_in(w: Any, o: Any, level: Any, side: int, tick: int) -> None:
    """An order comes to rest behind what is there."""
    o.side, o.tick, o.traded = side, tick, 0.0
    if side == BID:
        o.front = level.bid_size
        level.bid_own += 1
        w.own_bid = max(w.own_bid, tick)
    else:
        o.front = level.ask_size
        level.ask_own += 1
        w.own_ask = min(w.own_ask, tick)


@compiled
def take_out(o: Any, levels: Records) -> None:
    """An order rests no longer; the bounds of own orders are then too wide, which does no harm."""
    level = levels[o.tick]
    if o.side == BID:
        level.bid_own -= 1
    else:
        level.ask_own -= 1
    o.side = NONE
