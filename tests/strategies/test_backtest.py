"""Candle backtests: the same plans, from what was known at each candle's open."""

import logging
import re
from dataclasses import replace
from functools import partial

import pytest
from freqtrade.exceptions import ConfigurationError as FreqtradeConfigurationError
from freqtrade.resolvers import StrategyResolver
from freqtrade.strategy.parameters import CategoricalParameter, NumericParameter

from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.quote import Withheld
from market_making.quoting.readings.observations import Observations
from market_making.trading.freqtrade.pair_reader import quoting_rules
from market_making.trading.holding import Holding
from market_making.trading.plan import Planner
from market_making.trading.rules import Restraints
from tests.live_bot import ROOT
from tests.strategies.conftest import candles, history, tuned_to
from tests.trading.conftest import FLOW, MARKET

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
MINUTES = 360
CONFIG = {"user_data_dir": ROOT / "user_data", "trading_mode": "futures", "candle_type_def": "futures"}
STRATEGIES = ROOT / "user_data" / "strategies"
ALTERNATE = {"sides": "alternate", "model": {"widen_toxicity": 10.0, "pause_toxicity": 10.0}}
LOT = 0.0333
NOT_ASKED = Withheld(Reason.MODEL_WITHHOLDS, "not asked")
NOTHING = Sides(NOT_ASKED, NOT_ASKED)


def orders_of(trades):
    """Every filled order: side, time [ms], price, size."""
    filled = [order for trade in trades["orders"] for order in trade]
    keys = ("ft_order_side", "order_filled_timestamp", "safe_price", "amount")
    return [tuple(order[key] for key in keys) for order in filled]


@pytest.mark.parametrize(
    ("sides", "directions"), [("long_only", {False}), ("short_only", {True}), ("alternate", {False, True})]
)
def test_a_backtest_trades_what_the_configuration_allows(backtest, sides, directions):
    """Long only, short only or both, by configuration; positions are opened and closed."""
    trades = backtest(candles(MINUTES), history(MINUTES), market_making={"sides": sides})
    assert len(trades) > 10
    assert set(trades["is_short"]) <= directions
    assert (trades["exit_reason"] == "reduce").sum() >= len(trades) - 1


def test_no_two_orders_fill_within_one_candle(backtest):
    """The path of the price inside a candle is not known, so a fill is answered in the next candle at the earliest."""
    times = [order[1] for order in orders_of(backtest(candles(MINUTES), history(MINUTES)))]
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
    with pytest.raises(FreqtradeConfigurationError, match="mm calibrate --backfill --coin ETH"):
        backtest(candles(MINUTES), None)


def test_a_backtest_says_how_many_candles_it_could_not_quote_in(backtest, caplog):
    """A history that is thinner than the candles, with some bad rows: which candles are missing, and why."""
    sparse = history(MINUTES).take(list(range(5, MINUTES, 5)))
    with caplog.at_level(logging.WARNING):
        backtest(candles(MINUTES), sparse)
    (said,) = [record.getMessage() for record in caplog.records if "calibration to quote from" in record.getMessage()]
    usable, total = (int(word) for word in re.match(r"(\d+) of (\d+) candles of ETH/USDC:USDC", said).groups())
    assert total * 0.3 < usable < total * 0.5  # one minute in five, valid for one more
    assert "is the history as dense as the candles?" in said


def test_a_backtest_quotes_with_the_fee_of_its_history_and_says_that_it_charges_another(backtest, caplog):
    """The account paid 0.8 bps then, so depths are smaller. A configured fee wins, and the right one needs no word."""
    entries = {}
    for name, known, own in (("base", 1.5e-4, None), ("tier", 0.8e-4, None), ("own", 0.8e-4, 1.5e-4)):
        caplog.clear()
        model = ALTERNATE["model"] | ({} if own is None else {"maker_fee": own})
        trades = backtest(
            candles(60), history(60, maker_fee=known), market_making=ALTERNATE | {"model": model}, fee=1.5e-4
        )
        entries[name] = orders_of(trades)
        said = "quoted with a maker fee of 0.8 bps" in caplog.text
        assert said == (name == "tier"), caplog.text
        assert ("`--fee 8e-05` charges the same" in caplog.text) == said
    assert entries["base"] == entries["own"] != entries["tier"]


def test_a_backtest_in_which_nothing_is_quoted_says_why(backtest, caplog):
    """Not zero trades without a word."""
    with caplog.at_level(logging.WARNING):
        assert len(backtest(candles(MINUTES), history(MINUTES, fill_decay_buy=40.0, fill_decay_sell=40.0))) == 0
    assert "nothing is quoted after any of" in caplog.text
    assert "because" in caplog.text


VARIANTS = [path.stem for path in sorted(STRATEGIES.glob("*.py"))]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trades_and_loses_its_fees_on_a_random_walk(backtest, variant):
    """In a driftless market no model earns more than chance: fills at the quote, fees on both sides, nothing free."""
    trades = backtest(candles(MINUTES), history(MINUTES), variant, market_making={"sides": "alternate"})
    assert len(trades) > 3
    error = trades["profit_abs"].std() * len(trades) ** 0.5
    assert trades["profit_abs"].sum() < 3 * error


def tunable(strategy):
    """Every parameter of a strategy, with the ends of its range or all its choices, but for its value."""
    for name in dir(strategy):
        parameter = getattr(strategy, name)
        if isinstance(parameter, NumericParameter):
            yield name, [value for value in (parameter.high, parameter.low) if value != parameter.value]
        elif isinstance(parameter, CategoricalParameter):
            yield name, [value for value in parameter.opt_range if value != parameter.value]


def planned(strategy, **tuned):
    """What would be ordered on either side alone, at each inventory, in a deep market with a trend."""
    instrument, observed = Instrument.hyperliquid("ETH", 4), Observations(bias=0.5)
    market = MARKET._replace(bid_size=1e3, ask_size=1e3, observations=observed)
    with tuned_to(strategy, tuned):
        quoter, rules = strategy.quoter(), quoting_rules(strategy, instrument)

        def plan(side, lots):
            def on_one_side(*asked):
                quotes = quoter(*asked)
                return replace(quotes, sides=NOTHING._replace(**{side: quotes.sides.of(side)}))

            planner = Planner(instrument, market, FLOW, on_one_side, LOT, rules, MARKET.time_ms)
            return planner.plan(Holding(lots * LOT), Restraints())[1:]

        return [plan(side, lots / 4) for side in Side for lots in range(-12, 13)]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_hyperoptable_parameter_acts(backtest, variant):
    """Each parameter alone, at another value, changes what is planned or else what is traded: none is for show."""
    strategy = StrategyResolver.load_strategy(CONFIG | {"strategy": variant, "market_making": ALTERNATE})
    usual = planned(strategy)
    left = [
        (name, values)
        for name, values in tunable(strategy)
        if all(planned(strategy, **{name: value}) == usual for value in values)
    ]
    run = partial(backtest, candles(4 * MINUTES), history(4 * MINUTES), variant, market_making=ALTERNATE)
    reference = orders_of(run()) if left else []
    idle = [name for name, values in left if all(orders_of(run(tuned={name: value})) == reference for value in values)]
    assert idle == []
