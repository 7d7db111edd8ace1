"""The memory of one coin."""

import numpy as np
import pytest

from market_making.market.sides import Side
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.readings.markouts import OwnFill
from market_making.quoting.readings.observer import Observer, ObserverSettings

SETTINGS = ObserverSettings(markout_ms=10_000)


def watched(mids: np.ndarray, start_ms: int = 0, every_ms: int = 1_000, observer: Observer | None = None) -> Observer:
    """The observer after a series of mids."""
    observer = observer or Observer()
    for step, mid in enumerate(mids):
        observer.seen(start_ms + step * every_ms, float(mid), SETTINGS)
    return observer


def walk(n: int, sigma: float) -> np.ndarray:
    """Mid of a random walk from 100."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, sigma, n)))


def test_nothing_is_claimed_before_a_minute():
    """No volatility from a handful of updates, and none right after a gap."""
    early = watched(walk(40, 1e-4))
    assert early.observations(40_000, 100.0).volatility is None
    assert watched(walk(2, 1e-4), start_ms=1_000_000, observer=watched(walk(300, 1e-4))).volatility is None


def test_volatility_is_read_in_price():
    """A walk of 1 bp per √s at a price of 100 has 0.01 per √s, now and usually."""
    readings = watched(walk(900, 1e-4)).observations(900_000, 100.0)
    assert readings.volatility == pytest.approx(0.01, rel=0.3)
    assert readings.usual_volatility == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize(
    ("least_s", "most_s"), [(0.2, 0.2), (1, 1), (2.5, 2.5), (2.9, 2.9), (3.1, 3.1), (4, 4), (5, 5), (0.2, 5)]
)
def test_volatility_does_not_depend_on_how_often_the_book_is_seen(least_s, most_s):
    """Each within the error of the estimate, the mean of twenty within a fifth of that."""
    seen = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        steps_ms = rng.uniform(1e3 * least_s, 1e3 * most_s, int(1.4e3 / (least_s + most_s))).astype(int)
        mids = 100 * np.exp(np.cumsum(rng.normal(0, 1e-4 * np.sqrt(steps_ms / 1e3))))
        observer = Observer()
        for time_ms, mid in zip(np.cumsum(steps_ms).tolist(), mids.tolist(), strict=True):
            observer.seen(time_ms, mid, SETTINGS)
        assert observer.volatility == pytest.approx(1e-4, rel=0.4)
        seen.append(observer.volatility)
    assert np.mean(seen) == pytest.approx(1e-4, rel=0.08)


def test_updates_too_rare_claim_nothing_and_a_jump_over_a_gap_is_no_volatility():
    """Eleven seconds apart there is no volatility to read; after half a minute without updates the jump is left out."""
    assert watched(walk(100, 1e-4), every_ms=11_000).volatility is None
    before = watched(walk(300, 1e-4))
    jumped = watched(before.mids[-1][1] * 1.1 * walk(70, 1e-4) / 100, start_ms=330_000, observer=before)
    assert jumped.volatility == pytest.approx(1e-4, rel=0.3)


def test_what_is_usual_is_not_the_first_minute():
    """Nothing is usual before ten minutes of readings; after an hour a wild first minute is one of sixty."""
    wild = watched(walk(70, 1e-3))
    assert wild.observations(70_000, 100.0).usual_volatility is None
    calm = watched(walk(580, 1e-4) * wild.mids[-1][1] / 100, start_ms=70_000, observer=wild)
    assert calm.observations(649_000, 100.0).usual_volatility is None
    later = watched(walk(3_000, 1e-4) * calm.mids[-1][1] / 100, start_ms=650_000, observer=calm)
    usual = later.observations(3_650_000, 100.0).usual_volatility
    assert usual == pytest.approx(0.01 * (1 + 2 * 600 / 3_600), rel=0.3)


def test_many_updates_a_second_are_one():
    """The estimate does not depend on how often mid is looked at, and memory is bounded."""
    mids = walk(700, 1e-4)
    often = watched(np.repeat(mids, 4), every_ms=250)
    assert often.volatility == pytest.approx(watched(mids).volatility)
    assert len(often.mids) <= 601


def test_the_ladder_shape_follows_the_market():
    """1 bp per √s is 7.7 per √minute: spot. A tenth of it is calm, ten times as much is wild."""
    shapes = [watched(walk(120, sigma)).observations(0, 100.0).ladder_shape for sigma in (1e-5, 1e-4, 1e-3)]
    assert shapes == [LadderShape.CURVE, LadderShape.SPOT, LadderShape.BID_ASK]


def test_fills_are_judged_and_remembered():
    """Ten bids, each followed by a fall: that side is to be quoted further away. Sells stay as they were."""
    observer = watched(walk(120, 1e-4))
    mid, time_ms = observer.mids[-1][1], 120_000
    for _ in range(11):
        observer.filled(OwnFill(time_ms, Side.BID, mid, 1.0, mid))
        time_ms, mid = time_ms + 10_000, mid * 0.99
        observer.seen(time_ms, mid, SETTINGS)
    factors = observer.observations(time_ms, mid).markout_factors
    assert factors.bid > 1
    assert factors.ask == 1
    assert len(observer.fills) == 11


def test_old_fills_are_forgotten():
    """Five minutes later a fill says nothing about the present."""
    fill = OwnFill(0, Side.ASK, 100.0, 1.0, 100.0)
    observer = Observer()
    observer.filled(fill)
    observer.filled(fill._replace(time_ms=300_001))
    assert [known.time_ms for known in observer.fills] == [300_001]
    for step in range(2):
        for side in Side:
            observer.filled(OwnFill(300_002 + step, side, 100.0, 1.0, 100.0))
    assert observer.observations(300_010, 100.0).recent_capture_bps is None
    observer.filled(OwnFill(300_005, Side.BID, 99.0, 1.0, 100.0))
    assert observer.observations(300_010, 100.0).recent_capture_bps == pytest.approx(1e4 * (100 - 299 / 3) / 100)
