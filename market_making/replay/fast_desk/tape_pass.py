"""The pass over one file of a tape: rows and settings in the order of time."""

from typing import Any

from market_making.replay.fast_desk.bot import NEVER, begin, step
from market_making.replay.fast_desk.compiled import compiled, entered
from market_making.replay.fast_desk.layout import ALONE, FULL, NONE, UNDRAWN, Run
from market_making.replay.fast_desk.legs import hear
from market_making.replay.fast_desk.market import SLEPT, play
from market_making.replay.tape.events import NS_PER_MS

_AFTER_NS = NS_PER_MS // 2  # within the millisecond: everything stamped with it has happened


@entered
def begin_all(run: Run, phase_ms: int) -> None:
    """Let all settings begin their first loop."""
    w = run.world[0]
    for s in range(len(run.states)):
        x = run.states[s]
        x.start_ms = w.start_ms + phase_ms + run.settings[s].apart_ms
        begin(w, x, run.arrays.lags, x.start_ms)


@entered
def go_on(run: Run, rows: Any, until_ms: int) -> None:
    """Take the rows of a file in and let every setting act up to and with a time [ms], or until something is full.

    Parameters
    ----------
    run : Run
        Settings, market, where it has come to.
    rows : EventArray
        The file.
    until_ms : int
        Its end [ms]; what happens later needs the next one.
    """
    w, a, settings, states, owns = run.world[0], run.arrays, run.settings, run.states, run.owns
    next_ms = _next_ms(run)
    while _has_room(run):
        is_later = next_ms > until_ms
        limit_ns = (until_ms if is_later else next_ms) * NS_PER_MS + _AFTER_NS
        woken_ms = play(run, rows, limit_ns)
        if is_later and woken_ms == 0:
            return
        reached_ms = next_ms if woken_ms == 0 else min(next_ms, woken_ms)
        next_ms = NEVER
        for s in range(len(states)):
            x = states[s]
            if x.next_ms <= reached_ms and _has_its_turn(settings[s], x, states):
                step(w, settings[s], x, owns[s], a)
            next_ms = min(next_ms, x.next_ms)


@compiled
def _has_room(run: Run) -> bool:
    """Whether every setting may go on by a step; else it is noted what there is too little of."""
    w = run.world[0]
    if w.orders + len(run.states) > len(run.arrays.orders):
        w.fault = FULL
    if 1 < len(run.arrays.lags) <= w.drawn:
        w.fault = UNDRAWN
    return bool(w.fault == NONE)


@compiled
def _has_its_turn(c: Any, x: Any, states: Any) -> bool:
    """Whether a setting is the first of its legs, and has heard the other one."""
    if c.leg == ALONE:
        return True
    y = states[c.other]
    if y.next_ms <= x.next_ms and _rank(y) < _rank(x):
        return False
    hear(x, y)
    return True


@compiled
def _rank(x: Any) -> tuple[int, int, int]:
    """Which of two legs goes on first, as `market_making.replay.bot.run.drive` has it."""
    return x.wanted_ms, 1 if x.phase == SLEPT else 0, x.turn


@compiled
def _next_ms(run: Run) -> int:
    """When the first of all settings is to go on [ms]."""
    next_ms = NEVER
    for s in range(len(run.states)):
        next_ms = min(next_ms, run.states[s].next_ms)
    return next_ms
