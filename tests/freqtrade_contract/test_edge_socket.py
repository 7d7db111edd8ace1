"""The websocket with stock Freqtrade: what it knows is not asked, what it does not know is, and lies are noticed."""

import time
from collections import Counter

import orjson
import pytest
from freqtrade.persistence import Trade
from freqtrade.worker import Worker

from market_making.market.sides import Direction
from market_making.trading.freqtrade.edge import sleep
from market_making.trading.freqtrade.edge.socket import Socket
from tests.live_bot import ROOT
from tests.puppet_market import ADDRESS, OTHER_ADDRESS, PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
COINS = ("ETH", "BTC")


@pytest.fixture
def venue(request):
    """A venue of one or two coins."""
    coins = COINS[: getattr(request, "param", 1)]
    with VenueThread(PuppetMarket(coins=coins)) as running:
        yield running


@pytest.fixture
def maker(start, tmp_path, venue):
    """Start the market maker with everything on, and wait until the websocket is believed."""

    def start_maker(coins=1, **edge):
        for coin in COINS[:coins]:
            parameters(coin=coin, pair=f"{coin}/USDC:USDC").write(tmp_path / "parameters")
        quote = {"actions_per_minute": 600, "minimum_life_s": 0}
        bot = start(
            "MarketMaking",
            ROOT / "user_data" / "strategies",
            market_making={"edge": {"socket": True} | edge, "quote": quote},
            exchange={"pair_whitelist": [f"{coin}/USDC:USDC" for coin in COINS[:coins]]},
            max_open_trades=coins,
        )
        believed(bot, coins)
        return bot

    yield start_maker
    sleep.restore()


def until(condition, seconds=5.0, what="it"):
    """Wait until something holds; return after how many seconds it did."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} not within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - began


def believed(bot, coins=1):
    socket = bot.strategy._edge.socket
    ready = lambda: socket.orders.is_believed() and all(socket.books.answer(coin) for coin in COINS[:coins])  # noqa: E731
    return until(ready, 10.0, "a websocket that is believed")


def loop(bot):
    """One loop, with the pause after it left out."""
    bot.process()
    bot.strategy._edge.loop.ended()


def asked(venue, call):
    """Kinds of requests that came meanwhile."""
    before = len(venue.asked)
    call()
    return Counter(each.kind for each in venue.asked[before:])


def fill(venue):
    """Let somebody trade against the order that rests."""
    order = venue.open_orders()[0]
    is_bid = order["side"] == "B"
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, 2900.0 if is_bid else 3100.0, 10.0)
    return order


def books_agree(bot, venue):
    """What the bot's trades add up to, and which orders it has, are what the venue says."""
    trades = Trade.get_open_trades()
    held = sum((-1 if trade.is_short else 1) * trade.amount for trade in trades)
    position = bot.exchange._api.fetch_positions()
    on_venue = sum(float(each["contracts"]) * (1 if each["side"] == "long" else -1) for each in position)
    known = {order.order_id for trade in trades for order in trade.open_orders}
    return abs(held - on_venue) < 1e-9 and known == {str(order["oid"]) for order in venue.open_orders()}


def test_while_nothing_happens_only_the_account_is_asked_about(maker, venue):
    """Books and orders are known; the account is read every five seconds."""
    bot = maker()
    loop(bot)
    loop(bot)
    counts = asked(venue, lambda: [loop(bot) for _ in range(5)])
    assert set(counts) <= {"clearinghouseState"}
    assert counts["clearinghouseState"] <= 1


def test_a_fill_wakes_the_bot_and_is_answered_with_one_question(maker, venue):
    """The account is asked about, then the opposite quote rests; orders and fills are known."""
    bot = maker()
    loop(bot)
    loop(bot)
    order = fill(venue)
    assert asked(venue, lambda: Worker._sleep(5.0))["orderStatus"] == 0
    until(lambda: bot.strategy._edge.socket.orders.fills(order["oid"]), what="the fill")
    counts = asked(venue, lambda: loop(bot))
    assert counts["order"] == 1
    assert set(counts) <= {"order", "clearinghouseState", "updateLeverage", "activeAssetData"}
    assert venue.open_orders()[0]["side"] != order["side"]
    assert books_agree(bot, venue)
    trade = Trade.get_open_trades()[0]
    assert trade.open_rate == float(order["limitPx"])
    assert trade.fee_open == pytest.approx(0.00015)


