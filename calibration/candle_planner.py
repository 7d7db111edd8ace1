"""Plans at the open of a candle, from the calibration that was published by then: for candle backtests and hyperopt.

Nothing looks ahead: the calibration is the newest one created up to the open, and the market is a book of the
calibrated half-spread around the close of the candle before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibration.history import FOLDER, History, read_history, row_flow
from calibration.settings import Settings
from market.errors import MarketMakingError, NotEnoughData, SafetyError, StaleParameters
from market.instrument import Instrument
from market.sides import Side
from quoting.observations import Observations
from quoting.quote import MarketView, Quoter
from trading.desk import Desk, PairDesk
from trading.holding import Holding
from trading.plan import Planner
from trading.rules import QuotingRules, Restraints

_DEEP_BOOK = 1e6  # on each side [quote currency]


@dataclass(frozen=True)
class CandlePlanner:
    """Planners of one pair in the past.

    Parameters
    ----------
    history : History
        Every calibration of the time, and of the time a calibration is valid before it.
    order_notional : float
        Value of one lot [quote currency].
    valid_for_ms : float
        How long a calibration may be quoted from [ms].
    """

    instrument: Instrument
    history: History
    rules: QuotingRules
    order_notional: float
    valid_for_ms: float

    def at(self, time_ms: int, price: float, quoter: Quoter, *, bias: float = 0.0) -> Planner:
        """Return the planner of the moment `time_ms`, when the last trade was at `price` and the trend `bias`.

        Raises
        ------
        NotEnoughData, StaleParameters, SafetyError
            If there was no calibration yet, none that was still valid, or none that was good.
        """
        row = self.history.as_of(time_ms)
        age_ms = time_ms - row["created_ms"]
        if age_ms > self.valid_for_ms:
            raise StaleParameters(
                f"the calibration was {age_ms / 1e3:.0f} s old, limit {self.valid_for_ms / 1e3:.0f} s"
            )
        if row["status"] == "bad":
            raise SafetyError("the calibration was bad")
        flow = row_flow(row)
        half_spread = max(flow.half_spread, self.instrument.tick(price) / 2)
        size = _DEEP_BOOK / price  # how deep the book was is not in the history
        observed = Observations(bias=bias)
        market = MarketView(price - half_spread, size, price + half_spread, size, time_ms, observed)
        lot = self.order_notional / price
        return Planner(self.instrument, market, flow, quoter, lot, self.rules, time_ms)

    def opening_side(self, time_ms: int, price: float, bias: float, quoter: Quoter) -> Side | None:
        """The side with which a position would be opened at that moment, None if nothing would be quoted."""
        try:
            order = self.at(time_ms, price, quoter, bias=bias).plan(Holding(), Restraints()).order
        except MarketMakingError:
            return None
        return None if order is None else order.side


class Past:
    """The desk of a bot in a backtest, where plans are made candle by candle instead of loop by loop."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk = desk
        self._settings = settings
        self._pairs: dict[str, CandlePlanner] = {}

    def opening_sides(
        self, instrument: Instrument, rules: QuotingRules, quoter: Quoter, moments: Sequence[tuple[int, float, float]]
    ) -> list[Side | None]:
        """The side that would be opened at each moment: time [ms], price, and trend bias; reads the history they need.

        Raises
        ------
        NotEnoughData
            If there is no calibration in that period.
        """
        known = self._pairs.get(instrument.pair)
        if known is None:
            known = read_candle_planner(self._settings, instrument, rules, (moments[0][0], moments[-1][0]))
        past = replace(known, rules=replace(rules, role=rules.role.alone))
        self._pairs[instrument.pair] = past
        return [past.opening_side(*moment, quoter) for moment in moments]

    def open(self, pair: str, moment: tuple[int, float, float], quoter: Quoter, holding: Holding) -> None:
        """Make the plan of the candle that opens now, unless it is made; without a calibration there is none."""
        time_ms, price, bias = moment
        planner = self._desk.planner(pair)
        if planner is not None and planner.now_ms == time_ms:
            return
        try:
            past = self._pairs[pair].at(time_ms, price, quoter, bias=bias)
            self._desk.open(pair, PairDesk(past, "history"), holding)
        except MarketMakingError as error:
            self._desk.withhold(pair, str(error), time_ms)


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
            f'need 1 a candle; "mm calibrate --backfill --coin {instrument.coin} …" makes them from recorded data'
        )
    return CandlePlanner(instrument, history, rules, settings.model.order_notional, valid_for_ms)
