"""What an address may still send, as the exchange writes it."""

import pytest

from market_making.hyperliquid.address_limit import AddressLimit, read_address_limit
from market_making.market.errors import MalformedMessage


def test_the_answer_of_the_documentation_is_read():
    """Bought actions are used first; what is left of them comes on top."""
    answer = {"cumVlm": "2854574.593578", "nRequestsUsed": 2890, "nRequestsCap": 2864574, "nRequestsSurplus": 0}
    assert read_address_limit(answer) == AddressLimit(2890, 2864574, 0, 2854574.593578)
    assert read_address_limit(answer | {"nRequestsUsed": 0, "nRequestsSurplus": 70}).left == 2864644
    assert AddressLimit(10_100, 10_000, 0).left == -100


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"nRequestsUsed": 1},
        {"nRequestsUsed": "1", "nRequestsCap": 2},
        {"nRequestsUsed": -1, "nRequestsCap": 2},
    ],
)
def test_half_an_answer_is_none(answer):
    """A missing number is not zero."""
    with pytest.raises(MalformedMessage, match="userRateLimit"):
        read_address_limit(answer)
