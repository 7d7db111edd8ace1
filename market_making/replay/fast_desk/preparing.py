"""From settings and calibrations to the records and tables that the fast desk reads."""

from collections.abc import Sequence
from dataclasses import fields
from functools import reduce
from typing import NamedTuple

import numpy as np

from calibration.publication.history import History
from market_making.market.errors import ModelError
from market_making.market.instrument import FixedTick, Instrument, SignificantFigures, Spacing
from market_making.market.sides import Direction, Side
from market_making.market.tape import FloatArray
from market_making.quoting.models.cartea_jaimungal import TOGETHER, CarteaJaimungalQuoter
from market_making.quoting.order_flow import OrderFlows
from market_making.quoting.placement import fault
from market_making.quoting.quote import MarketView
from market_making.quoting.risk.rules import RiskLimits
from market_making.quoting.risk.toxicity import Regime, regime, toxicity
from market_making.quoting.value.fill_costs import FillCosts, fee_on_depth
from market_making.quoting.value.quote_table import (
    CarteaJaimungalSettings,
    QuoteTables,
    solve_together,
)
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.bot import budget_of
from market_making.replay.fast_desk.layout import (
    ALONE,
    LONG,
    MODEL,
    NONE,
    PAUSED,
    QUOTING,
    REASON,
    SETTING,
    SHORT,
    WIDENED,
    Records,
)
from market_making.replay.tape.events import decimals_of
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.strategy_model import StrategyModel

_REGIMES = {Regime.QUOTE: QUOTING, Regime.WIDEN: WIDENED, Regime.PAUSE: PAUSED}
_LEGS = {None: ALONE, "long": LONG, "short": SHORT}
_MANY_FIGURES = 99  # a constant tick has no other bound


def why_not(model: StrategyModel, *, two_sided: bool = False) -> str | None:
    """Why the fast desk cannot run a setting, which then needs the bot itself; None if it can.

    With `two_sided` both legs are made from it.
    """
    if not isinstance(model.quoter, CarteaJaimungalQuoter) or not model.quoter.has_own_table:
        return f"{model.name} does not quote from a table of depths that it solves itself"
    if model.settings.role.leg is not None and not two_sided:
        return "a leg without the other one only waits; replay two legs"
    return None


def settings_of(models: Sequence[StrategyModel], instrument: Instrument, groups: Sequence[int]) -> Records:
    """One record a setting, a long leg before its short one; `groups` are its tables."""
    records = np.zeros(len(models), dtype=SETTING)
    for number, (record, model, group) in enumerate(zip(records, models, groups, strict=True)):
        said = _grid(instrument) | _model(model) | _rules(model, instrument) | _budget(model) | _risk(model)
        leg = _LEGS[model.settings.role.leg]
        said |= {"group": group, "number": number, "leg": leg, "other": number + (0, 1, -1)[leg]}
        for name, value in said.items():
            record[name] = value
    return records


def _grid(instrument: Instrument) -> dict[str, float]:
    grid, lots = instrument.grid, Spacing.of(instrument.lot)
    if isinstance(grid, SignificantFigures):
        figures, decimals, unit = grid.figures, grid.decimals, 1.0
    elif isinstance(grid, FixedTick):
        figures, decimals, unit = _MANY_FIGURES, decimals_of(float(grid.tick)), Spacing.of(grid.tick).unit
    else:
        raise TypeError(f"the grid must be SignificantFigures or FixedTick, got {grid!r}")
    return {
        "price_unit": unit,
        "figures": figures,
        "decimals": decimals,
        "lot_unit": lots.unit,
        "lot_scale": lots.scale,
        "lot_size": float(instrument.lot),
        "minimum_notional": instrument.minimum_notional,
    }


def _model(model: StrategyModel) -> dict[str, float]:
    quoter = _quoter(model).settings
    return {
        "model_fee": quoter.maker_fee,
        "widen": quoter.widen_toxicity,
        "pause": quoter.pause_toxicity,
        "session_s": quoter.session_s or 0.0,
        "model_inventory": quoter.maximum_inventory,
    }


