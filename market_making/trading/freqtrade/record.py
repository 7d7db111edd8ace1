"""The record of a running bot: its decision log and its state file, from the start of a run to its end."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from market_making.market.clock import now_ms as now
from market_making.safety.guard_record import cancelled_by_guard
from market_making.safety.kill_switch import read_kill
from market_making.safety.state_file import AccountState
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.decision_log import CountedBefore, DecisionLog
from market_making.trading.desk import Desk
from market_making.trading.fills import CountedFills
from market_making.trading.freqtrade.closed_markets import ClosedMarkets
from market_making.trading.freqtrade.edge.install import Edge
from market_making.trading.freqtrade.exchange_words import ExchangeWords
from market_making.trading.freqtrade.pair_reader import QuotingStrategy
from market_making.trading.freqtrade.run_header import account_of, database_of, run_header
from market_making.trading.freqtrade.trade import milliseconds
from market_making.trading.holding import Holding
from market_making.trading.journal import Journal
from market_making.trading.loop_meter import LoopMeter
from market_making.trading.own_orders import OwnOrders
from market_making.trading.pair_coins import PairCoins
from market_making.trading.state import BotIdentity, Circumstances, StateWriter
from market_making.trading.voice import Voice


class Record:
    """What a bot writes about itself.

    Parameters
    ----------
    strategy : QuotingStrategy
        Of the bot.
    name : str
        Of the bot.
    coins : PairCoins
        The coin of each pair.
    """

    def __init__(self, strategy: QuotingStrategy, name: str, coins: PairCoins) -> None:
        settings, started_ms = strategy.settings, now()
        self._edge = Edge()
        run = f"{datetime.fromtimestamp(started_ms / 1e3, UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        log = DecisionLog(settings.decisions, name, run, partial(run_header, strategy))
        by_guard = partial(cancelled_by_guard, settings.decisions)
        self.journal = Journal(log, settings.role.leg, by_guard, coins, self._ended_ms)
        self._coins = coins
        self.words = ExchangeWords()
        self.words.attach()
        self.closed = ClosedMarkets(self.words.about)
        identity = BotIdentity(
            bot=name,
            run=run,
            mode=str(strategy.dp.runmode.value),
            strategy=type(strategy).__name__,
            started_ms=started_ms,
            venue=settings.venue,
            role=settings.role.value,
            leg=settings.role.leg,
            database=database_of(strategy),
        )
        voice = Voice(partial(strategy.dp.send_msg, always_send=True))
        self._state = StateWriter(settings.state, identity, voice.speak)
        self._counted = CountedFills(CountedBefore(settings.decisions, name), started_ms)
        self._folder, self._account = settings.state, account_of(strategy)
        self._loops, self._started_ms = LoopMeter(started_ms), started_ms
        self._funding: dict[str, tuple[int, float]] = {}
        self._spent = 0

    def _ended_ms(self, order_id: str) -> int | None:
        """When the exchange ended an order, by the edge of now [ms]."""
        return self._edge.ended_ms(order_id)

    def own_orders(self, budget: ActionBudget) -> OwnOrders:
        """What follows the orders of the bot and writes about them."""
        orders = OwnOrders(budget, self.journal, fills=self._counted, words=self.closed.about, coins=self._coins)
        orders.listen(self._state.filled)
        return orders

    def funded(self, trade: Any) -> None:
        """Take note of the funding that a trade has received so far; Freqtrade counts what was paid negative."""
        amount = trade.funding_fees or 0.0
        is_older = milliseconds(trade.open_date_utc) < self._started_ms
        first = trade.id, amount if is_older else 0.0
        trade_id, before = self._funding.get(trade.pair, first)
        self._funding[trade.pair] = (trade.id, amount)
        received = amount - (before if trade_id == trade.id else 0.0)
        if received:
            self._state.funded(trade.pair, received)

    def loop(self, desk: Desk, holdings: Mapping[str, Holding], now_ms: int, edge: Edge) -> None:
        """A loop has been planned: write the state, and once a minute how the loops went."""
        self._edge = edge
        minute = self._loops.begin(now_ms)
        if minute is not None:
            used, self._spent = desk.budget.spent - self._spent, desk.budget.spent
            actions = {"actions_used": used, "actions_left": desk.budget.left(now_ms)}
            self.journal.minute(now_ms, minute._asdict() | {"weight": edge.weight_per_minute} | actions)
        self._write(desk, holdings)

    def end(self, desk: Desk, holdings: Mapping[str, Holding], now_ms: int) -> None:
        """The bot has ended with this."""
        self.words.detach()
        held = {pair: holding.coins for pair, holding in holdings.items() if holding.coins}
        resting = {pair: holding.resting for pair, holding in holdings.items() if holding.resting is not None}
        self.journal.stop(now_ms, {"held": held, "resting": resting})
        self._write(desk, holdings, stopped=True)

    def _write(self, desk: Desk, holdings: Mapping[str, Holding], *, stopped: bool = False) -> None:
        pairs = [desk.now(pair, holding) for pair, holding in holdings.items()]
        around = Circumstances(
            account=self._account_of(desk),
            unwritable={"decisions": self.journal.fault},
            killed=read_kill(self._folder) is not None,
            stopped=stopped,
        )
        self._state.write(pairs, self._loops, around)

    def _account_of(self, desk: Desk) -> AccountState:
        weight, other = self._edge.weight_per_minute, desk.legs.other_equity
        known = AccountState(self._account, desk.equity(), weight_per_minute=weight, other_leg=other)
        if not isinstance(desk.budget, ActionGovernor):
            return known
        budget = desk.budget
        limits = {"actions_used": budget.used, "actions_limit": budget.limit, "hours_left": budget.hours_left(now())}
        return AccountState(**vars(known) | limits)
