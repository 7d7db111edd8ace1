"""From order flow and settings to a table of depths: what the calibrator publishes and the quoter reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from market.errors import ConfigurationError, ModelError
from market.sides import Direction, Sides
from market.tape import FloatArray, IntArray
from quoting.cartea_jaimungal import Fills, ValueProblem
from quoting.finite_horizon import finite_horizon
from quoting.order_flow import OrderFlow
from quoting.penalty import default_running_penalty
from quoting.placement import DepthBounds
from quoting.stationary import stationary
from quoting.toxicity import WIDEN_FACTOR

# Where a side has no fills there is no stationary limit; ten minutes ahead is then as far as the maker looks.
_SUBSTITUTE_HORIZON_S = 600.0
_SESSION_ROWS = 41
_SESSION_TOLERANCE = 1e-6  # of 1/κ: far below any tick


@dataclass(frozen=True)
class CarteaJaimungalSettings:
    """What the user decides; the market decides the rest.

    Parameters
    ----------
    maximum_inventory : int
        Bound of the inventory on both sides [lots].
    running_penalty : float, optional
        φ [price/s per lot²]; None for the default of `quoting.penalty`.
    terminal_penalty : float
        α, on the inventory left at the end of a session [price per lot²].
    maker_fee : float
        Share of the value of a fill; negative for a rebate.
    drift_weight : float
        Share of the estimated drift λ⁺ε⁺ − λ⁻ε⁻ that is believed; it is mostly noise, hence 0.
    session_s : float, optional
        None quotes without an end. Else sessions of this length end at its multiples since 1970 (3600: every full
        hour) and the quotes work towards a flat end [s].
    widen_toxicity, pause_toxicity : float
        Thresholds of κ(ε + fee).
    widen_factor : float
        Factor on the depths between the two thresholds.
    bounds : DepthBounds
        Of the final distance from mid.
    """

    maximum_inventory: int = 3
    running_penalty: float | None = None
    terminal_penalty: float = 0.0
    maker_fee: float = 0.00015
    drift_weight: float = 0.0
    session_s: float | None = None
    widen_toxicity: float = 1.0
    pause_toxicity: float = 2.0
    widen_factor: float = WIDEN_FACTOR
    bounds: DepthBounds = field(default_factory=DepthBounds)

    def __post_init__(self) -> None:
        _accept(self.maximum_inventory >= 1, "maximum_inventory", self.maximum_inventory, "at least 1")
        _accept((self.running_penalty or 0.0) >= 0, "running_penalty", self.running_penalty, "not negative")
        _accept(self.terminal_penalty >= 0, "terminal_penalty", self.terminal_penalty, "not negative")
        _accept(abs(self.maker_fee) <= 0.01, "maker_fee", self.maker_fee, "a fraction within ±0.01")
        _accept(0 <= self.drift_weight <= 1, "drift_weight", self.drift_weight, "from 0 to 1")
        _accept(self.session_s is None or self.session_s > 0, "session_s", self.session_s, "positive or None")
        _accept(0 < self.widen_toxicity <= self.pause_toxicity, "widen_toxicity", self.widen_toxicity, "<= pause")
        _accept(self.widen_factor >= 1, "widen_factor", self.widen_factor, "at least 1")

    def time_left_s(self, now_ms: int) -> float:
        """Time to the end of the session [s]; 0 if there is none."""
        if self.session_s is None:
            return 0.0
        return self.session_s - now_ms / 1e3 % self.session_s


@dataclass(frozen=True, eq=False)
class QuoteTable:
    """Depths by time left and inventory, with the value they come from.

    Attributes
    ----------
    time_left_s : FloatArray, shape (T,)
        Ascending; a single row holds at all times [s].
    inventory : IntArray, shape (N,)
        Ascending [lots].
    value : FloatArray, shape (T, N)
        h(τ, q) − h(τ, 0) [price per lot].
    depths : Sides[FloatArray], shape (T, N)
        Distance of the quotes from mid [price]; NaN where a side is not quoted.
    running_penalty : float
        The φ behind it [price/s per lot²].
    """

    time_left_s: FloatArray
    inventory: IntArray
    value: FloatArray
    depths: Sides[FloatArray]
    running_penalty: float

    def at(self, inventory: float, time_left_s: float = 0.0) -> Sides[float]:
        """Depths between the rows and columns, linear in both; the nearest that is quoted beyond them [price]."""
        return self.depths.map(lambda depth: self._interpolate(depth, inventory, time_left_s))

    def _interpolate(self, depth: FloatArray, inventory: float, time_left_s: float) -> float:
        if len(depth) == 1:
            return self._along_inventory(depth[0], inventory)
        after = min(int(np.searchsorted(self.time_left_s, time_left_s)), len(depth) - 1)
        later = self._along_inventory(depth[after], inventory)
        if after == 0 or time_left_s >= self.time_left_s[after]:
            return later
        start, end = self.time_left_s[after - 1], self.time_left_s[after]
        weight = float((time_left_s - start) / (end - start))
        return (1 - weight) * self._along_inventory(depth[after - 1], inventory) + weight * later

    def _along_inventory(self, row: FloatArray, inventory: float) -> float:
        column = inventory - self.inventory[0]
        if 0 <= column < len(row) and column == int(column) and np.isfinite(row[int(column)]):
            return float(row[int(column)])
        quoted = np.isfinite(row)
        if not quoted.any():
            return np.nan
        return float(np.interp(inventory, self.inventory[quoted], row[quoted]))


def value_problem(flows: Sequence[OrderFlow], mids: Sequence[float], settings: CarteaJaimungalSettings) -> ValueProblem:
    """The value problem of several coins, with the settings' running penalty or 0.

    A fill costs ε + f·mid. The floor is the book's half-spread: nearer to mid a quote would stand alone inside the
    book, where the fitted fill rate is an extrapolation. With a slope θ the adverse selection grows with the depth
    reached; ε is its mean beyond the touch, so that it is ε − θ·floor at depth 0. Funding is a drift that only holders
    feel.

    Raises
    ------
    InvalidFlow
        If a number of the flow cannot be quoted from.
    """
    fee = settings.maker_fee * np.asarray(mids, dtype=np.float64)
    floor = np.array([max(0.0, flow.half_spread) for flow in flows])

    def fills(direction: Direction, share_of_price: float) -> Fills:
        slope = np.array([flow.adverse_selection_slope.of(direction) for flow in flows])
        adverse_selection = np.array([flow.adverse_selection_on_fill.of(direction) for flow in flows])
        return Fills(
            intensity=[flow.fill_intensity.of(direction) for flow in flows],
            decay=[flow.fill_decay.of(direction) for flow in flows],
            cost=adverse_selection - slope * floor + fee,
            floor=floor,
            proceeds=share_of_price - slope,
        )

    def pressure(flow: OrderFlow) -> float:
        rate, move = flow.arrival_rate, flow.adverse_selection
        return rate.buy * move.buy - rate.sell * move.sell

    return ValueProblem(
        ask=fills(Direction.BUY, 1 - settings.maker_fee),
        bid=fills(Direction.SELL, 1 + settings.maker_fee),
        maximum_inventory=settings.maximum_inventory,
        running_penalty=settings.running_penalty or 0.0,
        drift=[
            settings.drift_weight * pressure(flow) - flow.funding_rate * mid
            for flow, mid in zip(flows, mids, strict=True)
        ],
    )


def solve_table(flow: OrderFlow, mid: float, settings: CarteaJaimungalSettings) -> QuoteTable:
    """Table of one coin.

    Raises
    ------
    InvalidFlow, NoSolution
        If no quotes follow from this flow.
    """
    table = solve_tables([flow], [mid], settings)[0]
    if isinstance(table, ModelError):
        raise table
    return table


def solve_tables(
    flows: Sequence[OrderFlow], mids: Sequence[float], settings: CarteaJaimungalSettings
) -> list[QuoteTable | ModelError]:
    """Tables of many coins in one go; for a coin that has none, the error that says why."""
    try:
        return list(_solve(value_problem(flows, mids, settings), settings))
    except ModelError as error:
        if len(flows) == 1:
            return [error]
    # One bad coin is not to cost the others their quotes.
    return [solve_tables([flow], [mid], settings)[0] for flow, mid in zip(flows, mids, strict=True)]


def _solve(problem: ValueProblem, settings: CarteaJaimungalSettings) -> list[QuoteTable]:
    if settings.running_penalty is None:
        problem = problem.with_penalty(default_running_penalty(problem))
    if settings.session_s is not None:
        rows = settings.session_s * np.linspace(0, 1, _SESSION_ROWS) ** 2
        return _finite(problem, rows, settings.terminal_penalty)
    solution = stationary(problem)
    values, depths = solution.value[None], solution.depths.map(lambda depth: depth[None])
    tables = _tables(problem, np.zeros(1), values, depths)
    missing = np.flatnonzero(~solution.solved)
    if len(missing):
        substitutes = _finite(problem.of(missing), np.array([_SUBSTITUTE_HORIZON_S]), 0.0)
        for coin, table in zip(missing, substitutes, strict=True):
            tables[coin] = table
    return tables


def _finite(problem: ValueProblem, rows: FloatArray, terminal_penalty: float) -> list[QuoteTable]:
    solution = finite_horizon(problem, terminal_penalty, rows, tolerance=_SESSION_TOLERANCE)
    return _tables(problem, rows, solution.value, solution.depths)


def _tables(problem: ValueProblem, rows: FloatArray, value: FloatArray, depths: Sides[FloatArray]) -> list[QuoteTable]:
    """One table a coin from arrays of shape (T, C, N)."""
    penalties = np.broadcast_to(np.asarray(problem.running_penalty, dtype=np.float64), (problem.coins,))
    return [
        QuoteTable(
            time_left_s=rows,
            inventory=problem.inventory,
            value=value[:, coin],
            depths=Sides(bid=depths.bid[:, coin], ask=depths.ask[:, coin]),
            running_penalty=float(penalties[coin]),
        )
        for coin in range(problem.coins)
    ]


def _accept(good: bool, key: str, seen: object, needed: str) -> None:
    if not good:
        raise ConfigurationError(f"{key} is {seen}, accepted is {needed}")
