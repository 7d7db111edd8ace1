"""What a bot would have read of its calibration at each moment: the newest row that had been published by then."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calibration.publication.history import History
from market_making.market.errors import MarketMakingError, NotEnoughData, SafetyError, StaleParameters
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import Preparing, Quoter
from market_making.quoting.risk.toxicity import Regime, regime, toxicity
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.strategy_model import StrategyModel


class Published(NamedTuple):
    """One calibration as a bot uses it: flow, model over its table, coins of a lot, state, identity."""

    flow: OrderFlow
    quoter: Quoter
    lot: float
    regime: Regime
    calibration_id: str


class CalibrationsAsOf:
    """Calibrations of one coin for one strategy.

    Parameters
    ----------
    history : History
        All that were published up to the end of the run.
    model : StrategyModel
        Whose tables are solved, once a calibration.
    instrument : Instrument
        Rounds the lot.

    Raises
    ------
    NotEnoughData
        If the history is empty.
    SafetyError
        If an order is smaller than the exchange's smallest size.
    """

    def __init__(self, history: History, model: StrategyModel, instrument: Instrument) -> None:
        if len(history) == 0:
            raise NotEnoughData(f"0 calibrations of {instrument.coin}, need 1")
        self._rows = Calibrations(history)
        self._created_ms = history.column("created_ms")
        self._mids = np.asarray(history.column("mid"), dtype=np.float64)
        self._model = model
        self._instrument = instrument
        self._valid_ms = model.settings.calibration.valid_for_s * 1e3
        self._quoter_of = self._prepared(model.quoter)
        self._known: tuple[int, Published] | None = None
        if instrument.size(model.settings.model.order_notional / self._mids.max()) <= 0:
            notional = model.settings.model.order_notional
            detail = f"order_notional must be at least one lot of {instrument.lot} {instrument.coin}, got {notional:g}"
            raise SafetyError(detail, reason=Reason.BELOW_SMALLEST_ORDER)

    def at(self, time_ms: int) -> Published:
        """What is to be quoted from at a time [ms].

        Raises
        ------
        MarketMakingError
            If nothing may be quoted: there is no calibration yet, it is too old, or it was bad.
        """
        position = self._rows.at(time_ms)
        if position < 0 or time_ms - self._created_ms[position] > self._valid_ms or self._rows.is_bad(position):
            raise self._why_not(position, time_ms)
        if self._known is None or self._known[0] != position:
            self._known = position, self._published(position)
        return self._known[1]

    def _published(self, position: int) -> Published:
        flow, mid, settings = self._rows.flow(position), self._mids.item(position), self._model.settings.model
        state = self._rows.regime(position)
        if state is None:
            toxicities = toxicity(flow, mid, settings.maker_fee)
            state = regime(toxicities, widen=settings.widen_toxicity, pause=settings.pause_toxicity)
        lot = self._instrument.size(settings.order_notional / mid)
        return Published(flow, self._quoter_of(position), lot, state, self._rows.calibration_id(position))

    def _prepared(self, quoter: Quoter) -> Callable[[int], Quoter]:
        if not isinstance(quoter, Preparing):
            return lambda _: quoter
        return quoter.prepare(self._rows.flows(np.arange(len(self._mids))), self._mids)

    def _why_not(self, position: int, time_ms: int) -> MarketMakingError:
        if position < 0:
            return NotEnoughData("there is no calibration yet")
        age_ms = time_ms - self._created_ms[position]
        if age_ms > self._valid_ms:
            return StaleParameters(f"the calibration was older than {self._valid_ms / 1e3:.0f} s")
        return SafetyError("the calibration was bad", reason=Reason.CALIBRATION_BAD)
