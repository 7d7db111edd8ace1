"""The guard on markets of other dexes and on spot, at work on the local venue."""

import time
from dataclasses import replace

import pytest
from eth_account import Account
from freqtrade.persistence import Trade
from hyperliquid.exchange import Exchange
from hyperliquid.utils.types import Cloid

from market_making.guard import inquiry, leaver
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.watch_rules import WatchRules
from market_making.market.selection import Selection
from market_making.safety.kill_switch import Kill, write_kill
from market_making.safety.order_names import OrderNames
from market_making.safety.state_file import QuoteState
from market_making.simulation.known_markets import market_called
from tests.guard.documents import pair_state
from tests.guard.scripted_bot import NAME, GuardThread, ScriptedBot, holds_for, seconds_until
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread, parameters

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]
NVDA, HYPE = market_called("xyz:NVDA"), market_called("HYPE/USDC")
QUICK = WatchRules(unknown_s=0.5, unbooked_s=0.5, flatten_s=1.0, silence_s=2.0)
IOC, ALO = {"limit": {"tif": "Ioc"}}, {"limit": {"tif": "Alo"}}


class KindsMarket(PuppetMarket):
    """A coin of the main dex, one of another dex and a token, all at the same price."""

    def __init__(self):
        super().__init__(coins=("ETH", NVDA.wire, HYPE.wire))
        self.eth = super().listings[0]

    @property
    def listings(self):
        return (self.eth, NVDA, HYPE)


@pytest.fixture(scope="module")
def venue():
    with VenueThread(KindsMarket()) as running:
        yield running


@pytest.fixture
def bot(venue, tmp_path, monkeypatch):
    monkeypatch.setattr(inquiry, "ELSEWHERE_S", 0.3)
    for module, name, value in ((inquiry, "FILLS_S", 0.5), (inquiry, "LEFT_S", 0.5), (leaver, "AGAIN_S", 0.5)):
        monkeypatch.setattr(module, name, value)
    venue.market.mid = 3000.0
    with ScriptedBot(venue, tmp_path) as running:
        running.exchange = Exchange(Account.from_key(KEY), venue.url, account_address=ADDRESS, perp_dexs=["", "xyz"])
        yield running
        running.silent = True
        for order in venue.open_orders():
            running.exchange.cancel(order["coin"], order["oid"])


def trades(bot, market):
    """Let the bot say that it quotes this market, and no other."""
    bot.pair = replace(pair_state(), pair=market.pair, coin=market.key)
    valid_until_ms = int(time.time() * 1e3) + 600_000
    parameters(coin=market.key, pair=market.pair, valid_until_ms=valid_until_ms).write(bot.folder / "parameters")
    (guarded,) = bot.options().bots
    return bot.options(bots=(replace(guarded, coins=Selection((market.pair,))),), rules=QUICK)


def place(bot, market, price, *, buy=True):
    answer = bot.exchange.order(market.wire, buy, 0.05, price, ALO)
    return answer["response"]["data"]["statuses"][0]["resting"]["oid"]


def buy(bot, size, name=None):
    cloid = None if name is None else Cloid.from_str(name)
    answer = bot.exchange.order(HYPE.wire, True, size, 3010.0, IOC, cloid=cloid)
    assert "filled" in answer["response"]["data"]["statuses"][0], answer


def book_position(amount):
    """Write a position into the database as Freqtrade does."""
    trade = Trade(pair=HYPE.pair, stake_amount=amount * 3000, amount=amount, open_rate=3000.0, fee_open=0.0,
                  fee_close=0.0, exchange="hyperliquid", is_open=True, leverage=1.0, is_short=False)  # fmt: skip
    Trade.session.add(trade)
    Trade.commit()


def held(bot):
    return bot.venue.audit()["tokens"].get("HYPE", 0.0)


@pytest.mark.parametrize("traded", [market_called("ETH"), NVDA, HYPE], ids=lambda market: market.key)
def test_an_unknown_order_on_any_dex_goes_whatever_the_bot_trades(bot, traded):
    """It rests before the guard starts, so that no websocket tells of it."""
    unknown = {place(bot, market, 2900.0) for market in (NVDA, HYPE, market_called("ETH"))}
    assert unknown == bot.open_oids()
    with GuardThread(trades(bot, traded)):
        seconds_until(lambda: not bot.open_oids(), 6, "an unknown order rests")


@pytest.mark.parametrize("market", [NVDA, HYPE], ids=lambda market: market.key)
def test_the_quote_guard_knows_the_bots_quote_by_the_name_of_its_files(bot, market):
    """The state file has the name of files, the exchange another: the quote that mid comes close to goes at once."""
    options = replace(trades(bot, market), quotes=QuoteGuardRules(moves=1.0))
    with GuardThread(options) as guard:
        guard.ready()
        quotes = {"bid": QuoteState(2999.0, 1.0, 1.0), "ask": QuoteState(3001.0, 1.0, 1.0)}
        bot.pair = replace(bot.pair, **quotes)
        bid = place(bot, market, 2999.0)
        bot.book(bid, 2999.0, 0.05)
        with holds_for(1.0, lambda: bid in bot.open_oids(), "the bid was cancelled"):
            pass
        bot.venue.market.mid = 2999.2
        seconds_until(lambda: bid not in bot.open_oids(), 2, "the bid was not cancelled")


def test_flatten_sells_the_tokens_that_the_bot_has_bought_and_once(bot):
    """Nobody else's: the wallet has more than the books, and the books of a dead bot never learn what was sold."""
    foreign = held(bot)
    buy(bot, 0.5)
    before = held(bot)
    buy(bot, 0.3)
    own = held(bot) - before
    book_position(own)
    with GuardThread(trades(bot, HYPE)) as guard:
        guard.ready()
        bot.silent = True
        seconds_until(lambda: "position_unwatched" in guard.alarms, 4, "nobody was told")
        write_kill(bot.folder / "state", Kill(int(time.time() * 1e3), flatten=True))
        seconds_until(lambda: held(bot) < before + 0.01, 6, "it was not left")
        with holds_for(3.0, lambda: held(bot) == pytest.approx(before, abs=0.01), "foreign tokens were sold"):
            pass
    with GuardThread(trades(bot, HYPE)) as guard:  # a new one has to find out what the other has sold
        guard.ready()
        with holds_for(3.0, lambda: held(bot) == pytest.approx(before, abs=0.01), "foreign tokens were sold"):
            pass
    assert before > foreign


def test_tokens_that_the_bot_never_booked_are_left_and_no_others(bot):
    """Killed between acceptance and database: the name tells whose the order was."""
    names = OrderNames(bot.folder / "state", NAME)
    names.note(name := names.new())
    with GuardThread(trades(bot, HYPE)) as guard:
        guard.ready()
        buy(bot, 0.2)
        before = held(bot)
        buy(bot, 0.1, name)
        seconds_until(lambda: held(bot) < before + 0.01, 6, "it was not left")
        with holds_for(2.0, lambda: held(bot) == pytest.approx(before, abs=0.01), "foreign tokens were sold"):
            pass
