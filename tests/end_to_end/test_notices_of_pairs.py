"""Every trouble of a pair, each with a pair of its own, all at once in one running bot; one pair stays well."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.market.sides import Direction
from market_making.ops.demo.processes import free_port
from market_making.safety.notice_tracker import SETTLED_MS
from market_making.trading.freqtrade.closed_markets import AGAIN_MS
from market_making.venue.faults.document import Faults
from tests.live_bot import LiveBot
from tests.message_sink import MessageSink
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread, parameters
from tests.watched_bot import LOOPS_S, NAME, Watched, api_section, pair_of

EVERY = bool(os.environ.get("EVERY_NOTICE"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not EVERY, reason="takes minutes: EVERY_NOTICE=1"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

SETTLED_S = SETTLED_MS / 1e3
AT_ONCE_S, SOON_S, LATER_S = LOOPS_S, 3.0 + LOOPS_S, 30.0 + LOOPS_S
MINUTE_S = 60.0 + LOOPS_S  # losses are saved, and what is not known of an account is believed, once a minute
CAPPED_S = 120.0
WELL = "ETH"
UNUSUAL_VOLATILITY, HOPELESS_VOLATILITY = 0.4321, 0.1234

STRATEGY = f'''
from MarketMaking import MarketMaking
from market_making.market.reasons import Because, Reason
from market_making.quoting.quote import Quotes


class Brittle(MarketMaking):
    """Its model raises an error of no known kind at one volatility, and quotes nothing at another."""

    def quoter(self):
        model = super().quoter()

        def quote(market, inventory, flow, now_ms):
            if flow.volatility == {UNUSUAL_VOLATILITY}:
                raise RuntimeError("the model broke")
            if flow.volatility == {HOPELESS_VOLATILITY}:
                return Quotes.none(Because(Reason.NOTHING_EARNS, "no quote earns its fee"))
            return model(market, inventory, flow, now_ms)

        return quote
'''

Fault = Callable[["Bench", str], AbstractContextManager[Any]]


class Bench:
    """What is broken: the bot, its venue, and the books of single coins."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.bot, self.venue = watched, watched.bot, watched.bot.venue
        self.books: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.venue.spoil = lambda book: self.books.get(book["coin"], lambda same: same)(book)
        self.exchange = Exchange(Account.from_key(KEY), self.venue.url, account_address=ADDRESS)
        self._faults: dict[str, list[dict[str, Any]]] = {}

    @contextmanager
    def striking(self, coin: str, *faults: dict[str, Any]) -> Iterator[None]:
        """Let faults of the venue strike; they end with those of other coins, so the others' are said again."""
        self._faults[coin] = [{"coin": coin} | fault for fault in faults]
        self.venue.inject(*self._faults[coin])
        yield
        self.venue.heal()
        del self._faults[coin]
        lasting = [fault for kept in self._faults.values() for fault in kept if fault["fault"] not in ("cancel", "cap")]
        if lasting:
            self.venue.inject(*lasting)

    def holds(self, coin: str) -> float:
        """Coins that the venue says are held."""
        return float(self.venue.audit()["positions"].get(coin, 0.0))

    def fill(self, coin: str, size: float) -> None:
        """Let somebody trade with the order of a coin."""
        orders = {order["coin"]: order for order in self.venue.open_orders()}
        is_bid = orders[coin]["side"] == "B"
        direction, price = (Direction.SELL, 2_950.0) if is_bid else (Direction.BUY, 3_050.0)
        self.venue.market.print_trade(direction, price, size, coin)
        self.bot.wait(lambda: self.holds(coin) != 0, 5, "a fill")


def published(**changes: Any) -> Fault:
    """A change of the parameter file."""

    @contextmanager
    def fault(bench: Bench, coin: str) -> Iterator[None]:
        bench.watched.publish(coin, **changes)
        yield
        bench.watched.publish(coin)

    return fault


@contextmanager
def no_file(bench: Bench, coin: str) -> Iterator[None]:
    (bench.bot.folder / "parameters" / f"{coin}.json").unlink()
    yield
    bench.watched.publish(coin)


