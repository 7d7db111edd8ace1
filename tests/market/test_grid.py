"""Rounding without decimal arithmetic is that of decimal arithmetic, to the last bit."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import inf, nextafter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage
from market_making.market.grid import magnitude
from market_making.market.instrument import FixedTick, Instrument

ANY = st.floats(min_value=1e-7, max_value=1e12, allow_subnormal=False)
TEXTS = st.decimals(min_value="0.0000001", max_value=10**8, places=7).map(float)
NEIGHBOURS = st.builds(nextafter, TEXTS, st.sampled_from([0.0, inf]))
VALUES = st.one_of(ANY, TEXTS, NEIGHBOURS, st.integers(-6, 8).map(lambda power: 10.0**power))
STEPS = st.sampled_from(["0.1", "0.10", "0.25", "0.0005", "5", "10", "2.5", "0.000001", "1E+2", "0.07"])


def by_decimals(value, step, rounding):
    return float((Decimal(repr(value)) / step).to_integral_value(rounding) * step)


def step_at(value, size_decimals):
    exponent = max(Decimal(repr(value)).adjusted() - 4, size_decimals - 6)
    return Decimal(1).scaleb(min(exponent, 0))


@given(VALUES, st.integers(0, 6))
@example(0.1 + 0.2, 1)
@example(999.9999999999999, 4)
@example(100000.0, 5)
@example(0.30000000000000004, 0)
def test_prices_and_sizes_are_those_of_decimal_arithmetic(value, size_decimals):
    instrument, step = Instrument.hyperliquid("X", size_decimals), step_at(value, size_decimals)
    assert instrument.tick(value) == float(step)
    assert instrument.bid_price(value) == by_decimals(value, step, ROUND_FLOOR)
    assert instrument.ask_price(value) == by_decimals(value, step, ROUND_CEILING)
    assert instrument.size(value) == by_decimals(value, instrument.lot, ROUND_FLOOR)


@given(VALUES, STEPS)
def test_so_are_those_of_a_constant_tick(value, text):
    step = Decimal(text)
    instrument = Instrument("X", "X/USDT:USDT", FixedTick(step), step)
    assert instrument.tick(value) == float(step)
    assert instrument.bid_price(value) == by_decimals(value, step, ROUND_FLOOR)
    assert instrument.ask_price(value) == by_decimals(value, step, ROUND_CEILING)
    assert instrument.size(value) == by_decimals(value, step, ROUND_FLOOR)


@given(VALUES)
def test_the_magnitude_is_that_of_the_text(value):
    assert magnitude(value) == Decimal(repr(value)).adjusted()


@pytest.mark.parametrize("text", ["0", "-0.1", "1E-23", "0.12345678901234567"])
def test_a_step_that_floating_point_cannot_tell_is_refused(text):
    with pytest.raises(MalformedMessage, match="a step must be positive"):
        Instrument("X", "X/USDT:USDT", FixedTick(Decimal(text)), Decimal(1)).bid_price(1.0)
