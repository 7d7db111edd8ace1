"""The action budgets of `market_making.trading.actions`, on the numbers of one setting."""

from typing import Any

from market_making.hyperliquid.address_limit import FREE_ACTIONS
from market_making.market.reasons import Reason
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import NONE, REASON
from market_making.trading.actions.budget import CANCEL_ACTIONS
from market_making.trading.actions.governor import (
    _BURST_MS,
    _EARNED_SHARE,
    _HORIZON_MS,
    _RECOVERY_MS,
    _RECOVERY_WITHOUT_MS,
    _RELIEF_MS,
    _SMALLEST_BURST,
    _WIDEST,
)

_SPENT, _RESERVED = REASON[Reason.ACTIONS_SPENT], REASON[Reason.ACTIONS_RESERVED]


@compiled
def left(c: Any, x: Any, now_ms: int) -> float:
    """Actions left of the minute's bucket."""
    if x.time_ms >= 0:
        x.left = min(c.most_actions, x.left + max(now_ms - x.time_ms, 0) * c.per_ms)
    x.time_ms = now_ms
    return float(x.left)


@compiled
def spend(c: Any, x: Any, actions: int, now_ms: int) -> None:
    """Actions are asked for."""
    x.left = max(left(c, x, now_ms) - actions, -c.most_actions)


@compiled
def sent(c: Any, x: Any, actions: int, now_ms: int) -> None:
    """Actions have gone to the exchange."""
    if c.governed == 1:
        _fill(c, x, now_ms)
        x.sent_ms = now_ms
        x.sent_since += actions
        x.level = max(x.level - actions, 0.0)


@compiled
def earned(c: Any, x: Any, value: float, now_ms: int) -> None:
    """A fill of this value is seen [USDC]."""
    if c.governed == 1:
        _fill(c, x, now_ms)
        x.earned_since += value
        x.level = min(x.level + _EARNED_SHARE * value, capacity(c, x))


@compiled
def capacity(c: Any, x: Any) -> float:
    """The most that the second bucket holds."""
    return max(_per_ms_of_day(c, x) * _BURST_MS, _SMALLEST_BURST)


@compiled
def stand(c: Any, x: Any, now_ms: int, flat: bool) -> None:
    """What may be done now: `saving`, `opening`, `placing` and the factors of patience."""
    x.saving, x.opening, x.placing = 0, NONE, NONE
    x.tolerance_factor = x.life_factor = 1.0
    if c.governed == 0:
        x.saving = left(c, x, now_ms) < c.entry_actions + CANCEL_ACTIONS
        x.opening = _SPENT if x.saving == 1 else NONE
        return
    _fill(c, x, now_ms)
    share = x.level / capacity(c, x)
    if share < 0.5:
        x.tolerance_factor = x.life_factor = 1.0 + (_WIDEST - 1.0) * (1.0 - 2.0 * share)
    least = c.entry_actions + CANCEL_ACTIONS
    if _left_of_limit(x) > c.reserve:
        if left(c, x, now_ms) < least or x.level < least:
            x.saving, x.opening = 1, _SPENT
        return
    x.saving = 1
    x.opening = NONE if flat and _may_recover(x, now_ms) else _RESERVED
    x.placing = NONE if _may_open(x, now_ms) else _SPENT


@compiled
def _fill(c: Any, x: Any, now_ms: int) -> None:
    x.level += max(now_ms - x.level_ms, 0) * _per_ms_of_day(c, x)
    x.level = min(x.level, capacity(c, x))
    x.level_ms = now_ms


@compiled
def _left_of_limit(x: Any) -> float:
    return float(FREE_ACTIONS - x.sent_since + x.earned_since)


@compiled
def _per_ms_of_day(c: Any, x: Any) -> float:
    return float(max(_left_of_limit(x) - c.reserve, 0.0) / _HORIZON_MS)


@compiled
def _may_recover(x: Any, now_ms: int) -> bool:
    pause_ms = _RECOVERY_MS if _left_of_limit(x) > 0 else _RECOVERY_WITHOUT_MS
    return bool(x.sent_ms < 0 or now_ms - x.sent_ms >= pause_ms)


@compiled
def _may_open(x: Any, now_ms: int) -> bool:
    return bool(_left_of_limit(x) > 0 or x.sent_ms < 0 or now_ms - x.sent_ms >= _RELIEF_MS)