def _rules(model: StrategyModel, instrument: Instrument) -> dict[str, float]:
    rules, settings = model.rules(instrument), model.settings
    edge = settings.edge
    return {
        "maker_fee": settings.model.maker_fee,
        "maximum_inventory": rules.maximum_inventory,
        "minimum_bps": rules.bounds.minimum_bps,
        "maximum_bps": rules.bounds.maximum_bps,
        "tolerance_bps": rules.tolerance_bps,
        "minimum_life_ms": rules.minimum_life_ms,
        "smallest_notional": rules.smallest_notional,
        "depth_factor": rules.depth_factor,
        "anchors": rules.anchors,
        "opens_bid": rules.role.opens_with(Side.BID),
        "opens_ask": rules.role.opens_with(Side.ASK),
        "valid_ms": settings.calibration.valid_for_s * 1e3,
        "wakes": edge.socket and edge.wake,
        "cancels_first": edge.socket and edge.cancel_first,
        "fresh": edge.fresh,
        "orders_before_flat": model.orders_before_flat,
    }


def _budget(model: StrategyModel) -> dict[str, float]:
    budget, quote = budget_of(model.settings), model.settings.quote
    governed = isinstance(budget, ActionGovernor)
    return {
        "governed": governed,
        "per_ms": quote.actions_per_minute / 60_000,
        "most_actions": quote.actions_per_minute,
        "entry_actions": budget.entry_actions,
        "reserve": quote.reserved_actions,
        "action_price": quote.action_price if governed else 0.0,
    }


def _risk(model: StrategyModel) -> dict[str, float]:
    limits = model.settings.risk_limits()
    return {
        field.name: getattr(limits, field.name) for field in fields(RiskLimits) if field.name in (SETTING.names or ())
    }


class Group(NamedTuple):
    """What the settings of a group agree in: the model, and how they read a calibration."""

    model: CarteaJaimungalSettings
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
    said = model.settings.model
    return Group(_quoter(model).settings, said.order_notional, said.maker_fee, said.widen_toxicity, said.pause_toxicity)


def require_tradable(models: Sequence[StrategyModel], history: History, instrument: Instrument) -> None:
    """Refuse what cannot be quoted at all.

    Raises
    ------
    NotEnoughData
        If the history is empty.
    SafetyError
        If an order is smaller than the exchange's smallest size.
    """
    smallest = min(models, key=lambda model: model.settings.model.order_notional)
    CalibrationsAsOf(history, smallest, instrument)


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
        record, settings = records[number], group.model
        if settings in first:
            _copy_table(record, records[first[settings]])
        else:
            first[settings] = number
            _fill_costs(record, flows, mids, settings.maker_fee)
            parts.append(_fill_table(record, _solved(settings, flows, mids), sum(map(len, parts))))
        record["lot"] = [instrument.size(group.order_notional / mid) for mid in mids.tolist()]
        record["regime"] = [_state(rows, position, mid, group) for position, mid in enumerate(mids.tolist())]
    return records, np.concatenate(parts)


_OF_COSTS = ("decay", "selection", "fee", "floor", "kept")
_OF_TABLE = ("table", "rows", "columns", "fault", *(f"{side}_{name}" for side in Side for name in _OF_COSTS))


def _copy_table(record: Records, other: Records) -> None:
    for name in _OF_TABLE:
        record[name] = other[name]


def _quoter(model: StrategyModel) -> CarteaJaimungalQuoter:
    if not isinstance(model.quoter, CarteaJaimungalQuoter):
        raise TypeError(f"the fast desk must have a table of depths, got {model.quoter!r}")
    return model.quoter


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
        records[f"{side}_intensity"] = flows.fill_intensity.of(direction)
        records[f"{side}_adverse"] = flows.adverse_selection_on_fill.of(direction)
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
