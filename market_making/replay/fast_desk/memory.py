"""The memory of a pass over a tape, empty at its start."""

import numpy as np

from market_making.hyperliquid.address_limit import FREE_ACTIONS
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.readings.markouts import _START
from market_making.replay.fast_desk.layout import (
    LEVEL,
    MID,
    NONE,
    ORDER,
    OWN,
    STATE,
    WORLD,
    Arrays,
    Records,
    Run,
)
from market_making.replay.fast_desk.market import NO_ASK
from market_making.replay.result import Touch
from market_making.replay.tape.cache import SessionTape
from market_making.replay.tape.events import decimals_of
from market_making.trading.actions.governor import _BURST_MS, _HORIZON_MS, _SMALLEST_BURST

_ORDERS = 4096  # room for so many at first; it is doubled when it is full
_MARGIN = 0.01  # of the price, beyond the greatest half-spread: how far outside of all prices an order may rest


def new_run(settings: Records, tables: tuple[Records, FloatArray], tape: SessionTape, lags: IntArray) -> Run:
    """Everything of a pass over a session.

    Parameters
    ----------
    settings : array of SETTING, shape (S,)
        The settings; their ticks are filled in here.
    tables : tuple[Records, FloatArray]
        Calibrations as each group reads them, and the cells of their tables.
    tape : SessionTape
        The session.
    lags : IntArray, shape (loops, 6)
        Times of each loop [ms].
    """
    touch, settings = tape.touch(), settings.copy()
    reach = settings["maximum_bps"].max() / 1e4 + _MARGIN
    lowest = max(int(tape.lowest * (1 - reach) / tape.tick), 0)
    ticks = int(tape.highest * (1 + reach) / tape.tick) + 2 - lowest
    settings["tick"], settings["tick_scale"] = tape.tick, 10.0 ** decimals_of(tape.tick)
    settings["lowest_tick"] = lowest
    owns = np.zeros(len(settings), dtype=OWN)
    owns["side"] = NONE
    arrays = Arrays(*tables, _mids(touch), lags, np.zeros(_ORDERS, dtype=ORDER), np.zeros(ticks, dtype=LEVEL))
    return Run(settings, _states(settings), owns, _world(touch, tape), arrays)


def _world(touch: Touch, tape: SessionTape) -> Records:
    world = np.zeros(1, dtype=WORLD)
    world["start_ms"], world["end_ms"], world["fault"] = touch.time_ms[0], tape.span.end_ms, NONE
    world["bid"] = world["own_bid"] = NONE
    world["ask"] = world["own_ask"] = NO_ASK
    return world


def _mids(touch: Touch) -> Records:
    mids = np.zeros(len(touch.time_ms), dtype=MID)
    mids["time_ms"], mids["mid"] = touch.time_ms, touch.mid
    return mids


def _states(settings: Records) -> Records:
    """Bots that remember nothing."""
    states = np.zeros(len(settings), dtype=STATE)
    for name in (
        "number", "fill_ms", "calibration", "view_ms", "time_ms", "sent_ms", "day", "spike_last_ms", "aside_last_ms",
        "move_until_ms", "losing_until_ms", "growing", "reducing", "volatility", "told_order", "other_order",
    ):  # fmt: skip
        states[name] = NONE
    states["left"] = settings["most_actions"]
    states["scores"] = _START
    of_a_day = np.maximum(FREE_ACTIONS - settings["reserve"], 0.0) / _HORIZON_MS
    states["level"] = np.maximum(of_a_day * _BURST_MS, _SMALLEST_BURST)
    return states
