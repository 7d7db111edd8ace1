"""The state file of a bot: what its plan says is in it, in every loop, whatever fails."""

from dataclasses import asdict, replace

import orjson
import pytest

from market_making.market.clock import now_ms
from market_making.market.events import Level
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.readings.observations import Observations
from market_making.quoting.risk.rules import Verdict
from market_making.safety.state_file import AccountState, CalibrationState, read_state
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.fills import Fees
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.loop_meter import LoopMeter
from market_making.trading.state import BotIdentity, Circumstances, StateWriter

PAIR = "ETH/USDC:USDC"
LOT = 0.0333
FLAT, USUAL = Holding(), Circumstances()
IDENTITY = BotIdentity("maker", "run-1", "live", "MarketMaking", 1_000, "hyperliquid", "alternate")


class Bot:
    """A desk and its state file."""

    def __init__(self, folder, planner, identity=IDENTITY, speak=lambda state: state):
        self.desk, self.planner, self.folder = Desk(ActionBudget(600), 400), planner, folder
        self.writer, self.loops = StateWriter(folder, identity, speak), LoopMeter(0)
        self.desk.orders.listen(self.writer.filled)

    def loop(self, holding=FLAT, *, around=USUAL, fails=None, **inputs):
        """Do what a loop does; return the state of the pair."""
        self.desk.look(PAIR, holding, self.planner.now_ms)
        self.desk.clear()
        if fails is None:
            self.desk.open(PAIR, PairInputs(self.planner, "c", fees=Fees(0.00015), **inputs), holding)
        else:
            self.desk.withhold(PAIR, fails, self.planner.now_ms)
        self.loops.begin(self.planner.now_ms)
        return self.write({PAIR: holding}, around)

    def write(self, holdings, around=USUAL):
        """Write and read."""
        pairs = [self.desk.now(pair, holding) for pair, holding in holdings.items()]
        written = self.writer.write(pairs, self.loops, around)
        state = read_state(self.folder / f"{written.bot}.json")
        assert state == written
        return state.pairs[0] if state.pairs else None

    @property
    def document(self):
        """The file."""
        return orjson.loads((self.folder / "maker.json").read_bytes())


@pytest.fixture
def bot(tmp_path, planner):
    """A bot before its first loop."""
    levels = [tuple(Level(price, 2.0) for price in side) for side in ((3000.0, 2999.9), (3000.1, 3000.2))]
    observed = Observations(*levels, volatility=0.3)
    market = planner.market._replace(observations=observed, time_ms=now_ms())
    return Bot(tmp_path, replace(planner, market=market, now_ms=market.time_ms))


def test_a_quoted_pair_says_what_its_plan_says(bot):
    """Market, both quotes with the terms that sum to their depth, inventory, bound, calibration."""
    calibration = CalibrationState("c", 1, 2, "ok", "quote", ("few_fills",), own_table=True, why="fee")
    state, plan = bot.loop(Holding(LOT), calibration=calibration), bot.desk.made(PAIR).plan
    assert state.quoting
    assert (state.mid, state.fair_value, state.tick) == (plan.mid, plan.mid, 0.1)
    assert state.book.bids == ((3000.0, 2.0), (2999.9, 2.0))
    for quote, planned in ((state.bid, plan.quotes.bid), (state.ask, plan.quotes.ask)):
        assert (quote.price, quote.size_lots) == (planned.price, planned.size)
        assert sum(quote.terms.values()) == pytest.approx(quote.depth, rel=1e-9)
    assert (state.coins, state.inventory, state.maximum_inventory) == (LOT, pytest.approx(1.0), 3)
    assert (state.volatility, state.calibration) == (0.3, calibration)


def test_the_resting_order_has_the_terms_it_was_priced_with(bot):
    """Not those of the present plan: the market has moved since."""
    order = bot.loop() and bot.desk.order(PAIR, grows=True)
    bot.desk.placing(PAIR, order, bot.planner.now_ms)
    bot.planner = replace(bot.planner, market=bot.planner.market._replace(bid_price=3000.3, ask_price=3000.4))
    resting = RestingOrder("7", order.side, order.price, order.size - 0.01, 0.01, 5, "open")
    state = bot.loop(Holding(0.01, resting))
    assert (state.resting.order_id, state.resting.side, state.resting.tag) == ("7", "bid", "open")
    assert (state.resting.size, state.resting.filled) == (pytest.approx(order.size), 0.01)
    assert state.resting.planned_mid == pytest.approx(3000.05)
    assert state.resting.planned_mid - sum(state.resting.terms.values()) == pytest.approx(state.resting.price)
    assert bot.loop(Holding(0.01)).resting is None


def test_a_pair_that_is_not_quoted_says_why_and_since_when(bot):
    """The time is that of the first loop without an order, however figures and reasons change; a quote ends it."""
    ages = [bot.loop(fails=Because(Reason.BOOK_STALE, f"the book is {age} s old")) for age in (4, 5, 6)]
    assert [state.quoting for state in ages] == [False] * 3
    assert ages[-1].detail == "the book is 6 s old"
    assert len({state.since_ms for state in ages}) == 1
    assert ages[0].since_ms > 0
    other = bot.loop(fails=Because(Reason.PARAMETERS_STALE, "expired"))
    assert (other.reason, other.mid, other.book, other.bid.price) == (Reason.PARAMETERS_STALE, None, None, None)
    assert other.since_ms == ages[0].since_ms
    quoted = bot.loop()
    assert (quoted.quoting, quoted.reason, quoted.since_ms) == (True, None, 0)


