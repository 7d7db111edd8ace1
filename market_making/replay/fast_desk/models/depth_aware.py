"""The tiers of `market_making.quoting.models.depth_aware`, of which the one rests that is expected to earn most.

Everything is reckoned in the steps of that module, so that the numbers are the same to the last bit.
"""

from math import exp, isfinite
from typing import Any

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray
from market_making.quoting.models.depth_aware import (
    _FADE_AT,
    _FARTHEST_BPS,
    _IN_DEEP_BOOK,
    _LOPSIDED,
    _LOPSIDED_FROM,
    _LOSING,
    _MOST_WIDENING,
    _PICKED_OFF,
    _PICKED_OFF_BELOW_BPS,
    _RISK_FACTORS,
    _USUAL_MULTIPLES,
    _WILD_ZONE,
    _ZONES,
)
from market_making.quoting.placement import SMALLEST_SIZE
from market_making.quoting.readings.observations import RiskLevel
from market_making.quoting.readings.observer import _USUAL_FROM_MS
from market_making.quoting.readings.volatility import SECONDS_A_YEAR
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import (
    BID,
    FAIR_VALUE,
    FLOOR,
    INVENTORY,
    LEVEL_TERM,
    NONE,
    OF_MODEL,
    REASON,
    RISK,
    SELECTION,
    SIZE,
    WHY,
)
from market_making.replay.fast_desk.models.quotes import depth_of, keep_numbers
from market_making.replay.fast_desk.own_fills import markout_factor

_THIN, _AT_BOUND = REASON[Reason.THIN_BOOK], REASON[Reason.AT_BOUND]
_TOXIC, _NOTHING_EARNS = REASON[Reason.TOXIC_FLOW], REASON[Reason.NOTHING_EARNS]
_ROOT_OF_A_YEAR = SECONDS_A_YEAR**0.5
_OF_RISK = tuple(_RISK_FACTORS[level] for level in RiskLevel)
_CALM, _USUAL, _RESTLESS = _ZONES
_Six = tuple[float, float, float, float, float, float]  # terms of a tier: those of `_put`


@compiled
def tier_quotes(c: Any, x: Any, k: Any, inventory: float) -> None:
    """Fill both quotes for an inventory [lots]."""
    x.is_anchored = 1
    if x.losing_fills >= _FADE_AT:
        x.fade = 1.0
    _draw_bands(c, x, k)
    leaning = x.microprice + -x.mid * k.funding_rate * c.funding_holding_s - x.mid
    for side in range(2):
        quote = x.quotes[side]
        quote[WHY] = _refusal(c, x, side, inventory)
        if quote[WHY] == NONE:
            _tier(c, x, k, (side, inventory, leaning))
            keep_numbers(quote)


@compiled
def _refusal(c: Any, x: Any, side: int, inventory: float) -> int:
    """Why there are no tiers on a side."""
    if not min(x.bid_notional, x.ask_notional) > c.least_notional:
        return _THIN
    share = (inventory if side == BID else -inventory) / c.tier_inventory
    if share > c.one_sided_from or c.tier_inventory * (1 - share) < SMALLEST_SIZE:
        return _AT_BOUND
    return NONE if isfinite(markout_factor(x, side, inventory)) else _TOXIC


@compiled
def _draw_bands(c: Any, x: Any, k: Any) -> None:
    """Distances of each tier in the zone of volatility, in the same widened, and in that within its limits [bps]."""
    zone = _zone(x, (k.volatility if x.volatility < 0 else x.volatility * x.mid) / x.mid)
    near, far = _widening(c, x)
    wide_near, wide_far = zone[0] * near, zone[1] * far
    nearest = max(wide_near, c.nearest_bps)
    farthest = min(max(wide_far, 2 * nearest), _FARTHEST_BPS)
    bands = ((zone[0], zone[1]), (wide_near, wide_far), (min(nearest, farthest), farthest))
    for number in range(3):
        _draw(c, x.bands[number], x.distances[number], bands[number])


@compiled
def _draw(c: Any, known: FloatArray, distances: FloatArray, band: tuple[float, float]) -> None:
    """Distances of a band, which are known where it has not changed."""
    nearest, farthest = band
    if known[0] == nearest and known[1] == farthest:
        return
    known[0], known[1] = nearest, farthest
    growth = farthest / nearest
    for tier in range(c.tiers):
        distances[tier] = nearest * growth ** (tier / (c.tiers - 1))


@compiled
def _zone(x: Any, volatility: float) -> tuple[float, float]:
    """Nearest and farthest distance by the volatility, relative per √s [bps]."""
    if x.usual_ms < _USUAL_FROM_MS:
        size, limits = volatility * _ROOT_OF_A_YEAR, (_CALM[0], _USUAL[0], _RESTLESS[0])
    else:
        usual = x.usual * x.mid / x.mid
        size = volatility
        limits = (_USUAL_MULTIPLES[0] * usual, _USUAL_MULTIPLES[1] * usual, _USUAL_MULTIPLES[2] * usual)
    if size < limits[0]:
        return _CALM[1], _CALM[2]
    if size < limits[1]:
        return _USUAL[1], _USUAL[2]
    if size < limits[2]:
        return _RESTLESS[1], _RESTLESS[2]
    return _WILD_ZONE


