"""A ladder that hedges itself: at the touch, one side only, until it is back."""

import pytest

from market_making.market.sides import Directions
from market_making.quoting.models import hedged_ladder, ladders
from market_making.quoting.models.hedges import ActiveHedge
from market_making.quoting.models.ladders import LadderSettings
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Balances, Observations

VIEW = MarketView(99.99, 300.0, 100.01, 200.0, 0)
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.0),
    fill_intensity=Directions(0.5, 0.5),
    fill_decay=Directions(8.0, 8.0),
    adverse_selection=Directions(0.0, 0.0),
    adverse_selection_on_fill=Directions(0.0, 0.0),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.03,
    half_spread=0.01,
)
SETTINGS = LadderSettings(start=Balances(3.0, 3.0), maker_fee=0.0)
PLAIN = ladders.quoter(SETTINGS)
HEDGED = hedged_ladder.quoter(SETTINGS, ActiveHedge())


def asked(inventory: float, *, hedging: bool = False):
    """Quotes of the hedged ladder."""
    return HEDGED(VIEW._replace(observations=Observations(hedging=hedging)), inventory, FLOW, 0)


@pytest.mark.parametrize("inventory", [0.0, 0.5, 1.9, -1.9])
def test_within_the_trigger_it_is_the_ladder(inventory):
    """Nothing is hedged up to a deviation of 65 %: 1.95 of 3 lots."""
    assert asked(inventory) == PLAIN(VIEW, inventory, FLOW, 0)


@pytest.mark.parametrize("inventory", [2.0, 3.0, -2.0, -3.0])
def test_beyond_it_the_excess_over_the_target_is_offered_at_the_touch(inventory):
    """To 0.9 lots, which is a deviation of 30 %; the growing side is not quoted; both directions mirror each other."""
    quotes = asked(inventory)
    assert quotes.hedging
    reducing, growing = (quotes.ask, quotes.bid) if inventory > 0 else (quotes.bid, quotes.ask)
    assert growing is None
    assert reducing.size == pytest.approx(abs(inventory) - 0.9)
    assert reducing.price == (VIEW.ask_price if inventory > 0 else VIEW.bid_price)
    assert reducing.depth == pytest.approx(0.01)


def test_once_begun_it_goes_on_to_the_release_level():
    """Between release and trigger the ladder hedges only if it has begun to; under the release level it does not."""
    assert not asked(1.5).hedging
    assert asked(1.5, hedging=True).ask.size == pytest.approx(0.6)
    assert not asked(0.97, hedging=True).hedging
    assert asked(0.97, hedging=True) == asked(0.97)


def test_a_market_that_cannot_be_quoted_is_not_hedged_in():
    """The reason stays the ladder's."""
    crossed = VIEW._replace(bid_price=101.0)
    assert HEDGED(crossed, 3.0, FLOW, 0) == PLAIN(crossed, 3.0, FLOW, 0)