def test_a_side_that_is_closed_says_so_beside_its_price(bot):
    """And the rules that closed it, and that the position is being left."""
    rules = Verdict((Because(Reason.DAILY_LOSS, "the loss limit of the day is reached"),), leaving=True)
    bot.desk._risk = None
    state = bot.loop(Holding(LOT), verdict=rules)
    assert (state.bid.reason, state.bid.price is None) == (Reason.DAILY_LOSS, False)
    assert state.ask.reason is None
    assert (state.risk, state.risk_detail) == ((Reason.DAILY_LOSS,), "the loss limit of the day is reached")
    assert state.leaving


def test_fills_come_back_as_result_and_markouts(bot):
    """Counted once, split, and added up for the account."""
    order = bot.loop() and bot.desk.order(PAIR, grows=True)
    bot.desk.placing(PAIR, order, bot.planner.now_ms)
    resting = RestingOrder("7", order.side, order.price, order.size, 0.0, 5, "open")
    bot.loop(Holding(0.0, resting))
    for _ in range(2):
        bot.desk.finished(PAIR, resting._replace(remaining=0.0, filled=order.size), bot.planner.now_ms)
    later = bot.planner.now_ms + 10_000
    bot.planner = replace(bot.planner, now_ms=later, market=bot.planner.market._replace(time_ms=later))
    state = bot.loop(Holding(order.size))
    assert (state.fills, state.money.fills) == (1, 1)
    assert state.money.spread == pytest.approx(order.size * (3000.05 - order.price))
    assert state.money.fees == pytest.approx(0.00015 * order.size * order.price)
    assert [markout.n for markout in state.markouts] == [1, 1, 0]
    assert bot.document["account"]["money"] == asdict(state.money)


def test_the_state_is_written_though_the_loop_ended_early(bot):
    """A pair without a plan and without a reason: the log tells; lot and bound are those of before."""
    bot.loop(Holding(LOT))
    bot.desk.clear()
    state = bot.write({PAIR: Holding(LOT)})
    assert (state.quoting, state.reason) == (False, Reason.UNEXPECTED)
    assert (state.inventory, state.maximum_inventory) == (pytest.approx(1.0), 3)


def test_what_holds_for_the_bot_is_there_and_no_more(bot):
    """Who it is, its loops, the account masked, what cannot be written; under 8 kB a pair."""
    account = AccountState("0x1234…abcd", 1000.0, 10, 10_000, 12.0, 300.0)
    bot.loop(around=Circumstances(account, {"decisions": "disk full", "nothing": ""}, killed=True))
    document = bot.document
    assert [document[name] for name in ("bot", "run", "mode", "strategy", "loop", "killed")] == [
        *("maker", "run-1", "live", "MarketMaking", 1, True)
    ]
    assert document["unwritable"] == {"decisions": "disk full"}
    assert document["account"]["address"] == "0x1234…abcd"
    assert document["started_ms"] == 1_000 < document["written_ms"]
    assert len(orjson.dumps(document)) < 8_000
    assert not document["stopped"]
    bot.write({}, Circumstances(stopped=True))
    assert bot.document["stopped"]


def test_a_state_that_cannot_be_written_stops_nothing_and_is_told_in_the_next_loop(tmp_path, planner):
    """The voice hears of it though the file does not; when it can be written again it is over."""
    blocked, heard = tmp_path / "state", []
    blocked.touch()

    def speak(state):
        heard.append(dict(state.unwritable))
        return state

    writer, loops = StateWriter(blocked / "in", IDENTITY, speak), LoopMeter(0)
    for _ in range(2):
        writer.write([], loops, Circumstances())
    blocked.unlink()
    for _ in range(2):
        writer.write([], loops, Circumstances())
    assert heard[0] == heard[3] == {}
    assert list(heard[1]) == ["state"]


def test_a_restart_goes_on_with_the_days_result(tmp_path, bot):
    """From the file that the run before has left; one of another day, or torn, is none."""
    order = bot.loop() and bot.desk.order(PAIR, grows=True)
    bot.desk.finished(PAIR, RestingOrder("7", Side.BID, order.price, 0.0, order.size, 5, "open"), bot.planner.now_ms)
    before = bot.loop(Holding(order.size))
    again = Bot(tmp_path, bot.planner).loop(Holding(order.size))
    assert again.money == before.money != type(again.money)()
    document = bot.document | {"written_ms": bot.document["written_ms"] - 86_400_000}
    for left in (orjson.dumps(document), b"{"):
        (tmp_path / "maker.json").write_bytes(left)
        assert Bot(tmp_path, bot.planner).loop(Holding(order.size)).money.fills == 0


def test_loops_are_timed_from_start_to_start():
    """The longest since the start, and minute by minute."""
    meter, minutes = LoopMeter(0), []
    for start_ms in (0, 1_000, 3_500, 4_500, 61_000, 62_000):
        minutes.append(meter.begin(start_ms))
    assert (meter.loops, meter.last_ms, meter.longest_ms) == (6, 1_000, 56_500)
    (minute,) = filter(None, minutes)
    assert minute == (5, 56_500, 61_000)
