"""One bot in a replay: Freqtrade's loop as it is, around the desk that trades live.

A loop begins with the plan, from the book and from what the bot knew of its order when the last loop ended. Then it
asks about the order: what was filled meanwhile is seen only now, and the plan is made again. An order that the plan
does not keep is cancelled, which takes a round trip; then the plan is made again, and what it wants is placed.
Freqtrade does one after the other and waits for each answer, and so does this.

The bot is a generator: it yields the moments at which it needs the exchange, in the exchange's time, and is sent the
time that was reached. So several bots share one exchange, and the bot itself knows no engine's clock.
"""

import math
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from typing import NamedTuple

from market_making.hyperliquid.address_limit import FREE_ACTIONS, AddressLimit
from market_making.market.errors import MarketMakingError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView
from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.guarding import AtStake, guarded_order
from market_making.replay.bot.inputs import book_levels, market_of, planner_of
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.leg import LegBook
from market_making.replay.bot.shared_legs import SharedLegs
from market_making.settings.settings import Settings
from market_making.trading.actions.budget import CANCEL_ACTIONS, EXIT_ACTIONS, ActionBudget
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.decision_log import DecisionLog
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.fills import Fees
from market_making.trading.holding import RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.own_orders import OwnOrders
from market_making.trading.pair_coins import PairCoins
from market_making.trading.pair_observers import PairObservers
from market_making.trading.plan import Plan
from market_making.trading.risk_watch import RiskWatch
from market_making.trading.strategy_model import StrategyModel

_TOUCH = 1  # level of the books


class Wake(NamedTuple):
    """A moment at which the bot needs the exchange [ms]; `on_fill` lets a fill of its order end the waiting."""

    time_ms: int
    on_fill: bool = False


Loop = Generator[Wake, int, None]
Step = Generator[Wake, int, int]


