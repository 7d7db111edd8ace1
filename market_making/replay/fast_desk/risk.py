"""The risk rules of `market_making.quoting.risk`, on the numbers of one setting."""

from math import expm1, isfinite
from typing import Any

from market_making.market.reasons import Reason
from market_making.quoting.readings.observations import RiskLevel
from market_making.quoting.risk.breakers import _LONGEST_STEP_MS, _ROUNDING, DAY_MS
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import NONE, REASON, RECENT
from market_making.replay.fast_desk.readings import is_losing, take_due

_STALE, _DRAWDOWN, _DAILY = REASON[Reason.BOOK_STALE], REASON[Reason.DRAWDOWN], REASON[Reason.DAILY_LOSS]
_LARGE, _SPIKE, _MOVE = REASON[Reason.POSITION_LARGE], REASON[Reason.VOLATILITY_SPIKE], REASON[Reason.FAST_MOVE]
_LOSING = REASON[Reason.LOSING_FILLS]
_NORMAL, _MEDIUM, _HIGH, _CRITICAL = map(int, RiskLevel)


@compiled
def judge(c: Any, x: Any, heard_ms: int, calibrated: float) -> None:
    """Take in what is known now and say what may be done, and how worried to be.

    What is said are `growing`, `reducing`, `leaves`, `depth_factor`, and for models `risk_level` and `losing_fills`.
    """
    while True:
        place = take_due(x, heard_ms)
        if place < 0:
            break
        _judged(c, x, is_losing(x, place, c.maker_fee))
    coins = x.lots * c.lot_unit / c.lot_scale
    position, equity = coins * x.mid, x.cash + coins * x.mid
    _value(c, x, equity)
    size = abs(position / c.largest_position) + _ROUNDING
    x.one_sided = size >= c.one_sided_share or (x.one_sided == 1 and size >= c.both_sided_share)
    observed = x.volatility >= 0
    volatility = x.volatility * x.mid if observed else calibrated
    if isfinite(volatility):
        _volatility_seen(c, x, volatility, 1 if observed else 0)
    _moved(c, x)
    if 0 <= x.losing_until_ms <= x.plan_ms:
        x.losses, x.losing_until_ms = min(x.losses, c.fade_at), -1
    _say(c, x, heard_ms, abs(position) / c.largest_position)


@compiled
def _judged(c: Any, x: Any, losing: bool) -> None:
    """The markout of a fill is known."""
    if not losing:
        x.losses = 0
        return
    x.losses += 1
    if x.losses >= c.pause_at and x.losing_until_ms <= x.plan_ms:
        x.losing_until_ms = x.plan_ms + c.losing_pause_ms


@compiled
def _value(c: Any, x: Any, equity: float) -> None:
    """Loss of the day and drawdown."""
    if x.day < 0:
        x.peak = equity
    if x.plan_ms // DAY_MS != x.day:
        x.day, x.start_of_day, x.lost_today = x.plan_ms // DAY_MS, equity, 0
    x.peak = max(x.peak, equity)
    slack = _ROUNDING * max(abs(x.peak), 1.0)
    if x.start_of_day - equity > c.daily_loss + slack:
        x.lost_today = 1
    if x.peak - equity > c.drawdown + slack:
        x.drawn_down = 1


@compiled
def _volatility_seen(c: Any, x: Any, volatility: float, observed: int) -> None:
    """Volatility beyond a multiple of its slow average; each source has its own average."""
    if observed != x.spike_observed:
        usual, known_ms, last_ms = x.aside_usual, x.aside_known_ms, x.aside_last_ms
        x.aside_usual, x.aside_known_ms, x.aside_last_ms = x.spike_usual, x.spike_known_ms, x.spike_last_ms
        x.spike_usual, x.spike_known_ms, x.spike_last_ms, x.spike_observed = usual, known_ms, last_ms, observed
    if x.spike_last_ms < 0:
        x.spike_usual, x.spike_known_ms, x.spike_last_ms, x.spiking = volatility, 0, x.plan_ms, 0
        return
    elapsed_ms = min(x.plan_ms - x.spike_last_ms, _LONGEST_STEP_MS)
    known_ms = x.spike_known_ms + elapsed_ms
    weight = expm1(-elapsed_ms / c.spike_memory_ms) / expm1(-known_ms / c.spike_memory_ms) if known_ms > 0 else 0.0
    usual = x.spike_usual
    x.spiking = x.spike_known_ms >= c.spike_warm_up_ms and volatility > c.spike_ratio * usual and usual > 0
    x.spike_usual = usual + weight * (volatility - usual)
    x.spike_known_ms, x.spike_last_ms = known_ms, x.plan_ms


@compiled
def _moved(c: Any, x: Any) -> None:
    """Mid has moved too far within a short time."""
    while x.move_count > 0 and x.plan_ms - x.recent_ms[x.move_head] > c.move_within_ms:
        x.move_head = (x.move_head + 1) % RECENT
        x.move_count -= 1
    place = (x.move_head + x.move_count) % RECENT
    x.recent_ms[place], x.recent_mid[place] = x.plan_ms, x.mid
    x.move_count += 1
    lowest = highest = x.mid
    for number in range(x.move_count):
        mid = x.recent_mid[(x.move_head + number) % RECENT]
        lowest, highest = min(lowest, mid), max(highest, mid)
    if max(x.mid / lowest, highest / x.mid) - 1 > c.move_share:
        x.move_until_ms = x.plan_ms + c.move_pause_ms


@compiled
def _say(c: Any, x: Any, heard_ms: int, share: float) -> None:
    x.leaves, x.depth_factor, x.losing_fills = 0, 1.0, 0
    if x.plan_ms - heard_ms > c.oldest_data_ms:
        x.growing = x.reducing = _STALE
        x.risk_level = _CRITICAL
        return
    lost = x.lost_today == 1 or x.drawn_down == 1
    x.growing = _first_reason(c, x, share)
    x.leaves = share >= c.leave_share or (lost and c.leave_after_loss == 1)
    x.reducing = x.growing if lost and x.leaves == 0 else NONE
    x.depth_factor = c.fade_factor if x.losses >= c.fade_at else 1.0
    x.losing_fills, x.risk_level = x.losses, _level(c, x, share, lost)


@compiled
def _level(c: Any, x: Any, share: float, lost: bool) -> int:
    """How worried the rules are."""
    if lost or share >= c.leave_share:
        return _CRITICAL
    if x.growing != NONE:
        return _HIGH
    return _MEDIUM if share >= c.both_sided_share or x.losses >= c.fade_at else _NORMAL


@compiled
def _first_reason(c: Any, x: Any, share: float) -> int:
    """Why the position may not grow."""
    if x.drawn_down == 1:
        return _DRAWDOWN
    if x.lost_today == 1:
        return _DAILY
    if x.one_sided == 1 or share >= c.leave_share:
        return _LARGE
    if x.spiking == 1:
        return _SPIKE
    if x.plan_ms < x.move_until_ms:
        return _MOVE
    return _LOSING if x.plan_ms < x.losing_until_ms else NONE
