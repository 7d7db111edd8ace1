"""The guard at work on the local venue, with real signatures, sockets and Freqtrade's own database."""

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle

import aiohttp
import orjson
import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange
from hyperliquid.utils.types import Cloid

from market_making.guard import exchange_clock
from market_making.guard import leader as leader_module
from market_making.guard.client import ExchangeClient, Identity, Meter
from market_making.guard.options import GuardedBot
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.watch_rules import WatchRules
from market_making.hyperliquid import information
from market_making.hyperliquid.orders import Cancel
from market_making.hyperliquid.shared_bucket import BURST, SharedBucket, bucket_path
from market_making.market.errors import SafetyError
from market_making.market.events import BestQuote, Level
from market_making.market.reasons import Reason
from market_making.market.selection import Selection
from market_making.safety.guard_record import cancelled_by_guard
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.order_names import OrderNames
from market_making.safety.state_file import QuoteState, read_state
from market_making.venue.faults.document import Faults
from market_making.venue.protocol.access import KEPT_NONCES
from tests.guard.documents import COIN, pair_state
from tests.guard.scripted_bot import NAME, GuardThread, ScriptedBot, holds_for, seconds_until
from tests.puppet_market import ADDRESS, KEY, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

LISTINGS = {"meta", "perpDexs", "allPerpMetas", "spotMeta"}


@pytest.fixture(scope="module")
def venue():
    with VenueThread(PuppetMarket(), order_latency_ms=50.0, faults=Faults()) as running:
        yield running


@pytest.fixture
def bot(venue, tmp_path):
    venue.market.mid = 3000.0
    with ScriptedBot(venue, tmp_path) as running:
        yield running
        running.silent = True
        venue.heal()
        for oid in running.open_oids():
            running.exchange.cancel(COIN, oid)


def why(bot, oid):
    return cancelled_by_guard(bot.folder / "decisions", str(oid), int(time.time() * 1e3))


def reason(bot, oid):
    """Why, as soon as it is written down: the order is gone before the answer is here."""
    seconds_until(lambda: why(bot, oid) is not None, 1, "it was not written down")
    return why(bot, oid).reason


def test_an_unknown_order_goes_after_three_seconds_and_a_known_one_stays(bot):
    """The bot learns from the record who has cancelled and why; the people from an alarm."""
    with GuardThread(bot.options()) as guard:
        guard.ready()
        known = bot.place(2990.0)
        unknown = bot.place(2989.0, known=False)
        took_s = seconds_until(lambda: unknown not in bot.open_oids(), 5, "the unknown order was not cancelled")
        assert took_s > 2.5
        assert bot.open_oids() == {known}
        assert reason(bot, unknown) is Reason.ORDER_UNKNOWN
        assert why(bot, known) is None
        seconds_until(lambda: not guard.alarms, 8, "the alarm does not end")
    assert guard.is_calm


def test_what_an_order_has_filled_that_the_bot_never_booked_is_left(bot):
    """Killed between acceptance and database: the name tells whose it is. Another hand's position is only told."""
    names = OrderNames(bot.folder / "state", NAME)
    name = names.new()
    names.note(name)
    with GuardThread(bot.options()) as guard:
        guard.ready()
        assert bot.exchange.market_open(COIN, True, 0.05)["status"] == "ok"
        limit = {"limit": {"tif": "Ioc"}}
        answer = bot.exchange.order(COIN, True, 0.0333, 3010.0, limit, cloid=Cloid.from_str(name))
        assert "filled" in answer["response"]["data"]["statuses"][0]
        held = lambda: bot.venue.audit()["positions"][COIN]  # noqa: E731
        assert seconds_until(lambda: held() == pytest.approx(0.05), 9, "it was not left") > 2.5
        seconds_until(lambda: "position_unknown" in guard.alarms, 14, "the other hand's position was not told")
        assert held() == pytest.approx(0.05)
        assert bot.exchange.market_close(COIN)["status"] == "ok"


