"""Calibrations of the past: one at a time, or a history of them that knows no more than the service would have."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from calibration.estimators.shadow_quote import Timing
from calibration.fee_tier import FeeTier
from calibration.flow.calibrate import Calibration, calibrate_observed, replayed
from calibration.observation.funding import FundingHistory, funding_rate
from calibration.observation.increments import FollowedIncrements, infer_increments
from calibration.observation.leading_quotes import followed_leader
from calibration.observation.observations import observe
from calibration.observation.rolling import LEAD_MS, known_until, observe_window
from calibration.publication.history import HistoryWriter
from calibration.publication.parameters import Parameters
from calibration.publication.publish import parameters, solve
from market_making.market.clock import utc_text
from market_making.market.errors import DataError, ModelError, NotEnoughData
from market_making.market.tape import FloatArray, QuoteTape, Tape
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings

_CHUNK_MS = 4 * 3_600_000
_BACKFILL_ROWS = 5_000
_NOTHING: FloatArray = np.zeros(0)

logger = logging.getLogger(__name__)


class Backfilled(NamedTuple):
    """How many rows were written for how many times, and why the last of the others has none; empty if all have."""

    rows: int
    times: int
    refusal: str


def calibrate_once(coin: str, at_ms: int, settings: Settings, timing: Timing | None = None) -> Parameters:
    """Calibrate one coin from the events up to a time and publish it as of that time.

    `timing` is what the bot's own record says of it.

    Raises
    ------
    DataError, ModelError
        If there is too little data, or no quotes follow from it.
    """
    settings = FeeTier(settings).settings_of(coin)
    store = TickStore(settings.market_data, settings.venue)
    start_ms = at_ms - round(settings.calibration.window_s * 1e3)
    tape = store.tape(coin, start_ms, at_ms)
    if len(tape.quotes.time_ms) == 0:
        raise NotEnoughData(f"0 quotes and {len(tape.trades.time_ms)} trades of {coin} in {_span(start_ms, at_ms)}")
    increments = infer_increments(tape.quotes)
    observed = observe_window(partial(store.tape, coin), increments.tick, start_ms, at_ms)
    try:
        calibration = calibrate_observed(observed, increments, settings, now_ms=at_ms, timing=timing)
    except NotEnoughData as error:
        raise NotEnoughData(f"{coin}: {error}") from None
    leader = followed_leader(store, coin, settings)
    if leader is not None:
        calibration = replayed(calibration, observed, settings, timing, leader.at(at_ms))
    calibration = replace(calibration, funding_rate=funding_rate(store, coin, at_ms))
    result = solve([calibration], [settings])[0]
    if isinstance(result, ModelError):
        raise result
    document = parameters(coin, result, settings)
    document.write(settings.parameters)
    return document


def backfill(
    coin: str,
    settings: Settings,
    *,
    start_ms: int,
    end_ms: int,
    every_s: float = 15.0,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Backfilled:
    """Write the history the service would have written; each row knows only what came before it.

    Times without enough data have no row.

    Parameters
    ----------
    coin : str
        The venue's name.
    settings : Settings
        Folders, window, model.
    start_ms, end_ms : int
        Rows are at the multiples of `every_s` between them.
    every_s : float
        Time between rows [s].
    on_progress : callable
        Told the share that is done.

    Raises
    ------
    NotEnoughData
        If there is no row at all: why the last time had none.
    """
    settings = FeeTier(settings).settings_of(coin)
    store = TickStore(settings.market_data, settings.venue)
    writer = HistoryWriter(settings.parameters, coin, _BACKFILL_ROWS)
    step_ms, window_ms = round(every_s * 1e3), round(settings.calibration.window_s * 1e3)
    times = range(-(-start_ms // step_ms) * step_ms, end_ms + 1, step_ms)
    per_chunk = max(1, _CHUNK_MS // step_ms)
    rows, previous, refusal = 0, None, ""
    for first in range(0, len(times), per_chunk):
        chunk = times[first : first + per_chunk]
        tape = store.tape(coin, chunk[0] - window_ms - LEAD_MS, chunk[-1])
        found = []
        for result in walk_forward(tape, chunk, settings, previous):
            if isinstance(result, NotEnoughData):
                refusal = str(result)
            else:
                previous = result
                found.append(result)
        for solved in solve(_with_funding(found, store, coin), [settings] * len(found)):
            if isinstance(solved, ModelError):
                refusal = str(solved)
            else:
                writer.append(parameters(coin, solved, settings))
                rows += 1
        on_progress((first + len(chunk)) / len(times))
    writer.flush()
    writer.merge()
    if rows == 0:
        nothing = f"no multiple of {every_s:g} s in {_span(start_ms, end_ms)}"
        raise NotEnoughData(f"{coin}: {refusal or nothing}")
    return Backfilled(rows, len(times), refusal)


def walk_forward(
    tape: Tape, times: Iterable[int], settings: Settings, previous: Calibration | None
) -> Iterator[Calibration | NotEnoughData]:
    """Calibrate at each time from what had come before it, or say why that is not possible."""
    if len(tape.quotes.time_ms) == 0:
        yield NotEnoughData(f"0 quotes and {len(tape.trades.time_ms)} trades in {_span(tape.start_ms, tape.end_ms)}")
        return
    increments = FollowedIncrements(partial(_quotes, tape))
    known, tick, window_ms = None, None, round(settings.calibration.window_s * 1e3)
    for now_ms in times:
        start_ms = now_ms - window_ms
        mid = known.between(start_ms, now_ms).seconds.mid if known else _NOTHING
        try:
            steps = increments.follow(mid, start_ms, now_ms)
            if known is None or steps.tick != tick:
                known, tick = observe(tape, steps.tick), steps.tick
            seen = known.as_known_at(start_ms, known_until(tape, now_ms))
            previous = calibrate_observed(seen, steps, settings, previous, now_ms)
        except NotEnoughData as error:
            yield error
            if previous is None:
                increments.forget()
        else:
            yield previous


def _with_funding(found: list[Calibration], store: TickStore, coin: str) -> list[Calibration]:
    """Calibrations with the rate announced by then; as in the service, 0 where what was announced cannot be read."""
    if not found:
        return found
    try:
        funding = FundingHistory(store, coin, found[0].created_ms, found[-1].created_ms)
    except DataError as error:
        logger.warning("the funding of %s is taken to be 0: %s", coin, error)
        return found
    return [replace(one, funding_rate=funding.at(one.created_ms)) for one in found]


def _quotes(tape: Tape, start_ms: int, end_ms: int) -> QuoteTape:
    first, last = np.searchsorted(tape.quotes.time_ms, [start_ms, end_ms], side="right")
    bid_price, bid_size, ask_price, ask_size = (column[first:last] for column in tape.quotes[1:])
    return QuoteTape(tape.quotes.time_ms[first:last], bid_price, bid_size, ask_price, ask_size)


def _span(start_ms: int, end_ms: int) -> str:
    return f"{utc_text(start_ms)} to {utc_text(end_ms)}"
