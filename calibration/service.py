"""The sidecar: every 15 s one calibration of every coin, published as a file; also one at a time, or a history of them.

A coin whose data cannot be calibrated from is logged and left alone: its last file stays and expires by itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from zlib import crc32

import schedule

from calibration.calibrate import Calibration, calibrate_observed
from calibration.funding import FundingRates, funding_rate
from calibration.history import HistoryWriter
from calibration.increments import Increments, infer_increments
from calibration.live import LEAD_MS, LiveObservations, known_until, observe_window
from calibration.observations import Observations, observe
from calibration.parameters import Parameters
from calibration.publish import Published, parameters, solve, together, write_all
from calibration.settings import Settings
from calibration.volatility_forecast import with_forecast
from calibration.volatility_training import read_volatility
from market.errors import DataError, InvalidParameters, ModelError, NotEnoughData
from market.store.tick_store import TickStore
from market.tape import Tape
from quoting.volatility_forecast import VolatilityModel

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

READ_AHEAD_S = 4.0
_CHUNK_MS = 4 * 3_600_000
_ROWS_PER_SEGMENT = 4
_BACKFILL_ROWS = 5_000


def run_service(settings: Settings, *, stop: threading.Event, clock: Clock = time.time) -> None:
    """Calibrate all coins at every multiple of the period until `stop` is set.

    Parameters
    ----------
    settings : Settings
        Coins, folders, cadence, model.
    stop : threading.Event
        Ends the service after the coin at hand; what was calibrated is written.
    clock : callable
        Unix time [s].
    """
    period_s = settings.calibration.period_s
    calibrator = Calibrator(settings)
    scheduler = schedule.Scheduler()
    job = scheduler.every().second.do(lambda: calibrator.cycle(_multiple(clock(), period_s)))
    logger.info("calibrating %s every %g s into %s", ", ".join(settings.coins), period_s, settings.parameters)
    ahead_s = min(READ_AHEAD_S, period_s / 3)
    try:
        while not stop.is_set():
            # The library counts from the end of a run, which drifts; multiples of the period do not.
            due_s = (clock() // period_s + 1) * period_s
            job.next_run = datetime.now()
            if not stop.wait(max(0.0, due_s - ahead_s - clock())):
                calibrator.read_ahead(clock, due_s)
            if not stop.wait(max(0.0, due_s - clock())):
                scheduler.run_pending()
    finally:
        calibrator.close()
        logger.info("calibration has ended")


def _multiple(now_s: float, period_s: float) -> int:
    return round(now_s // period_s * period_s * 1e3)


class Calibrator:
    """The state of the service: what is known of each coin, and its last calibration."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = TickStore(settings.market_data, settings.venue)
        self._funding = FundingRates(partial(funding_rate, self._store))
        self._increments: dict[str, Increments] = {}
        self._live: dict[str, LiveObservations] = {}
        self._previous: dict[str, Calibration] = {}
        self._forecasts = {coin: _forecast(settings, coin) for coin in settings.coins}
        self._histories = {coin: _history(settings, coin) for coin in settings.coins}

    def cycle(self, now_ms: int) -> int:
        """Calibrate and publish every coin; return how many were published."""
        calibrations = {}
        for coin in self._settings.coins:
            try:
                calibrations[coin] = self._calibrate(coin, now_ms)
            except (DataError, ModelError) as error:
                logger.warning("%s is not calibrated: %s", coin, error)
                if coin not in self._previous:
                    self._live.pop(coin, None)  # its tick was told from too few quotes to be kept
        published = {}
        for coin, result in zip(calibrations, solve(list(calibrations.values()), self._settings), strict=True):
            if isinstance(result, ModelError):
                logger.warning("%s has no quotes: %s", coin, result)
            else:
                published[coin] = result
        self._publish(published)
        logger.info("%d of %d coins calibrated", len(published), len(self._settings.coins))
        return len(published)

    def read_ahead(self, clock: Clock, until_s: float) -> int:
        """Take in what is recorded by now, coin by coin, until a time [s]; return how many coins were reached.

        The cycle that follows finds only what was recorded since. What is amiss with a coin is left to it to tell.
        """
        reached = 0
        for coin in self._settings.coins:
            now_s = clock()
            if now_s >= until_s:
                break
            with suppress(DataError, ModelError):
                self._observations(coin, round(now_s * 1e3)).at(round(now_s * 1e3))
            reached += 1
        return reached

    def close(self) -> None:
        """Write the rows of the history that are still in memory."""
        for history in self._histories.values():
            history.flush()

    def _calibrate(self, coin: str, now_ms: int) -> Calibration:
        observed = self._observations(coin, now_ms).at(now_ms)
        _require_fresh(coin, observed, now_ms, self._settings.calibration.maximum_data_age_s)
        found = calibrate_observed(observed, self._increments[coin], self._settings, self._previous.get(coin), now_ms)
        found = with_forecast(found, observed.seconds, self._forecasts[coin])
        return replace(found, funding_rate=self._funding.at(coin, now_ms))

    def _observations(self, coin: str, now_ms: int) -> LiveObservations:
        """Observations of a coin; its tick and lot are told by the first window with quotes."""
        if coin not in self._live:
            window_ms = round(self._settings.calibration.window_s * 1e3)
            quotes = self._store.tape(coin, now_ms - window_ms, now_ms).quotes
            self._increments[coin] = infer_increments(quotes)
            source = partial(self._store.tape, coin)
            self._live[coin] = LiveObservations(source, self._increments[coin].tick, window_ms)
        return self._live[coin]

    def _publish(self, published: dict[str, Published]) -> None:
        documents = [parameters(coin, result, self._settings) for coin, result in published.items()]
        write_all(documents, self._settings.parameters)
        for coin, result in published.items():
            self._previous[coin] = result.calibration
        together([partial(self._histories[coin].append, result.calibration) for coin, result in published.items()])