def test_what_was_never_booked_is_left_although_the_exchange_asks_for_less(bot):
    """Two questions about positions and fills are refused: these are asked again within a second or two."""
    names = OrderNames(bot.folder / "state", NAME)
    name = names.new()
    names.note(name)
    with GuardThread(bot.options()) as guard:
        guard.ready()
        bot.venue.inject(
            {"fault": "status", "info": ["clearinghouseState", "userFillsByTime"], "code": 429, "times": 2}
        )
        bot.exchange.order(COIN, True, 0.0333, 3010.0, {"limit": {"tif": "Ioc"}}, cloid=Cloid.from_str(name))
        assert bot.venue.audit()["positions"]
        seconds_until(lambda: not bot.venue.audit()["positions"], 10, "it was not left")
        assert [strike["fault"] for strike in bot.venue.heal()] == ["status", "status"]


def test_a_silent_bots_orders_are_gone_within_five_seconds(bot):
    """Also when its account cannot be asked about at all, and with a guard that starts beside the dead bot."""
    bot.venue.inject({"fault": "unknown", "info": "orderStatus"})
    with GuardThread(bot.options()) as guard:
        oid = bot.place(2990.0)
        guard.ready()
        bot.silent = True
        assert seconds_until(lambda: not bot.open_oids(), 6, "the order was not cancelled") <= 5.0
        assert reason(bot, oid) is Reason.BOT_SILENT
        seconds_until(lambda: "bot_silent" in guard.alarms, 1, "nobody was told")
    assert guard.is_calm is False

    bot.silent = False
    time.sleep(0.3)
    oid = bot.place(2990.0)
    bot.silent = True
    questions = ["frontendOpenOrders", "orderStatus", "clearinghouseState", "userRateLimit"]
    bot.venue.inject({"fault": "status", "info": questions, "code": 502})
    with GuardThread(bot.options()):
        assert seconds_until(lambda: not bot.open_oids(), 6, "it was not cancelled blindly") <= 5.0
    assert reason(bot, oid) is Reason.BOT_SILENT


def test_the_kill_switch_cancels_and_with_flatten_leaves(bot):
    """Within 3 s of the file, whatever the bot does; a position of a bot that does not leave is left."""
    with GuardThread(bot.options(rules=WatchRules(flatten_s=2.0))) as guard:
        guard.ready()
        bot.place(2990.0)
        write_kill(bot.folder / "state", Kill(1))
        assert seconds_until(lambda: not bot.open_oids(), 5, "the kill switch does nothing") <= 3.0
        assert bot.exchange.market_open(COIN, True, 0.1)["status"] == "ok"
        write_kill(bot.folder / "state", Kill(1, flatten=True))
        seconds_until(lambda: not bot.venue.audit()["positions"], 8, "the position was not left")
        remove_kill(bot.folder / "state")
        seconds_until(lambda: "kill_switch" not in guard.alarms, 8, "the end was not seen")
    lines = (next((bot.folder / "decisions").glob("guard-*.jsonl"))).read_bytes().splitlines()
    events = [orjson.loads(line) for line in lines]
    assert [event["sequence"] for event in events] == list(range(len(events)))
    assert {event["event"] for event in events} == {"cancel", "cancelled", "left"}


def test_a_quote_that_mid_comes_close_to_goes_at_once(bot):
    """And only such a one: the other side, and every order while mid moves within the threshold, stays."""
    rules = QuoteGuardRules(moves=1.0)
    with GuardThread(bot.options(quotes=rules)) as guard:
        guard.ready()
        bot.pair = pair_state(bid=QuoteState(2999.0, 1.0, 1.0), ask=QuoteState(3001.0, 1.0, 1.0))
        bid, ask = bot.place(2999.0), bot.place(3001.0, buy=False)
        time.sleep(0.5)
        bot.venue.market.mid = 2999.8
        time.sleep(0.5)
        assert bot.open_oids() == {bid, ask}
        bot.venue.market.mid = 2999.4
        assert seconds_until(lambda: bid not in bot.open_oids(), 1, "the bid was not cancelled") < 0.5
        assert reason(bot, bid) is Reason.GUARD
        assert bot.open_oids() == {ask}
    assert guard.guard.accounts[0].canceller.cancelled == 1


