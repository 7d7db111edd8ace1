"""The desk of a bot in a backtest: it reads the history of each pair, and plans candle by candle."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from calibration.candles.history import days_from_candles
from calibration.publication.history import FOLDER, read_history
from market_making.market.errors import MarketMakingError, NotEnoughData
from market_making.market.instrument import Instrument
from market_making.market.tape import IntArray
from market_making.quoting.quote import Quoter
from market_making.settings.settings import Settings
from market_making.trading.desk import Desk
from market_making.trading.holding import Holding
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.past.planner import CandleOpen, CandlePlanner, CandleTrack, OpeningPlan
from market_making.trading.rules import QuotingRules

logger = logging.getLogger(__name__)

_ENOUGH_COVERED = 0.95


class BacktestDesk:
    """The desk of a bot in a backtest, where plans are made candle by candle instead of loop by loop."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk = desk
        self._settings = settings
        self._planners: dict[str, CandlePlanner] = {}
        self._tracks: dict[str, CandleTrack] = {}
        self._filled_ms: dict[str, int] = {}

    def opening_plans(
        self,
        instrument: Instrument,
        rules: QuotingRules,
        model: Callable[[float], Quoter],
        opens: Sequence[CandleOpen],
        charged: float | None = None,
    ) -> Iterator[OpeningPlan]:
        """What would be quoted at each open if nothing were held; reads the history for it.

        Parameters
        ----------
        instrument : Instrument
            The pair.
        rules : QuotingRules
            Of its quotes.
        model : Callable[[float], Quoter]
            The quoting model with a maker fee.
        opens : Sequence[CandleOpen]
            The candles.
        charged : float or None
            The fee that the backtest takes off, if it is known; a warning says once where quotes reckon with another.

        Raises
        ------
        NotEnoughData
            If there is no calibration in that period.
        """
        known, is_first = self._planners.get(instrument.pair), instrument.pair not in self._planners
        if known is None:
            period_ms = (opens[0].time_ms, opens[-1].time_ms)
            known = self._planners[instrument.pair] = read_candle_planner(self._settings, instrument, rules, period_ms)
            _tell_coverage(known, np.array([candle.time_ms for candle in opens], dtype=np.int64))
        past = replace(known, rules=replace(rules, role=rules.role.alone))
        track = self._tracks[instrument.pair] = CandleTrack(past, opens, model)
        if is_first:
            _tell_fees(instrument.pair, track.fees, charged)
        return track.opening_plans()

    def filled(self, pair: str, time_ms: int) -> None:
        """Note a fill within the candle that opened at this time [ms]."""
        self._filled_ms[pair] = time_ms

    def has_filled(self, pair: str, time_ms: int) -> bool:
        """Whether an order has filled since the candle opened; nobody knows what came after it within the candle."""
        return self._filled_ms.get(pair) == time_ms

    def open(self, pair: str, time_ms: int, holding: Holding) -> None:
        """Make the plan of the candle that opens now, unless it exists; without a calibration there is none."""
        planner = self._desk.planner(pair)
        if planner is not None and planner.now_ms == time_ms:
            return
        try:
            self._desk.open(pair, self._tracks[pair].inputs(time_ms), holding)
        except MarketMakingError as error:
            self._desk.withhold(pair, error.because, time_ms)


def _tell_coverage(planner: CandlePlanner, times_ms: IntArray) -> None:
    """Log how many candles have a calibration; a candle without one is not a quiet market."""
    usable, missing, stale, bad = planner.calibrations.coverage(times_ms, planner.valid_for_ms)
    enough = usable >= _ENOUGH_COVERED * len(times_ms)
    logger.log(
        logging.INFO if enough else logging.WARNING,
        "%d of %d candles of %s have a calibration to quote from%s; %d have none before them, %d one older than %g s, "
        "%d a bad one",
        usable,
        len(times_ms),
        planner.instrument.pair,
        "" if enough else ", the others are not traded: is the history as dense as the candles?",
        missing,
        stale,
        planner.valid_for_ms / 1e3,
        bad,
    )


def _tell_fees(pair: str, fees: Sequence[float], charged: float | None) -> None:
    """Log the maker fees that quotes reckon with where Freqtrade charges another one."""
    if charged is None or all(fee == charged for fee in fees):
        return
    told = " and ".join(f"{1e4 * fee:g}" for fee in fees)
    logger.warning(
        "%s is quoted with a maker fee of %s bps, as it was calibrated, but this backtest charges %g bps; "
        "`--fee %g` charges the same",
        pair,
        told,
        1e4 * charged,
        fees[-1],
    )


def read_candle_planner(
    settings: Settings, instrument: Instrument, rules: QuotingRules, period_ms: tuple[int, int]
) -> CandlePlanner:
    """Read the history of one coin for a period, its first and last time [ms].

    Raises
    ------
    NotEnoughData
        If there is no calibration in that period.
    """
    valid_for_ms = settings.calibration.valid_for_s * 1e3
    history = read_history(settings.parameters, instrument.coin, period_ms[0] - int(valid_for_ms), period_ms[1])
    if len(history) == 0:
        raise NotEnoughData(
            f"0 calibrations of {instrument.coin} in {settings.parameters / FOLDER} for the period of the backtest, "
            f'need 1 per candle; "mm calibrate --backfill --coin {instrument.coin} …" makes them from recorded data'
        )
    guessed = days_from_candles(settings.parameters, instrument.coin, period_ms)
    if guessed:
        logger.warning(
            "%d days of the history of %s are guessed from candles: this backtest is no evidence of profit",
            len(guessed),
            instrument.coin,
        )
    calibrations = Calibrations(history)
    return CandlePlanner(instrument, calibrations, rules, settings.model, valid_for_ms, settings.has_own_fee)