def test_a_sleep_ends_with_a_fill_and_not_without(maker, venue):
    """News that came while the loop ran end the next pause, too."""
    bot = maker()
    loop(bot)
    Worker._sleep(0.05)
    began = time.monotonic()
    Worker._sleep(0.4)
    assert time.monotonic() - began >= 0.39
    fill(venue)
    assert until_asleep(5.0) < 1.0


def until_asleep(seconds):
    began = time.monotonic()
    Worker._sleep(seconds)
    return time.monotonic() - began


def test_a_sleep_ends_when_mid_comes_too_close_and_the_order_goes_before_freqtrade_does_anything(maker, venue):
    """And not when it moves away or a little."""
    bot = maker()
    loop(bot)
    loop(bot)
    order = venue.open_orders()[0]
    towards = -1 if order["side"] == "B" else 1
    bot.strategy._edge.loop.ended()
    time.sleep(0.7)
    Worker._sleep(0.05)
    venue.market.mid = round(3000.0 - towards * 0.6, 1)
    assert until_asleep(1.0) >= 0.99
    venue.market.mid = 3000.0
    time.sleep(0.2)
    venue.market.mid = round(3000.0 + towards * 0.6, 1)
    assert asked(venue, lambda: until_asleep(5.0)) == {"cancel": 1}
    assert venue.open_orders() == []
    loop(bot)
    assert books_agree(bot, venue)


@pytest.mark.parametrize("venue", [2], indirect=True)
def test_stale_orders_of_all_pairs_go_in_one_action_before_anything_else(maker, venue):
    """Then both are placed anew in the same loop."""
    bot = maker(coins=2)
    loop(bot)
    loop(bot)
    orders = venue.open_orders()
    assert len(orders) == 2
    towards = -1 if orders[0]["side"] == "B" else 1
    venue.market.mid = round(3000.0 + towards * 0.8, 1)
    until(lambda: abs(bot.strategy._edge.socket.books.mid("ETH") - venue.market.mid) < 0.01, what="the move")
    before = len(venue.asked)
    loop(bot)
    kinds = [each.kind for each in venue.asked[before:]]
    cancels = [each.body["action"]["cancels"] for each in venue.asked[before:] if each.kind == "cancel"]
    assert [len(each) for each in cancels] == [2]
    assert kinds[0] == "cancel"
    assert kinds.count("order") == 2
    assert not {order["oid"] for order in orders} & {order["oid"] for order in venue.open_orders()}
    assert books_agree(bot, venue)


@pytest.mark.parametrize("venue", [2], indirect=True)
def test_an_order_that_becomes_stale_while_another_pair_is_served_goes_before_its_request(maker, venue, monkeypatch):
    """A loop that answers a fill of one coin hears that mid moves against the order of the other."""
    bot = maker(coins=2)
    loop(bot)
    loop(bot)
    orders = {order["coin"]: order for order in venue.open_orders()}
    is_bid = orders["ETH"]["side"] == "B"
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, 2900.0 if is_bid else 3100.0, 10.0)
    until(lambda: bot.strategy._edge.socket.orders.fills(orders["ETH"]["oid"]), what="the fill")
    pricing, moved = bot.strategy.custom_exit_price, 3000.0 + (-0.8 if orders["BTC"]["side"] == "B" else 0.8)

    def price_in_a_moving_market(**values):
        venue.market.mid = moved
        until(lambda: abs(bot.strategy._edge.socket.books.mid("BTC") - moved) < 0.01, what="the move")
        return pricing(**values)

    monkeypatch.setattr(bot.strategy, "custom_exit_price", price_in_a_moving_market)
    before = len(venue.asked)
    loop(bot)
    actions = [each for each in venue.asked[before:] if each.kind in ("cancel", "order")]
    assert [each.kind for each in actions[:2]] == ["cancel", "order"]
    assert [item["o"] for item in actions[0].body["action"]["cancels"]] == [orders["BTC"]["oid"]]
    monkeypatch.undo()
    loop(bot)
    assert books_agree(bot, venue)


