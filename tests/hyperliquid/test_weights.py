"""Weights as the exchange's page gives them."""

import pytest

from market_making.hyperliquid.weights import action_count, action_weight, answer_weight, question_weight


@pytest.mark.parametrize(
    ("kind", "weight"),
    [
        ("l2Book", 2),
        ("allMids", 2),
        ("clearinghouseState", 2),
        ("orderStatus", 2),
        ("spotClearinghouseState", 2),
        ("exchangeStatus", 2),
        ("userRole", 60),
        ("openOrders", 20),
        ("userRateLimit", 20),
        ("candleSnapshot", 20),
        ("something new", 20),
    ],
)
def test_a_question_weighs_what_the_exchange_says(kind, weight):
    """Six are light, one is heavy, all others weigh 20."""
    assert question_weight(kind) == weight


def test_rows_of_an_answer_weigh_too():
    """One for every 20 rows, of candles for every 60; nothing for answers that are no list."""
    assert answer_weight("userFillsByTime", [{}] * 19) == 0
    assert answer_weight("userFillsByTime", [{}] * 2000) == 100
    assert answer_weight("candleSnapshot", [{}] * 119) == 1
    assert answer_weight("candleSnapshot", {"error": ""}) == 0
    assert answer_weight("l2Book", [{}] * 2000) == 0


def test_a_batch_counts_each_item_as_an_action_and_weighs_little():
    """Against the address n, against the IP 1 + ⌊n/40⌋."""
    cancels = {"type": "cancel", "cancels": [{}] * 40}
    assert (action_count(cancels), action_weight(cancels)) == (40, 2)
    assert (action_count({"type": "updateLeverage"}), action_weight({"type": "updateLeverage"})) == (1, 1)