@compiled
def _widening(c: Any, x: Any) -> tuple[float, float]:
    """Factors on the nearest and the farthest distance; the share of the margin in use is not known in a replay."""
    total = x.bid_notional + x.ask_notional
    near = far = 1.0
    if total > 0 and abs((x.bid_notional - x.ask_notional) / total) > _LOPSIDED_FROM:
        near, far = near * _LOPSIDED[0], far * _LOPSIDED[1]
    if x.capture < _PICKED_OFF_BELOW_BPS:
        near, far = near * _PICKED_OFF[0], far * _PICKED_OFF[1]
    if x.losing_fills >= _FADE_AT:
        near, far = near * _LOSING[0], far * _LOSING[1]
    risk = _OF_RISK[x.risk_level]
    near, far = min(near * risk, _MOST_WIDENING), min(far * risk, _MOST_WIDENING)
    if total / 2 > 2 * c.least_notional:
        near, far = _IN_DEEP_BOOK[0] * near, _IN_DEEP_BOOK[1] * far
    return near, far


@compiled
def _tier(c: Any, x: Any, k: Any, where: tuple[int, float, float]) -> None:
    """Put the tier of a side into its quote that is worth most, or what stands for all of them."""
    side, inventory, leaning = where
    quote, signed = x.quotes[side], inventory if side == BID else -inventory
    _share_out(c, x, side, min(c.side_size, c.tier_inventory - signed))
    about = _about(c, x, side, inventory, leaning)
    best, nearest, total = _chosen(c, x, k, (side, about))
    if best == NONE and nearest == NONE:
        quote[WHY] = _AT_BOUND
    elif best != NONE:
        _put(c, x, quote, _terms(x, best, about))
        quote[SIZE] = x.tier_sizes[side, best]
    elif -signed < SMALLEST_SIZE:
        quote[WHY] = _NOTHING_EARNS
    else:
        _put(c, x, quote, _terms(x, nearest, about))
        quote[SIZE] = min(total, -signed)


@compiled
def _about(c: Any, x: Any, side: int, inventory: float, leaning: float) -> tuple[float, float, float, float]:
    """What all tiers of a side share: two factors on their distance, the inventory's skew, the fair value [price]."""
    share, sign = inventory / c.tier_inventory, -1.0 if side == BID else 1.0
    growing = share > 0 if side == BID else share < 0
    grown = 1 + 2 * min(abs(share), 1.0) if growing and abs(share) >= c.widen_from else 1.0
    strength = min(abs(share), 1.0) if abs(share) >= c.skew_from else 0.0
    skew = strength * c.skew_strength * x.bands[2, 1] * x.mid / 1e4
    skew = -skew if share > 0 else skew
    return markout_factor(x, side, inventory), grown, sign * skew, sign * leaning


@compiled
def _terms(x: Any, tier: int, about: tuple[float, float, float, float]) -> _Six:
    """Terms of a tier in the sequence in which they are summed [price]."""
    zone, wide, distance = x.distances[0, tier], x.distances[1, tier], x.distances[2, tier]
    factor, grown, skew, leaning = about
    unit = x.mid / 1e4
    selection, inventory = (factor - 1) * grown * distance * unit, (grown - 1) * distance * unit + skew
    return selection, inventory, zone * unit, leaning, (distance - wide) * unit, (wide - zone) * unit


@compiled
def _chosen(c: Any, x: Any, k: Any, where: tuple[int, tuple[float, float, float, float]]) -> tuple[int, int, float]:
    """The tier that is expected to earn most, if any does; the nearest one, if there is any; the size of all [lots]."""
    side, about = where
    if side == BID:
        intensity, decay, cost = k.bid_intensity, k.bid_decay, k.bid_adverse
    else:
        intensity, decay, cost = k.ask_intensity, k.ask_decay, k.ask_adverse
    cost += c.tier_fee * x.mid
    best, nearest, most, least, total = NONE, NONE, 0.0, 0.0, 0.0
    for tier in range(c.tiers):
        size = x.tier_sizes[side, tier]
        if size <= 0:
            continue
        selection, inventory, level, leaning, floor, risk = _terms(x, tier, about)
        depth = selection + inventory + level + leaning + floor + risk
        value = intensity * exp(min(-decay * depth, 700.0)) * (depth - cost) * min(size, 1.0)
        if best == NONE or value > most:
            best, most = tier, value
        if nearest == NONE or depth < least:
            nearest, least = tier, depth
        total += size
    return best if most > 0 else NONE, nearest, total


@compiled
def _put(c: Any, x: Any, quote: FloatArray, terms: _Six) -> None:
    """Put terms into a quote, which stands no nearer to mid than the least distance that does not lose by itself."""
    quote[SELECTION], quote[INVENTORY], quote[LEVEL_TERM], quote[FAIR_VALUE], quote[FLOOR], quote[RISK] = terms
    missing = c.nearest_bps * x.mid / 1e4 - depth_of(quote, OF_MODEL)
    if missing > 0:
        quote[FLOOR] += missing


@compiled
def _share_out(c: Any, x: Any, side: int, size: float) -> None:
    """Size of each tier of a side, nearest first; what is too small goes further out and leaves a tier of 0 [lots]."""
    sizes = x.tier_sizes[side]
    if x.shared_out[side] == size:
        return
    x.shared_out[side] = size
    carried, last = 0.0, NONE
    for tier in range(c.tiers):
        carried += size * c.tier_weights[tier] / c.weight_of_tiers
        sizes[tier] = carried if carried >= c.smallest_tier else 0.0
        carried -= sizes[tier]
        if sizes[tier] > 0:
            last = tier
    if last != NONE:
        sizes[last] += carried
