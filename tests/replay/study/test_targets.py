"""A target is met or missed only where the interval says so."""

import pytest

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.study.targets import Verdict, check, together
from tests.replay.study.test_comparison import BLOCKS, maker


def verdicts(accounts, **wanted):
    return [str(each.verdict) for each in check(accounts, wanted)]


@pytest.fixture
def run() -> Accounts:
    """Forty fills in twenty blocks, all of them resting, half a unit from mid."""
    return maker("a", better=0.5, per_block=2)


def test_what_the_whole_interval_meets_is_met_and_what_none_of_it_meets_is_missed(run):
    assert verdicts(run, maker_ratio=0.9) == ["met"]
    assert verdicts(run, maker_ratio=0.95) == ["not enough data"], "forty fills do not tell 95 from 100 %"
    # 24 fills an hour in every block: no scatter.
    assert verdicts(run, trades_per_day=575) == ["met"]
    assert verdicts(run, trades_per_day=577) == ["missed"]
    assert verdicts(run, capture_bps=1.6) == ["met"]
    assert verdicts(run, capture_bps=1.7) == ["missed"]


def test_a_drawdown_that_was_seen_was_seen(run):
    (measured,) = check(run, {"drawdown": 1e9})
    assert measured.verdict is Verdict.MET
    assert verdicts(run, drawdown=measured.measured.value * 0.99) == ["missed"]
    few = maker("b", count=3)
    assert verdicts(few, drawdown=1e9) == ["not enough data"]
    assert verdicts(few, drawdown=0.0) == ["missed"]


def test_few_fills_tell_nothing():
    few = maker("b", count=3)
    assert set(verdicts(few, maker_ratio=0.9, trades_per_day=1, sharpe=1.0, capture_bps=1.0)) == {"not enough data"}
    assert verdicts(maker("b", count=0), maker_ratio=0.9, drawdown=1.0) == ["not enough data"] * 2


def test_one_that_is_missed_outweighs_one_that_is_open(run):
    assert together(check(run, {"maker_ratio": 0.9})) is Verdict.MET
    assert together(check(run, {"maker_ratio": 0.95})) is Verdict.OPEN
    assert together(check(run, {"maker_ratio": 0.95, "capture_bps": 9.0})) is Verdict.MISSED


def test_a_document_tells_the_interval(run):
    (said,) = (each.document() for each in check(run, {"maker_ratio": 0.9}))
    assert (said["coin"], said["name"], said["wanted"], said["value"], said["n"]) == (
        "ETH", "maker_ratio", 0.9, 1.0, 2 * BLOCKS,
    )  # fmt: skip
    assert said["result"] == "met"
    assert said["low"] > 0.9
