"""Plans at the open of a candle, from the calibration published before it: for candle backtests and hyperopt.

Nothing looks ahead: the calibration is the newest one created up to the open, and the market is a book of the
calibrated half-spread around the close of the candle before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from market_making.market.errors import MarketMakingError, NotEnoughData, SafetyError, StaleParameters
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.quote import MarketView, Preparing, Quoter
from market_making.quoting.readings.observations import NOTHING_OBSERVED
from market_making.quoting.risk.toxicity import regime, toxicity
from market_making.settings.sections import ModelSettings
from market_making.trading.chart_rows import NOTHING_SHOWN, ChartRow
from market_making.trading.holding import Holding
from market_making.trading.pair_inputs import PairInputs
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.plan import Plan, Planner
from market_making.trading.rules import QuotingRules, Restraints

_FREE = Restraints()
_DEEP_BOOK = 1e6  # on each side [quote currency]


class OpeningPlan(NamedTuple):
    """What would be quoted if nothing were held, and the maker fee it reckons with; None without a calibration."""

    planner: Planner | None
    plan: Plan | None
    maker_fee: float = 0.0

    @property
    def side(self) -> Side | None:
        """The side with which a position would be opened, None if nothing would be quoted."""
        return None if self.plan is None or self.plan.order is None else self.plan.order.side

    @property
    def chart_row(self) -> ChartRow:
        """What a chart shows of the plan."""
        if self.planner is None or self.plan is None:
            return NOTHING_SHOWN
        return ChartRow.of(self.planner, self.plan, self.maker_fee)


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
    has_own_fee : bool
        Whether the fee of `model` was configured; else that of each calibration holds, as it does for a running bot.
    """

    instrument: Instrument
    calibrations: Calibrations
    rules: QuotingRules
    model: ModelSettings
    valid_for_ms: float
    has_own_fee: bool = False

    def usable_at(self, times_ms: IntArray) -> IntArray:
        """Position of the calibration for each time, −1 where nothing could be quoted from one."""
        return self.calibrations.usable_at(times_ms, self.valid_for_ms)

    def maker_fees(self, positions: IntArray) -> FloatArray:
        """The maker fee to quote with from the calibration at each position."""
        own = self.model.maker_fee
        return np.full(len(positions), own) if self.has_own_fee else self.calibrations.maker_fees(positions, own)

    def at(self, candle: CandleOpen, position: int, quoter: Quoter, maker_fee: float) -> Planner:
        """Return the planner of a candle, from the calibration at a position."""
        time_ms, price, bias = candle
        flow = self.calibrations.flow(position)
        half_spread = max(flow.half_spread, self.instrument.tick(price) / 2)
        size = _DEEP_BOOK / price  # how deep the book was is not in the history
        observed = replace(NOTHING_OBSERVED, bias=bias) if bias else NOTHING_OBSERVED
        market = MarketView(price - half_spread, size, price + half_spread, size, time_ms, observed)
        lot, model = self.model.order_notional / price, self.model
        state = self.calibrations.regime(position)
        if state is None:
            toxicities = toxicity(flow, price, maker_fee)
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
    """The candles of one pair; the model prepares for all of them at once, if it can.

    Parameters
    ----------
    planner : CandlePlanner
        Of the pair.
    opens : Sequence[CandleOpen]
        The candles.
    model : Callable[[float], Quoter]
        The quoting model with a maker fee.
    """

    def __init__(self, planner: CandlePlanner, opens: Sequence[CandleOpen], model: Callable[[float], Quoter]) -> None:
        self._planner = planner
        self._opens = opens
        self._places = {candle.time_ms: place for place, candle in enumerate(opens)}
        positions = planner.usable_at(np.array([candle.time_ms for candle in opens], dtype=np.int64))
        self._positions: list[int] = positions.tolist()
        fees, prices = planner.maker_fees(positions), np.array([candle.price for candle in opens], dtype=np.float64)
        self._fees: list[float] = fees.tolist()
        self._quoter_of: dict[float, Callable[[int], Quoter]] = {
            fee: _prepared(model(fee), planner.calibrations, np.where(fees == fee, positions, -1), prices)
            for fee in self.fees
        }

    @property
    def fees(self) -> list[float]:
        """The maker fees that candles are quoted with, in their order."""
        return list(dict.fromkeys(fee for fee, at in zip(self._fees, self._positions, strict=True) if at >= 0))

    def at(self, time_ms: int) -> Planner:
        """Return the planner of a candle.

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
        fee = self._fees[place]
        return self._planner.at(self._opens[place], position, self._quoter_of[fee](place), fee)

    def inputs(self, time_ms: int) -> PairInputs:
        """Return what the desk plans from at a candle.

        Raises
        ------
        MarketMakingError
            As `at`.
        """
        planner, position = self.at(time_ms), self._positions[self._places[time_ms]]
        return PairInputs(planner, self._planner.calibrations.calibration_id(position))

    def opening_plans(self) -> Iterator[OpeningPlan]:
        """What would be quoted at each open if nothing were held."""
        for time_ms, place in self._places.items():
            try:
                planner = self.at(time_ms)
                yield OpeningPlan(planner, planner.plan(Holding(), _FREE), self._fees[place])
            except MarketMakingError:
                yield OpeningPlan(None, None)


def _prepared(
    model: Quoter, calibrations: Calibrations, positions: IntArray, prices: FloatArray
) -> Callable[[int], Quoter]:
    """What gives the quoter of each candle that has a calibration."""
    if not isinstance(model, Preparing):
        return lambda _: model
    usable = positions >= 0
    quoter_of = model.prepare(calibrations.flows(positions[usable]), prices[usable])
    places: list[int] = (np.cumsum(usable) - 1).tolist()
    return lambda place: quoter_of(places[place])
