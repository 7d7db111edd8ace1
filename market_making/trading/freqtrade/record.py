"""The record of a running bot: its decision log, from the first line of a run to the last."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from market_making.safety.guard_record import cancelled_by_guard
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import CountedBefore, DecisionLog
from market_making.trading.desk import Desk
from market_making.trading.fills import CountedFills
from market_making.trading.freqtrade.exchange_words import ExchangeWords
from market_making.trading.freqtrade.pair_reader import QuotingStrategy
from market_making.trading.freqtrade.run_header import run_header
from market_making.trading.holding import Holding
from market_making.trading.journal import Journal
from market_making.trading.loop_meter import LoopMeter
from market_making.trading.own_orders import OwnOrders


class Record:
    """What a bot writes about itself.

    Parameters
    ----------
    journal : Journal
        Of its decisions.
    words : ExchangeWords
        What is heard of refusals.
    counted : CountedFills
        What was counted of its orders in former runs.
    started_ms : int
        When it was started [ms].
    """

    def __init__(self, journal: Journal, words: ExchangeWords, counted: CountedFills, started_ms: int) -> None:
        self.journal = journal
        self.words = words
        self._counted = counted
        self._loops = LoopMeter(started_ms)
        self._used = 0

    @classmethod
    def of(cls, strategy: QuotingStrategy, name: str) -> "Record":
        """Begin the record of a strategy."""
        started_ms, folder = time.time_ns() // 1_000_000, strategy.settings.decisions
        run = f"{datetime.fromtimestamp(started_ms / 1e3, UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        log = DecisionLog(folder, name, run, partial(run_header, strategy))
        words = ExchangeWords()
        words.attach()
        counted = CountedFills(CountedBefore(folder, name), started_ms)
        journal = Journal(log, strategy.settings.role.leg, partial(cancelled_by_guard, folder))
        return cls(journal, words, counted, started_ms)

    def own_orders(self, budget: ActionBudget) -> OwnOrders:
        """What follows the orders of the bot and writes about them."""
        return OwnOrders(budget, self.journal, fills=self._counted, words=self.words.about)

    def loop(self, desk: Desk, now_ms: int) -> None:
        """A loop has been planned; once a minute it is said how the loops went."""
        minute = self._loops.begin(now_ms)
        if minute is not None:
            used, self._used = desk.budget.spent - self._used, desk.budget.spent
            actions = {"actions_used": used, "actions_left": desk.budget.left(now_ms)}
            self.journal.minute(now_ms, minute._asdict() | actions)

    def end(self, holdings: Mapping[str, Holding], now_ms: int) -> None:
        """The bot has ended with this."""
        self.words.detach()
        held = {pair: holding.coins for pair, holding in holdings.items() if holding.coins}
        resting = {pair: holding.resting for pair, holding in holdings.items() if holding.resting is not None}
        self.journal.stop(now_ms, {"held": held, "resting": resting})
