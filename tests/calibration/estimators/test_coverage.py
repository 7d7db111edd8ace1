"""What was observed, against an oracle that looks at every millisecond."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.estimators.coverage import covers, crosses, exposure_s, merge, observed_before, unobserved

END = 60
intervals = st.lists(st.tuples(st.integers(-5, END + 5), st.integers(-5, END + 5)).map(sorted), max_size=6).map(
    lambda rows: np.array(rows, dtype=np.int64).reshape(-1, 2)
)


def milliseconds(gaps: np.ndarray) -> set[int]:
    """Every millisecond (t − 1, t] of the window that lies in a gap."""
    return {t for start, end in gaps.tolist() for t in range(max(start, 0) + 1, min(end, END) + 1)}


@given(gaps=intervals)
def test_merged_gaps_cover_the_same_milliseconds_once(gaps):
    """Merging keeps the union, ascending, disjoint and inside the window."""
    merged = merge(gaps, 0, END)
    assert milliseconds(merged) == milliseconds(gaps)
    assert (np.diff(merged.ravel()) > 0).all()
    assert exposure_s(merged, 0, END) * 1e3 == pytest.approx(END - len(milliseconds(gaps)))


@given(gaps=intervals, moment=st.integers(1, END - 1), length=st.integers(1, 20))
def test_times_and_moves_are_in_a_gap_as_the_milliseconds_say(gaps, moment, length):
    """`covers` and `crosses` agree with the set of unobserved milliseconds."""
    merged, lost = merge(gaps, 0, END), milliseconds(gaps)
    end = min(moment + length, END)
    assert covers(merged, np.array([moment]))[0] == (moment in lost)
    assert crosses(merged, np.array([moment]), np.array([end]))[0] == bool(lost & set(range(moment + 1, end + 1)))
    assert observed_before(merged, 0, np.array([moment]))[0] == moment - len(lost & set(range(1, moment + 1)))


def test_before_the_first_quote_and_in_a_long_silence_nothing_is_known(make_tape):
    """The start up to the first quote, a long silence and one at the end are unobserved; five seconds are quiet."""
    tape = make_tape([(1_000, 1, 2), (6_000, 1, 2), (26_000, 1, 2)], end_ms=40_000)._replace(start_ms=0)
    assert unobserved(tape).tolist() == [[0, 1_000], [6_000, 40_000]]


def test_without_quotes_nothing_is_known(make_tape):
    """An empty tape is one gap."""
    tape = make_tape([(1_000, 1, 2)], end_ms=5_000)
    empty = tape._replace(quotes=type(tape.quotes)(*(column[:0] for column in tape.quotes)))
    assert unobserved(empty).tolist() == [[tape.start_ms, 5_000]]
