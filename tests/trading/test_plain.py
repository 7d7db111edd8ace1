"""Records as JSON and back: nothing is lost, not the last bit of a number."""

from dataclasses import dataclass
from decimal import Decimal
from math import inf, isnan, nan
from typing import NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from market_making.market.errors import MalformedMessage
from market_making.market.events import Level
from market_making.market.instrument import FixedTick, Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Balances, Observations, RiskLevel
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plain import from_plain, to_plain
from market_making.trading.rules import Restraints

numbers = some.floats(allow_nan=False, width=64)
levels = some.tuples(some.builds(Level, numbers, numbers, some.integers(1, 9)))


def through_json(record):
    """Written and read."""
    return from_plain(type(record), orjson.loads(orjson.dumps(to_plain(record))))


@given(
    some.builds(
        MarketView,
        *[numbers] * 4,
        some.integers(0, 2**53),
        some.builds(
            Observations,
            bids=levels,
            asks=levels,
            bias=numbers,
            volatility=some.none() | numbers,
            balances=some.none() | some.builds(Balances, numbers, numbers),
            ladder_shape=some.none() | some.sampled_from(LadderShape),
            markout_factors=some.builds(Sides, numbers, numbers),
            risk_level=some.sampled_from(RiskLevel),
            hedging=some.booleans(),
        ),
    )
)
def test_what_was_seen_of_a_market_comes_back_bit_for_bit(market):
    """Every number, infinite ones too, and of the same kind."""
    assert through_json(market) == market
    assert repr(through_json(market)) == repr(market)


@given(some.builds(Holding, numbers, some.none() | some.builds(RestingOrder, some.text(), some.sampled_from(Side))))
def test_what_is_held_comes_back(holding):
    """With its order, or without."""
    assert through_json(holding) == holding


@pytest.mark.parametrize(
    "record",
    [
        Instrument.hyperliquid("ETH", 4),
        Instrument("BTC", "BTC/USDT:USDT", FixedTick(Decimal("0.10")), Decimal("0.001"), 5.0),
        Restraints(Sides(None, Because(Reason.DRAWDOWN, "since the peak")), leaving=True, depth_factor=1.5),
    ],
)
def test_rules_come_back(record):
    """Also where the kind of a field is one of two, or a part of a generic one."""
    assert through_json(record) == record


def test_what_does_not_differ_from_its_default_takes_no_place():
    """A log of plans would be several times as long."""
    assert to_plain(Observations()) == {}
    assert to_plain(Level(1.0, 2.0)) == [1.0, 2.0]


def test_a_number_without_a_value_is_null_and_infinity_a_text():
    """JSON has neither."""

    class Pair(NamedTuple):
        first: float
        second: float

    assert to_plain(Pair(nan, -inf)) == {"first": None, "second": "-inf"}
    first, second = through_json(Pair(nan, -inf))
    assert isnan(first)
    assert second == -inf


def test_what_is_no_such_record_is_refused():
    """And not taken for another."""

    @dataclass(frozen=True)
    class Two:
        first: float
        second: float

    for document in ({"first": 1.0}, {"first": 1.0, "second": "wide"}, {"first": 1.0, "second": 2.0, "third": 3.0}, 7):
        with pytest.raises(MalformedMessage):
            from_plain(Two, document)
