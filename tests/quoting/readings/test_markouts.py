"""Markouts of own fills."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.sides import Side, Sides
from market_making.quoting.readings.markouts import (
    Markouts,
    MarkoutScore,
    OwnFill,
    adverse_move,
    factor_of,
    is_losing,
    recent_capture_bps,
)

BUY = OwnFill(0, Side.BID, 99.9, 1.0, 100.0)
SELL = OwnFill(0, Side.ASK, 100.1, 1.0, 100.0)


@pytest.mark.parametrize(
    ("score", "factor"),
    [(0.1, 0.9), (0.2, 1.0), (0.39, 1.0), (0.4, 1.25), (0.6, 1.5), (0.79, 1.5), (0.8, math.inf), (1.0, math.inf)],
)
def test_factors_rise_with_the_score(score, factor):
    """Below 0.2 a little nearer, from 0.4 further, from 0.8 not at all; nothing before more than ten fills."""
    assert MarkoutScore(score, 11).factor == factor
    assert MarkoutScore(score, 10).factor == 1.0


@given(moves=st.lists(st.floats(-10, 10), max_size=100))
def test_the_score_is_a_running_mean_of_shares(moves):
    """It stays between 0 and 1 and takes a tenth of each new share."""
    state, expected = MarkoutScore(), 0.3
    for move in moves:
        state = state.after(move, 2.0)
        expected += 0.1 * (min(1.0, max(0.0, move / 2.0)) - expected)
    assert state.score == pytest.approx(expected)
    assert 0 <= state.score <= 1
    assert state.fills == len(moves)


def test_a_fill_is_judged_once_and_not_before_its_time():
    """At the horizon, by the mid then, on its own side only."""
    state = Markouts().filled(BUY).filled(SELL._replace(time_ms=3_000))
    early = state.seen(4_999, 90.0, horizon_ms=5_000, scale=1.0)
    assert (early.scores, early.pending) == (state.scores, state.pending)
    judged = early.seen(5_000, 99.5, horizon_ms=5_000, scale=1.0)
    assert judged.scores.bid == MarkoutScore(0.3 + 0.1 * (0.5 - 0.3), 1)
    assert judged.scores.ask == MarkoutScore()
    assert [fill.side for fill in judged.pending] == [Side.ASK]
    done = judged.seen(8_000, 99.5, horizon_ms=5_000, scale=1.0)
    assert done.pending == ()
    assert done.scores.ask.score == pytest.approx(0.27)
    assert done.factors == (1.0, 1.0)


def judged(fills: int, time_ms: int = 0, *, wrong: bool = True) -> Markouts:
    """So many bids judged at the same time, all wrong or all harmless."""
    state = Markouts()
    for _ in range(fills):
        state = state.filled(BUY._replace(time_ms=time_ms))
    return state.seen(time_ms + 5_000, 90.0 if wrong else 110.0, horizon_ms=5_000, scale=1.0)


@given(fills=st.integers(0, 200), wrong=st.booleans())
def test_a_score_returns_to_its_start_without_fills(fills, wrong):
    """Half of the way in ten minutes; so a side that is withheld is quoted again, and after hours like a new one."""
    before = judged(fills, wrong=wrong)
    later = [before.seen(5_000 + minutes * 60_000, 100.0, horizon_ms=5_000, scale=1.0) for minutes in (10, 600)]
    assert later[0].scores.bid.score - 0.3 == pytest.approx((before.scores.bid.score - 0.3) / 2)
    assert later[0].factors.bid < math.inf
    assert later[1].factors == (1.0, 1.0)
    assert [state.scores.bid.fills for state in later] == [fills, fills]


@given(waits=st.lists(st.integers(0, 600_000), max_size=30))
def test_how_often_mid_is_looked_at_does_not_change_a_score(waits):
    """Many short waits are one long one."""
    often = judged(20)
    once = often.seen(5_000 + sum(waits), 100.0, horizon_ms=5_000, scale=1.0)
    for wait in waits:
        often = often.seen(often.time_ms + wait, 100.0, horizon_ms=5_000, scale=1.0)
    assert often.scores.bid.score == pytest.approx(once.scores.bid.score)


def test_frequent_losses_withhold_a_side_in_spite_of_the_time_between_them():
    """With a wrong fill every twenty seconds the score still passes 0.8."""
    state = Markouts()
    for step in range(60):
        state = state.seen(step * 20_000, 90.0, horizon_ms=5_000, scale=1.0).filled(BUY._replace(time_ms=step * 20_000))
    assert state.factors.bid == math.inf


@given(factor=st.sampled_from([0.9, 1.0, 1.25, 1.5, math.inf]), inventory=st.floats(-3, 3))
def test_the_side_that_reduces_is_never_withheld(factor, inventory):
    """It is moved away by half at most, the other one as far as its score says; mirrored on both sides."""
    factors = Sides(factor, factor)
    for side, signed in ((Side.ASK, inventory), (Side.BID, -inventory)):
        assert factor_of(factors, side, signed) == (min(factor, 1.5) if inventory > 0 else factor)


def test_a_market_that_never_moves_has_no_scale():
    """Any adverse move is then as bad as it gets."""
    assert MarkoutScore().after(1e-9, 0.0).score == pytest.approx(0.37)
    assert MarkoutScore().after(0.0, 0.0).score == pytest.approx(0.27)


def test_against_us_is_down_after_a_buy_and_up_after_a_sell():
    """The sign belongs to the position that the fill opened."""
    assert adverse_move(BUY, 99.0) == 1.0
    assert adverse_move(SELL, 99.0) == -1.0


def test_a_fill_loses_when_mid_does_not_cover_the_fee():
    """Bought at 99.9 with a fee of 1.5 bps: mid must be above 99.915."""
    assert is_losing(BUY, 99.91, 1.5e-4)
    assert not is_losing(BUY, 99.92, 1.5e-4)
    assert is_losing(SELL, 100.09, 1.5e-4)
    assert not is_losing(SELL, 100.08, 1.5e-4)


def test_recent_capture_weighs_by_size_and_forgets():
    """Three fills a side within five minutes are needed; older ones do not count."""
    buys = [OwnFill(t, Side.BID, price, size, 100.0) for t, price, size in ((0, 99.0, 1), (1, 99.9, 1), (2, 99.8, 2))]
    sells = [OwnFill(t, Side.ASK, 100.0, 1.0, 100.0) for t in range(3)]
    bought = (99.0 + 99.9 + 2 * 99.8) / 4
    assert recent_capture_bps(buys + sells, 300_000, 100.0) == pytest.approx(100 * (100.0 - bought))
    assert recent_capture_bps(buys + sells, 300_001, 100.0) is None
    assert recent_capture_bps(buys + sells[:2], 1_000, 100.0) is None
