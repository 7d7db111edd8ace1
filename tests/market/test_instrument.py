"""Prices and sizes that exist: rounding never makes a quote more aggressive."""

from decimal import Decimal
from math import isnan

import ccxt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage
from market_making.market.instrument import FixedTick, Instrument

SIZE_DECIMALS = st.integers(0, 5)
PRICES = st.floats(min_value=0.01, max_value=1e7, allow_subnormal=False)
POWERS = [10.0**exponent for exponent in range(-1, 7)]


def obeys_the_rule(price: float, size_decimals: int) -> bool:
    """The exchange's rule, in its own words: integers, or 5 significant figures and 6 − szDecimals decimals."""
    exact = Decimal(repr(price)).normalize()
    if exact == exact.to_integral_value():
        return True
    _, digits, exponent = exact.as_tuple()
    return len(digits) <= 5 and -exponent <= 6 - size_decimals


@given(PRICES, SIZE_DECIMALS)
@example(99999.5, 2)
@example(100000.4, 5)
@example(0.30000000000000004, 0)
@example(9999.95, 1)
def test_a_bid_is_never_rounded_up_nor_an_ask_down(price, size_decimals):
    """The valid bid lies at or below the wish, the valid ask at or above, both less than a step away."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    assume(price >= 10.0 ** -(6 - size_decimals))
    bid, ask = instrument.bid_price(price), instrument.ask_price(price)
    assert bid <= price <= ask
    assert obeys_the_rule(bid, size_decimals)
    assert obeys_the_rule(ask, size_decimals)
    assert ask - bid <= instrument.tick(price) * (1 + 1e-9)


@given(PRICES, SIZE_DECIMALS)
def test_rounding_a_valid_price_changes_nothing(price, size_decimals):
    """Rounding is idempotent, on both sides, and what it gives is valid."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    for valid in (instrument.bid_price(price), instrument.ask_price(price)):
        if valid > 0:
            assert instrument.bid_price(valid) == instrument.ask_price(valid) == valid
            assert instrument.is_valid_price(valid)


@pytest.mark.parametrize("size_decimals", range(6))
@pytest.mark.parametrize("price", POWERS)
def test_neighbours_of_powers_of_ten(price, size_decimals):
    """Just below a power of ten the grid is finer than at it."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    below, above = instrument.next_below(price), instrument.next_above(price)
    decimals = 6 - size_decimals
    finest = 10.0**-decimals
    assert price - below == pytest.approx(max(finest, min(price / 1e5, 1)))
    assert above - price == pytest.approx(max(finest, min(price / 1e4, 1)))


@given(PRICES, SIZE_DECIMALS)
@example(100000.0, 5)
@example(1.0, 0)
@example(10000.0, 2)
def test_next_below_and_next_above_are_neighbours(price, size_decimals):
    """Nothing valid lies between a valid price and its neighbours, and they are each other's."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    valid = instrument.ask_price(price)
    below, above = instrument.next_below(valid), instrument.next_above(valid)
    assume(below > 0)
    assert below < valid < above
    assert instrument.next_above(below) == valid == instrument.next_below(above)
    assert instrument.bid_price((below + valid) / 2) == below
    assert instrument.ask_price((below + valid) / 2) == valid


@given(st.floats(min_value=1e-9, max_value=1e9, allow_subnormal=False), SIZE_DECIMALS)
@example(0.1 + 0.2, 1)
@example(0.3, 1)
@example(0.0594999999, 4)
def test_a_size_is_never_rounded_up(size, size_decimals):
    """The valid size is a multiple of the lot, not above the wish and less than a lot below it."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    valid = instrument.size(size)
    exact = Decimal(repr(size))
    assert Decimal(repr(valid)) <= exact < Decimal(repr(valid)) + instrument.lot
    assert Decimal(repr(valid)) % instrument.lot == 0
    assert instrument.size(valid) == valid


@pytest.fixture(scope="module")
def official():
    """ccxt's Hyperliquid, offline, with one market for each number of size decimals."""
    exchange = ccxt.hyperliquid()
    exchange.set_markets(
        [
            {
                **exchange.safe_market_structure(),
                "id": str(decimals),
                "symbol": f"X{decimals}/USDC:USDC",
                "base": f"X{decimals}",
                "quote": "USDC",
                "settle": "USDC",
                "spot": False,
                "swap": True,
                "type": "swap",
                "contract": True,
                "precision": {"amount": 10.0**-decimals, "price": 10.0 ** -(6 - decimals)},
            }
            for decimals in range(6)
        ]
    )
    return exchange


@given(price=PRICES, size_decimals=SIZE_DECIMALS)
def test_ccxt_leaves_our_prices_as_they_are(official, price, size_decimals):
    """The library that sends the order would round to nearest; on a valid price it has nothing to round."""
    instrument = Instrument.hyperliquid("X", size_decimals)
    for valid in (instrument.bid_price(price), instrument.ask_price(price)):
        if valid > 0:
            assert float(official.price_to_precision(f"X{size_decimals}/USDC:USDC", valid)) == valid


@pytest.mark.parametrize(
    ("price", "size_decimals", "valid"),
    [
        (1234.5, 1, True),
        (1234.56, 1, False),
        (0.001234, 0, True),
        (0.0012345, 0, False),
        (0.01234, 1, True),
        (0.012345, 1, False),
        (123456.0, 5, True),
        (123456.7, 5, False),
        (0.0, 2, False),
        (-1.0, 2, False),
        (float("nan"), 2, False),
        (float("inf"), 2, False),
    ],
)
def test_examples_of_the_documentation(price, size_decimals, valid):
    """The valid and invalid prices that the exchange's documentation lists, and nonsense."""
    assert Instrument.hyperliquid("X", size_decimals).is_valid_price(price) is valid


@pytest.mark.parametrize("nonsense", [0.0, -1.0, float("nan"), float("inf")])
def test_nonsense_is_refused_and_shown(nonsense):
    """No price is made of what is none."""
    with pytest.raises(MalformedMessage, match="is not a positive finite number"):
        Instrument.hyperliquid("X", 2).bid_price(nonsense)
    assert isnan(nonsense) or nonsense <= 0 or nonsense == float("inf")


@given(st.integers(1, 10**7), st.integers(1, 99))
def test_a_fixed_tick_is_the_same_everywhere(ticks, between):
    """On an exchange with a constant tick, rounding goes to its multiples."""
    instrument = Instrument("BTCUSDT", "BTC/USDT:USDT", FixedTick(Decimal("0.1")), Decimal("0.001"))
    price = ticks / 10
    assert instrument.bid_price(price) == instrument.ask_price(price) == price
    inside = float(Decimal(ticks) / 10 + Decimal(between) / 1000)
    assert instrument.bid_price(inside) == price
    assert instrument.ask_price(inside) == (ticks + 1) / 10
