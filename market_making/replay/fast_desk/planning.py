"""The plan of `market_making.trading.plan`, on the numbers of one setting: the order that should rest, or why none."""

from math import exp, isfinite
from typing import Any

import numpy as np

from market_making.market.grid import above, below, decimals_at, magnitude, power_of_ten
from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray
from market_making.quoting.preference import PERSISTENCE
from market_making.quoting.pricing import LARGEST_SHIFT
from market_making.quoting.risk.toxicity import WIDEN_FACTOR
from market_making.replay.fast_desk.compiled import compiled, let_compile
from market_making.replay.fast_desk.layout import (
    ALONE,
    ASK,
    BID,
    BOUNDS,
    COINS,
    IMBALANCE,
    NONE,
    OF_MODEL,
    PAUSED,
    PRICE,
    REASON,
    REGIME,
    RISK,
    SIZE,
    TERMS,
    TICK,
    TOUCH,
    USER,
    WHY,
    WIDENED,
)
from market_making.replay.fast_desk.legs import is_silent, side_of_leg, tell, why_of
from market_making.replay.fast_desk.model import model_quotes
from market_making.replay.fast_desk.models.quotes import depth_of
from market_making.trading.plan import _TOO_LARGE, MOVE_ACTIONS

_DIGITS = 12  # significant, of a wished price: floating point must not cost a tick
_UNUSABLE, _WITHHOLDS = REASON[Reason.NUMBERS_UNUSABLE], REASON[Reason.MODEL_WITHHOLDS]
_LEAVING, _PAUSE = REASON[Reason.LEAVING], REASON[Reason.CALIBRATION_PAUSE]
_SILENT = REASON[Reason.OTHER_LEG_SILENT]
_WRONG_SIDE, _TOO_SMALL = REASON[Reason.WRONG_SIDE], REASON[Reason.BELOW_SMALLEST_ORDER]

for function in (power_of_ten, magnitude, decimals_at, below, above):
    let_compile(function)


@compiled
def coins_of(c: Any, lots: int) -> float:
    """Whole lots of the exchange [coins]."""
    return float(lots * c.lot_unit / c.lot_scale)


@compiled
def lots_of(c: Any, coins: float) -> int:
    """How many lots of the exchange a valid size is."""
    return int(coins * c.lot_scale / c.lot_unit + 0.5)


@compiled
def plan(c: Any, x: Any, k: Any, cells: FloatArray) -> int:
    """Choose the order that should rest, and keep it as the made one; return why there is none."""
    coins, quotes = coins_of(c, x.lots), x.quotes
    inventory = (coins + x.other_coins) / k.lot
    state = model_quotes(c, x, k, cells, inventory)
    factor = WIDEN_FACTOR if WIDENED in (state, k.regime) else 1.0
    shift = _anchor_shift(c, x, k, quotes, factor)
    for side in range(2):
        grows = coins >= 0 if side == BID else coins <= 0
        _price(c, x, quotes[side], side, (grows, factor, abs(coins) / k.lot, shift))
        if quotes[side, WHY] == NONE:
            _wish(c, x, quotes[side], side, (grows, k.regime == PAUSED))
        if quotes[side, WHY] == NONE:
            _fit(c, x, quotes[side], side, (grows, coins, inventory, k.lot))
    side = _choose(c, x, k, quotes, coins)
    tell(x, coins, quotes[BID, WHY] == NONE, quotes[ASK, WHY] == NONE)
    x.wants = side >= 0
    if side < 0:
        return why_of(quotes, side)
    _keep_made(c, x, quotes[side], side, coins >= 0 if side == BID else coins <= 0)
    x.keep = x.number >= 0 and _is_good(c, x, k)
    return NONE


@compiled
def _anchor_shift(c: Any, x: Any, k: Any, quotes: FloatArray, factor: float) -> float:
    """How far above mid both quotes are anchored [price]."""
    wished = k.response * x.imbalance
    if wished == 0 or c.anchors == 0 or x.is_anchored == 1:
        return 0.0
    limit, least, most = abs(wished), c.minimum_bps * x.mid / 1e4, c.maximum_bps * x.mid / 1e4
    for side in range(2):
        depth = depth_of(quotes[side], OF_MODEL)
        if quotes[side, WHY] == NONE and isfinite(depth):
            depth = min(max(depth * factor * x.fade * c.depth_factor, least), most)
            limit = min(limit, LARGEST_SHIFT * depth)
    return float(max(limit, 0.0) if wished > 0 else -max(limit, 0.0))


