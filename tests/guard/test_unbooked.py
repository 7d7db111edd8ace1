"""What is certainly the bot's own of what its books do not have."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.guard.unbooked import beyond_books, booked_coins, unbooked_coins, within
from market_making.hyperliquid.open_orders import AccountFill
from market_making.market.instrument import Instrument

MINE, GUARDS = "0x1", "0x2"


def test_only_fills_of_named_orders_that_the_database_does_not_know_count():
    """Neither those of another hand, nor those that are booked; what the guard has left of them is taken off."""
    fills = (
        AccountFill(1, "ETH", 0.1, MINE),
        AccountFill(2, "ETH", 0.2, MINE),
        AccountFill(3, "ETH", 0.4, None),
        AccountFill(4, "ETH", 0.8, "0x9"),
        AccountFill(5, "BTC", -1.0, MINE),
    )
    assert unbooked_coins(fills, {2}, {MINE, GUARDS}) == {"ETH": 0.1, "BTC": -1.0}
    after = (*fills, AccountFill(6, "ETH", -0.1, GUARDS))
    assert unbooked_coins(after, {2}, {MINE, GUARDS}) == {"ETH": 0.0, "BTC": -1.0}


def test_positions_of_the_books_are_by_coin():
    """Also where Freqtrade's name of a pair is in other letters than the exchange's."""
    assert booked_coins({"KPEPE/USDC:USDC": 2.0}, {"KPEPE/USDC:USDC": "kPEPE"}) == {"kPEPE": 2.0}


lots = st.integers(1, 10**6)


@given(lots, lots)
def test_what_is_beyond_the_books_is_a_whole_number_of_lots(own, more):
    """An order for it leaves all of it: 0.0999 − 0.0666 coins are 0.0333, and not one lot less."""
    instrument = Instrument.hyperliquid("ETH", 4)
    beyond = beyond_books(-(own + more) / 1e4, -own / 1e4)
    assert instrument.size(abs(beyond)) == more / 1e4
    parts = [AccountFill(1, "ETH", -more / 3e4, MINE)] * 3
    assert abs(within(unbooked_coins(parts, (), {MINE})["ETH"], beyond)) <= more / 1e4
