"""Figures of a comparison: what a fill was worth, which were picked off, and the money with its interval."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import poisson

from market_making.market.errors import ConfigurationError
from market_making.market.tape import QuoteTape
from market_making.ops.demo.compared import Figure, counted, figures_of, mean_of
from market_making.ops.demo.comparison import VARIANTS, Comparison, Lane, Variant, lively_comparison
from market_making.ops.demo.files import Credentials, DemoFiles
from market_making.ops.demo.run import DemoOptions
from market_making.ops.demo.schedule import Schedule

# Mid is 100 until 10 s, then 99.9, from 11 s on 100.2.
STAMPS = [0, 10_000, 11_000, 60_000]
MIDS = [100.0, 99.9, 100.2, 100.2]
STILL = [(0, 1.0), (1, 1.0), (2, 1.0)]


@pytest.fixture
def quotes():
    mids, ones = np.array(MIDS), np.ones(len(MIDS))
    return QuoteTape(np.array(STAMPS), mids - 0.01, ones, mids + 0.01, ones)


def fill(time_ms, side, price, *, crossed=False):
    return {"time_ms": time_ms, "side": side, "price": price, "crossed": crossed}


def lane(fills, equity, variant=VARIANTS[0]):
    last = {"actions": 30, "rejected": 2, "fill_to_quote_ms": [900, 100, 300]}
    files = DemoFiles(Path("unused"))
    found = Lane(variant, files, Credentials.throw_away(), Path("unused"), equity=equity, fills=fills, last=last)
    found.first = {"actions": 10, "rejected": 1, "fill_to_quote_ms": [900]}
    return found


def test_a_fill_is_judged_by_mid_from_its_own_block_on(quotes):
    """A bid at 99.95 that is filled as mid falls to 99.9 has lost, although mid rises a second later."""
    row = figures_of(lane([fill(10_000, "buy", 99.95, crossed=True)], STILL), quotes, lane([], STILL))
    assert row.picked_off.value == 1
    assert row.markout_bps["0"].value == pytest.approx((99.9 - 99.95) / 99.95 * 1e4)
    assert row.markout_bps["1"].value == pytest.approx((100.2 - 99.95) / 99.95 * 1e4)


def test_a_sale_is_judged_the_other_way(quotes):
    """Mid that falls below the price of an ask is in its favour; after the last quote nothing is known."""
    fills = [fill(10_000, "sell", 99.95), fill(40_000, "sell", 100.3)]
    row = figures_of(lane(fills, STILL), quotes, lane([], STILL))
    assert row.picked_off.value == 0
    assert row.fills.value == 2
    assert row.markout_bps["30"].value == pytest.approx((99.95 - 100.2) / 99.95 * 1e4)


def test_money_is_the_change_of_the_account_per_hour_and_paired(quotes):
    """What moves both accounts alike is not in the difference."""
    random = np.random.default_rng(1)
    common = np.cumsum(random.normal(0, 1, 600))
    better = common + 0.01 * np.arange(600)
    first = lane([], list(enumerate(common)))
    row = figures_of(lane([], list(enumerate(better)), Variant("edge")), quotes, first)
    assert row.money.low < row.money.value < row.money.high
    assert row.difference == pytest.approx((36.0, 36.0, 36.0))
    assert row.actions == 20
    assert row.rejected == 1
    assert row.fill_to_quote_ms_median == 200
    assert figures_of(first, quotes, first).difference == Figure(None)


def test_a_count_has_the_exact_interval_of_a_poisson_rate():
    """At its ends the count is as unlikely as 2.5 %."""
    figure = counted(7)
    assert poisson.sf(6, figure.low) == pytest.approx(0.025)
    assert poisson.cdf(7, figure.high) == pytest.approx(0.025)
    assert counted(0).low == 0


def test_a_mean_of_few_or_none_has_no_interval():
    """And says so in a table."""
    assert mean_of(np.empty(0)) == Figure(None)
    assert f"{mean_of(np.array([1.5])):.1f}" == "1.5"
    assert f"{Figure(None):.1f}" == "–"
    assert f"{Figure(1.0, 0.5, 1.5):.1f}" == "1.0 [0.5, 1.5]"


def test_a_variant_switches_what_makes_a_bot_faster():
    """The builder's fee is refused in all of them, so that money can be compared."""
    stock, edge, _ = VARIANTS
    assert {name for name, is_on in stock.edge.items() if is_on} == {"builder_fee", "remembered"}
    assert all(edge.edge.values())


@pytest.mark.parametrize(("coins", "faults"), [(("ETH", "BTC"), None), (("ETH",), "chaos")])
def test_what_cannot_be_compared_is_refused(tmp_path, coins, faults):
    """Before anything is started."""
    options = DemoOptions(Schedule(1.0), coins, faults=faults, root=tmp_path)
    with pytest.raises(ConfigurationError, match="one --coin and no --faults"):
        lively_comparison(options, print)


def test_lanes_share_the_market_and_nothing_else(tmp_path):
    """Each has a folder, an account and a key of its own."""
    run = Comparison(DemoOptions(Schedule(1.0), ("ETH",), root=tmp_path), print)
    assert len({lane.credentials.address for lane in run.lanes}) == len(VARIANTS)
    assert len({lane.files.folder for lane in run.lanes}) == len(VARIANTS)
