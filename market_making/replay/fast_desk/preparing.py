"""From settings to the records that the fast desk reads, and which settings those can be."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from calibration.publication.history import History
from market_making.market.instrument import FixedTick, Instrument, SignificantFigures, Spacing
from market_making.market.sides import Side
from market_making.market.sums import in_sequence
from market_making.quoting.models.cartea_jaimungal import CarteaJaimungalQuoter
from market_making.quoting.models.depth_aware import DepthAwareQuoter, DepthAwareSettings, tier_weights
from market_making.quoting.risk.rules import RiskLimits
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.bot import budget_of
from market_making.replay.bot.inputs import book_levels
from market_making.replay.fast_desk.layout import ALONE, LONG, MOST_TIERS, SETTING, SHORT, Records
from market_making.replay.tape.events import decimals_of
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.strategy_model import StrategyModel

_LEGS = {None: ALONE, "long": LONG, "short": SHORT}
_MANY_FIGURES = 99  # a constant tick has no other bound


def why_not(model: StrategyModel, *, two_sided: bool = False) -> str | None:
    """Why the fast desk cannot run a setting, which then needs the bot itself; None if it can.

    With `two_sided` both legs are made from it.
    """
    quoter = model.quoter
    if isinstance(quoter, DepthAwareQuoter):
        if quoter.settings.tiers > MOST_TIERS:
            return f"{model.name} has {quoter.settings.tiers} tiers, at most {MOST_TIERS} are compiled"
    elif not isinstance(quoter, CarteaJaimungalQuoter) or not quoter.has_own_table:
        return f"{model.name} quotes neither from a table of depths that it solves itself, nor as DepthAware does"
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


def _model(model: StrategyModel) -> dict[str, Any]:
    """What only the model itself reads.

    Raises
    ------
    TypeError
        If it is none that is compiled; see `why_not`.
    """
    if isinstance(model.quoter, CarteaJaimungalQuoter):
        return _table(model.quoter.settings)
    if isinstance(model.quoter, DepthAwareQuoter):
        return _tiers(model.quoter.settings) | {"book_levels": book_levels(model)}
    raise TypeError(f"the fast desk must have a table of depths or tiers, got {model.quoter!r}")


def _table(settings: CarteaJaimungalSettings) -> dict[str, Any]:
    return {
        "model_fee": settings.maker_fee,
        "widen": settings.widen_toxicity,
        "pause": settings.pause_toxicity,
        "session_s": settings.session_s or 0.0,
        "model_inventory": settings.maximum_inventory,
    }


def _tiers(settings: DepthAwareSettings) -> dict[str, Any]:
    weights = tier_weights(settings)
    return {
        "tiers": settings.tiers,
        "tier_weights": weights + [0.0] * (MOST_TIERS - settings.tiers),
        "weight_of_tiers": in_sequence(weights),
        "side_size": settings.side_size,
        "smallest_tier": settings.smallest_size,
        "tier_inventory": settings.maximum_inventory,
        "skew_from": settings.skew_from,
        "widen_from": settings.widen_from,
        "one_sided_from": settings.one_sided_from,
        "skew_strength": settings.skew_strength,
        "least_notional": settings.least_notional,
        "funding_holding_s": settings.funding_holding_s,
        "tier_fee": settings.maker_fee,
        "nearest_bps": settings.nearest_bps,
        "half": 0.5,
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
