"""What `DepthAware` quotes in the compiled desk is what its model quotes, to the last bit, whatever the book says."""

from collections import Counter
from math import inf
from random import Random

import numpy as np
import pytest

from market_making.market.events import Level
from market_making.market.reasons import Reason
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Withheld
from market_making.quoting.readings.markouts import MarkoutScore
from market_making.quoting.readings.observations import Observations, RiskLevel
from tests.replay.fast_desk.random_settings import random_tiers

pytest.importorskip("numba")
from market_making.replay.fast_desk import layout
from market_making.replay.fast_desk.book import look_deep
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import LEVEL, MODEL, NONE, SETTING, SIZE, STATE, WHY, WORLD
from market_making.replay.fast_desk.model import model_quotes
from market_making.replay.fast_desk.preparing import _model

BOOKS, TICK, LOWEST = 4_000, 0.1, 29_000
TERMS = {
    "adverse_selection": layout.SELECTION,
    "inventory": layout.INVENTORY,
    "level": layout.LEVEL_TERM,
    "fair_value": layout.FAIR_VALUE,
    "floor": layout.FLOOR,
    "risk": layout.RISK,
}


@compiled
def quote(world, setting, state, model, levels, inventory):
    """Look at a book and quote in it."""
    w, c, x, k = world[0], setting[0], state[0], model[0]
    look_deep(w, c, x, levels)
    model_quotes(c, x, k, levels["bid_size"], inventory)


def a_book(random):
    """Some levels of both sides, few or many, thin or deep, with gaps between them: ticks and sizes, best first."""
    best, found = random.randrange(900, 1100), []
    for start, step in ((best, -1), (best + random.choice([1, 1, 2, 40]), 1)):
        ticks, tick = [], start
        for _ in range(random.choice([1, 3, 9, 10, 14])):
            ticks.append((tick, round(random.choice([0.01, 1.0, 10.0, 100.0]) * random.uniform(0.1, 2.0), 4)))
            tick += step * random.choice([1, 1, 2, 30])
        found.append(ticks)
    return found


def as_levels(side):
    """The same at its prices."""
    return tuple(Level(round((tick + LOWEST) * TICK, 1), size) for tick, size in side)


def a_flow(random):
    """An order flow, in some of which nothing is worth quoting."""

    def both(low, high):
        return Directions(random.uniform(low, high), random.uniform(low, high))

    rate, decay, cost = both(0.1, 2), both(0.1, 3), random.choice([0.1, 2.0, 30.0])
    impact = both(0, cost), both(0, cost), both(0, 0.1)
    volatility, funding = random.choice([0.05, 0.3, 2.0, 10.0]), random.choice([0.0, 3e-9, -1e-7])
    return OrderFlow(rate, both(0, 1), decay, *impact, volatility, 0.05, funding)


def remembered(random, state):
    """What a bot remembers of volatility, fills and risk; return the readings of it."""
    state["volatility"] = random.choice([-1.0, 0.0, random.uniform(0, 1e-4), random.uniform(0, 1e-3)])
    state["usual"], state["usual_ms"] = random.uniform(1e-5, 1e-4), random.choice([0, 599_999, 600_000, 10**8])
    state["capture"] = random.choice([inf, -2.0, -2.1, 3.0])
    state["losing_fills"], state["risk_level"] = random.randrange(5), random.randrange(4)
    state["depth_factor"] = random.choice([1.0, 1.5])
    state["scores"] = [random.choice([0.1, 0.2, 0.3, 0.5, 0.7, 0.9]) for _ in Side]
    state["scored"] = [random.choice([0, 10, 11, 50]) for _ in Side]
    scores = zip(state["scores"][0].tolist(), state["scored"][0].tolist(), strict=True)
    mid = state["mid"].item()
    return {
        "volatility": None if state["volatility"] < 0 else state["volatility"].item() * mid,
        "usual_volatility": None if state["usual_ms"] < 600_000 else state["usual"].item() * mid,
        "markout_factors": Sides(*(MarkoutScore(*each).factor for each in scores)),
        "recent_capture_bps": None if state["capture"] == inf else state["capture"].item(),
        "losing_fills": state["losing_fills"].item(),
        "risk_level": RiskLevel(state["risk_level"].item()),
    }


def the_model(flow):
    """A calibration as the compiled desk reads it."""
    model = np.zeros(1, dtype=MODEL)
    model["fault"], model["volatility"], model["funding_rate"] = NONE, flow.volatility, flow.funding_rate
    for side in Side:
        model[f"{side}_decay"], model[f"{side}_intensity"] = flow.fill_decay.on(side), flow.fill_intensity.on(side)
        model[f"{side}_adverse"] = flow.adverse_selection_on_fill.on(side)
    return model


def the_setting(model):
    """A setting as the compiled desk reads it, on a grid of tenths."""
    setting = np.zeros(1, dtype=SETTING)
    for name, value in (_model(model) | {"tick": TICK, "tick_scale": 10.0, "lowest_tick": LOWEST}).items():
        setting[name] = value
    return setting


def the_book(bids, asks):
    """A market's world and levels, and what the best levels say of the state."""
    levels, world, state = np.zeros(2000, dtype=LEVEL), np.zeros(1, dtype=WORLD), {}
    world["bid"], world["ask"] = bids[0][0], asks[0][0]
    for name, side in (("bid", bids), ("ask", asks)):
        state[name] = as_levels(side)[0].price
        for tick, size in side:
            levels[f"{name}_size"][tick] = size
    return world, levels, state | {"mid": (state["bid"] + state["ask"]) / 2}


def require_same(row, offer):
    """Terms and size of a quote, or the reason why there is none; return what it came to."""
    why = "quoted" if row[WHY] == NONE else list(Reason)[int(row[WHY])]
    if isinstance(offer, Withheld):
        assert why == offer.reason
    else:
        assert (why, row[SIZE]) == ("quoted", offer.size)
        assert {name: row[term] for name, term in TERMS.items()} == {name: getattr(offer.terms, name) for name in TERMS}
    return why


def test_random_books_are_quoted_as_by_the_model():
    random, met, strategy, state = Random(12), Counter(), None, None
    for _ in range(BOOKS):
        if strategy is None or random.random() < 0.2:  # else what it knows of tiers is kept from book to book
            strategy, state = random_tiers(random), np.zeros(1, dtype=STATE)
        bids, asks = a_book(random)
        world, levels, best = the_book(bids, asks)
        for name, value in best.items():
            state[name] = value
        setting, flow, inventory = the_setting(strategy), a_flow(random), random.choice([0.0, random.uniform(-6, 6)])
        seen = [as_levels(side)[: setting["book_levels"].item()] for side in (bids, asks)]
        market = MarketView(*seen[0][0][:2], *seen[1][0][:2], 0, Observations(*seen, **remembered(random, state)))
        wanted = strategy.quoter(market, inventory, flow, 0)
        quote(world, setting, state, the_model(flow), levels, inventory)
        assert state["is_anchored"] == wanted.anchored
        assert state["fade"] == (1.0 if wanted.answers_losses else state["depth_factor"])
        met.update(map(require_same, state["quotes"][0], wanted.sides))
    reasons = "quoted", Reason.THIN_BOOK, Reason.AT_BOUND, Reason.TOXIC_FLOW, Reason.NOTHING_EARNS
    assert min(met[why] for why in reasons) > BOOKS // 100, met
