"""The rows of a history for a candle backtest, which looks them up by time and needs them as arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.publication.history import AGE_COST, FLOW, ON_FILL, RESPONSE, SLOPE, History
from market_making.market.sides import Direction, Directions
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.order_flow import OrderFlow, OrderFlows
from market_making.quoting.risk.toxicity import Regime

# Rows from before schema 1.1 lack the last two, which then are 0.
_ESTIMATES = (*FLOW, SLOPE)


class Coverage(NamedTuple):
    """How many of some times have a usable calibration, and how many have none, a stale one or a bad one."""

    usable: int
    missing: int
    stale: int
    bad: int


class Calibrations:
    """The rows of a history, ready to be looked up many times.

    Parameters
    ----------
    history : History
        Source of flows, states and times.
    """

    def __init__(self, history: History) -> None:
        sides = (f"{name}_{side}" for name in _ESTIMATES for side in Direction)
        names = (*sides, "volatility", "half_spread", "funding_rate", RESPONSE)
        self._created_ms: IntArray = history.column("created_ms")
        self._is_bad: NDArray[np.bool_] = history.column("status") == "bad"
        self._regimes: NDArray[np.object_] = history.column("regime")
        self._ids: NDArray[np.object_] = history.column("calibration_id")
        self._maker_fees: FloatArray = history.column("maker_fee", missing=np.nan)
        self._rows = np.column_stack([history.column(name, missing=0.0) for name in names])
        on_fill = [names.index(f"{ON_FILL}_{side}") for side in Direction]
        self._rows[:, on_fill] += history.column(AGE_COST[0], missing=0.0)[:, None]

    def at(self, time_ms: int) -> int:
        """Return the position of the newest row that was published at `time_ms` or before; −1 if there is none."""
        return int(self._created_ms.searchsorted(time_ms, side="right")) - 1

    def usable_at(self, times_ms: IntArray, valid_for_ms: float) -> IntArray:
        """Return the position of the row for each time; −1 where it is none, older than it is valid, or bad."""
        positions = self._created_ms.searchsorted(times_ms, side="right") - 1
        known = positions >= 0
        usable = known & (times_ms - self._created_ms[positions] <= valid_for_ms) & ~self._is_bad[positions]
        return np.where(usable, positions, -1)

    def coverage(self, times_ms: IntArray, valid_for_ms: float) -> Coverage:
        """Count what `usable_at` finds."""
        usable = int(np.count_nonzero(self.usable_at(times_ms, valid_for_ms) >= 0))
        positions = self._created_ms.searchsorted(times_ms, side="right") - 1
        missing = int(np.count_nonzero(positions < 0))
        known = positions[positions >= 0]
        stale = int(np.count_nonzero(times_ms[positions >= 0] - self._created_ms[known] > valid_for_ms))
        return Coverage(usable, missing, stale, len(times_ms) - usable - missing - stale)

    def created_ms(self, position: int) -> int:
        """When a row was published."""
        return self._created_ms.item(position)

    def is_bad(self, position: int) -> bool:
        """Whether a row must not be quoted from."""
        return self._is_bad.item(position)

    def regime(self, position: int) -> Regime | None:
        """What the calibration said a maker should do; None in a row from before schema 1.1."""
        state = self._regimes[position]
        return None if state is None else Regime(state)

    def calibration_id(self, position: int) -> str:
        """Identity of the calibration; ``history`` in a row from before schema 1.1."""
        return self._ids[position] or "history"

    def maker_fees(self, positions: IntArray, missing: float) -> FloatArray:
        """The fee that each calibration was made with; `missing` for a row from before schema 1.1, and for none."""
        fees = np.where(positions >= 0, self._maker_fees[positions], np.nan)
        return np.where(np.isnan(fees), missing, fees)

    def flow(self, position: int) -> OrderFlow:
        """What the quoting models need of a row."""
        *values, volatility, half_spread, funding_rate, response = self._rows[position].tolist()
        both = map(Directions, values[::2], values[1::2])  # in the order of `_ESTIMATES`
        rate, decay, intensity, move, move_on_fill, slope = both
        impact = move, move_on_fill, slope
        return OrderFlow(rate, intensity, decay, *impact, volatility, half_spread, funding_rate, response)

    def flows(self, positions: IntArray) -> OrderFlows:
        """The same of many rows."""
        *values, _, half_spread, funding_rate, _ = np.ascontiguousarray(self._rows[positions].T)
        both = (Directions(*pair) for pair in zip(values[::2], values[1::2], strict=True))
        flows = dict(zip(_ESTIMATES, both, strict=True))
        return OrderFlows(**flows, half_spread=half_spread, funding_rate=funding_rate)
