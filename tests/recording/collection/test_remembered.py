"""A trade that was recorded is known again, as long as it is among the last ones, in little memory."""

import tracemalloc

from market_making.recording.collection.remembered import REMEMBERED_TRADES, RememberedTrades


def test_a_trade_is_new_once():
    """The same id at another time is another trade, as on exchanges that count anew."""
    trades = RememberedTrades([(1, "7")])
    assert not trades.is_new(1, "7")
    assert trades.is_new(2, "7")
    assert trades.is_new(1, "77")
    assert not trades.is_new(2, "7")


def test_the_oldest_is_forgotten_first():
    """One more than fit: the first comes through again, the second does not."""
    trades = RememberedTrades((time_ms, "a") for time_ms in range(REMEMBERED_TRADES))
    assert trades.is_new(REMEMBERED_TRADES, "a")
    assert not trades.is_new(1, "a")
    assert trades.is_new(0, "a")


def test_a_coin_takes_less_than_three_tenths_of_a_megabyte():
    """With every place taken."""
    tracemalloc.start()
    try:
        trades = RememberedTrades((1_700_000_000_000 + number, f"{number:015d}") for number in range(REMEMBERED_TRADES))
        assert tracemalloc.get_traced_memory()[0] < 300_000
        assert not trades.is_new(1_700_000_000_000, f"{0:015d}")
    finally:
        tracemalloc.stop()
