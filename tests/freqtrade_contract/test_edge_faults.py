"""Whatever becomes of the websocket's messages, the bot's books are the venue's within three seconds of any fill.

`benchmarks/edge_faults.py` is the long form of this.
"""

import random
import time

import pytest
from freqtrade.persistence import Trade
from freqtrade.worker import Worker

from market_making.market.sides import Direction
from market_making.trading.freqtrade.edge import sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
SCHEDULES = {
    "bad": [
        {"fault": "late", "stream": "any", "seconds": 0.3, "probability": 0.15},
        {"fault": "late", "stream": "any", "seconds": 1.5, "probability": 0.05},
        {"fault": "double", "stream": "any", "probability": 0.1},
        {"fault": "reorder", "stream": "any", "probability": 0.1},
        {"fault": "disconnect", "every_s": 3.0},
    ],
    "lying": [
        {"fault": "old", "stream": "any", "from_s": 4.0, "until_s": 7.0, "repeat_s": 12.0},
        {"fault": "stranger", "stream": "any", "from_s": 9.0, "until_s": 11.0, "repeat_s": 12.0},
    ],
}
LASTS_S, LAG_S = 13.0, 3.0


@pytest.fixture
def venue(request):
    """A venue whose websocket suffers from a schedule."""
    faults = Faults.parse({"faults": SCHEDULES[request.param]})
    with VenueThread(PuppetMarket(), faults=faults, fault_seed=3) as running:
        yield running


@pytest.fixture
def maker(start, tmp_path, venue):
    """The market maker with everything on."""
    parameters().write(tmp_path / "parameters")
    quote = {"actions_per_minute": 600, "minimum_life_s": 0}
    section = {"market_making": {"edge": {"socket": True}, "quote": quote}}
    yield start("MarketMaking", ROOT / "user_data" / "strategies", **section)
    sleep.restore()


def books_of_bot():
    """Position, sum of all fills, open orders."""
    Trade.session.expire_all()
    orders = [order for trade in Trade.get_trades().all() for order in trade.orders]
    filled = [(1 if order.ft_order_side == "buy" else -1, order.filled or 0.0) for order in orders]
    open_orders = {order.order_id for order in orders if order.ft_is_open}
    return round(sum(sign * size for sign, size in filled), 8), round(sum(size for _, size in filled), 8), open_orders


def books_of_venue(venue):
    report = venue.audit(orders="yes")
    traded = sum(fill["size"] for fill in report["fills"])
    open_orders = {str(order["oid"]) for order in report["orders"]}
    return round(sum(report["positions"].values()), 8), round(traded, 8), open_orders


def something_happens(venue, chance):
    """A fill, of a part or whole, or a move of mid."""
    orders = venue.open_orders()
    if chance.random() < 0.3 or not orders:
        venue.market.mid = round(min(max(venue.market.mid + chance.uniform(-0.9, 0.9), 2996.0), 3004.0), 1)
        return
    is_bid, price = orders[0]["side"] == "B", float(orders[0]["limitPx"])
    size = chance.choice((10.0, 10.0, 0.012))
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, price - 0.1 if is_bid else price + 0.1, size)


@pytest.mark.parametrize("venue", SCHEDULES, indirect=True)
def test_books_are_the_venues(maker, venue):
    """Position, fills and open orders, after every event; the bot quotes all the time."""
    chance, ends_s, fills = random.Random(5), time.monotonic() + LASTS_S, 0
    while time.monotonic() < ends_s:
        something_happens(venue, chance)
        happened_s = time.monotonic()
        time.sleep(0.15)  # the print is on its way; then there must be a moment at which both are equal
        while (ours := books_of_bot()) != (theirs := books_of_venue(venue)) or not theirs[2]:
            assert time.monotonic() - happened_s < LAG_S, (ours, theirs)
            maker.process()
            Worker._sleep(0.1)
        fills = len(venue.audit(orders="yes")["fills"])
    struck = [strike["fault"] for strike in venue.heal()]
    assert fills > 5
    assert len(set(struck)) >= 2
    assert maker.strategy._edge.socket.connections >= 2
