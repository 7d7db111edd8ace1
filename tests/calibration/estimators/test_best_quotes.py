"""Best quotes are thinned by steps of the clock, so that pieces put together are the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from calibration.estimators.best_quotes import STEP_MS, BestQuotes
from market_making.market.tape import QuoteTape


def tape(times: list[int]) -> QuoteTape:
    """Quotes at some times, each with a size of its own."""
    count = len(times)
    sizes = 1.0 + np.arange(count)
    return QuoteTape(np.array(times, dtype=np.int64), 100.0 - sizes, sizes, 100.0 + 2 * sizes, np.ones(count))


def test_the_last_quote_of_each_step_is_kept_with_its_own_stamp():
    """A step ends with its last millisecond, as a window does."""
    kept = BestQuotes.of(tape([1, 99, 100, 101, 350])).every_step()
    assert kept.time_ms.tolist() == [100, 101, 350]
    assert len(BestQuotes.of(tape([])).every_step()) == 0


def test_a_size_that_is_not_known_is_no_imbalance():
    """One side only, none, and numbers that are none."""
    quotes = tape([1, 2, 3, 4, 5])._replace(
        bid_size=np.array([2.0, 0.0, 0.0, np.nan, 3.0]), ask_size=np.array([0.0, 3.0, 0.0, 1.0, 1.0])
    )
    assert BestQuotes.of(quotes).imbalance.tolist() == [0.0, 0.0, 0.0, 0.0, 0.5]


@given(some.lists(some.integers(1, 3000), max_size=60), some.integers(0, 3), some.integers(1001, 3000))
def test_pieces_are_the_whole(times, cut_s, end_ms):
    """Cut at whole seconds, thinned, put together, and cut again where no step is whole."""
    quotes = tape(sorted(times))
    whole = BestQuotes.of(quotes).every_step().between(0, end_ms)
    is_early = quotes.time_ms <= 1000 * cut_s
    early, late = (BestQuotes.of(QuoteTape(*(column[part] for column in quotes))) for part in (is_early, ~is_early))
    joined = early.every_step().followed_by(late.every_step()).between(0, end_ms)
    for one, other in ((joined.time_ms, whole.time_ms), (joined.mid, whole.mid), (joined.imbalance, whole.imbalance)):
        np.testing.assert_array_equal(one, other)
    assert np.all(whole.time_ms <= end_ms // STEP_MS * STEP_MS)
