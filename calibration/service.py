"""The sidecar: every 15 seconds one calibration of every coin, published as a file.

Between two cycles the service reads on; a cycle estimates, solves and writes, and waits for no reading. A coin whose
data cannot be calibrated from is logged and left alone: its last file stays and expires by itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from zlib import crc32

from calibration.fee_tier import FeeTier
from calibration.flow.calibrate import Calibration, calibrate_observed
from calibration.observation.funding import FundingRates, funding_rate
from calibration.observation.reading import Intake
from calibration.publication.history import HistoryWriter
from calibration.publication.parameters import Parameters
from calibration.publication.publish import Published, Writers, parameters, solve
from calibration.volatility.applied import with_forecast
from calibration.volatility.model import VolatilityModel
from calibration.volatility.training import read_volatility
from market_making.market.errors import DataError, InvalidParameters, ModelError
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings

logger = logging.getLogger(__name__)

Clock = Callable[[], float]

_ROWS_PER_SEGMENT = 4
_SPARE = 2.0  # reading starts this many times as early as it took before
_LATEST = 1 / 3  # of a period: how long a cycle waits for coins that are not read yet
_LEAST_READING_S = 0.2
_TOLERANCE_S = 1.0
_MEMORY = 0.8  # a reading that was slow once is expected again for a while


def run_service(settings: Settings, *, stop: threading.Event, clock: Clock = time.time) -> None:
    """Calibrate all coins at every multiple of the period until `stop` is set.

    Parameters
    ----------
    settings : Settings
        Coins, folders, cadence, model.
    stop : threading.Event
        Ends the service after the coin or the cycle at hand; what was calibrated is written.
    clock : callable
        Unix time [s].
    """
    period_s = settings.calibration.period_s
    calibrator = Calibrator(settings)
    logger.info("calibrating %s every %g s into %s", ", ".join(settings.coins), period_s, settings.parameters)
    try:
        while not stop.is_set():
            calibrator.ask_fee(clock())
            due_s = (clock() // period_s + 1) * period_s
            if stop.wait(_until(due_s - _SPARE * calibrator.reading_s, clock, period_s)):
                break
            reached = calibrator.read_on(clock, partial(_is_over, stop, clock, due_s + period_s * _LATEST))
            if stop.wait(_until(due_s, clock, period_s)):
                break
            if clock() < due_s - _TOLERANCE_S:
                continue  # the clock was put back: the next cycle is due at another time
            calibrator.cycle(round(due_s * 1e3), reached)
            calibrator.merge_histories(partial(_is_over, stop, clock, due_s + 2 * period_s * _LATEST))
    finally:
        calibrator.close()
        logger.info("calibration has ended")


def _until(time_s: float, clock: Clock, most_s: float) -> float:
    """How long to wait for a time; not for longer than is ever right, if the clock was put back."""
    return min(max(0.0, time_s - clock()), most_s)


def _is_over(stop: threading.Event, clock: Clock, end_s: float) -> bool:
    return stop.is_set() or clock() >= end_s


class Calibrator:
    """The state of the service: what is known of each coin, and its last calibration.

    `reading_s` is how long it takes to read what one period brings, of all coins [s]; at first as long as it may.
    """

    def __init__(self, settings: Settings) -> None:
        self.reading_s = settings.calibration.period_s / _SPARE
        self._settings = settings
        self._fee_tier = FeeTier(settings)
        store = TickStore(settings.market_data, settings.venue)
        self._intake = Intake(store, settings.coins, round(settings.calibration.window_s * 1e3))
        self._funding = FundingRates(partial(funding_rate, store))
        self._previous: dict[str, Calibration] = {}
        self._forecasts = {coin: _forecast(settings, coin) for coin in settings.coins}
        self._histories = {coin: _history(settings, coin) for coin in settings.coins}
        self._writers = Writers()

    def ask_fee(self, now_s: float) -> None:
        """Take the maker fee from the account's tier, if that is due and wanted."""
        self._settings = self._fee_tier.applied(now_s)

    def read_on(self, clock: Clock, is_over: Callable[[], bool]) -> list[str]:
        """Read what is recorded by now, until the time is over; return the coins that were reached."""
        began = clock()
        reached = self._intake.read_on(clock, is_over)
        for coin in reached:
            self._funding.at(coin, round(began * 1e3))
        if reached:
            taken = (clock() - began) * len(self._settings.coins) / len(reached)
            self.reading_s = max(_LEAST_READING_S, taken, self.reading_s * _MEMORY)
        missed = len(self._settings.coins) - len(reached)
        if missed and self._previous:
            logger.warning("no time to read %d of %d coins in this period", missed, len(self._settings.coins))
        return reached

    def cycle(self, now_ms: int, coins: Iterable[str] | None = None) -> int:
        """Calibrate and publish coins; if none are named, all of them, read by now.

        Returns
        -------
        int
            How many were published.
        """
        if coins is None:
            coins = self._settings.coins
            for coin in coins:
                self._intake.read(coin, now_ms)
        calibrations = {}
        for coin in coins:
            try:
                calibrations[coin] = self._calibrate(coin, now_ms)
            except (DataError, ModelError) as error:
                logger.warning("%s is not calibrated: %s", coin, error)
                if coin not in self._previous:
                    self._intake.forget(coin)
        published = {}
        for coin, result in zip(calibrations, solve(list(calibrations.values()), self._settings), strict=True):
            if isinstance(result, ModelError):
                logger.warning("%s has no quotes: %s", coin, result)
            else:
                published[coin] = result
        self._publish(published)
        logger.info("%d of %d coins calibrated", len(published), len(self._settings.coins))
        return len(published)

    def merge_histories(self, is_over: Callable[[], bool]) -> None:
        """Merge the segments of the histories that have many, as far as the time allows."""
        for coin, history in self._histories.items():
            if is_over():
                break
            try:
                history.merge()
            except (DataError, OSError) as error:
                logger.warning("the history of %s is not merged: %s", coin, error)

    def close(self) -> None:
        """Write the rows of the history that are still in memory."""
        for coin, history in self._histories.items():
            try:
                history.flush()
            except OSError as error:
                logger.error("the last rows of the history of %s are lost: %s", coin, error)
        self._writers.close()

    def _calibrate(self, coin: str, now_ms: int) -> Calibration:
        observed = self._intake.observations(coin, now_ms)
        increments = self._intake.increments(coin)
        found = calibrate_observed(observed, increments, self._settings, self._previous.get(coin), now_ms)
        found = with_forecast(found, observed.seconds, self._forecasts[coin])
        return replace(found, funding_rate=self._funding.at(coin, now_ms))

    def _publish(self, published: dict[str, Published]) -> None:
        writes = (
            partial(self._write, coin, parameters(coin, it, self._settings), it.calibration)
            for coin, it in published.items()
        )
        for coin, error in zip(published, self._writers.together(writes), strict=True):
            if error is not None:
                logger.error("what is known of %s is not all written: %s", coin, error)

    def _write(self, coin: str, document: Parameters, calibration: Calibration) -> None:
        """Publish one coin; what was published is the measure of the next change, and a row of the history."""
        document.write(self._settings.parameters)
        self._previous[coin] = calibration
        self._histories[coin].append(calibration)


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