@compiled
def _price(c: Any, x: Any, quote: FloatArray, side: int, about: tuple[bool, float, float, float]) -> None:
    """What is asked of every model alike: factors, bounds, the anchor, the touch, a valid price."""
    grows, factor, held, shift = about
    leaves = x.leaving == 1 and not grows
    if leaves:
        if quote[WHY] != NONE or not isfinite(depth_of(quote, OF_MODEL)):
            quote[:TERMS] = 0.0
        quote[SIZE], quote[WHY] = held, NONE
    if quote[WHY] != NONE:
        return
    depth = depth_of(quote, OF_MODEL)
    widened = depth * factor
    faded = widened * x.fade
    wished = faded * c.depth_factor
    if not (isfinite(wished) and isfinite(quote[SIZE])):
        quote[WHY] = _UNUSABLE
        return
    bounded = min(max(wished, c.minimum_bps * x.mid / 1e4), c.maximum_bps * x.mid / 1e4)
    anchored = bounded - shift if side == BID else bounded + shift
    final = (x.ask - x.bid) / 2 if leaves else anchored
    price = _valid_price(c, x, side, final)
    if price <= 0:
        quote[WHY] = _WITHHOLDS
        return
    distance = x.mid - price if side == BID else price - x.mid
    quote[REGIME], quote[USER] = widened - depth, wished - faded
    quote[RISK] += faded - widened
    quote[BOUNDS], quote[IMBALANCE] = bounded - wished, anchored - bounded
    quote[TOUCH], quote[TICK] = final - anchored, distance - final
    quote[PRICE] = price


@compiled
def _valid_price(c: Any, x: Any, side: int, depth: float) -> float:
    """The valid price at a depth that does not cross; 0 where there is none."""
    if side == ASK:
        price = ask_price(c, significant(x.mid + depth))
        if price <= x.bid:
            price = ask_price(c, x.bid)
            price = price if price > x.bid else ask_price(c, np.nextafter(x.bid, np.inf))
        return price
    wished = significant(x.mid - depth)
    if wished <= 0:
        return 0.0
    price = bid_price(c, wished)
    if price <= 0 or price < x.ask:
        return price
    price = bid_price(c, x.ask)
    return price if price < x.ask else bid_price(c, np.nextafter(x.ask, 0.0))


@compiled
def significant(value: float) -> float:
    """A number rounded to so many significant figures that floating point costs no tick."""
    if value <= 0:
        return value
    exponent = _DIGITS - 1 - magnitude(value)
    if exponent >= 0:
        scale = power_of_ten(exponent)
        return float(np.rint(value * scale) / scale)
    scale = power_of_ten(-exponent)
    return float(np.rint(value / scale) * scale)


@compiled
def bid_price(c: Any, price: float) -> float:
    """The highest valid price that is not above."""
    return below(price, c.price_unit, power_of_ten(decimals_at(price, c.figures, c.decimals)))


@compiled
def ask_price(c: Any, price: float) -> float:
    """The lowest valid price that is not below."""
    return above(price, c.price_unit, power_of_ten(decimals_at(price, c.figures, c.decimals)))


@compiled
def _wish(c: Any, x: Any, quote: FloatArray, side: int, about: tuple[bool, bool]) -> None:
    """Why no order may rest on a side, whatever its price."""
    grows, paused = about
    shut = x.shut_growing if grows else x.shut_reducing
    if shut != NONE:
        quote[WHY] = shut
    elif grows and x.leaving == 1:
        quote[WHY] = _LEAVING
    elif grows and paused:
        quote[WHY] = _PAUSE
    elif grows and is_silent(c, x):
        quote[WHY] = _SILENT
    elif grows and (c.opens_bid if side == BID else c.opens_ask) == 0:
        quote[WHY] = _WRONG_SIDE


