"""What the bot remembers of its fills, and when it is judged."""

from dataclasses import replace

import pytest

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView, Quotes
from market_making.trading.fills import Fill
from market_making.trading.pair_observers import PairObservers

PAIR = "ETH/USDC:USDC"


def market(time_ms, mid):
    """A narrow book."""
    return MarketView(mid - 0.05, 5.0, mid + 0.05, 5.0, time_ms)


@pytest.mark.parametrize(("later", "lost"), [(3002.0, False), (3000.2, True), (2990.0, True)])
def test_a_fill_is_judged_once_after_ten_seconds_fee_included(later, lost):
    """A bid filled at 2999 has lost unless mid is 1.35 above it by then: the fee is 4.5 bps."""
    memory = PairObservers(maker_fee=0.00045)
    memory.seen(PAIR, market(0, 3000.0))
    fill = Fill(1_000, PAIR, "ETH", "1", Side.BID, 2999.0, 0.03, 0.03, 0.0, False, mid=3000.0, lots=1.0)
    memory.filled(fill)
    memory.seen(PAIR, market(5_000, later))
    assert memory.take_lost(PAIR) == ()
    memory.seen(PAIR, market(11_000, later))
    memory.seen(PAIR, market(30_000, later))
    assert memory.take_lost(PAIR) == (lost,)
    assert memory.take_lost(PAIR) == ()


def test_a_hedge_that_has_begun_is_known_to_the_model_the_next_time():
    """What a model said of a pair comes back in its next readings, and of no other pair."""
    memory = PairObservers(maker_fee=0.00015)
    quotes = Quotes.none(Because(Reason.MODEL_WITHHOLDS, "nothing"))
    assert not memory.seen(PAIR, market(0, 3000.0)).observations.hedging
    memory.planned(PAIR, replace(quotes, hedging=True))
    assert memory.seen(PAIR, market(1, 3000.0), margin_used=0.3).observations.hedging
    assert memory.seen(PAIR, market(2, 3000.0), margin_used=0.3).observations.margin_used == 0.3
    assert not memory.seen("BTC/USDC:USDC", market(2, 3000.0)).observations.hedging
    memory.planned(PAIR, quotes)
    assert not memory.seen(PAIR, market(3, 3000.0)).observations.hedging
