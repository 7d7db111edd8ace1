"""From order flow and settings to a table of depths: what the calibrator publishes and the quoter reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from market_making.market.errors import ConfigurationError, ModelError
from market_making.market.sides import Direction, Sides
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.order_flow import OrderFlow, OrderFlows
from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.fill_costs import FillCosts, fee_on_depth
from market_making.quoting.value.finite_horizon import finite_horizon
from market_making.quoting.value.penalty import default_running_penalty
from market_making.quoting.value.stationary import stationary

# Where a side has no fills there is no stationary limit; the maker then looks ten minutes ahead.
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
        φ [price/s per lot²]; None for the default of `market_making.quoting.value.penalty`.
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
        Thresholds of κ(ε + fee) from which the quotes are widened and paused.
    """

    maximum_inventory: int = 3
    running_penalty: float | None = None
    terminal_penalty: float = 0.0
    maker_fee: float = 0.00015
    drift_weight: float = 0.0
    session_s: float | None = None
    widen_toxicity: float = 1.0
    pause_toxicity: float = 2.0

    def __post_init__(self) -> None:
        _accept(self.maximum_inventory >= 1, "maximum_inventory", self.maximum_inventory, "at least 1")
        _accept((self.running_penalty or 0.0) >= 0, "running_penalty", self.running_penalty, "not negative")
        _accept(self.terminal_penalty >= 0, "terminal_penalty", self.terminal_penalty, "not negative")
        _accept(abs(self.maker_fee) <= 0.01, "maker_fee", self.maker_fee, "a fraction within ±0.01")
        _accept(0 <= self.drift_weight <= 1, "drift_weight", self.drift_weight, "from 0 to 1")
        _accept(self.session_s is None or self.session_s > 0, "session_s", self.session_s, "positive or None")
        _accept(
            0 < self.widen_toxicity <= self.pause_toxicity,
            "widen_toxicity",
            self.widen_toxicity,
            "positive and at most pause_toxicity",
        )

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
        bid, ask = self.depths
        return Sides(self._interpolate(bid, inventory, time_left_s), self._interpolate(ask, inventory, time_left_s))

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
        column = inventory - self.inventory.item(0)
        if 0 <= column <= len(row) - 1:
            left = int(column)
            before, after = row.item(left), row.item(min(left + 1, len(row) - 1))
            if isfinite(before) and (column == left or isfinite(after)):
                # As np.interp computes it, which would look for the neighbours first.
                return before if column == left else (after - before) * (inventory - self.inventory.item(left)) + before
        quoted = np.isfinite(row)
        if not quoted.any():
            return np.nan
        return float(np.interp(inventory, self.inventory[quoted], row[quoted]))