class Bot:
    """A bot over an engine.

    Parameters
    ----------
    model : StrategyModel
        What it quotes with.
    instrument : Instrument
        What it trades.
    calibrations : CalibrationsAsOf
        What was published when.
    venue : VenueAccess
        Where its orders rest.
    lags : LagProfile
        How long everything takes.
    log : DecisionLog or None
        Where its decisions are written, as live; None forgets them.
    """

    def __init__(
        self,
        model: StrategyModel,
        instrument: Instrument,
        calibrations: CalibrationsAsOf,
        venue: VenueAccess,
        *,
        lags: LagProfile,
        log: DecisionLog | None = None,
    ) -> None:
        settings = model.settings
        self.book = LegBook(settings.model.maker_fee)
        self.decisions = self.plans = 0
        self._planned_depth: float | None = None
        self.withheld = Counter[Reason]()
        self._model, self._calibrations, self._lags, self._venue = model, calibrations, lags, venue
        self._drawn = Lags()
        self._instrument, self._pair, self._rules = instrument, instrument.pair, model.rules(instrument)
        self._edge, self._fees = settings.edge, Fees(settings.model.maker_fee, settings.model.maker_fee)
        self._hears, self._has_news = settings.edge.socket, False
        self._budget = budget_of(settings)
        coins, leg = PairCoins(), settings.role.leg
        coins.note(instrument.pair, instrument.coin)
        journal = None if log is None else Journal(log, leg, coins=coins, ended=venue.ended_ms)
        orders = OwnOrders(self._budget, journal, coins=coins)
        risk = RiskWatch(settings.risk_limits(), None, model.name)
        self._desk = Desk(self._budget, model.orders_before_flat, journal, risk=risk, orders=orders)
        self._desk.legs = SharedLegs(leg, venue.board)
        self._observers = PairObservers(settings.model.maker_fee)
        self._desk.orders.listen(self._observers.filled)
        self._levels = book_levels(model)
        if log is None and hasattr(model.quoter, "reads"):
            self._levels = _TOUCH  # the model says that it reads no more, and nobody writes the others down

    def run(self, start_ms: int, end_ms: int) -> Loop:
        """Loop from `start_ms` to `end_ms` [ms]."""
        begin_ms = start_ms
        while begin_ms < end_ms:
            lags, self._has_news = self._lags.draw(), False
            self._drawn = lags
            heard_ms = yield Wake(max(begin_ms - lags.feed_ms, start_ms))
            now_ms = begin_ms
            if self._is_stale(now_ms, heard_ms):
                now_ms = yield from self._cancel(now_ms, lags)
                heard_ms = yield Wake(now_ms - lags.feed_ms)
            self._plan(now_ms, heard_ms)
            now_ms = yield from self._manage(now_ms + lags.decide_ms, lags)
            if self.book.resting is None:
                now_ms = yield from self._place(now_ms, lags)
            begin_ms = yield from self._sleep(begin_ms, now_ms, lags)

    def _plan(self, now_ms: int, heard_ms: int) -> None:
        """What the start of a loop does: see what became of the orders, read everything, make the plan."""
        holding, self.decisions = self.book.holding(), self.decisions + 1
        self._desk.look(self._pair, holding, now_ms)
        self._desk.clear()
        try:
            self.plans += 1
            plan = self._desk.open(self._pair, self._inputs(now_ms, heard_ms), holding)
        except MarketMakingError as error:
            self._desk.withhold(self._pair, error.because, now_ms)
            self.withheld[error.reason] += 1
        else:
            self._observers.planned(self._pair, plan.quotes)
            self.withheld[plan.reason] += plan.order is None

    def _inputs(self, now_ms: int, heard_ms: int) -> PairInputs:
        """Everything the plan depends on.

        Raises
        ------
        MarketMakingError
            If there is no usable calibration, or no book with two sides.
        """
        published = self._calibrations.at(now_ms)
        market = self._observers.seen(self._pair, self._market(heard_ms))
        planner = planner_of(published, self._instrument, market, self._rules, now_ms)
        lost = self._observers.take_lost(self._pair)
        return PairInputs(planner, published.calibration_id, cash=self.book.cash, lost=lost, fees=self._fees)

    def _market(self, heard_ms: int) -> MarketView:
        bids, asks = (self._venue.engine.levels(side, self._levels) for side in Side)
        return market_of(bids, asks, heard_ms)

    def _manage(self, now_ms: int, lags: Lags) -> Step:
        """Ask about the resting order, and cancel it if the plan does not keep it; return the time."""
        if self.book.resting is None or self.book.number is None:
            return now_ms
        yield Wake(now_ms - lags.feed_ms)
        now = self._venue.engine.order(self.book.number)
        resting = self.book.told(now)
        if not now.is_open:
            self._finish(resting, now_ms)
            return now_ms
        if not self._must_cancel(resting, now_ms):
            return now_ms
        now_ms = yield from self._cancel(now_ms, lags)
        self._finish(self.book.told(self._venue.engine.order(self.book.number)), now_ms)
        return now_ms

    def _finish(self, resting: RestingOrder, now_ms: int) -> None:
        """The order has ended; one of which something was filled is told of, and the plan is made again."""
        self.book.ended()
        if resting.filled > 0:
            self._desk.finished(self._pair, resting, now_ms)
        self._planned()

    def _planned(self) -> Plan | None:
        """The plan for what is held now; Freqtrade takes a hook that fails for one that wants nothing."""
        with suppress(MarketMakingError):
            return self._desk.plan(self._pair, self.book.holding())
        return None

    def _must_cancel(self, resting: RestingOrder, now_ms: int) -> bool:
        with suppress(MarketMakingError):
            return self._desk.must_cancel(self._pair, self.book.holding(), resting, now_ms)
        return False

    def _cancel(self, now_ms: int, lags: Lags) -> Step:
        """Let a cancellation go to the exchange and its answer come back; return the time."""
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        if self.book.number is not None:
            self._sent(CANCEL_ACTIONS, now_ms)
            self._venue.cancel(self.book.number, arrives_ms)
            self._has_news = True
        return now_ms + lags.entry_ms + lags.response_ms

    def _place(self, now_ms: int, lags: Lags) -> Step:
        """Place what the plan wants for what is held now; return the time."""
        plan = self._planned()
        order = None if plan is None else plan.order
        if plan is not None and order is not None and self._edge.fresh:
            yield Wake(now_ms - lags.feed_ms)
            touch = self._venue.engine.levels(order.side, 1)
            order = self._desk.follow(self._pair, touch[0].price if touch else math.nan, grows=order.grows)
        if plan is None or order is None:
            return now_ms
        tag = self._desk.tag(self._pair)
        self._desk.placing(self._pair, order, now_ms)
        self._sent(self._budget.entry_actions if order.grows else EXIT_ACTIONS, now_ms)
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        number = self._venue.place(order, plan.mid, now_ms, arrives_ms)
        if number is not None:
            self.book.placed(number, order, tag, arrives_ms)
            ahead = order.terms.fresh + max(order.terms.imbalance, 0.0)
            self._planned_depth = None if order.terms.touch else abs(order.price - plan.mid) - ahead
        return now_ms + lags.entry_ms + lags.response_ms

    def _sleep(self, began_ms: int, now_ms: int, lags: Lags) -> Step:
        """Sleep until the next loop, which a fill or a stale order begins early; return when.

        What has become of an own order in this loop was told while it ran, and ends the pause as it begins.
        """
        earliest_ms, wakes = now_ms + lags.pause_ms, self._hears and self._edge.wake
        next_ms, resting = max(began_ms + lags.period_ms, earliest_ms), self.book.resting
        if wakes and self._has_news:
            return earliest_ms
        if not wakes or resting is None:
            return next_ms
        heard_ms, wanted = next_ms - lags.feed_ms, next(self._desk.wanted(), None)
        if wanted is not None:
            heard_ms = self._venue.stale.first_ms(wanted, resting, earliest_ms - lags.feed_ms, heard_ms)
        reached_ms = yield Wake(heard_ms, on_fill=True)
        return max(min(reached_ms + lags.feed_ms, next_ms), earliest_ms)

    def at_stake(self) -> AtStake | None:
        """The resting order as a guard knows it; None where it leaves it alone."""
        planner, resting = self._desk.planner(self._pair), self.book.resting
        if planner is None or resting is None or self.book.number is None:
            return None
        observed = planner.market.observations.volatility
        volatility = planner.flow.volatility if observed is None else observed
        guarded = guarded_order(resting, self._planned_depth, volatility)
        if guarded is None:
            return None
        left = self._budget.hours_left(planner.now_ms) if isinstance(self._budget, ActionGovernor) else None
        lag_ms = self._drawn.feed_ms + self._drawn.entry_ms
        return AtStake(self.book.number, guarded, left, resting.placed_ms, lag_ms)

    def cancelled_by_guard(self, time_ms: int) -> None:
        """Let the guard's cancellation arrive; the bot hears of it as of everything that becomes of its order."""
        if self.book.number is not None:
            self._sent(CANCEL_ACTIONS, time_ms)
            self._venue.cancel(self.book.number, time_ms)

    def _is_stale(self, now_ms: int, heard_ms: int) -> bool:
        """Whether the order is to be cancelled before anything is planned."""
        wanted, resting = next(self._desk.wanted(), None), self.book.resting
        if not (self._hears and self._edge.cancel_first) or wanted is None or resting is None:
            return False
        if not self._venue.stale.is_stale(wanted, resting, heard_ms):
            return False
        self._desk.cancelling_first(self._pair, resting, now_ms)
        return True

    def _sent(self, actions: int, now_ms: int) -> None:
        if isinstance(self._budget, ActionGovernor):
            self._budget.sent(actions, now_ms)


def budget_of(settings: Settings) -> ActionBudget:
    """The action budget of a bot with these settings, whose address is new."""
    quote, entry_actions = settings.quote, 1 if settings.edge.leverage_once else 2
    if not settings.edge.address_budget:
        return ActionBudget(quote.actions_per_minute, entry_actions=entry_actions)
    budget = ActionGovernor(
        quote.actions_per_minute,
        entry_actions=entry_actions,
        reserve=quote.reserved_actions,
        action_price=quote.action_price,
    )
    budget.read(AddressLimit(0, FREE_ACTIONS, 0), 0)
    return budget
