"""Candle backtests: the same plans, from what was known at each candle's open."""

import pytest

from market.errors import NotEnoughData
from tests.strategies.conftest import candles, history

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
MINUTES = 360


def orders_of(trades):
    """Every filled order: side, time [ms], price."""
    filled = [order for trade in trades["orders"] for order in trade]
    return [(order["ft_order_side"], order["order_filled_timestamp"], order["safe_price"]) for order in filled]


@pytest.mark.parametrize(
    ("sides", "directions"), [("long_only", {False}), ("short_only", {True}), ("alternate", {False, True})]
)
def test_a_backtest_trades_what_the_configuration_allows(backtest, sides, directions):
    """Long only, short only or both, by configuration; positions are opened and closed."""
    trades = backtest(candles(MINUTES), history(MINUTES), market_making={"sides": sides})
    assert len(trades) > 10
    assert set(trades["is_short"]) <= directions
    assert (trades["exit_reason"] == "partial_exit").sum() >= len(trades) - 1


def test_no_two_orders_fill_within_one_candle(backtest):
    """The path of the price inside a candle is not known, so a fill is answered in the next candle at the earliest."""
    times = [time for _, time, _ in orders_of(backtest(candles(MINUTES), history(MINUTES)))]
    assert len(times) == len(set(times))


def test_nothing_looks_ahead(backtest):
    """Other candles and calibrations from 03:00 on change nothing that happened before."""
    first = orders_of(backtest(candles(MINUTES), history(MINUTES)))
    data, other = candles(MINUTES), candles(MINUTES, seed=2)
    columns = ["open", "high", "low", "close"]
    data.loc[180:, columns] = other.loc[180:, columns] - other.loc[180, "open"] + data.loc[179, "close"]
    calibrations = history(MINUTES).slice(0, 180)
    second = orders_of(backtest(data, calibrations))
    split_ms = int(data["date"][180].timestamp() * 1e3)
    before = [order for order in first if order[1] < split_ms]
    assert len(before) > 5
    assert [order for order in second if order[1] < split_ms] == before


def test_nothing_is_opened_without_a_valid_calibration(backtest):
    """After the last calibration has expired there is no entry, and after a bad one neither."""
    trades = backtest(candles(MINUTES), history(MINUTES).slice(0, 60))
    assert len(trades) > 0
    assert (trades["open_date"].dt.hour == 0).all()
    assert len(backtest(candles(MINUTES), history(MINUTES, status="bad"))) == 0


def test_a_backtest_asks_the_exchange_for_no_book(backtest, venue):
    """No network call is made for a quote: nobody asks for a book."""
    asked = []
    venue.spoil = lambda book: asked.append(1) or book
    try:
        backtest(candles(MINUTES), history(MINUTES))
    finally:
        venue.spoil = None
    assert not asked


def test_a_backtest_without_a_history_says_how_to_make_one(backtest):
    """The error names the folder and the command."""
    with pytest.raises(NotEnoughData, match="mm calibrate --backfill --coin ETH"):
        backtest(candles(MINUTES), None)
