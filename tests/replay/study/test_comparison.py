"""A comparison takes what moves the market out of the difference between two makers."""

from dataclasses import replace

import numpy as np
import pytest

from market_making.market.errors import ConfigurationError
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.result import Fundings, Outcome, ReplayResult, Session, Touch, fills_of, orders_of
from market_making.replay.study.comparison import Contestant, compare, paired
from market_making.replay.study.comparison_plot import comparison_picture

BLOCKS, BLOCK_MS = 20, 300_000
NOTHING = Fundings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def market(seed=1):
    """A mid that moves once in every block."""
    times = np.arange(BLOCKS + 1) * BLOCK_MS
    mid = 3000.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, 5.0, BLOCKS + 1)).round(1)
    return Touch(times, mid - 0.1, mid + 0.1)


def maker(name, better=0.0, count=BLOCKS, per_block=1):
    """Bought coins in every block, two minutes before mid moved, some price below mid."""
    touch = market()
    times = np.repeat(np.arange(count), per_block) * BLOCK_MS + 180_000
    mids = touch.mid_at(times)
    fills = [(t, i, 0, 1, m - better, 1.0, 0.0, True, m) for i, (t, m) in enumerate(zip(times, mids, strict=True))]
    orders = [(t - 9, t - 5, t, 0, 1, Outcome.FILLED, m - better, 1.0, m) for t, m in zip(times, mids, strict=True)]
    cash = -sum(m - better for m in mids)
    session = Session(
        0, BLOCKS * BLOCK_MS, fills_of(fills), orders_of(orders), touch, NOTHING, 1, 1, 1.0, 0, float(len(times)), cash
    )
    return Accounts(ReplayResult(name, "ETH", "none", 0.0, (session,)))


def test_what_moves_both_moves_no_difference():
    wide = paired(maker("a"), maker("b", count=0))
    assert wide.high - wide.low > 100.0
    found = paired(maker("a", better=0.5), maker("b"))
    # Half a unit of price on a coin in each of twelve blocks an hour, without any scatter.
    assert found.value == pytest.approx(6.0)
    assert (found.low, found.high) == (pytest.approx(6.0), pytest.approx(6.0))
    assert found.n == BLOCKS


def test_the_best_stands_first_and_the_baseline_has_no_difference():
    poor = Contestant("poor", is_peer=True, accounts=maker("poor", -1.0))
    runs = [poor, Contestant("good", is_peer=False, accounts=maker("good"))]
    standings = compare(runs, "good")
    assert [each.contestant.name for each in standings] == ["good", "poor"]
    assert standings[0].difference is None
    row = standings[1].document()
    assert row["difference"] == pytest.approx(-12.0)
    parts = row["spread_per_hour"] + row["adverse_per_hour"] + row["inventory_per_hour"] - row["fees_per_hour"]
    assert parts == pytest.approx(row["net_per_hour"])
    assert (row["kind"], row["fills"], row["verdict"]) == ("peer", BLOCKS, "too short to tell")


def test_a_comparison_needs_the_same_tapes_and_a_known_baseline():
    with pytest.raises(ConfigurationError, match="baseline must be one of a, got b"):
        compare([Contestant("a", is_peer=False, accounts=maker("a"))], "b")
    (session,) = maker("b").sessions
    result = ReplayResult("b", "ETH", "none", 0.0, (session._replace(end_ms=session.end_ms - 60_000),))
    other = Accounts(replace(result))
    with pytest.raises(ConfigurationError, match="same tapes"):
        paired(maker("a"), other)


def test_a_plot_has_two_panels_a_coin_and_tells_the_verdicts():
    pytest.importorskip("matplotlib")
    runs = [Contestant(name, is_peer=False, accounts=maker(name)) for name in ("a", "b")]
    figure = comparison_picture(compare(runs, "a"), "a")
    assert len(figure.axes) == 2
    assert [text.get_text() for text in figure.axes[1].texts] == [f"{BLOCKS} fills, too short to tell"] * 2