@contextmanager
def torn_file(bench: Bench, coin: str) -> Iterator[None]:
    path = bench.bot.folder / "parameters" / f"{coin}.json"
    path.write_text(path.read_text()[:400])
    yield
    bench.watched.publish(coin)


@contextmanager
def expired(bench: Bench, coin: str) -> Iterator[None]:
    now_ms = int(time.time() * 1e3)
    bench.watched.publish(coin, created_ms=now_ms - 90_000, valid_until_ms=now_ms - 30_000)
    yield
    bench.watched.publish(coin)


def book(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A change of every book that the exchange answers with."""

    @contextmanager
    def fault(bench: Bench, coin: str) -> Iterator[None]:
        bench.books[coin] = change
        yield
        del bench.books[coin]

    return fault


def crossed(given: dict[str, Any]) -> dict[str, Any]:
    bids, asks = given["levels"]
    return given | {"levels": [[bids[0] | {"px": str(float(asks[0]["px"]) + 1)}, *bids[1:]], asks]}


def later(by_ms: int) -> Fault:
    return book(lambda given: given | {"time": given["time"] + by_ms})


def venue(*faults: dict[str, Any]) -> Fault:
    return lambda bench, coin: bench.striking(coin, *faults)


@contextmanager
def foreign_order(bench: Bench, coin: str) -> Iterator[None]:
    """Somebody else's order on the account, which the exchange does not let the bot cancel."""
    placed = bench.exchange.order(coin, True, 0.01, 2_800.0, {"limit": {"tif": "Gtc"}})
    (status,) = placed["response"]["data"]["statuses"]
    oid = status["resting"]["oid"]
    with bench.striking(coin, {"fault": "refuse", "action": "cancel", "oid": oid, "text": "Not now."}):
        yield


@contextmanager
def refused(bench: Bench, coin: str) -> Iterator[None]:
    """The exchange ends the order that rests, and takes no other."""
    refuse = {"fault": "refuse", "action": "order", "text": "Insufficient margin to place order."}
    with bench.striking(coin, refuse, {"fault": "cancel", "user": ADDRESS, "status": "marginCanceled"}):
        yield


@contextmanager
def foreign_position(bench: Bench, coin: str) -> Iterator[None]:
    assert bench.exchange.market_open(coin, True, 0.1)["status"] == "ok"
    yield
    left = bench.exchange.order(coin, False, 0.1, 2_900.0, {"limit": {"tif": "Ioc"}}, reduce_only=True)
    assert left["status"] == "ok"


@contextmanager
def black_listed(bench: Bench, coin: str) -> Iterator[None]:
    """Somebody says `/blacklist` while a position is held."""
    bench.fill(coin, 10.0)
    bench.watched.ask("POST", "blacklist", {"blacklist": [pair_of(coin)]})
    yield
    bench.watched.ask("DELETE", f"blacklist?pairs_to_delete={pair_of(coin)}")


@contextmanager
def dust(bench: Bench, coin: str) -> Iterator[None]:
    """Six USDC are filled, and no more is to be opened: what is held is too small to be offered."""
    bench.fill(coin, 0.002)
    paused = parameters().regime.model_copy(update={"state": "pause"})
    bench.watched.publish(coin, regime=paused)
    yield
    bench.watched.publish(coin)


@contextmanager
def locked(bench: Bench, coin: str) -> Iterator[None]:
    until = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 3_600))
    lock = {"pair": pair_of(coin), "side": "*", "until": until, "reason": "a test"}
    (number,) = [
        each["id"] for each in bench.watched.ask("POST", "locks", [lock])["locks"] if each["pair"] == pair_of(coin)
    ]
    yield
    bench.watched.ask("DELETE", f"locks/{number}")


@contextmanager
def jump(bench: Bench, coin: str) -> Iterator[None]:
    """Mid jumps by 2 %, and nothing is opened for five minutes."""
    bench.venue.market.shift[coin] = 60.0
    yield


def torn_losses(folder: Path, coin: str) -> Path:
    path = folder / "risk" / f"{NAME}-{coin}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"equity"')
    return path


