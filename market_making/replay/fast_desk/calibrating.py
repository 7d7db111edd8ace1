"""From calibrations to the records and tables that the fast desk reads."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from calibration.publication.history import History
from market_making.market.errors import ModelError
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side
from market_making.market.tape import FloatArray
from market_making.quoting.models.cartea_jaimungal import TOGETHER, CarteaJaimungalQuoter
from market_making.quoting.order_flow import OrderFlows
from market_making.quoting.placement import fault
from market_making.quoting.quote import MarketView
from market_making.quoting.risk.toxicity import Regime, regime, toxicity
from market_making.quoting.value.fill_costs import FillCosts, fee_on_depth
from market_making.quoting.value.quote_table import (
    CarteaJaimungalSettings,
    QuoteTables,
    solve_together,
)
from market_making.replay.fast_desk.layout import MODEL, NONE, PAUSED, QUOTING, REASON, WIDENED, Records
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.strategy_model import StrategyModel

_REGIMES = {Regime.QUOTE: QUOTING, Regime.WIDEN: WIDENED, Regime.PAUSE: PAUSED}


class Group(NamedTuple):
    """What the settings of a group agree in: the table, if their model is one, and how they read a calibration."""

    table: CarteaJaimungalSettings | None
    order_notional: float
    maker_fee: float
    widen: float
    pause: float


def grouped(models: Sequence[StrategyModel]) -> tuple[list[Group], list[int]]:
    """Settings that read the same share it: the groups, and the position of each setting's."""
    known: dict[Group, int] = {}
    groups = [known.setdefault(_group(model), len(known)) for model in models]
    return list(known), groups


def _group(model: StrategyModel) -> Group:
    said, quoter = model.settings.model, model.quoter
    table = quoter.settings if isinstance(quoter, CarteaJaimungalQuoter) else None
    return Group(table, said.order_notional, said.maker_fee, said.widen_toxicity, said.pause_toxicity)


def tables_of(groups: Sequence[Group], history: History, instrument: Instrument) -> tuple[Records, FloatArray]:
    """Calibrations as each group reads them, of shape (G, C), and the cells of their tables.

    A table is solved once for all groups with the same model.
    """
    rows, mids = Calibrations(history), np.asarray(history.column("mid"), dtype=np.float64)
    flows = rows.flows(np.arange(len(mids)))
    records = np.zeros((len(groups), len(mids)), dtype=MODEL)
    records[:] = _calibrations(history, rows, flows)
    parts: list[FloatArray] = []
    first: dict[CarteaJaimungalSettings, int] = {}
    for number, group in enumerate(groups):
        record, settings = records[number], group.table
        if settings in first:
            _copy_table(record, records[first[settings]])
        elif settings is not None:
            first[settings] = number
            _fill_costs(record, flows, mids, settings.maker_fee)
            parts.append(_fill_table(record, _solved(settings, flows, mids), sum(map(len, parts))))
        record["lot"] = [instrument.size(group.order_notional / mid) for mid in mids.tolist()]
        record["regime"] = [_state(rows, position, mid, group) for position, mid in enumerate(mids.tolist())]
    return records, np.concatenate([*parts, np.empty(0)])


_OF_COSTS = ("decay", "selection", "fee", "floor", "kept")
_OF_TABLE = ("table", "rows", "columns", "fault", *(f"{side}_{name}" for side in Side for name in _OF_COSTS))


def _copy_table(record: Records, other: Records) -> None:
    for name in _OF_TABLE:
        record[name] = other[name]


def _solved(settings: CarteaJaimungalSettings, flows: OrderFlows, mids: FloatArray) -> QuoteTables:
    """Tables of all calibrations, in the parts in which the quoter solves them."""
    parts = [slice(start, start + TOGETHER) for start in range(0, len(mids), TOGETHER)]
    tables = [solve_together(flows.part(part), mids[part], settings) for part in parts]
    return reduce(QuoteTables.followed_by, tables)


def _fill_table(record: Records, tables: QuoteTables, start: int) -> FloatArray:
    """Note where the tables of a model lie, which begin at a place among all cells; return their cells."""
    count, rows, columns = len(record), len(tables.time_left_s), tables.inventory.size
    cells = np.empty((count, 3 * rows * columns + rows))
    parts = [part.swapaxes(0, 1).reshape(count, rows * columns) for part in (*tables.depths, tables.value)]
    cells[:, : 3 * rows * columns] = np.concatenate(parts, axis=1)
    cells[:, 3 * rows * columns :] = tables.time_left_s
    for position, table in tables.others.items():
        if isinstance(table, ModelError):
            unusable = record["fault"][position] != NONE
            record["fault"][position] = record["fault"][position] if unusable else REASON[table.reason]
        else:
            own = [part.ravel() for part in (*table.depths, table.value, table.time_left_s)]
            cells[position] = np.concatenate(own)
    record["rows"], record["columns"] = rows, columns
    record["table"] = start + np.arange(count) * cells.shape[1]
    return cells.ravel()


def _fill_costs(costs: Records, flows: OrderFlows, mids: FloatArray, maker_fee: float) -> None:
    """The same as `market_making.quoting.value.fill_costs.fill_costs`, of many flows."""
    floor = np.fmax(0.0, flows.half_spread)
    for side, direction in (("bid", Direction.SELL), ("ask", Direction.BUY)):
        on_fill, slope = flows.adverse_selection_on_fill.of(direction), flows.adverse_selection_slope.of(direction)
        fees = maker_fee * mids, fee_on_depth(direction, maker_fee)
        cost = FillCosts.of(flows.fill_decay.of(direction), on_fill, slope, floor, fees)
        costs[f"{side}_decay"], costs[f"{side}_selection"] = cost.decay, cost.adverse_selection
        costs[f"{side}_fee"], costs[f"{side}_floor"], costs[f"{side}_kept"] = cost.fee, cost.floor, cost.proceeds


def _calibrations(history: History, rows: Calibrations, flows: OrderFlows) -> Records:
    """What every group reads alike."""
    records = np.zeros(flows.size, dtype=MODEL)
    for side, direction in (("bid", Direction.SELL), ("ask", Direction.BUY)):
        records[f"{side}_decay"] = flows.fill_decay.of(direction)
        records[f"{side}_intensity"] = flows.fill_intensity.of(direction)
        records[f"{side}_adverse"] = flows.adverse_selection_on_fill.of(direction)
    records["funding_rate"] = flows.funding_rate
    records["created_ms"] = history.column("created_ms")
    market = MarketView(1.0, 1.0, 2.0, 1.0, 0)
    for position, record in enumerate(records):
        flow = rows.flow(position)
        because = fault(market, 0.0, flow)
        record["fault"] = NONE if because is None else REASON[because.reason]
        record["is_bad"], record["volatility"] = rows.is_bad(position), flow.volatility
        record["response"] = flow.imbalance_response
    return records


def _state(rows: Calibrations, position: int, mid: float, group: Group) -> int:
    state = rows.regime(position)
    if state is None:
        toxicities = toxicity(rows.flow(position), mid, group.maker_fee)
        state = regime(toxicities, widen=group.widen, pause=group.pause)
    return _REGIMES[state]
