"""The sidecar: every 10 seconds one calibration of every coin, published as a file.

Between two cycles the service reads on; a cycle estimates, solves and writes, and waits for no reading. What is done
when is a timetable of the package `schedule`: reading, cycle, histories, fee tier, state file.
"""

import logging
import threading
import time
from collections.abc import Callable

from calibration.calibrator import SPARE, Calibrator
from calibration.estimators.shadow_quote import Timing
from market_making.market.timetable import Clock, Timetable
from market_making.safety.claim import claimed, require_writable
from market_making.safety.sidecar_report import SidecarReport
from market_making.settings.settings import Settings

logger = logging.getLogger(__name__)

_KIND = "calibrator"
_LATEST = 1 / 3  # of a period: how long a cycle waits for coins that are not read yet
_TOLERANCE_S = 1.0
_REPORTED_EVERY_S = 5.0


def run_service(
    settings: Settings,
    *,
    stop: threading.Event,
    clock: Clock = time.time,
    timing: Callable[[], Timing | None] = lambda: None,
) -> None:
    """Calibrate all coins at every multiple of the period until `stop` is set.

    Parameters
    ----------
    settings : Settings
        Coins, folders, cadence, model.
    stop : threading.Event
        Ends the service after the coin or the cycle at hand; what was calibrated is written.
    clock : callable
        Unix time [s].
    timing : Callable[[], Timing or None]
        What the bot's own record says of how long it takes.

    Raises
    ------
    ConfigurationError
        If a folder cannot be written, or another calibrator works on the folder of the parameters.
    """
    for folder in (settings.parameters, settings.state):
        require_writable(folder)
    with claimed(settings.parameters, _KIND):
        logger.info(
            "calibrating %s every %g s into %s",
            ", ".join(settings.selection.wanted),
            settings.calibration.period_s,
            settings.parameters,
        )
        _Service(settings, stop, clock, timing).run()
        logger.info("calibration has ended")


class _Service:
    """The jobs of the service, and what one leaves for the next: the coins that were read, and for which cycle."""

    def __init__(
        self, settings: Settings, stop: threading.Event, clock: Clock, timing: Callable[[], Timing | None]
    ) -> None:
        self._stop = stop
        self._clock = clock
        self._period_s = settings.calibration.period_s
        self._calibrator = Calibrator(settings, timing)
        self._report = SidecarReport(settings.state, _KIND, settings.venue)
        self._reached: list[str] = []
        self._read_for_ms = 0
        self._published = 0
        self._timetable = timetable = Timetable(clock)
        every = timetable.every
        # Of jobs that are due together the first runs first: a cycle before the reading for the next one.
        self._cycle = every(self._period_s).seconds.do(self._publish)
        self._merging = every(self._period_s).seconds.do(self._merge)
        self._reading = every(self._period_s).seconds.ahead(lambda: SPARE * self._calibrator.reading_s).do(self._read)
        every(_REPORTED_EVERY_S).seconds.do(self._tell)

    def run(self) -> None:
        """Do what is due until the end."""
        try:
            self._calibrator.fee_tier.keep_asking(self._timetable)
            self._tell()
            while not self._stop.is_set():
                self._timetable.run_pending()
                self._stop.wait(self._timetable.wait_s)
        finally:
            self._calibrator.close()
        self._report.end()

    def _read(self) -> None:
        due_s = self._reading.due_ms / 1e3
        self._reached = self._calibrator.read_on(self._clock, lambda: self._is_over(due_s + self._period_s * _LATEST))
        self._read_for_ms = self._reading.due_ms

    def _publish(self) -> None:
        """Calibrate what was read for this cycle; if a jump of the clock has come between, there is nothing."""
        due_ms = self._cycle.due_ms
        is_early = self._clock() < due_ms / 1e3 - _TOLERANCE_S
        if self._read_for_ms == due_ms and not is_early and not self._stop.is_set():
            self._published = self._calibrator.cycle(due_ms, self._reached)
            self._tell()

    def _merge(self) -> None:
        """Record, replay and merge what no cycle should wait for."""
        due_s = self._merging.due_ms / 1e3
        self._calibrator.record_histories()
        self._calibrator.replay_on(self._merging.due_ms, lambda: self._is_over(due_s + self._period_s * _LATEST))
        self._calibrator.merge_histories(lambda: self._is_over(due_s + 2 * self._period_s * _LATEST))

    def _tell(self) -> None:
        coins = self._calibrator.coin_states(round(self._clock() * 1e3))
        cycle_ms = self._calibrator.cycle_s * 1e3
        figures = {
            "coins": float(len(coins)),
            "published": float(self._published),
            "period_s": self._period_s,
            "reading_s": self._calibrator.reading_s,
            "cycle_ms": cycle_ms,
            "maker_fee_bps": 1e4 * self._calibrator.fee_tier.settings.model.maker_fee,
        }
        self._report.write(coins, figures, self._calibrator.failures, cycle_ms)

    def _is_over(self, end_s: float) -> bool:
        return self._stop.is_set() or self._clock() >= end_s