@compiled
def _fit(c: Any, x: Any, quote: FloatArray, side: int, about: tuple[bool, float, float, float]) -> None:
    """Size of an order [coins], or that it is too small."""
    grows, coins, inventory, lot = about
    if grows:
        room = c.maximum_inventory - (inventory if side == BID else -inventory)
        size = below(max(min(quote[SIZE], room), 0.0) * lot, c.lot_unit, c.lot_scale)
        least = c.smallest_notional
    else:
        whole = below(abs(coins), c.lot_unit, c.lot_scale)
        size = below(min(abs(coins), max(quote[SIZE], 0.0) * lot), c.lot_unit, c.lot_scale)
        if x.leaving == 1 or (whole - size) * quote[PRICE] < c.smallest_notional:
            size = whole
        least = c.minimum_notional
    quote[COINS] = size
    if size * quote[PRICE] < least:
        quote[WHY] = _TOO_SMALL


@compiled
def _choose(c: Any, x: Any, k: Any, quotes: FloatArray, coins: float) -> int:
    """The side whose order should rest; where there is none, a negative number says why (`why_of`)."""
    if quotes[BID, WHY] != NONE and quotes[ASK, WHY] != NONE:
        return -2 if coins > 0 or (coins == 0 and c.opens_bid == 0) else -1
    if c.leg != ALONE and x.heard == 1:
        return side_of_leg(c, x, quotes, coins)
    if quotes[BID, WHY] != NONE:
        return ASK
    if quotes[ASK, WHY] != NONE:
        return BID
    if x.number >= 0 and (x.saving == 1 or _is_young(c, x)):
        return int(x.side)
    return _preferred(x, k, quotes, coins)


@compiled
def _preferred(x: Any, k: Any, quotes: FloatArray, coins: float) -> int:
    reducing = ASK if coins >= 0 else BID
    usual = reducing if x.number < 0 else int(x.side)
    is_held = x.number >= 0 or coins != 0
    bid = expected_gain(k, BID, depth_of(quotes[BID], OF_MODEL))
    ask = expected_gain(k, ASK, depth_of(quotes[ASK], OF_MODEL))
    mine, other = (bid, ask) if usual == BID else (ask, bid)
    return 1 - usual if other > mine * (PERSISTENCE if is_held else 1.0) else usual


@compiled
def expected_gain(k: Any, side: int, depth: float) -> float:
    """Expected gain of resting a quote [price/s per lot]."""
    if side == BID:
        return float(k.bid_intensity / k.bid_decay * exp(min(-k.bid_decay * depth, 700.0)))
    return float(k.ask_intensity / k.ask_decay * exp(min(-k.ask_decay * depth, 700.0)))


@compiled
def _keep_made(c: Any, x: Any, quote: FloatArray, side: int, grows: bool) -> None:
    x.made_side, x.made_price, x.made_size, x.grows = side, quote[PRICE], quote[COINS], grows
    x.made_mid, x.made_touch, x.made_depth = x.mid, quote[TOUCH], depth_of(quote, TERMS)
    x.made_ahead = max(quote[IMBALANCE], 0.0)
    far = c.tolerance_bps * x.tolerance_factor
    x.made_near = min(far, max(c.tolerance_bps, x.made_depth / x.mid * 1e4 / 2))


@compiled
def _is_good(c: Any, x: Any, k: Any) -> bool:
    """Whether the resting order may stay."""
    if x.side != x.made_side or x.size > x.made_size * _TOO_LARGE:
        return False
    if x.leaving == 1 and x.made_size > x.size * _TOO_LARGE:
        return False
    towards_mid = x.price - x.made_price if x.made_side == BID else x.made_price - x.price
    bps = x.mid / 1e4
    if -(c.tolerance_bps * x.tolerance_factor) <= towards_mid / bps <= x.made_near:
        return True
    if towards_mid > 0 or x.leaving == 1:
        return False
    return bool(x.saving == 1 or _is_young(c, x) or _gain_of_moving(x, k, -towards_mid) < MOVE_ACTIONS * c.action_price)


@compiled
def _gain_of_moving(x: Any, k: Any, distance: float) -> float:
    """What a better price is expected to earn for as long as the order has rested [quote currency]."""
    depth, side = max(x.made_depth, 0.0), int(x.made_side)
    better = expected_gain(k, side, depth) - expected_gain(k, side, depth + distance)
    return float(better * x.made_size * (x.plan_ms - x.placed_ms) / 1e3)


@compiled
def _is_young(c: Any, x: Any) -> bool:
    return bool(x.plan_ms - x.placed_ms < c.minimum_life_ms * x.life_factor)
