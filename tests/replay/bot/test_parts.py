"""The parts of the loop: own position, latencies, stale orders, calibrations as of, the record of orders."""

import numpy as np
import pytest

from calibration.publication.history import SCHEMA, History
from market_making.market.errors import ConfigurationError, NotEnoughData, SafetyError, StaleParameters
from market_making.market.instrument import Instrument
from market_making.market.sides import Side, Sides
from market_making.quoting.quote import Quote, Quotes
from market_making.quoting.terms import Terms
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.leg import LegBook
from market_making.replay.bot.record import OrderRecord
from market_making.replay.bot.stale import StaleWatch
from market_making.replay.engines.engine import OrderNow
from market_making.replay.result import Outcome, Touch
from market_making.settings.settings import Settings
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plan import PlannedOrder
from market_making.trading.strategy_model import StrategyModel
from market_making.trading.wanted import WantedOrder

ETH = Instrument.hyperliquid("ETH", 4)
ENTRY = PlannedOrder(Side.BID, 3000.0, 0.03, Terms(), grows=True, closes=False)
EXIT = PlannedOrder(Side.ASK, 3001.0, 0.03, Terms(), grows=False, closes=True)


def test_a_trade_counts_its_orders_until_it_is_closed():
    book = LegBook(0.001)
    book.placed(1, ENTRY, "open", 10)
    assert book.holding() == Holding(0.0, RestingOrder("1", Side.BID, 3000.0, 0.03, 0.0, 10, "open"), 1)
    book.told(OrderNow(0.01, is_open=True))
    assert book.holding().coins == 0.01
    book.told(OrderNow(0.03, is_open=False))
    book.ended()
    assert book.holding() == Holding(0.03, None, 1)
    assert book.cash == pytest.approx(-90 * 1.001)
    book.placed(2, EXIT, "reduce", 20)
    book.told(OrderNow(0.03, is_open=False))
    book.ended()
    assert book.holding() == Holding()
    assert book.cash == pytest.approx(-90 * 1.001 + 90.03 * 0.999)


def test_an_entry_that_was_never_filled_leaves_no_trade():
    book = LegBook(0.0)
    book.placed(1, ENTRY, "open", 10)
    book.told(OrderNow(0.0, is_open=False))
    book.ended()
    assert book.holding() == Holding()
    with pytest.raises(ValueError, match="an order must rest"):
        book.told(OrderNow(0.0, is_open=False))


def test_lags_are_drawn_from_what_was_measured():
    profile = LagProfile(Lags(), {"entry_ms": np.array([7.0, 9.0]), "period_ms": np.array([500.0])}, seed=3)
    drawn = [profile.draw() for _ in range(50)]
    assert {lags.entry_ms for lags in drawn} == {7, 9}
    assert {lags.period_ms for lags in drawn} == {500}
    assert {lags.feed_ms for lags in drawn} == {Lags().feed_ms}
    again = LagProfile(Lags(), {"entry_ms": np.array([7.0, 9.0]), "period_ms": np.array([500.0])}, seed=3)
    assert drawn == [again.draw() for _ in range(50)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Lags(period_ms=0), "period_ms must be from 1 to 600000, got 0"),
        (lambda: Lags(feed_ms=-1), "feed_ms must be from 0"),
        (lambda: LagProfile(Lags(), {"speed": np.array([1.0])}), "must have feed_ms, .* got speed"),
        (lambda: LagProfile(Lags(), {"feed_ms": np.array([np.nan])}), "must be times"),
        (lambda: LagProfile(Lags(), {"feed_ms": np.array([])}), "must be times"),
    ],
)
def test_times_that_cannot_be_are_refused(made, said):
    with pytest.raises(ConfigurationError, match=said):
        made()


@pytest.mark.parametrize("side", list(Side))
def test_the_first_stale_moment_is_where_the_bot_itself_would_say_so(side):
    mid = 3000 + 3 * np.sin(np.arange(400) / 20)
    touch = Touch(np.arange(400) * 100, mid - 0.05, mid + 0.05)
    watch, sign = StaleWatch(touch), -1 if side is Side.BID else 1
    resting = RestingOrder("1", side, 3000.0 + sign * 2.0, 0.03, 0.0, 0)
    wanted = WantedOrder("ETH", side, 3000.0 + sign * 2.1, mid[0], 1.0)
    stale = [i for i in range(400) if wanted.too_close_by(resting.price, touch.mid.item(i)) > 0]
    assert 0 < len(stale) < 400
    assert watch.first_ms(wanted, resting, -1, 50_000) == stale[0] * 100
    assert watch.is_stale(wanted, resting, stale[0] * 100)
    assert not watch.is_stale(wanted, resting, stale[0] * 100 - 1)
    assert watch.first_ms(wanted, resting, -1, stale[0] * 100 - 1) == stale[0] * 100 - 1
    assert not watch.is_stale(wanted, resting._replace(side=side.opposite), stale[0] * 100)


def test_the_record_knows_how_each_order_ended_and_when_any_rested():
    record = OrderRecord()
    for asked_ms in (0, 100, 5_000, 6_000):
        record.asked(0, ENTRY, 3000.5, asked_ms)
    for number, placed_ms in ((1, 50), (2, 150), (3, 5_050)):
        record.arrived(number, placed_ms, accepted=True)
    record.arrived(4, 6_050, accepted=False)
    record.filled_part(1, 500, 0.01)
    record.filled_part(1, 1_050, 0.03)
    record.cancelled(2, 2_050)
    orders = record.orders(8_000)
    assert orders.outcome.tolist() == [Outcome.FILLED, Outcome.CANCELLED, Outcome.OPEN, Outcome.REFUSED]
    assert orders.ended_ms.tolist() == [1_050, 2_050, 8_000, 6_050]
    assert record.resting_s(8_000) == pytest.approx(2.0 + 2.95)
    assert OrderRecord().resting_s(8_000) == 0.0


def quoter(market, inventory, flow, now_ms):
    return Quotes(Sides(*(Quote.at(side, market.mid, Terms(room=2.0), size=1.0) for side in Side)))


def model(**section):
    return StrategyModel("Fixed", quoter, Settings.from_section({"sides": "alternate", **section}))


def test_a_bot_reads_the_newest_calibration_of_its_time(simulated_history):
    known = CalibrationsAsOf(simulated_history, model(), ETH)
    created = simulated_history.column("created_ms").tolist()
    ids = simulated_history.column("calibration_id").tolist()
    assert known.at(created[1]).calibration_id == ids[1]
    assert known.at(created[2] - 1).calibration_id == ids[1]
    assert known.at(created[1]).lot == ETH.size(100 / simulated_history.column("mid")[1])
    with pytest.raises(NotEnoughData, match="no calibration yet"):
        known.at(created[0] - 1)
    with pytest.raises(StaleParameters, match="older than 60 s"):
        known.at(created[-1] + 60_001)


def test_a_bad_calibration_or_none_or_too_small_an_order_is_refused(simulated_history):
    table = simulated_history.table
    bad = table.set_column(table.schema.get_field_index("status"), "status", [["bad"] * len(table)])
    with pytest.raises(SafetyError, match="was bad"):
        CalibrationsAsOf(History(bad), model(), ETH).at(simulated_history.column("created_ms")[0])
    with pytest.raises(NotEnoughData, match="0 calibrations of ETH"):
        CalibrationsAsOf(History(SCHEMA.empty_table()), model(), ETH)
    with pytest.raises(SafetyError, match=r"at least one lot of 0\.0001 ETH, got 0\.1"):
        CalibrationsAsOf(simulated_history, model(model={"order_notional": 0.1}), ETH)
