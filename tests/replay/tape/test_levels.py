"""Changes of levels, all stamps at once, are those that a dictionary finds stamp by stamp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.replay.tape.levels import NOTHING_KNOWN, Levels, changes_of

LEVEL = st.tuples(st.integers(1, 12), st.sampled_from([1.0, 2.0]))
BOOKS = st.lists(st.lists(LEVEL, max_size=4, unique_by=lambda level: level[0]), min_size=1, max_size=12)


def one_by_one(sign, books, before):
    """The same, as the sentence says it: what is within the visible part and not in it is gone."""
    known, found = dict(before), set()
    for stamp, book in enumerate(books):
        if book:
            last = max(sign * tick for tick, _ in book)
            listed = dict(book)
            for tick in [tick for tick in known if sign * tick <= last and tick not in listed]:
                found.add((stamp, tick, 0.0))
                del known[tick]
        for tick, size in book:
            if known.get(tick) != size:
                found.add((stamp, tick, size))
                known[tick] = size
    return found, known


def arrays(books, width=4):
    ticks, sizes = np.full((len(books), width), np.nan), np.full((len(books), width), np.nan)
    for stamp, book in enumerate(books):
        for place, (tick, size) in enumerate(book):
            ticks[stamp, place], sizes[stamp, place] = tick, size
    return ticks, sizes


@given(BOOKS, st.sampled_from([-1, 1]), st.dictionaries(st.integers(1, 12), st.sampled_from([1.0, 2.0]), max_size=4))
def test_changes_are_those_of_a_dictionary(books, sign, before):
    known = Levels(np.array(list(before), np.int64), np.array(list(before.values()), np.float64))
    changes, after = changes_of(sign, *arrays(books), known)
    wanted, left = one_by_one(sign, books, before)
    assert set(zip(*(column.tolist() for column in changes), strict=True)) == wanted
    assert len(changes.stamp) == len(wanted)
    assert dict(zip(after.tick.tolist(), after.size.tolist(), strict=True)) == left


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_level_out_of_sight_is_kept_until_a_book_reaches_it(sign):
    books = [[(10, 1.0), (10 + sign * 9, 5.0)], *[[(10, 1.0)]] * 40, [(10, 1.0), (10 + sign * 10, 2.0)]]
    changes, _ = changes_of(sign, *arrays(books), NOTHING_KNOWN)
    gone = changes.size == 0
    assert changes.stamp[gone].tolist() == [41]
    assert changes.tick[gone].tolist() == [10 + sign * 9]
