"""What makes candle backtests fast changes nothing: the same calibration, the same quotes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from calibration.publication.history import History, row_flow
from market_making.market.errors import NotEnoughData
from market_making.market.instrument import Instrument
from market_making.market.sides import Directions, Side
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.order_flow import OrderFlows
from market_making.quoting.quote import Preparing
from market_making.quoting.risk.toxicity import Regime
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.sections import ModelSettings
from market_making.trading.freqtrade.signals import opens_of
from market_making.trading.freqtrade.trade import milliseconds
from market_making.trading.holding import Holding
from market_making.trading.past.calibrations import Calibrations
from market_making.trading.past.planner import CandleOpen, CandlePlanner, CandleTrack
from market_making.trading.rules import Restraints
from tests.strategies.conftest import START, history
from tests.trading.conftest import FLOW, MARKET, RULES

OPEN = CarteaJaimungalSettings(widen_toxicity=10.0, pause_toxicity=10.0)
SESSIONS = replace(OPEN, session_s=600.0, terminal_penalty=0.1)


def test_a_look_up_is_that_of_the_history():
    """At, before and between rows: the newest that was published by then, or none."""
    table = History(history(5))
    calibrations, start_ms = Calibrations(table), int(START.timestamp() * 1e3)
    for time_ms in range(start_ms - 30_000, start_ms + 400_000, 30_000):
        position = calibrations.at(time_ms)
        if position < 0:
            with pytest.raises(NotEnoughData):
                table.as_of(time_ms)
            continue
        row = table.as_of(time_ms)
        assert calibrations.created_ms(position) == row["created_ms"]
        assert calibrations.flow(position) == row_flow(row)


def test_many_look_ups_are_those_of_each():
    """In one go: the same rows, none where there is none, an old one or a bad one; and the same flows."""
    table = History(history(5))
    bad = table.column("status").astype(object)
    bad[2] = "bad"
    status = table.table.schema.get_field_index("status")
    calibrations = Calibrations(History(table.table.set_column(status, "status", [bad.tolist()])))
    times_ms = int(START.timestamp() * 1e3) + np.arange(-60_000, 400_001, 15_000)
    for time_ms, position in zip(times_ms.tolist(), calibrations.usable_at(times_ms, 60_000).tolist(), strict=True):
        alone = calibrations.at(time_ms)
        usable = alone >= 0 and alone != 2 and time_ms - calibrations.created_ms(alone) <= 60_000
        assert position == (alone if usable else -1)
    together, alone = calibrations.flows(np.array([3, 1])), OrderFlows.of([calibrations.flow(3), calibrations.flow(1)])
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)


SINCE_1_1 = {
    "adverse_selection_slope_buy": 0.4,
    "adverse_selection_slope_sell": 0.2,
    "funding_rate": 1e-6,
    "regime": "widen",
    "calibration_id": "abc",
}


def model_with(maker_fee):
    return cartea_jaimungal_quoter(replace(OPEN, maker_fee=maker_fee))


def planned(*, own_fee=None, **changes):
    """What is planned after a candle from a history with these columns: the planner, and the plan with nothing held."""
    calibrations = Calibrations(History(history(2, **changes)))
    configured = {} if own_fee is None else {"maker_fee": own_fee}
    model = ModelSettings(widen_toxicity=10.0, pause_toxicity=10.0, **configured)
    has_own_fee = own_fee is not None
    past = CandlePlanner(Instrument.hyperliquid("ETH", 4), calibrations, RULES, model, 60_000, has_own_fee)
    moment = CandleOpen(int(START.timestamp() * 1e3) + 60_000, 3000.0)
    track = CandleTrack(past, [moment], model_with)
    inputs = track.inputs(moment.time_ms)
    return inputs, inputs.planner.plan(Holding(), Restraints())


def test_a_backtest_plans_with_slope_funding_and_regime_where_the_history_has_them():
    """The flow of the row, the regime that was published, its identity; the quotes are those of that flow."""
    inputs, plan = planned(**SINCE_1_1)
    assert inputs.calibration_id == "abc"
    assert inputs.planner.flow.adverse_selection_slope == Directions(0.4, 0.2)
    assert inputs.planner.flow.funding_rate == 1e-6
    assert inputs.planner.regime is Regime.WIDEN
    assert plan.order.terms.regime > 0
    for name in ("adverse_selection_slope_buy", "adverse_selection_slope_sell", "funding_rate"):
        without = planned(**(SINCE_1_1 | {name: None}))[1]
        assert [quote.terms for quote in without.quotes.sides] != [quote.terms for quote in plan.quotes.sides], name


def test_a_backtest_quotes_with_the_fee_that_the_account_had_at_the_time():
    """As a running bot does: the fee of the calibration, unless one is configured; without either the base fee."""
    fees = {fee: planned(own_fee=own, maker_fee=known)[1].order.terms.fee for fee, own, known in (
        ("base", None, None), ("lower", None, 0.8e-4), ("own", 0.8e-4, 1.2e-4), ("rebate", None, -0.2e-4),
    )}  # fmt: skip
    assert fees["rebate"] < 0 < fees["lower"] < fees["base"]
    assert fees["own"] == fees["lower"]


def test_a_fee_that_changes_within_a_backtest_is_that_of_each_candle():
    """The model is made once for each fee."""
    rows = history(4, maker_fee=1.5e-4)
    column = rows.schema.get_field_index("maker_fee")
    rows = rows.set_column(column, "maker_fee", [[1.5e-4, 1.5e-4, 1.2e-4, 1.2e-4]])
    past = CandlePlanner(
        Instrument.hyperliquid("ETH", 4), Calibrations(History(rows)), RULES, ModelSettings(pause_toxicity=10.0), 60_000
    )
    start_ms, asked = int(START.timestamp() * 1e3), []
    opens = [CandleOpen(start_ms + minute * 60_000, 3000.0) for minute in range(1, 4)]

    def model(fee):
        asked.append(fee)
        return model_with(fee)

    track = CandleTrack(past, opens, model)
    plans = list(track.opening_plans())
    assert asked == track.fees == [1.5e-4, 1.2e-4]
    assert [plan.maker_fee for plan in plans] == [1.5e-4, 1.2e-4, 1.2e-4]
    terms = [plan.plan.order.terms.fee for plan in plans]
    assert terms[0] > terms[1] == terms[2]


def test_a_backtest_of_an_older_history_judges_toxicity_itself():
    """There is no regime in it; slope and funding are 0."""
    inputs, plan = planned()
    assert inputs.calibration_id == "history"
    assert inputs.planner.regime is Regime.QUOTE
    assert inputs.planner.flow.adverse_selection_slope == Directions(0.0, 0.0)
    assert plan.order is not None


@pytest.mark.parametrize(("settings", "asked", "tolerance"), [(OPEN, 1, 0.0), (SESSIONS, 60, 1e-6)])
def test_quotes_prepared_together_are_those_made_one_by_one(settings, asked, tolerance):
    """The very same numbers, with sessions but for the steps in time; a flow that has no table does no harm."""
    random = np.random.default_rng(1)
    flows = [replace(FLOW, fill_decay=Directions(*random.uniform(0.5, 4, 2))) for _ in range(300)]
    flows[150] = replace(FLOW, fill_decay=Directions(-1.0, 1.0))
    flows[180] = replace(FLOW, fill_intensity=Directions(0.0, 0.3))
    model = cartea_jaimungal_quoter(settings)
    assert isinstance(model, Preparing)
    quoter_of = model.prepare(OrderFlows.of(flows), np.full(len(flows), MARKET.mid))
    for position in range(0, len(flows), asked):
        quoter, alone = quoter_of(position), cartea_jaimungal_quoter(settings)
        for inventory in (-3, 0.5, 2):
            both = [each(MARKET, inventory, flows[position], 0) for each in (quoter, alone)]
            for side in Side:
                depths = [getattr(quotes.of(side), "depth", -1.0) for quotes in both]
                assert depths[0] == pytest.approx(depths[1], rel=tolerance, abs=0.0)
    assert quoter_of(150)(MARKET, 0.0, flows[150], 0).bid is None


@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_a_moment_is_the_end_of_its_candle(unit):
    """Whatever unit the dates have: Freqtrade's hooks are called with the same time."""
    dates = pd.Series(pd.date_range(START, periods=3, freq="1min").as_unit(unit))
    opens = opens_of(pd.DataFrame({"date": dates, "close": [1.0, 2.0, 3.0], "bias": [float("nan"), 0.5, 0.0]}), 60_000)
    assert [moment.time_ms for moment in opens] == [milliseconds(date) + 60_000 for date in dates]
    assert [(moment.price, moment.bias) for moment in opens] == [(1.0, 0.0), (2.0, 0.5), (3.0, 0.0)]
