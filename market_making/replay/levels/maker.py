"""A strategy with all of its levels as a maker: the live desk judges, and every level rests, not one of them.

Calibrations, readings, risk rules and action budget are those of the bot, and every level is priced by the planner. The
desk asks only whether an order rests, so it is told of one of them. What holds because Freqtrade has one trade with one
order does not hold here: a side may rest beyond flat, and no position ends because its trade has become long.
"""

from collections import Counter

from market_making.market.errors import ConfigurationError, DataError, MarketMakingError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.models.levels import Levelled
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.bot import budget_of
from market_making.replay.bot.inputs import book_levels, market_of, planner_of
from market_making.replay.levels.keeping import LadderKeeping, stale_orders
from market_making.replay.levels.wanted import wanted_ladder
from market_making.replay.makers.maker import Decision, FilledPart, Resting, Seen
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.desk import Desk
from market_making.trading.fills import Fees
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.made_plan import MadePlan
from market_making.trading.pair_inputs import PairInputs
from market_making.trading.pair_observers import PairObservers
from market_making.trading.plan import Planner
from market_making.trading.risk_watch import RiskWatch
from market_making.trading.strategy_model import StrategyModel


class LevelsMaker:
    """All levels of a strategy in one session.

    Parameters
    ----------
    model : StrategyModel
        Whose model has levels.
    instrument : Instrument
        What it trades.
    calibrations : CalibrationsAsOf
        What was published when.
    """

    every_s: float | None = None

    def __init__(self, model: StrategyModel, instrument: Instrument, calibrations: CalibrationsAsOf) -> None:
        settings = model.settings
        self.withheld = Counter[Reason]()
        self.book_levels = book_levels(model)
        self.wakes = settings.edge.socket and settings.edge.wake
        self._instrument, self._pair, self._rules = instrument, instrument.pair, model.rules(instrument)
        self._calibrations, self._fee = calibrations, settings.model.maker_fee
        self._budget = budget_of(settings)
        risk = RiskWatch(settings.risk_limits(), None, model.name)
        self._desk = Desk(self._budget, model.orders_before_flat, risk=risk)
        self._observers = PairObservers(self._fee)
        self._desk.orders.listen(self._observers.filled)
        self._cash = 0.0

    def decide(self, seen: Seen) -> Decision | None:
        """Plan as the bot does, then hold every level against what rests; without a plan nothing rests."""
        for part in seen.parts:
            self._told(part, seen.now_ms)
        self._desk.clear()
        try:
            made = self._made(seen)
        except MarketMakingError as error:
            self._desk.withhold(self._pair, error.because, seen.now_ms)
            self.withheld[error.reason] += 1
            return Decision(0.0, Sides(0.0, 0.0), tuple(order.number for side in seen.resting for order in side))
        self._observers.planned(self._pair, made.plan.quotes)
        return self._changed(made, seen)

    def sent(self, actions: int, now_ms: int) -> None:
        """Take actions from the budget."""
        self._budget.spend(actions, now_ms)
        if isinstance(self._budget, ActionGovernor):
            self._budget.sent(actions, now_ms)

    def _changed(self, made: MadePlan, seen: Seen) -> Decision:
        planner, restraints, plan = made.planner, made.restraints, made.plan
        levels = levelled(planner.quoter).levels(planner.market, plan.inventory, planner.flow, planner.now_ms)
        wanted = wanted_ladder(planner, levels, seen.position, restraints)
        if not any(wanted):
            self.withheld[plan.reason if plan.order is None else Reason.BELOW_SMALLEST_ORDER] += 1
        changes = LadderKeeping(planner, plan, restraints, made.budget_left).changes(wanted, seen.resting)
        stale = tuple(stale_orders(planner, restraints, changes))
        # An order of a ladder may fill beyond flat; one that leaves must not, whatever was filled on the way.
        leaves = restraints.leaving or plan.quotes.hedging
        place = changes.place if leaves else tuple(order._replace(grows=True, closes=False) for order in changes.place)
        return Decision(plan.mid, self._bounds(planner), changes.cancel, place, stale)

    def _bounds(self, planner: Planner) -> Sides[float]:
        """The largest position on both sides [coins]: none where the bot opens none."""
        bound, role = self._rules.maximum_inventory * planner.lot, self._rules.role
        return Sides(*(bound if role.opens_with(side) else 0.0 for side in Side))

    def _told(self, part: FilledPart, now_ms: int) -> None:
        """Tell everybody who counts of a part, as of an order that has ended with it: the desk follows one order."""
        bought = part.size if part.side is Side.BID else -part.size
        self._cash -= bought * part.price + part.size * part.price * self._fee
        number = f"{part.number}-{now_ms}"
        self._desk.finished(self._pair, RestingOrder(number, part.side, part.price, 0.0, part.size, now_ms), now_ms)

    def _made(self, seen: Seen) -> MadePlan:
        """The plan of the loop with everything it was made from.

        Raises
        ------
        MarketMakingError
            If there is no usable calibration, or no book with two sides.
        """
        published = self._calibrations.at(seen.now_ms)
        market = self._observers.seen(self._pair, market_of(seen.bids, seen.asks, seen.heard_ms))
        planner = planner_of(published, self._instrument, market, self._rules, seen.now_ms)
        lost, fees = self._observers.take_lost(self._pair), Fees(self._fee, self._fee)
        inputs = PairInputs(planner, published.calibration_id, cash=self._cash, lost=lost, fees=fees)
        self._desk.open(self._pair, inputs, Holding(seen.position, _any_of(seen.resting)))
        made = self._desk.made(self._pair)
        if made is None:
            raise DataError("the desk has no plan", reason=Reason.NO_PLAN)
        return made


def levelled(quoter: object) -> Levelled:
    """A model as one with levels.

    Raises
    ------
    ConfigurationError
        If it has none.
    """
    if not isinstance(quoter, Levelled):
        raise ConfigurationError("a model must have levels to rest all of them, got one that quotes one order a side")
    return quoter


def _any_of(resting: Sides[tuple[Resting, ...]]) -> RestingOrder | None:
    """One of the resting orders, if there is any."""
    for side in Side:
        for order in resting.of(side)[:1]:
            left = order.size - order.filled
            return RestingOrder(str(order.number), side, order.price, left, order.filled, order.placed_ms)
    return None