@contextmanager
def torn_before_the_start(bench: Bench, coin: str) -> Iterator[None]:
    yield
    (bench.bot.folder / "risk" / f"{NAME}-{coin}.json").unlink()


@contextmanager
def unsavable(bench: Bench, coin: str) -> Iterator[None]:
    """A folder stands where the losses of the pair are written."""
    path = bench.bot.folder / "risk" / f"{NAME}-{coin}.json"
    path.unlink(missing_ok=True)
    path.mkdir()
    yield
    path.rmdir()


class Case(NamedTuple):
    """A condition of one pair: how grave it is while the pair is flat, what brings it about, within which time."""

    severity: str
    fault: Fault
    within_s: float = LATER_S
    lasts_s: float = 0.0  # after the repair, beyond what every notice needs to be over


BAD = parameters().quality.model_copy(update={"status": "bad", "flags": ["few_trades"]})
PAUSED = parameters().regime.model_copy(update={"state": "pause"})
OTHER_SIZE = parameters().model.model_copy(update={"order_size": 0.0666})
BROKEN, HOPELESS = (
    parameters().market.model_copy(update={"volatility": each}) for each in (UNUSUAL_VOLATILITY, HOPELESS_VOLATILITY)
)

CASES: dict[str, Case] = {
    "parameters_missing": Case("warning", no_file),
    "parameters_stale": Case("warning", expired),
    "parameters_invalid": Case("warning", torn_file),
    "calibration_bad": Case("warning", published(quality=BAD)),
    "calibration_paused": Case("warning", published(regime=PAUSED)),
    "model_withholds": Case("warning", published(market=HOPELESS)),
    "book_stale": Case("warning", later(-60_000)),
    "book_unusable": Case("warning", book(crossed)),
    "position_unknown": Case("alarm", foreign_position, SOON_S),
    "order_unknown": Case("alarm", foreign_order, SOON_S + 10.0),  # open orders are read every ten seconds
    "below_smallest_order": Case("warning", dust),
    "pair_locked": Case("warning", locked),
    "winding_down": Case("alarm", black_listed),
    "exchange_error": Case("warning", venue({"fault": "status", "code": 502, "info": "l2Book"})),
    "nothing_rests": Case("warning", refused),
    "market_closed": Case("warning", venue({"fault": "cap", "seconds": CAPPED_S}), lasts_s=CAPPED_S + AGAIN_MS / 1e3),
    "not_quoting": Case("warning", published(market=BROKEN)),
    "settings_differ": Case("info", published(model=OTHER_SIZE), AT_ONCE_S),
    "risk_unreadable": Case("alarm", torn_before_the_start, AT_ONCE_S),
}
if EVERY:
    CASES |= {
        "risk_unsaved": Case("alarm", unsavable, MINUTE_S),
        "risk_rule": Case("warning", jump, AT_ONCE_S, lasts_s=300.0),
    }
