"""What the venue writes about an account is read as it was; what is malformed is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.hyperliquid.accounts import Fill, fill_fields
from market_making.hyperliquid.address_limit import read_address_limit
from market_making.hyperliquid.balances import rate_limit_fields
from market_making.hyperliquid.open_orders import (
    AccountFill,
    parse_account_fills,
    parse_open_orders,
    parse_order_updates,
    parse_positions,
)
from market_making.hyperliquid.orders import (
    OrderState,
    TimeInForce,
    Trigger,
    basic_order,
    full_order,
    order_with_status,
)
from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side

prices = st.integers(1, 10**8).map(lambda number: Decimal(number) / 100)
states = st.builds(
    OrderState, st.sampled_from(["ETH", "kPEPE"]), st.sampled_from(list(Side)), prices, prices, prices,
    st.integers(0, 2**50), st.integers(0, 2**40), st.sampled_from(["open", "triggered", "canceled", "filled"]),
    st.integers(0, 2**40), st.sampled_from([None, *TimeInForce]), st.booleans(),
    st.none() | st.builds(Trigger, prices, st.booleans(), st.booleans()), st.none(),
    st.just(()), st.just(False),
)  # fmt: skip


@given(states)
def test_an_order_comes_back_as_the_venue_has_it(order):
    """The long form whole; the short form without what it does not tell."""
    (full,) = parse_open_orders([full_order(order)])
    assert (full.oid, full.coin, full.side, full.placed_ms) == (order.oid, order.coin, order.side, order.time_ms)
    assert (full.price, full.size, full.original) == tuple(map(float, (order.price, order.size, order.original_size)))
    assert (full.reduce_only, full.is_trigger) == (order.reduce_only, order.trigger is not None)
    assert full.filled == max(float(order.original_size) - float(order.size), 0.0)
    (update,) = parse_order_updates([order_with_status(order, basic_order(order))])
    assert update.order == full._replace(reduce_only=True if order.reduce_only else None, is_trigger=None)
    assert update.is_open == (order.status in ("open", "triggered"))


@pytest.mark.parametrize("answer", [None, {}, "x", [{}], [None], [{"oid": "1"}]])
def test_what_is_no_list_of_orders_is_refused(answer):
    with pytest.raises(MalformedMessage):
        parse_open_orders(answer)
    if answer != {}:
        with pytest.raises(MalformedMessage):
            parse_order_updates(answer)


@pytest.mark.parametrize("answer", [None, [], {}, {"assetPositions": None}, {"assetPositions": [{}]}])
def test_an_account_without_positions_to_read_is_refused(answer):
    """An empty list is an account that holds nothing; anything else is not known."""
    with pytest.raises(MalformedMessage):
        parse_positions(answer)
    assert parse_positions({"assetPositions": []}) == {}


@given(st.sampled_from(list(Side)), prices, st.integers(0, 2**50), st.none() | st.just("0x" + "1" * 32))
def test_a_fill_comes_back_with_its_direction_and_the_name_of_its_order(side, size, oid, name):
    """An order without a name has none."""
    zero = Decimal(0)
    fill = Fill("ETH", side, Decimal(3000), size, 1, zero, zero, oid, name, False, zero, zero, 7, "0x0")
    signed = float(size) if side is Side.BID else -float(size)
    assert parse_account_fills([fill_fields(fill)]) == (AccountFill(oid, "ETH", signed, name),)
    for broken in (None, {}, [None], [{}], [fill_fields(fill) | {"side": "C"}], [fill_fields(fill) | {"sz": "0"}]):
        with pytest.raises(MalformedMessage):
            parse_account_fills(broken)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), prices)
def test_actions_left_are_those_earned_and_bought_without_those_used(used, reserved, cap, volume):
    allowance = read_address_limit(rate_limit_fields(volume, used, reserved, cap))
    assert (allowance.left, allowance.volume) == (cap + reserved - used, float(volume))
    for broken in (None, [], {}, {"nRequestsUsed": "1", "nRequestsCap": 2, "cumVlm": "1"}):
        with pytest.raises(MalformedMessage):
            read_address_limit(broken)