def value_problem(
    flows: Sequence[OrderFlow] | OrderFlows, mids: Sequence[float] | FloatArray, settings: CarteaJaimungalSettings
) -> ValueProblem:
    """The value problem of several coins, with the settings' running penalty or 0.

    A fill costs ε + f·mid (`market_making.quoting.value.fill_costs`). The floor is the book's half-spread: nearer to
    mid a quote would stand alone inside the book, where the fitted fill rate is an extrapolation. Funding is a drift
    that only holders feel.

    Raises
    ------
    InvalidFlow
        If a number of the flow cannot be quoted from.
    """
    flows = flows if isinstance(flows, OrderFlows) else OrderFlows.of(flows)
    mid = np.asarray(mids, dtype=np.float64)
    fee = settings.maker_fee * mid
    floor = np.fmax(0.0, flows.half_spread)

    def fills(direction: Direction) -> Fills:
        decay, intensity = flows.fill_decay.of(direction), flows.fill_intensity.of(direction)
        on_fill, slope = flows.adverse_selection_on_fill.of(direction), flows.adverse_selection_slope.of(direction)
        both_fees = fee, fee_on_depth(direction, settings.maker_fee)
        costs = FillCosts.of(decay, on_fill, slope, floor, both_fees)
        return Fills(intensity, decay, costs.cost, costs.floor, costs.proceeds)

    rate, move = flows.arrival_rate, flows.adverse_selection
    pressure = rate.buy * move.buy - rate.sell * move.sell
    return ValueProblem(
        ask=fills(Direction.BUY),
        bid=fills(Direction.SELL),
        maximum_inventory=settings.maximum_inventory,
        running_penalty=settings.running_penalty or 0.0,
        drift=settings.drift_weight * pressure - flows.funding_rate * mid,
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
    tables = solve_together(OrderFlows.of(flows), np.asarray(mids, dtype=np.float64), settings)
    return [tables.of(coin) for coin in range(len(flows))]


@dataclass(frozen=True, eq=False)
class QuoteTables:
    """Tables of many coins or moments, each put together when it is asked for.

    Attributes
    ----------
    time_left_s, inventory
        Of every table.
    value, depths
        As in `QuoteTable`, of shape (T, C, N).
    running_penalty : FloatArray, shape (C,)
        The φ behind each [price/s per lot²].
    others : Mapping[int, QuoteTable | ModelError]
        Tables that are not in the arrays, and the reasons why there are none.
    """

    time_left_s: FloatArray
    inventory: IntArray
    value: FloatArray
    depths: Sides[FloatArray]
    running_penalty: FloatArray
    others: Mapping[int, QuoteTable | ModelError] = field(default_factory=dict)

    def of(self, coin: int) -> QuoteTable | ModelError:
        """The table of one coin, or why it has none."""
        if coin in self.others:
            return self.others[coin]
        return QuoteTable(
            time_left_s=self.time_left_s,
            inventory=self.inventory,
            value=self.value[:, coin],
            depths=Sides(bid=self.depths.bid[:, coin], ask=self.depths.ask[:, coin]),
            running_penalty=self.running_penalty.item(coin),
        )

    def followed_by(self, later: "QuoteTables") -> "QuoteTables":
        """These and then the later ones."""
        shift = len(self.running_penalty)
        return QuoteTables(
            self.time_left_s,
            self.inventory,
            np.concatenate([self.value, later.value], axis=1),
            Sides(*(np.concatenate(pair, axis=1) for pair in zip(self.depths, later.depths, strict=True))),
            np.concatenate([self.running_penalty, later.running_penalty]),
            {**self.others, **{shift + coin: other for coin, other in later.others.items()}},
        )


def solve_together(flows: OrderFlows, mids: FloatArray, settings: CarteaJaimungalSettings) -> QuoteTables:
    """Tables of many coins in one go, with the reasons why some have none."""
    try:
        return _solve(value_problem(flows, mids, settings), settings)
    except ModelError as error:
        if flows.size == 1:
            return _unsolved(error, settings)
    # One bad coin is not to cost the others their quotes.
    halves = slice(flows.size // 2), slice(flows.size // 2, None)
    first, second = (solve_together(flows.part(half), mids[half], settings) for half in halves)
    return first.followed_by(second)


def _solve(problem: ValueProblem, settings: CarteaJaimungalSettings) -> QuoteTables:
    if settings.running_penalty is None:
        problem = problem.with_penalty(default_running_penalty(problem))
    if settings.session_s is not None:
        return _finite(problem, _session_rows(settings.session_s), settings.terminal_penalty)
    solution = stationary(problem)
    values, depths = solution.value[None], solution.depths.map(lambda depth: depth[None])
    missing = np.flatnonzero(~solution.solved)
    if not len(missing):
        return _tables(problem, np.zeros(1), values, depths)
    substitutes = _finite(problem.of(missing), np.array([_SUBSTITUTE_HORIZON_S]), 0.0)
    others = {coin: substitutes.of(position) for position, coin in enumerate(missing.tolist())}
    return replace(_tables(problem, np.zeros(1), values, depths), others=others)


def _session_rows(session_s: float) -> FloatArray:
    """Times left for which depths are kept, closer together towards the end [s]."""
    return np.asarray(session_s * np.linspace(0, 1, _SESSION_ROWS) ** 2, dtype=np.float64)


def _finite(problem: ValueProblem, rows: FloatArray, terminal_penalty: float) -> QuoteTables:
    solution = finite_horizon(problem, terminal_penalty, rows, tolerance=_SESSION_TOLERANCE)
    return _tables(problem, rows, solution.value, solution.depths)


def _tables(problem: ValueProblem, rows: FloatArray, value: FloatArray, depths: Sides[FloatArray]) -> QuoteTables:
    penalties = np.broadcast_to(np.asarray(problem.running_penalty, dtype=np.float64), (problem.coins,))
    return QuoteTables(rows, problem.inventory, value, depths, penalties)


def _unsolved(error: ModelError, settings: CarteaJaimungalSettings) -> QuoteTables:
    """One coin without a table."""
    rows = np.zeros(1) if settings.session_s is None else _session_rows(settings.session_s)
    inventory = np.arange(-settings.maximum_inventory, settings.maximum_inventory + 1)
    nothing = np.full((len(rows), 1, len(inventory)), np.nan)
    return QuoteTables(rows, inventory, nothing, Sides(nothing, nothing), np.full(1, np.nan), {0: error})


def _accept(good: bool, key: str, seen: object, needed: str) -> None:
    if not good:
        raise ConfigurationError(f"{key} must be {needed}, got {seen}")
