"""Plans at the open of a candle, from the calibration published before it: for candle backtests and hyperopt.

Nothing looks ahead: the calibration is the newest one created up to the open, and the market is a book of the
calibrated half-spread around the close of the candle before.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from calibration.candles.history import days_from_candles
from calibration.publication.history import FOLDER, read_history
from market_making.market.errors import MarketMakingError, NotEnoughData, SafetyError, StaleParameters
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.quote import MarketView, Preparing, Quoter
from market_making.quoting.readings.observations import NOTHING_OBSERVED
from market_making.quoting.risk.toxicity import regime, toxicity
from market_making.settings.sections import ModelSettings
from market_making.settings.settings import Settings
from market_making.trading.chart_rows import NOTHING_SHOWN, ChartRow
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.plan import Plan, Planner
from market_making.trading.rules import QuotingRules, Restraints

logger = logging.getLogger(__name__)

_FREE = Restraints()
_ENOUGH_COVERED = 0.95
_DEEP_BOOK = 1e6  # on each side [quote currency]


class OpeningPlan(NamedTuple):
    """What would be quoted if nothing were held; both are None without a calibration."""

    planner: Planner | None
    plan: Plan | None

    @property
    def side(self) -> Side | None:
        """The side with which a position would be opened, None if nothing would be quoted."""
        return None if self.plan is None or self.plan.order is None else self.plan.order.side

    def chart_row(self, maker_fee: float) -> ChartRow:
        """What a chart shows of the plan."""
        if self.planner is None or self.plan is None:
            return NOTHING_SHOWN
        return ChartRow.of(self.planner, self.plan, maker_fee)


class CandleOpen(NamedTuple):
    """The open of a candle [ms], the close of the candle before [price], and the trend then."""

    time_ms: int
    price: float
    bias: float = 0.0


@dataclass(frozen=True)
class CandlePlanner:
    """Planners of one pair in the past.

    Parameters
    ----------
    calibrations : Calibrations
        All of the time, and of the time a calibration is valid before it.
    model : ModelSettings
        Value of one lot; fee and limits of toxicity, from which the regime follows where the history has none.
    valid_for_ms : float
        How long a calibration may be quoted from [ms].
    """

    instrument: Instrument
    calibrations: Calibrations
    rules: QuotingRules
    model: ModelSettings
    valid_for_ms: float

    def usable_at(self, times_ms: IntArray) -> IntArray:
        """Position of the calibration for each time, −1 where nothing could be quoted from one."""
        return self.calibrations.usable_at(times_ms, self.valid_for_ms)

    def at(self, moment: CandleOpen, position: int, quoter: Quoter) -> Planner:
        """Return the planner of a moment, from the calibration at a position."""
        time_ms, price, bias = moment
        flow = self.calibrations.flow(position)
        half_spread = max(flow.half_spread, self.instrument.tick(price) / 2)
        size = _DEEP_BOOK / price  # how deep the book was is not in the history
        observed = replace(NOTHING_OBSERVED, bias=bias) if bias else NOTHING_OBSERVED
        market = MarketView(price - half_spread, size, price + half_spread, size, time_ms, observed)
        lot, model = self.model.order_notional / price, self.model
        state = self.calibrations.regime(position)
        if state is None:
            toxicities = toxicity(flow, price, model.maker_fee)
            state = regime(toxicities, widen=model.widen_toxicity, pause=model.pause_toxicity)
        return Planner(self.instrument, market, flow, quoter, lot, self.rules, time_ms, regime=state)

    def why_not_at(self, time_ms: int) -> MarketMakingError:
        """Why there is no position for a time: no calibration yet, none that was still valid, or none that was good."""
        position = self.calibrations.at(time_ms)
        if position < 0:
            return NotEnoughData(f"0 calibrations up to {time_ms}, need 1")
        age_ms = time_ms - self.calibrations.created_ms(position)
        if age_ms > self.valid_for_ms:
            return StaleParameters(
                f"the calibration was {age_ms / 1e3:.0f} s old, limit {self.valid_for_ms / 1e3:.0f} s"
            )
        return SafetyError("the calibration was bad", reason=Reason.CALIBRATION_BAD)


class CandleTrack:
    """The candles of one pair; the model prepares for all of them at once, if it can."""

    def __init__(self, planner: CandlePlanner, opens: Sequence[CandleOpen], quoter: Quoter) -> None:
        self._planner = planner
        self._opens = opens
        self._places = {moment.time_ms: place for place, moment in enumerate(opens)}
        positions = planner.usable_at(np.array([moment.time_ms for moment in opens], dtype=np.int64))
        self._positions: list[int] = positions.tolist()
        self._quoter_of: Callable[[int], Quoter] = lambda _: quoter
        if isinstance(quoter, Preparing):
            prices = np.array([moment.price for moment in opens], dtype=np.float64)
            self._quoter_of = _prepared(quoter, planner.calibrations, positions, prices)

    def at(self, time_ms: int) -> Planner:
        """Return the planner of a moment.

        Raises
        ------
        MarketMakingError
            If nothing could be quoted then; see `CandlePlanner.why_not_at`.
        """
        place = self._places.get(time_ms)
        if place is None:
            raise NotEnoughData(f"no candle ends at {time_ms}")
        position = self._positions[place]
        if position < 0:
            raise self._planner.why_not_at(time_ms)
        return self._planner.at(self._opens[place], position, self._quoter_of(place))

    def inputs(self, time_ms: int) -> PairInputs:
        """Return what the desk plans from at a moment.

        Raises
        ------
        MarketMakingError
            As `at`.
        """
        planner, position = self.at(time_ms), self._positions[self._places[time_ms]]
        return PairInputs(planner, self._planner.calibrations.calibration_id(position))

    def opening_plans(self) -> Iterator[OpeningPlan]:
        """What would be quoted at each open if nothing were held."""
        for time_ms in self._places:
            try:
                planner = self.at(time_ms)
                yield OpeningPlan(planner, planner.plan(Holding(), _FREE))
            except MarketMakingError:
                yield OpeningPlan(None, None)


def _prepared(
    model: Preparing, calibrations: Calibrations, positions: IntArray, prices: FloatArray
) -> Callable[[int], Quoter]:
    """What gives the quoter of each moment that has a position."""
    usable = positions >= 0
    quoter_of = model.prepare(calibrations.flows(positions[usable]), prices[usable])
    places: list[int] = (np.cumsum(usable) - 1).tolist()
    return lambda place: quoter_of(places[place])


class BacktestDesk:
    """The desk of a bot in a backtest, where plans are made candle by candle instead of loop by loop."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk = desk
        self._settings = settings
        self._planners: dict[str, CandlePlanner] = {}
        self._tracks: dict[str, CandleTrack] = {}
        self._filled_ms: dict[str, int] = {}

    def opening_plans(
        self, instrument: Instrument, rules: QuotingRules, quoter: Quoter, opens: Sequence[CandleOpen]
    ) -> Iterator[OpeningPlan]:
        """What would be quoted at each open if nothing were held; reads the history for it.

        Raises
        ------
        NotEnoughData
            If there is no calibration in that period.
        """
        known = self._planners.get(instrument.pair)
        if known is None:
            period_ms = (opens[0].time_ms, opens[-1].time_ms)
            known = self._planners[instrument.pair] = read_candle_planner(self._settings, instrument, rules, period_ms)
            _tell_coverage(known, np.array([moment.time_ms for moment in opens], dtype=np.int64))
        past = replace(known, rules=replace(rules, role=rules.role.alone))
        track = self._tracks[instrument.pair] = CandleTrack(past, opens, quoter)
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


def read_candle_planner(
    settings: Settings, instrument: Instrument, rules: QuotingRules, period_ms: tuple[int, int]
) -> CandlePlanner:
    """Read the history of one coin for a period, its first and last moment [ms].

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
    return CandlePlanner(instrument, Calibrations(history), rules, settings.model, valid_for_ms)
