"""A plan does not depend on the version of Python, whose own sum of floats has changed."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.market.sums import in_sequence
from market_making.quoting.terms import Terms

LOST = 1e16, 1.0, -1e16  # a sum that corrects its rounding gives 1


def test_what_rounding_loses_in_sequence_stays_lost():
    assert in_sequence(LOST) == 0.0
    assert Terms(*LOST).depth == 0.0
    assert Terms(*LOST).model_depth == 0.0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_it_adds_one_after_the_other(values):
    total = 0.0
    for value in values:
        total += value
    assert in_sequence(values) == total or total != total
