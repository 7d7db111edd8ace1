"""An order nobody knows closes its pair at once and is cancelled after the grace, however answers arrive."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.market.reasons import Reason
from market_making.trading.open_orders import EVERY_MS, GRACE_MS, AccountOrder, OpenOrderWatch

ETH, BTC = "ETH/USDC:USDC", "BTC/USDC:USDC"


def order(number, pair=ETH):
    """An order that rests."""
    return AccountOrder(pair, str(number), "buy", 3000.0, 0.1)


def test_the_account_is_asked_at_the_start_in_doubt_and_every_ten_seconds():
    """And in every loop while something is unknown."""
    watch = OpenOrderWatch()
    assert watch.is_due(0)
    watch.seen([order(1)], {"1"}, 0)
    assert not watch.is_due(EVERY_MS - 1)
    assert watch.is_due(EVERY_MS)
    assert watch.is_due(-EVERY_MS)
    watch.doubt()
    assert watch.is_due(1)
    watch.seen([order(1), order(2)], {"1"}, 1)
    assert watch.is_due(2)
    watch.seen([order(1)], {"1"}, 2)
    assert not watch.is_due(3)


def test_an_unknown_order_closes_its_pair_only():
    """The reason tells the order; the other pair goes on."""
    watch = OpenOrderWatch()
    watch.seen([order(1), order(2, BTC)], {"2"}, 0)
    because = watch.no_opening(ETH)
    assert because is not None
    assert because.reason is Reason.ORDER_UNKNOWN
    assert "3000 (1)" in because.detail
    assert watch.no_opening(BTC) is None


@given(st.lists(st.tuples(st.integers(1, 1500), st.sets(st.integers(1, 4)), st.sets(st.integers(1, 4))), max_size=20))
def test_only_what_stays_unknown_for_the_grace_is_cancelled(loops):
    """An order is cancelled exactly if it was unknown in every reading of at least the grace."""
    watch, now_ms, since = OpenOrderWatch(), 0, {}
    for passed_ms, resting, known in loops:
        now_ms += passed_ms
        watch.seen([order(each) for each in sorted(resting)], {str(each) for each in known}, now_ms)
        since = {each: since.get(each, now_ms) for each in resting - known}
        expected = {str(each) for each, first in since.items() if now_ms - first >= GRACE_MS}
        assert {each.order_id for each in watch.to_cancel(now_ms)} == expected
        assert (watch.no_opening(ETH) is not None) == bool(since)
