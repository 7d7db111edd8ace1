"""What a model with levels quotes with one order is one of its levels, and all of them are those of its formula."""

from dataclasses import replace

import numpy as np
import pytest

from market_making.market.events import Level
from market_making.market.reasons import Reason
from market_making.market.sides import Directions, Side
from market_making.quoting.models import depth_aware, glft, hedged_ladder, ladders
from market_making.quoting.models.depth_aware import DepthAwareSettings
from market_making.quoting.models.hedges import ActiveHedge
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.models.ladders import LadderSettings, balances_of
from market_making.quoting.models.levels import NO_LEVEL, Levelled, by_level
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quote, Withheld
from market_making.quoting.readings.observations import Observations
from market_making.quoting.terms import Terms

FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.2),
    fill_intensity=Directions(0.5, 0.6),
    fill_decay=Directions(8.0, 7.0),
    adverse_selection=Directions(0.01, 0.01),
    adverse_selection_on_fill=Directions(0.01, 0.01),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.003,
    half_spread=0.01,
)
BOOK = Observations(
    bids=tuple(Level(99.99 - 0.01 * n, 900.0) for n in range(10)),
    asks=tuple(Level(100.01 + 0.01 * n, 700.0) for n in range(10)),
)
VIEW = MarketView(99.99, 900.0, 100.01, 700.0, 0, BOOK)
SETTINGS = LadderSettings()
MODELS = {
    **{str(shape): ladders.quoter(LadderSettings(shape=shape)) for shape in LadderShape},
    "hedged": hedged_ladder.quoter(SETTINGS, ActiveHedge()),
    "tiers": depth_aware.quoter(DepthAwareSettings(least_notional=1_000.0)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_collapsed_quote_is_one_of_the_levels(name):
    """Its price and terms; where nothing earns and a position must go it is the nearest, larger than the level."""
    model, random, quoted = MODELS[name], np.random.default_rng(2), 0
    for inventory in (0.0, *random.uniform(-3.0, 3.0, 100)):
        one, levels = model(VIEW, inventory, FLOW, 0), model.levels(VIEW, inventory, FLOW, 0)
        flags = ("regime", "answers_losses", "hedging", "anchored")
        assert all(getattr(each, flag) == getattr(one, flag) for each in levels for flag in flags)
        for side in Side:
            quotes = [each.of(side) for each in levels if each.of(side) is not None]
            depths = [quote.depth for quote in quotes]
            assert depths == sorted(depths), "nearest first"
            if (quote := one.of(side)) is not None:
                quoted += 1
                assert (quote.price, quote.terms) in [(each.price, each.terms) for each in quotes]
    assert quoted > 50


def test_the_levels_of_a_ladder_are_those_of_its_formula():
    model = ladders.quoter(SETTINGS)
    for inventory in (-2.5, -1.0, 0.0, 0.4, 2.9):
        sides = ladders.ladder(balances_of(SETTINGS, inventory, VIEW.mid, None), VIEW.mid, SETTINGS, SETTINGS.shape)
        levels = model.levels(VIEW, inventory, FLOW, 0)
        for side in Side:
            found = [each.sides.of(side) for each in levels]
            assert tuple(quote for quote in found if isinstance(quote, Quote)) == sides.of(side)
            assert all(quote == NO_LEVEL for quote in found[len(sides.of(side)) :])


def test_a_tier_keeps_the_least_distance_that_does_not_lose_by_itself():
    settings = DepthAwareSettings(least_notional=1_000.0, maker_fee=0.0004)
    for quotes in depth_aware.quoter(settings).levels(VIEW, 0.0, FLOW, 0):
        for side in Side:
            assert quotes.of(side).depth >= settings.nearest_bps * VIEW.mid / 1e4 * (1 - 1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_a_market_that_cannot_be_quoted_has_one_level_without_orders(name):
    crossed = VIEW._replace(bid_price=100.5)
    assert MODELS[name].levels(crossed, 0.0, FLOW, 0) == (MODELS[name](crossed, 0.0, FLOW, 0),)


def test_a_thin_book_says_so_on_its_level():
    thin = VIEW._replace(observations=replace(BOOK, bids=BOOK.bids[:1], asks=BOOK.asks[:1]))
    model = depth_aware.quoter(DepthAwareSettings(least_notional=1e9))
    (quotes,) = model.levels(thin, 0.0, FLOW, 0)
    assert quotes == model(thin, 0.0, FLOW, 0)
    assert quotes.sides.bid.reason is Reason.THIN_BOOK


def test_sides_of_unequal_length_are_filled_up():
    quote, other = Quote.at(Side.BID, 100.0, Terms(level=1.0), 1.0), Withheld(Reason.THIN_BOOK, "a test")
    assert by_level([quote, quote], [other]) == ((quote, other), (quote, NO_LEVEL))
    assert by_level([], []) == ((NO_LEVEL, NO_LEVEL),)


def test_who_has_no_levels_is_not_levelled():
    assert all(isinstance(model, Levelled) for model in MODELS.values())
    assert not isinstance(glft.quoter, Levelled)
