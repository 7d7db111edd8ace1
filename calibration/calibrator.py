"""What the service knows of each coin, and one cycle: estimate, solve, publish.

A coin whose data cannot be calibrated from is said to be so and left alone: its last file stays and expires by itself.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from zlib import crc32

from calibration.estimators.shadow_quote import Timing
from calibration.fee_tier import FeeTier
from calibration.flow.calibrate import Calibration, calibrate_observed, replayed
from calibration.observation.funding import FundingRates, funding_rate
from calibration.observation.leading_quotes import FollowedLeader, HeardLeader, followed_leader
from calibration.observation.reading import ObservationReader
from calibration.publication.history import HistoryWriter
from calibration.publication.parameters import Parameters
from calibration.publication.publish import Published, Writers, hurried, parameters, solve
from calibration.refusals import Refusals
from calibration.volatility.applied import with_forecast
from calibration.volatility.model import VolatilityModel
from calibration.volatility.training import read_volatility
from market_making.market.errors import DataError, InvalidParameters, ModelError
from market_making.market.timetable import Clock
from market_making.recording.other_venues.recorded import names_among
from market_making.recording.store.presence import not_recorded
from market_making.recording.store.tick_store import TickStore
from market_making.safety.state_file import CoinState
from market_making.settings.settings import Settings

logger = logging.getLogger(__name__)

SPARE = 2.0  # reading starts this many times as early as it took before
ROWS_PER_SEGMENT = 6  # a minute of the usual period: so much is lost if the machine fails
_LEAST_READING_S = 0.2
_MEMORY = 0.8  # a reading that was slow once is expected again for a while
_REPLAY_PARTS, _LEAST_REPLAYED_S = 6, 30.0  # of all coins in a period, and none that was replayed a moment ago
_TOGETHER = 50  # coins that are solved for at once; their files are written while the next are estimated


class _Written(NamedTuple):
    """A file on its way to the disk, and what it holds."""

    future: Future[object]
    calibration: Calibration
    document: Parameters


class Calibrator:
    """The state of the service: what is known of each coin, and its last calibration.

    Parameters
    ----------
    settings : Settings
        Coins, folders, model.
    timing : Callable[[], Timing or None]
        What the bot's own record says of how long it takes; None where it says nothing.

    Attributes
    ----------
    reading_s : float
        How long it takes to read what one period brings, of all coins [s]; at first as long as it may.
    cycle_s : float
        How long the last cycle took [s].
    failures : tuple of str
        What the last cycle could not write.
    """

    def __init__(self, settings: Settings, timing: Callable[[], Timing | None] = lambda: None) -> None:
        self._recorded_timing, self._timing = timing, timing()
        self.reading_s = settings.calibration.period_s / SPARE
        self.cycle_s = 0.0
        self.failures: tuple[str, ...] = ()
        self.fee_tier = FeeTier(settings)
        self._selection, self._missing = settings.selection, settings.selection.wanted
        self._coins: list[str] = []
        self._store = store = TickStore(settings.market_data, settings.venue)
        self._reader = ObservationReader(store, (), round(settings.calibration.window_s * 1e3))
        self._funding = FundingRates(partial(funding_rate, store))
        self._previous: dict[str, Calibration] = {}
        self._refusals = Refusals()
        self._forecasts: dict[str, VolatilityModel | None] = {}
        self._histories: dict[str, HistoryWriter] = {}
        self._leaders: dict[str, FollowedLeader] = {}
        self._writers = Writers()
        self._unrecorded: dict[str, Parameters] = {}

    def read_on(self, clock: Clock, is_over: Callable[[], bool]) -> list[str]:
        """Read what is recorded by now, until the time is over; return the coins that were reached."""
        began = clock()
        self._timing = self._recorded_timing()
        self._find_coins(round(began * 1e3))
        reached = self._reader.read_on(clock, is_over)
        for coin in reached:
            self._funding.at(coin, round(began * 1e3))
        if reached:
            taken = (clock() - began) * len(self._coins) / len(reached)
            self.reading_s = max(_LEAST_READING_S, taken, self.reading_s * _MEMORY)
        missed = len(self._coins) - len(reached)
        if missed and self._previous:
            logger.warning("there was no time to read %d of %d coins in this period", missed, len(self._coins))
        return reached

    def cycle(self, now_ms: int, coins: Iterable[str] | None = None) -> int:
        """Calibrate and publish coins; if none are named, all of them, read by now.

        A part of the coins at a time, whose files are written while the next are estimated. Their rows of the histories
        wait for `record_histories`.

        Returns
        -------
        int
            How many were published.
        """
        began, self.failures = time.perf_counter(), ()
        self.record_histories()
        if coins is None:
            self._find_coins(now_ms)
            coins = self._coins
            for coin in coins:
                self._reader.read(coin, now_ms)
        named = list(coins)
        writes: dict[str, _Written] = {}
        with hurried():
            for first in range(0, len(named), _TOGETHER):
                writes |= self._start_writing(named[first : first + _TOGETHER], now_ms)
            published = self._finish_writing(writes)
        self._unrecorded = published
        self.cycle_s = time.perf_counter() - began
        logger.info("%d of %d coins calibrated", len(published), len(self._coins))
        return len(published)

    def record_histories(self) -> None:
        """Add what the last cycle has published to the histories, which nobody waits for."""
        rows = {
            coin: self._writers.start(partial(self._histories[coin].append, document))
            for coin, document in self._unrecorded.items()
        }
        self._unrecorded = {}
        for coin, future in rows.items():
            error = self._writers.outcome(future)
            if error is not None:
                self.failures += (f"the history of {coin} is not written: {error}",)
                logger.error(self.failures[-1])

    def replay_on(self, now_ms: int, is_over: Callable[[], bool]) -> None:
        """Replay shadow maker and anchor of a part of the coins, those replayed longest ago: no cycle has to."""
        waiting = sorted(self._previous, key=lambda coin: self._previous[coin].shadow.time_ms)
        for coin in waiting[: -(-len(waiting) // _REPLAY_PARTS)]:
            known = self._previous[coin]
            if is_over() or known.shadow.age_s(now_ms) < _LEAST_REPLAYED_S:
                break
            try:
                observed = self._reader.observations(coin, now_ms)
            except (DataError, ModelError):
                continue  # the cycle says why
            if observed.exposure_s > 0:
                settings = self.fee_tier.settings_of(coin)
                leader = self._leader(coin, now_ms)
                self._previous[coin] = replayed(known, observed, settings, self._timing, leader)

    def merge_histories(self, is_over: Callable[[], bool]) -> None:
        """Merge the segments of the histories that have many, as far as the time allows."""
        for coin, history in self._histories.items():
            if is_over():
                break
            try:
                history.merge()
            except (DataError, OSError) as error:
                logger.warning("the history of %s is not merged: %s", coin, error)

    def coin_states(self, now_ms: int) -> tuple[CoinState, ...]:
        """How each coin is: the age of its last calibration, and why there is no newer one."""
        return tuple(self._coin_state(coin, now_ms) for coin in (*self._coins, *self._missing))

    def close(self) -> None:
        """Write the rows of the history that are still in memory."""
        self.record_histories()
        for coin, history in self._histories.items():
            try:
                history.flush()
            except OSError as error:
                logger.error("the last rows of the history of %s are lost: %s", coin, error)
        self._writers.close()

    def _find_coins(self, now_ms: int) -> None:
        """Take in what has come to be recorded; what is not recorded keeps nothing else from being calibrated."""
        if not (self._missing or self._selection.may_grow):
            return
        settings = self.fee_tier.settings
        try:
            recorded = self._store.coins()
        except (DataError, OSError) as error:
            logger.warning("what is recorded cannot be listed: %s", error)
            return
        chosen, self._missing = self._selection.choose(
            names_among(settings.market_data, settings.venue, recorded, self._selection)
        )
        for coin in (names.key for names in chosen):
            if coin not in self._histories:
                self._coins.append(coin)
                self._reader.add(coin)
                self._forecasts[coin] = _forecast(settings, coin)
                self._histories[coin] = _history(settings, coin)
        for name in self._missing:
            self._refusals.refused(name, not_recorded(self._store.root, settings.venue, name, recorded), now_ms)

    def _leader(self, coin: str, now_ms: int) -> HeardLeader | None:
        """What is known of the market that may move first."""
        if coin not in self._leaders:
            followed = followed_leader(self._store, coin, self.fee_tier.settings)
            if followed is None:
                return None
            self._leaders[coin] = followed
        return self._leaders[coin].at(now_ms)

    def _coin_state(self, coin: str, now_ms: int) -> CoinState:
        known, refusal = self._previous.get(coin), self._refusals.of(coin)
        if known is None:
            return CoinState(coin, status="refused" if refusal else "waiting", detail=refusal)
        age_ms, quality = now_ms - known.created_ms, known.quality
        if refusal:
            return CoinState(coin, age_ms, "refused", refusal)
        return CoinState(coin, age_ms, quality.status, " ".join(quality.flags))

    def _start_writing(self, coins: Sequence[str], now_ms: int) -> dict[str, _Written]:
        """Calibrate and solve for some coins, and let their files be written meanwhile."""
        calibrations, settings = {}, {}
        for coin in coins:
            try:
                settings[coin] = self.fee_tier.settings_of(coin)
                calibrations[coin] = self._calibrate(coin, settings[coin], now_ms)
            except (DataError, ModelError) as error:
                self._refusals.refused(coin, error, now_ms)
                if coin not in self._previous:
                    self._reader.forget(coin)
        writes = {}
        solved = solve(list(calibrations.values()), [settings[coin] for coin in calibrations])
        for coin, result in zip(calibrations, solved, strict=True):
            if isinstance(result, ModelError):
                self._refusals.refused(coin, result, now_ms)
            else:
                writes[coin] = self._written(coin, result, settings[coin])
        return writes

    def _written(self, coin: str, result: Published, settings: Settings) -> _Written:
        document = parameters(coin, result, settings)
        future = self._writers.start(partial(document.write, settings.parameters))
        return _Written(future, result.calibration, document)

    def _finish_writing(self, writes: dict[str, _Written]) -> dict[str, Parameters]:
        """Wait for the files; what was published is the measure of the next change."""
        published, failures = {}, []
        for coin, written in writes.items():
            error = self._writers.outcome(written.future)
            if error is None:
                self._previous[coin] = written.calibration
                self._refusals.calibrated(coin)
                published[coin] = written.document
            else:
                failures.append(f"the parameters of {coin} are not written: {error}")
                logger.error(failures[-1])
        self.failures += tuple(failures)
        return published

    def _calibrate(self, coin: str, settings: Settings, now_ms: int) -> Calibration:
        observed = self._reader.observations(coin, now_ms)
        increments = self._reader.increments(coin)
        found = calibrate_observed(observed, increments, settings, self._previous.get(coin), now_ms, self._timing)
        found = with_forecast(found, observed.seconds, self._forecasts[coin])
        return replace(found, funding_rate=self._funding.at(coin, now_ms))


def _forecast(settings: Settings, coin: str) -> VolatilityModel | None:
    """Read the trained forecast of volatility; only the service uses one, because in a backfill it would look ahead."""
    try:
        return read_volatility(settings.parameters, coin)
    except InvalidParameters as error:
        logger.warning("no forecast of volatility for %s: %s", coin, error)
        return None


def _history(settings: Settings, coin: str) -> HistoryWriter:
    """Coins write their segments in different cycles, so that no cycle writes them all."""
    return HistoryWriter(settings.parameters, coin, ROWS_PER_SEGMENT, crc32(coin.encode()) % ROWS_PER_SEGMENT)
