"""A result holds together: its money is that of its fills, and what does not fit is refused."""

import numpy as np
import pytest

from market_making.market.errors import MalformedMessage
from market_making.replay.result import (
    Outcome,
    ReplayResult,
    Session,
    Touch,
    fills_of,
    fundings_of,
    orders_of,
)

TOUCH = Touch(np.array([0, 1000, 2000]), np.array([99.0, 100.0, 101.0]), np.array([101.0, 102.0, 103.0]))
ORDER = (0, 10, 500, 0, 1, Outcome.FILLED, 99.5, 2.0, 100.0)
FILL = (500, 0, 0, 1, 99.5, 2.0, 0.03, True, 100.0)


def session(fills=(FILL,), orders=(ORDER,), touch=TOUCH, fundings=()):
    return Session(
        0, 2000, fills_of(fills), orders_of(orders), touch, fundings_of(fundings), 2, 1, 0.5, 3, 2.0, -199.03
    )


def result(*sessions):
    return ReplayResult("MarketMaking", "ETH", "exchange", 0.00015, sessions)


def test_what_is_held_is_worth_the_last_mid():
    assert session().net == pytest.approx(-199.03 + 2 * 102)
    assert result(session(), session()).net == pytest.approx(2 * session().net)
    assert result(session(), session()).seconds == 4.0


def test_the_mid_of_a_block_is_of_the_book_before_it():
    times = np.array([0, 1, 1000, 1001])
    assert TOUCH.mid_at(times).tolist() == [100, 100, 101, 101]
    assert TOUCH.mid_before(times).tolist() == [100, 100, 100, 101]


def test_arrays_have_the_type_of_their_field_also_without_rows():
    assert [column.dtype.kind for column in fills_of([])] == list("iiiifffbf")
    assert [column.dtype.kind for column in fills_of([FILL])] == list("iiiifffbf")
    assert [column.dtype.kind for column in orders_of([ORDER])] == list("iiiiiifff")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (session(fills=[FILL, (499, *FILL[1:])]), "got 500 before 499"),
        (session(fills=[(500, 1, *FILL[2:])]), "one of 1 orders"),
        (session(touch=TOUCH._replace(bid=TOUCH.bid[:2])), "equally long"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong, said):
    with pytest.raises(MalformedMessage, match=said):
        result(wrong)
