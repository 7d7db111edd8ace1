"""Each part of a fill counts exactly once, whatever Freqtrade tells, in whatever order, and across restarts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from market_making.market.sides import Side
from market_making.quoting.risk.rules import RiskLimits
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import CountedBefore, DecisionLog, Event, log_files, read_decisions
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.fills import CountedFills, Fees
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.own_orders import OwnOrders
from market_making.trading.pair_observers import PairObservers
from market_making.trading.risk_watch import RiskWatch

PAIR = "ETH/USDC:USDC"
SIZE = 0.0333
RUN_MS = 1_000_000


def order(number, filled, placed_ms=0):
    """An order of one lot, seen with so much of it filled."""
    side = Side.BID if number % 2 else Side.ASK
    return RestingOrder(str(number), side, 3000.0, round(SIZE - filled, 8), filled, placed_ms, "reduce")


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 333)), max_size=40))
def test_parts_add_up_to_the_most_that_was_seen_of_each_order(looks):
    """Whatever is seen of interleaved orders, in whatever order, old news included."""
    counted, most, total = CountedFills(), dict.fromkeys(range(4), 0.0), dict.fromkeys(range(4), 0.0)
    for number, ten_thousandths in looks:
        filled = ten_thousandths / 1e4
        most[number] = max(most[number], filled)
        total[number] += counted.part(order(number, filled))
    assert total == pytest.approx(most)


class Bot:
    """A desk with everybody who counts fills, in one folder that outlives it."""

    def __init__(self, folder, planner, now_ms, run):
        self.planner, self.now_ms, self.heard = replace(planner, now_ms=now_ms), now_ms, []
        log = DecisionLog(folder / "decisions", "bot", run)
        counted = CountedFills(CountedBefore(folder / "decisions", "bot"), now_ms)
        budget, journal = ActionBudget(600), Journal(log)
        self.risk = RiskWatch(RiskLimits(300.0, daily_loss=50.0, drawdown=100.0), folder / "risk", "bot")
        self.desk = Desk(budget, 400, journal, risk=self.risk, orders=OwnOrders(budget, journal, fills=counted))
        self.observers = PairObservers(0.00015)
        self.desk.orders.listen(self.observers.filled)
        self.desk.orders.listen(self.heard.append)
        self.desk.open(PAIR, PairInputs(self.planner, "c", fees=Fees(0.00015, 0.00045)), Holding())

    @property
    def sizes(self):
        """Of the fills that were told."""
        return [fill.size for fill in self.heard]


def logged(folder):
    """Fills of every run in the log."""
    lines = read_decisions(*log_files(folder / "decisions", "bot"))
    return [(line["order_id"], line["size"], line["cumulated"]) for line in lines if line["event"] is Event.FILL]


def test_a_finished_order_that_is_told_again_counts_once_for_everybody(tmp_path, planner):
    """Log, markouts and risk turnover are one: here an order is filled, the next placed, and the first told again."""
    bot = Bot(tmp_path, planner, RUN_MS, "first")
    bot.desk.look(PAIR, Holding(0.01, order(1, 0.01)), RUN_MS)
    bot.desk.finished(PAIR, order(1, SIZE), RUN_MS)
    bot.desk.look(PAIR, Holding(SIZE, order(2, 0.0)), RUN_MS)
    for _ in range(3):
        bot.desk.finished(PAIR, order(1, SIZE), RUN_MS)
    bot.desk.finished(PAIR, order(2, SIZE), RUN_MS)
    assert bot.sizes == [0.01, 0.0233, SIZE]
    assert logged(tmp_path) == [("1", 0.01, 0.01), ("1", 0.0233, SIZE), ("2", SIZE, SIZE)]
    assert len(bot.observers._observers[PAIR].fills) == 3
    assert sum(fill.value for fill in bot.heard) == pytest.approx(2 * SIZE * 3000.0)
    assert sum(bucket[1] for bucket in bot.risk._state("ETH").taker.buckets) == pytest.approx(2 * SIZE * 3000.0)


def test_what_was_counted_before_a_restart_is_not_counted_after_it(tmp_path, planner):
    """A part from before counts in the first run, what was filled while the bot was away in the second."""
    first = Bot(tmp_path, planner, RUN_MS, "first")
    first.desk.finished(PAIR, order(1, SIZE, RUN_MS + 10), RUN_MS + 50)
    first.desk.look(PAIR, Holding(SIZE + 0.01, order(3, 0.01, RUN_MS + 60)), RUN_MS + 100)
    second = Bot(tmp_path, planner, RUN_MS + 60_000, "second")
    second.desk.finished(PAIR, order(1, SIZE, RUN_MS + 10), RUN_MS + 60_100)
    second.desk.finished(PAIR, order(3, SIZE, RUN_MS + 60), RUN_MS + 60_200)
    assert second.sizes == [0.0233]
    assert logged(tmp_path) == [("1", SIZE, SIZE), ("3", 0.01, 0.01), ("3", 0.0233, SIZE)]


def test_the_fee_is_that_of_who_rested_and_of_who_took(tmp_path, planner):
    """A maker pays the maker's rate at the order's price, a taker the other at the price it got."""
    bot = Bot(tmp_path, planner, RUN_MS, "first")
    bot.desk.finished(PAIR, order(1, SIZE), RUN_MS)
    taking = order(2, SIZE)._replace(is_taker=True, average=2999.0)
    bot.desk.finished(PAIR, taking, RUN_MS)
    assert [fill.fee for fill in bot.heard] == pytest.approx([0.00015 * SIZE * 3000, 0.00045 * SIZE * 2999])
    assert [fill.is_taker for fill in bot.heard] == [False, True]


def test_a_fill_is_held_against_the_mid_from_before_it_unless_that_is_long_ago(tmp_path, planner):
    """One that is seen much later, as after an outage, has no mid and is not judged."""
    bot = Bot(tmp_path, planner, RUN_MS, "first")
    bot.desk.clear()
    bot.desk.look(PAIR, Holding(0.01, order(1, 0.01)), RUN_MS + 1_000)
    bot.desk.look(PAIR, Holding(0.02, order(1, 0.02)), RUN_MS + 60_000)
    assert [fill.mid for fill in bot.heard] == [planner.market.mid, None]