def test_a_key_that_may_not_trade_is_told_with_the_exchanges_words(bot):
    """Before it is needed, and when a cancel is refused."""
    options = bot.options()
    stranger = "0x" + "77" * 32
    identity = Identity(options.bots[0].identity.address, stranger)
    strange = type(options.bots[0])(NAME, identity, bot.database, bot.folder / "parameters")
    with GuardThread(bot.options(bots=(strange,))) as guard:
        guard.ready()
        seconds_until(lambda: "signer_refused" in guard.alarms, 3, "the key was not looked at")
        bot.place(2989.0, known=False)
        seconds_until(lambda: "actions_refused" in guard.alarms, 6, "the refusal was not told")
        told = next(notice for notice in guard.guard.alarms.notices if notice.name == "guard_actions_refused")
        assert "does not exist" in told.text
    assert guard.is_calm is False
    assert stranger[2:] not in repr(bot.options(bots=(strange,)))
    assert OTHER_KEY not in told.text


def test_the_state_file_tells_how_it_is_and_a_second_guard_is_refused(bot):
    """One guard per account; its last word says that it has ended."""
    with GuardThread(bot.options()) as guard:
        guard.ready()
        path = bot.folder / "state" / "guard.json"
        seconds_until(lambda: path.exists() and read_state(path).figures["sockets"] == 1, 3, "no state file")
        command = [sys.executable, "-c", SECOND, str(bot.folder / "state"), bot.venue.url, str(bot.folder)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert SafetyError.__name__ in second.stderr
        assert "is the guard of account" in second.stderr
    assert read_state(path).stopped


SECOND = """
import asyncio, sys
from pathlib import Path
from market_making.guard.client import Identity
from market_making.guard.guard import Guard
from market_making.guard.options import GuardedBot, GuardOptions
from tests.puppet_market import ADDRESS, KEY
state, url, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
bot = GuardedBot("maker", Identity(ADDRESS, KEY), folder / "trades.sqlite", folder / "parameters")
async def run():
    await Guard(GuardOptions(url, state, folder, (bot,))).run(asyncio.Event())
asyncio.run(run())
"""


def test_a_guard_that_is_stopped_for_a_while_cancels_nothing_when_it_goes_on(bot, tmp_path):
    """It has not seen the silence that it slept through."""
    path = bot.folder / "state" / "guard.json"
    command = [sys.executable, "-c", SECOND, str(bot.folder / "state"), bot.venue.url, str(bot.folder)]
    with subprocess.Popen(command) as process:
        try:
            seconds_until(path.exists, 30, "the guard did not start")
            oid = bot.place(2990.0)
            process.send_signal(signal.SIGSTOP)
            time.sleep(8.0)
            process.send_signal(signal.SIGCONT)
            time.sleep(1.5)
            assert bot.open_oids() == {oid}
            assert process.poll() is None
        finally:
            process.kill()


GUARDED = """
import sys
from market_making.guard import inquiry
inquiry.SCHEDULE_VOLUME, inquiry.SCHEDULE_AHEAD_S, inquiry.SCHEDULE_EVERY_S = float(sys.argv[4]), 6.0, 1.0
"""


@contextmanager
def guarding(bot, script, *more):
    """The guard in a process of its own, which ends whatever becomes of the test."""
    command = [sys.executable, "-c", script, str(bot.folder / "state"), bot.venue.url, str(bot.folder), *more]
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            process.kill()


def schedules(venue):
    return venue.audit()["actions_by_type"].get("ScheduleCancel", 0)


def test_the_dead_mans_switch_outlives_the_guard_and_only_where_it_is_offered(tmp_path):
    """Machine and guard gone at once: the exchange cancels. An account without the volume spends no action on it."""
    with (
        VenueThread(PuppetMarket(), faults=Faults(), schedule_cancel_volume=0.0) as venue,
        ScriptedBot(venue, tmp_path) as bot,
    ):
        with guarding(bot, GUARDED + SECOND, "0") as process:
            seconds_until((bot.folder / "state" / "guard.json").exists, 30, "the guard did not start")
            bot.place(2990.0)
            seconds_until(lambda: schedules(venue) > 0, 5, "nothing was scheduled")
            process.kill()
        seconds_until(lambda: not bot.open_oids(), 9, "the exchange has not cancelled")
        assert why(bot, 1) is None
        (bot.folder / "state" / "guard.json").unlink()
        with guarding(bot, GUARDED + SECOND, "1") as process:
            seconds_until((bot.folder / "state" / "guard.json").exists, 30, "the guard did not start")
            before = schedules(venue)
            oid = bot.place(2990.0)
            time.sleep(2.5)
            assert schedules(venue) == before
            process.kill()
        bot.exchange.cancel(COIN, oid)


@pytest.mark.parametrize(("configured", "asked_at_once"), [((), {"meta"}), (("xyz:GOLD",), LISTINGS)])
def test_listings_leave_the_weight_there_is_to_the_bots(bot, monkeypatch, configured, asked_at_once):
    """It asks for dexes and spot when there is room, and at once where a coin of its bots may be there."""
    asked, ask = set(), information.ask

    async def counted(session, url, question):
        asked.add(question["type"])
        return await ask(session, url, question)

    monkeypatch.setattr(information, "ask", counted)
    SharedBucket(bucket_path(bot.folder / "state", bot.venue.url)).charge(BURST)
    told = replace(bot.options().bots[0], coins=Selection(configured))
    with GuardThread(bot.options(bots=(told,))) as guard:
        guard.ready()
        unknown = bot.place(2989.0, known=False)
        seconds_until(lambda: unknown not in bot.open_oids(), 6, "the unknown order was not cancelled")
        assert asked & LISTINGS == asked_at_once
        SharedBucket(bucket_path(bot.folder / "state", bot.venue.url)).charge(-BURST)
        seconds_until(lambda: asked >= LISTINGS, 5, "there is room, but it does not ask")


def test_accounts_are_apart(bot):
    """A second bot that has never said anything loses its orders, the first keeps its own."""
    identity = Identity(OTHER_ADDRESS, OTHER_KEY)
    other = GuardedBot("other", identity, bot.folder / "missing.sqlite", bot.folder / "parameters")
    exchange = Exchange(Account.from_key(OTHER_KEY), bot.venue.url, account_address=OTHER_ADDRESS)
    with GuardThread(bot.options(bots=(*bot.options().bots, other))) as guard:
        guard.ready()
        oid = bot.place(2990.0)
        assert exchange.order(COIN, False, 0.0333, 3010.0, {"limit": {"tif": "Alo"}})["status"] == "ok"
        seconds_until(lambda: not bot.venue.open_orders(OTHER_ADDRESS), 6, "the other bot's order rests")
        assert bot.open_oids() == {oid}
        assert [account.canceller.cancelled for account in guard.guard.accounts] == [0, 1]


WRONG_CLOCK = """
import sys, time
ahead_s = float(sys.argv[4])
true_time, true_time_ns = time.time, time.time_ns
time.time = lambda: true_time() + ahead_s
time.time_ns = lambda: true_time_ns() + round(ahead_s * 1e9)
"""


@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_a_guard_with_a_wrong_clock_cancels_what_it_should_and_nothing_else(bot, ahead_s):
    """Neither silence nor stale parameters come from its clock; it says that it is wrong, and works on."""
    known = {bot.place(2990.0)}  # before the guard starts: it must not take its bot for silent since an hour
    with guarding(bot, WRONG_CLOCK + SECOND, str(ahead_s)) as process:
        try:
            path = bot.folder / "state" / "guard.json"
            seconds_until(lambda: path.exists() and read_state(path).figures["sockets"] == 1, 30, "it did not start")
            unknown = bot.place(2989.0, known=False)
            seconds_until(lambda: unknown not in bot.open_oids(), 6, "the unknown order was not cancelled")
            with holds_for(2.0, lambda: bot.open_oids() == known, "a known order was cancelled"):
                names = {notice.name for notice in read_state(path).notices}
            assert "guard_clock_wrong" in names
        finally:
            process.kill()


@pytest.mark.parametrize("ahead_ms", [3_600_000, -3_600_000, 3 * 86_400_000, -3 * 86_400_000])
async def test_nonces_of_a_wrong_clock_do_not_lock_the_bot_out(venue, bot, monkeypatch, ahead_ms):
    """The exchange keeps the highest hundred of a key; a guard an hour ahead would have used them all up."""
    monkeypatch.setattr(exchange_clock, "now_ms", lambda: int(time.time() * 1e3) + ahead_ms)
    meter = Meter(SharedBucket(bot.folder / "pace"))
    async with aiohttp.ClientSession() as session:
        clock = exchange_clock.ExchangeClock()
        assert await clock.measure(session, venue.url)
        client = ExchangeClient(session, venue.url, Identity(ADDRESS, KEY), meter, clock)
        told = await asyncio.gather(*(client.cancel([Cancel(0, 10**9 + number)]) for number in range(KEPT_NONCES + 1)))
        assert all("already canceled" in words for (words,) in told)
    assert bot.place(2990.0)


class ScriptedLeader:
    """Another venue at `ratio` times our price; it fails when it is told to."""

    name = "binanceusdm"

    def __init__(self, ratio=1.0004):
        self.mid, self._ratio, self.fails = 3000.0, ratio, False

    async def run(self, coins, tell):
        while not self.fails:
            for coin in coins():
                price = self.mid * self._ratio
                tell(BestQuote(coin, 1, Level(price - 0.1, 1.0), Level(price + 0.1, 1.0)))
            await asyncio.sleep(0.05)
        raise OSError("gone")


def test_a_leader_that_moves_first_is_followed_and_missed_when_it_fails(bot, monkeypatch):
    """The bid goes although the exchange's own mid has not moved; then the guard says that it goes on without it."""
    monkeypatch.setattr(leader_module, "WARM_S", 1.0)
    monkeypatch.setattr(leader_module, "WARM_QUOTES", 1)
    leader = ScriptedLeader()
    with GuardThread(bot.options(leader=leader)) as guard:
        guard.ready()
        bot.pair = pair_state(bid=QuoteState(2999.0, 1.0, 1.0), ask=QuoteState(3001.0, 1.0, 1.0))
        bid, ask = bot.place(2999.0), bot.place(3001.0, buy=False)
        mids = cycle((2999.9, 3000.0))

        def announces() -> object:
            bot.venue.market.mid = next(mids)  # the distance between the two venues is learnt from new best quotes
            return guard.guard._leader.mid(COIN, time.monotonic())

        wait_s = seconds_until(announces, 5, "nothing is announced")
        assert wait_s > 0.5
        assert bot.open_oids() == {bid, ask}
        leader.mid = 2999.3
        seconds_until(lambda: bid not in bot.open_oids(), 1, "the bid was not cancelled")
        seconds_until(lambda: why(bot, bid) is not None, 1, "it was not written down")
        assert "binanceusdm has moved first" in why(bot, bid).detail
        assert bot.open_oids() == {ask}
        leader.fails = True
        seconds_until(lambda: "leader_lost" in guard.alarms, 2, "nobody was told")
        bot.venue.market.mid = 3000.6
        seconds_until(lambda: ask not in bot.open_oids(), 1, "the guard does not go on")