def test_a_dry_run_hears_of_books_only():
    """There is no account."""
    socket = Socket("ws://127.0.0.1:9/ws", None)
    assert list(socket.wishes()) == []
    socket.want(["ETH"])
    assert [wish["type"] for wish in socket.wishes()] == ["bbo", "l2Book"]


class Liar:
    """Bends the messages of the websocket from the moment it is told to."""

    def __init__(self, kind):
        self.kind = kind
        self.lies = False
        self.kept = {}

    def __call__(self, text):
        channel = orjson.loads(text)["channel"]
        if self.lies:
            return getattr(self, self.kind.replace(" ", "_"))(channel, text)
        self.kept.setdefault(channel, text)
        return [text]

    def deaf(self, channel, text):
        return []

    def deaf_to_orders(self, channel, text):
        return [] if channel in ("orderUpdates", "userFills") else [text]

    def old(self, channel, text):
        return [self.kept.get(channel, text)]

    def frozen(self, channel, text):
        return [self.kept.get(channel, text) if channel in ("l2Book", "bbo") else text]

    def half(self, channel, text):
        return [text[: len(text) // 2] if channel == "l2Book" else text]

    def without_levels(self, channel, text):
        return [text.replace(b'"levels"', b'"depths"')]

    def other_account(self, channel, text):
        return [text.replace(ADDRESS.lower().encode(), OTHER_ADDRESS.lower().encode())]


@pytest.mark.parametrize("kind", ["deaf", "old", "frozen", "half", "without levels"])
def test_a_socket_that_lies_about_books_is_noticed_within_a_second(maker, venue, kind):
    """From then on books are asked for, and the bot quotes on; when it tells the truth again it is believed again."""
    venue.hear = liar = Liar(kind)
    bot = maker()
    loop(bot)
    time.sleep(1.2)  # what was kept is old by now
    liar.lies = True
    took = until(lambda: bot.strategy._edge.socket.books.answer("ETH") is None, 3.0, "the lie noticed")
    assert took < 1.2
    counts = asked(venue, lambda: loop(bot))
    assert counts["l2Book"] > 0
    order = fill(venue)
    until(lambda: order["oid"] not in {each["oid"] for each in venue.open_orders()}, what="a fill")
    loop(bot)
    loop(bot)
    assert venue.open_orders()[0]["side"] != order["side"]
    assert books_agree(bot, venue)
    liar.lies = False
    believed(bot)


def test_a_socket_that_is_deaf_to_orders_is_noticed_when_one_is_placed(maker, venue):
    """A placed order must be told within a second; then orders are asked about, and no fill is missed."""
    venue.hear = liar = Liar("deaf to orders")
    bot = maker()
    liar.lies = True
    loop(bot)
    until(lambda: not bot.strategy._edge.socket.orders.is_believed(), 1.5, "the silence noticed")
    order = fill(venue)
    until(lambda: order["oid"] not in {each["oid"] for each in venue.open_orders()}, what="a fill")
    assert asked(venue, lambda: loop(bot))["orderStatus"] > 0
    assert venue.open_orders()[0]["side"] != order["side"]
    assert books_agree(bot, venue)


def test_a_socket_of_another_account_is_never_believed(maker, venue, start, tmp_path):
    """Neither its acknowledgement nor its fills; books of it would be, but it is closed at once."""
    venue.hear = liar = Liar("other account")
    liar.lies = True
    parameters().write(tmp_path / "parameters")
    bot = start("MarketMaking", ROOT / "user_data" / "strategies", market_making={"edge": {"socket": True}})
    for _ in range(3):
        loop(bot)
        assert not bot.strategy._edge.socket.orders.is_believed()
        time.sleep(0.2)
    assert bot.strategy._edge.socket.connections >= 2
    assert len(venue.open_orders()) == 1
    liar.lies = False
    believed(bot)
    sleep.restore()


def test_the_thread_ends_with_the_bot(maker):
    """A bot that is loaded anew has one websocket."""
    bot = maker()
    socket = bot.strategy._edge.socket
    bot.cleanup()
    assert not socket._thread.is_alive()