def calibrate_once(coin: str, at_ms: int, settings: Settings) -> Parameters:
    """Calibrate one coin from the events up to a time and publish it as of that time.

    Raises
    ------
    DataError, ModelError
        If there is too little data, or no quotes follow from it.
    """
    store = TickStore(settings.market_data, settings.venue)
    start_ms = at_ms - round(settings.calibration.window_s * 1e3)
    tape = store.tape(coin, start_ms, at_ms)
    if len(tape.quotes.time_ms) == 0:
        raise NotEnoughData(f"0 quotes and {len(tape.trades.time_ms)} trades of {coin} in {_span(start_ms, at_ms)}")
    increments = infer_increments(tape.quotes)
    observed = observe_window(partial(store.tape, coin), increments.tick, start_ms, at_ms)
    try:
        calibration = calibrate_observed(observed, increments, settings, now_ms=at_ms)
    except NotEnoughData as error:
        raise NotEnoughData(f"{coin}: {error}") from None
    calibration = replace(calibration, funding_rate=funding_rate(store, coin, at_ms))
    result = solve([calibration], settings)[0]
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
) -> int:
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

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    NotEnoughData
        If there is no row at all: why the last time had none.
    """
    store = TickStore(settings.market_data, settings.venue)
    writer = HistoryWriter(settings.parameters, coin, _BACKFILL_ROWS)
    step_ms, window_ms = round(every_s * 1e3), round(settings.calibration.window_s * 1e3)
    times = range(-(-start_ms // step_ms) * step_ms, end_ms + 1, step_ms)
    per_chunk = max(1, _CHUNK_MS // step_ms)
    rows, previous, refusal = 0, None, NotEnoughData(f"no multiple of {every_s:g} s in {_span(start_ms, end_ms)}")
    for first in range(0, len(times), per_chunk):
        chunk = times[first : first + per_chunk]
        tape = store.tape(coin, chunk[0] - window_ms - LEAD_MS, chunk[-1])
        for result in _walk_forward(tape, chunk, settings, previous):
            if isinstance(result, NotEnoughData):
                refusal = result
                continue
            previous = result
            writer.append(result)
            rows += 1
        on_progress((first + len(chunk)) / len(times))
    writer.flush()
    if rows == 0:
        raise NotEnoughData(f"{coin}: {refusal}")
    return rows


def _walk_forward(
    tape: Tape, times: Iterable[int], settings: Settings, previous: Calibration | None
) -> Iterator[Calibration | NotEnoughData]:
    """Calibrate at each time from what had come before it, or say why that is not possible."""
    if len(tape.quotes.time_ms) == 0:
        yield NotEnoughData(f"0 quotes and {len(tape.trades.time_ms)} trades in {_span(tape.start_ms, tape.end_ms)}")
        return
    increments = infer_increments(tape.quotes)
    known = observe(tape, increments.tick)
    for now_ms in times:
        start_ms = now_ms - round(settings.calibration.window_s * 1e3)
        seen = known.as_known_at(start_ms, known_until(tape, now_ms))
        try:
            previous = calibrate_observed(seen, increments, settings, previous, now_ms)
        except NotEnoughData as error:
            yield error
        else:
            yield previous


def _require_fresh(coin: str, observed: Observations, now_ms: int, limit_s: float) -> None:
    """Refuse a window whose end was not observed: the collector has stopped, or the venue has.

    Raises
    ------
    NotEnoughData
        With the age of the newest quote.
    """
    seconds = observed.seconds
    seen = seconds.observed.nonzero()[0]
    if len(seen) == 0:
        raise NotEnoughData(f"0 quotes of {coin} in {_span(observed.start_ms, observed.end_ms)}")
    age_s = now_ms / 1e3 - (seconds.start_s + int(seen[-1]) + 1)
    if age_s > limit_s:
        raise NotEnoughData(
            f"the newest quote of {coin} is {age_s:.0f} s old, limit {limit_s:.0f} s; is the collector running?"
        )


def _forecast(settings: Settings, coin: str) -> VolatilityModel | None:
    """Read the trained forecast of volatility; only the service uses one, because in a backfill it would look ahead."""
    try:
        return read_volatility(settings.parameters, coin)
    except InvalidParameters as error:
        logger.warning("no forecast of volatility for %s: %s", coin, error)
        return None


def _history(settings: Settings, coin: str) -> HistoryWriter:
    """Coins write their segments in different cycles, so that no cycle writes them all."""
    return HistoryWriter(settings.parameters, coin, _ROWS_PER_SEGMENT, crc32(coin.encode()) % _ROWS_PER_SEGMENT)


def _span(start_ms: int, end_ms: int) -> str:
    first, last = (datetime.fromtimestamp(t / 1e3, UTC).isoformat(timespec="seconds") for t in (start_ms, end_ms))
    return f"{first} to {last}"
