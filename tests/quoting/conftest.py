"""What hypothesis draws when a test of the quoting models asks for one of their inputs by type."""

import numpy as np
from hypothesis import strategies as st

from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView
from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats of every magnitude between two positive bounds, without subnormal surprises."""
    return st.floats(np.log(low), np.log(high)).map(lambda x: float(np.exp(x)))


def both(values: st.SearchStrategy[float]) -> st.SearchStrategy[Directions[float]]:
    """One value for buys, one for sells."""
    return st.builds(Directions, values, values)


@st.composite
def value_problems(draw: st.DrawFn) -> ValueProblem:
    """One coin whose sides differ by up to a factor of about ten, with and without a depth floor."""
    decay, rate = draw(between(0.02, 100.0)), draw(between(0.01, 5.0))

    def fills() -> Fills:
        own_decay = decay * draw(between(0.4, 2.5))
        cost = draw(st.floats(-0.3, 2.0)) / own_decay
        floor = draw(st.one_of(st.just(-np.inf), st.floats(0.0, 1.0).map(lambda x: x / own_decay)))
        return Fills(rate * draw(between(0.3, 3.0)), own_decay, cost, floor, draw(st.floats(0.6, 1.001)))

    penalty = draw(st.one_of(st.just(0.0), between(1e-4, 1.0))) * rate / decay
    return ValueProblem(fills(), fills(), draw(st.integers(1, 8)), penalty, draw(st.floats(-0.02, 0.02)) * rate / decay)


@st.composite
def order_flows(draw: st.DrawFn) -> OrderFlow:
    """A flow on a market with mid near 100."""
    decay = draw(both(between(1.0, 50.0)))
    adverse_selection = draw(both(st.floats(0.0, 1.5)))
    arrival_rate = draw(both(between(0.05, 3.0)))
    on_fill = Directions(*(x / k for x, k in zip(adverse_selection, decay, strict=True)))
    return OrderFlow(
        arrival_rate=arrival_rate,
        fill_intensity=arrival_rate.map(lambda rate: 0.5 * rate),
        fill_decay=decay,
        adverse_selection=on_fill.map(lambda x: 0.3 * x),
        adverse_selection_on_fill=on_fill,
        adverse_selection_slope=draw(both(st.floats(0.0, 0.8))),
        volatility=draw(between(0.001, 0.1)),
        half_spread=draw(between(0.001, 0.2)),
    )


@st.composite
def market_views(draw: st.DrawFn) -> MarketView:
    """A book around 100, at most 1 % wide."""
    bid = draw(st.floats(99.5, 100.0))
    ask = bid + draw(st.floats(0.01, 1.0))
    return MarketView(bid, draw(between(0.01, 100.0)), ask, draw(between(0.01, 100.0)), 0)


st.register_type_strategy(ValueProblem, value_problems())
st.register_type_strategy(OrderFlow, order_flows())
st.register_type_strategy(MarketView, market_views())