COIN_OF = {name: f"X{number}" for number, name in enumerate(CASES)}
# What may hold besides: a machine that has too much to do, and the rule about an interface that has failed too often.
BESIDES = {("loop_slow", None), ("risk_rule", pair_of(COIN_OF["exchange_error"]))}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bot that quotes a pair for each case, and one more."""
    folder: Path = tmp_path_factory.mktemp("bot")
    (folder / "Brittle.py").write_text(STRATEGY)
    torn_losses(folder, COIN_OF["risk_unreadable"])
    coins, port = (WELL, *COIN_OF.values()), free_port()
    changes = {
        "max_open_trades": len(coins),
        "exchange": {"pair_whitelist": list(map(pair_of, coins))},
        "api_server": api_section(port),
        "market_making": {
            "quote": {"maximum_account_age_s": 0, "actions_per_minute": 6_000, "action_price": 0},
            "edge": {"address_budget": False, "pace": False},  # nineteen pairs ask for more than a minute allows
        },
    }
    market = PuppetMarket(coins=coins, step_ms=250)
    with (
        VenueThread(market, proxied=True, faults=Faults(), weight_limit=None, history_s=130.0) as exchange,
        MessageSink() as sink,
    ):
        running = LiveBot(exchange, folder, strategy="Brittle", changes=changes | {"webhook": sink.config})
        watched = Watched(running, sink, port)
        for coin in coins:
            watched.publish(coin)
        with running, watched.alerting():
            quoted = len(coins) - 1  # all but the one whose losses cannot be read
            running.wait(lambda: len(exchange.open_orders()) >= quoted, 180, "a first quote of every pair")
            yield Bench(watched)


def seen_within(bench: Bench, cases: dict[str, Case]) -> dict[str, float]:
    """Wait for every notice in the state file as grave as it should be; return how much too late each came [s].

    What a loop finds is written at its end: a busy machine may have two longer loops between a fault and its notice.
    """
    taken, began = dict[str, float](), time.monotonic()

    def loops_s() -> float:
        state = bench.watched.state
        return 0.0 if state is None else 2 * state.longest_loop_ms / 1e3

    while (
        len(taken) < len(cases) and time.monotonic() < began + max(case.within_s for case in cases.values()) + loops_s()
    ):
        for name in set(cases) - set(taken):
            if bench.watched.in_force(pair_of(COIN_OF[name])).get(name) == cases[name].severity:
                taken[name] = time.monotonic() - began
        time.sleep(0.1)
    return {name: taken.get(name, 1e9) - cases[name].within_s - loops_s() for name in cases}


def in_force(watched: Watched) -> set[tuple[str, str | None]]:
    """Name and pair of each notice in the state file, without what may hold besides."""
    notices = () if watched.state is None else watched.state.notices
    return {(notice.name, notice.pair) for notice in notices} - BESIDES


def said_of(watched: Watched, name: str, pair: str) -> tuple[int, int, int, int]:
    """How often log and messages say that it holds, and that the trouble of the pair is over."""
    severity = CASES[name].severity
    began, ended = watched.logged(name, severity, pair), watched.logged(name, "over", pair)
    return began, watched.sent(name, over=False, pair=pair), ended, watched.sent(name, over=True, pair=pair)


def test_each_trouble_of_a_pair_is_said_once_everywhere_within_its_time_and_ends(bench: Bench) -> None:
    """In log, messages, state file, `mm status` and alerts; of no other pair, and of the one that is well nothing."""
    watched, bot = bench.watched, bench.bot
    assert {name for name, _ in in_force(watched)} <= {"risk_unreadable"}
    with ExitStack() as faults:
        for name, case in CASES.items():
            faults.enter_context(case.fault(bench, COIN_OF[name]))
        late = {name: late_s for name, late_s in seen_within(bench, CASES).items() if late_s > 0}
        assert late == {}, {name: watched.in_force(pair_of(COIN_OF[name])) for name in late}
        bot.wait(lambda: all(watched.sent(n, over=False, pair=pair_of(COIN_OF[n])) for n in CASES), LATER_S, "messages")
        code, shown = watched.status()
        for name in CASES:
            watched.alerts(name, pair=pair_of(COIN_OF[name]))
    assert code == 4
    wanted = {(name, pair_of(COIN_OF[name]), case.severity) for name, case in CASES.items()}
    seen = {
        (each["name"], each["pair"], each["severity"]) for each in shown if (each["name"], each["pair"]) not in BESIDES
    }
    assert seen == wanted
    lasts_s = max(case.lasts_s for case in CASES.values())
    bot.wait(lambda: not in_force(watched), SETTLED_S + MINUTE_S + lasts_s, "the end of all")
    # Freqtrade sends what a loop has said in the next one.
    bot.wait(
        lambda: all(watched.sent(n, over=True, pair=pair_of(COIN_OF[n])) for n in CASES), LATER_S, "messages of ends"
    )
    said = {name: said_of(watched, name, pair_of(COIN_OF[name])) for name in CASES}
    assert {name: counts for name, counts in said.items() if counts != (1, 1, 1, 1)} == {}
    assert pair_of(WELL) not in "".join(line for line in bot.log.splitlines() if "] warning:" in line)
    assert {(notice["name"], notice["pair"]) for notice in watched.status()[1]} <= BESIDES
    for name in CASES:
        watched.alerts_end(name, pair=pair_of(COIN_OF[name]))
