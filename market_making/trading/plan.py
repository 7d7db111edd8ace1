"""The plan of one pair for one loop: the one order that should rest now, or why none should.

Stock Freqtrade rests one order per trade and holds one trade per pair. The plan therefore chooses one of the model's
two quotes. Flat, it takes the side that is expected to earn more, of those that may open a position. With a position,
it takes the reducing side, unless the model clearly prefers to add. A resting order stays while its price is within
tolerance. One that is too close to mid is cancelled at once, because there a maker is picked off. One that is too far
is moved only after its minimum life and within the action budget.
"""

from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, Self

from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.preference import expected_gain, preferred_side
from market_making.quoting.pricing import Adjustments, priced
from market_making.quoting.quote import MarketView, Quote, Quoter, Quotes, Withheld
from market_making.quoting.risk.toxicity import WIDEN_FACTOR, Regime
from market_making.quoting.terms import Terms
from market_making.trading.actions.budget import Patience
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.legs.sides import LegRoom, OtherLeg, shared_sides
from market_making.trading.planned import Plan, PlannedOrder
from market_making.trading.rules import QuotingRules, Restraints

__all__ = ["MOVE_ACTIONS", "Plan", "PlannedOrder", "Planner"]

MOVE_ACTIONS = 2  # cancel and place
_TOO_LARGE = 1.25  # a resting order this much larger than wanted is a risk
_NAMES = {Side.BID: "a bid", Side.ASK: "an ask"}


@dataclass(frozen=True)
class Planner:
    """Everything that a plan depends on except what is held: one pair at one moment.

    Parameters
    ----------
    lot : float
        Coins in one lot of inventory.
    other_leg : float or None
        Position of the other leg [coins, signed]; 0 for a bot on its own, None if the other leg does not answer.
    beside : OtherLeg or None
        What the other leg has told beside its position; None for a bot on its own.
    regime : Regime
        The calibration's own judgement: paused, nothing is opened; widened, quotes are further away. Where the model
        says so as well, they are widened once.

    Examples
    --------
    A model that quotes 2 USDC from mid; a bot that goes long only and holds nothing bids:

    >>> from market_making.market.sides import Directions
    >>> from market_making.quoting.pricing import DepthBounds
    >>> from market_making.quoting.terms import Terms
    >>> from market_making.settings.role import Role
    >>> both = Directions(1.0, 1.0)
    >>> flow = OrderFlow(both, both, both, both, both, Directions(0.0, 0.0), volatility=0.2, half_spread=0.05)
    >>> market = MarketView(bid_price=2999.9, bid_size=5.0, ask_price=3000.1, ask_size=5.0, time_ms=0)
    >>> def two_away(market, inventory, flow, time_ms):
    ...     return Quotes(Sides(*(Quote.at(side, 3000.0, Terms(room=2.0), size=1.0) for side in Side)))
    >>> rules = QuotingRules(Role.LONG_ONLY, 3, DepthBounds(0.0, 50.0), 0.5, 2000.0, 12.0)
    >>> planner = Planner(Instrument.hyperliquid("ETH", 4), market, flow, two_away, 0.0333, rules, now_ms=0)
    >>> plan = planner.plan(Holding(), Restraints())
    >>> plan.order.side, plan.order.price
    (<Side.BID: 'bid'>, 2998.0)
    """

    instrument: Instrument
    market: MarketView
    flow: OrderFlow
    quoter: Quoter
    lot: float
    rules: QuotingRules
    now_ms: int
    other_leg: float | None = 0.0
    regime: Regime = Regime.QUOTE
    beside: OtherLeg | None = None

    def with_readings(self, **readings: Any) -> Self:
        """Return the same with further readings for the model; see `Observations`."""
        known = self.market.observations
        if all(getattr(known, name) == value for name, value in readings.items()):
            return self
        return replace(self, market=self.market._replace(observations=replace(self.market.observations, **readings)))

    def plan(self, holding: Holding, restraints: Restraints) -> Plan:
        """Choose the order that should rest.

        Raises
        ------
        MarketMakingError
            If the model has no quotes for these numbers.
        """
        inventory = (holding.coins + (self.other_leg or 0.0)) / self.lot
        wanted = self.quoter(self.market, inventory, self.flow, self.now_ms)
        quotes = self._priced(wanted, holding, restraints)
        wishes = Sides(
            bid=self._wish(Side.BID, quotes, holding, restraints),
            ask=self._wish(Side.ASK, quotes, holding, restraints),
        )
        sides = tuple(side for side in Side if isinstance(wishes.of(side), PlannedOrder))
        chosen = self._choose(wishes, holding, restraints)
        if isinstance(chosen, Withheld):
            return Plan(holding, inventory, self.market.mid, None, False, *chosen, quotes=quotes, sides=sides)
        keep, because = self._compare(chosen, holding.resting, restraints)
        return Plan(holding, inventory, self.market.mid, chosen, keep, *because, quotes=quotes, sides=sides)

    @property
    def imbalance_response(self) -> float:
        """β that quotes are anchored with: 0 where it is not sure to gain, or switched off [price]."""
        return self.flow.imbalance_response if self.rules.anchors else 0.0

    def compared(self, plan: Plan, restraints: Restraints) -> Plan:
        """The same plan, its order held against the one that rests, which has become older since."""
        if plan.order is None:
            return plan
        keep, because = self._compare(plan.order, plan.holding.resting, restraints)
        return plan._replace(keep=keep, reason=because.reason, detail=because.detail)

    def _priced(self, wanted: Quotes, holding: Holding, restraints: Restraints) -> Quotes:
        """The model's quotes with all that is asked of every model, at valid prices."""
        asked = Adjustments(
            regime_factor=WIDEN_FACTOR if Regime.WIDEN in (wanted.regime, self.regime) else 1.0,
            risk_factor=1.0 if wanted.answers_losses else restraints.depth_factor,
            user_factor=self.rules.depth_factor,
            bounds=self.rules.bounds,
        ).anchored(wanted, self.market, self.imbalance_response)

        def side_of(side: Side, quote: Quote | Withheld) -> Quote | Withheld:
            grows = holding.grows_with(side)
            if restraints.leaving and not grows:
                # A position that must be left is not the model's to keep, however thin the book or unknown the flow.
                terms = quote.terms if isinstance(quote, Quote) and isfinite(quote.depth) else Terms()
                quote = Quote(nan, terms, abs(holding.coins) / self.lot)
            if isinstance(quote, Withheld):
                return quote
            at_touch = (restraints.leaving or wanted.hedging) and not grows
            return priced(quote, side, self.market, self.instrument, asked, at_touch=at_touch)

        sides = Sides(bid=side_of(Side.BID, wanted.sides.bid), ask=side_of(Side.ASK, wanted.sides.ask))
        return Quotes(sides, wanted.regime, wanted.answers_losses, wanted.hedging, wanted.anchored)

    def _wish(self, side: Side, quotes: Quotes, holding: Holding, restraints: Restraints) -> "PlannedOrder | Withheld":
        """Turn the quote on one side into a valid order, or say why not."""
        quote, grows = quotes.sides.of(side), holding.grows_with(side)
        if isinstance(quote, Withheld):
            return quote
        refusal = restraints.closed.of(side) or (self._refusal(side, restraints) if grows else None)
        if refusal is not None:
            return Withheld(*refusal)
        size = self._opening_size(side, quote, holding) if grows else self._closing_size(quote, holding, restraints)
        if isinstance(size, Withheld):
            return size
        closes = not grows and size >= self.instrument.size(abs(holding.coins))
        return PlannedOrder(side, quote.price, size, quote.terms, grows, closes)

    def _opening_size(self, side: Side, quote: Quote, holding: Holding) -> float | Withheld:
        inventory = (holding.coins + (self.other_leg or 0.0)) / self.lot
        room = self.rules.maximum_inventory - (inventory if side is Side.BID else -inventory)
        size = self.instrument.size(max(min(quote.size, room), 0.0) * self.lot)
        if size * quote.price < self.rules.smallest_notional:
            detail = f"{size:g} coins at {quote.price:g} are below the smallest order, room is {room:.2f} lots"
            return Withheld(Reason.BELOW_SMALLEST_ORDER, detail)
        return size

    def _refusal(self, side: Side, restraints: Restraints) -> Because | None:
        if restraints.leaving:
            return Because(Reason.LEAVING, "the position is being closed")
        if self.regime is Regime.PAUSE:
            return Because(Reason.CALIBRATION_PAUSE, "the calibration says pause")
        if self.other_leg is None:
            return Because(Reason.OTHER_LEG_SILENT, "the other leg does not answer")
        if not self.rules.role.opens_with(side):
            return Because(Reason.WRONG_SIDE, f"this bot is {self.rules.role}")
        return None

    def _closing_size(self, quote: Quote, holding: Holding, restraints: Restraints) -> float | Withheld:
        whole = self.instrument.size(abs(holding.coins))
        size = self.instrument.size(min(abs(holding.coins), max(quote.size, 0.0) * self.lot))
        if restraints.leaving or (whole - size) * quote.price < self.rules.smallest_notional:
            size = whole
        if size * quote.price < self.instrument.minimum_notional:
            detail = f"{size:g} coins at {quote.price:g} are below the exchange's smallest order"
            return Withheld(Reason.BELOW_SMALLEST_ORDER, detail)
        return size

    def _choose(
        self, wishes: "Sides[PlannedOrder | Withheld]", holding: Holding, restraints: Restraints
    ) -> "PlannedOrder | Withheld":
        bid, ask = wishes
        if isinstance(bid, Withheld) and isinstance(ask, Withheld):
            return self._neither(bid, ask, holding)
        if self.rules.role.leg is not None and self.other_leg is not None:
            return self._as_leg(wishes, holding, restraints)
        if isinstance(bid, Withheld):
            return ask
        if isinstance(ask, Withheld):
            return bid
        resting = holding.resting
        if resting is not None and (restraints.saving or self.is_young(resting, restraints.patience)):
            return wishes.of(resting.side)
        return wishes.of(self._preferred(Sides(bid, ask), holding))

    def _neither(self, bid: Withheld, ask: Withheld, holding: Holding) -> Withheld:
        """Why no order rests; counted by the side that reduces the position, or with which one would be opened."""
        if bid == ask:
            return bid
        main = ask if holding.coins > 0 or (holding.coins == 0 and not self.rules.role.opens_with(Side.BID)) else bid
        return Withheld(main.reason, f"bid: {bid.detail}; ask: {ask.detail}")

    def _preferred(self, orders: Sides[PlannedOrder], holding: Holding) -> Side:
        reducing = Side.ASK if holding.coins >= 0 else Side.BID
        usual = reducing if holding.resting is None else holding.resting.side
        is_held = holding.resting is not None or holding.coins != 0
        depths = orders.map(lambda order: order.terms.model_depth)
        return preferred_side(self.flow, depths, usual=usual, is_held=is_held)

    def _as_leg(
        self, wishes: "Sides[PlannedOrder | Withheld]", holding: Holding, restraints: Restraints
    ) -> "PlannedOrder | Withheld":
        """Choose the side of this leg; that is the other leg's business too, whatever an order has cost or how young.

        It waits until the other leg's order is gone from its side, unless the position must be left.
        """
        beside, is_long = self.beside or OtherLeg(), self.rules.role.leg == "long"
        mine = tuple(side for side in Side if isinstance(wishes.of(side), PlannedOrder))
        # Orders stay only where both legs know both.
        resting = holding.resting.side if holding.resting is not None and self.beside is not None else None
        own = LegRoom(self._tradable(holding.coins), mine, resting)
        other = LegRoom(self._tradable(self.other_leg or 0.0), beside.sides, beside.order)
        sides = shared_sides(own, other) if is_long else shared_sides(other, own)
        side = sides[0 if is_long else 1]
        if side is None:
            return Withheld(Reason.OTHER_LEG_QUOTES, "only one side can be quoted, and the other leg does it")
        is_there = holding.resting is not None and holding.resting.side is side
        if beside.order is side and not is_there and not restraints.leaving:
            return Withheld(Reason.OTHER_LEG_TURNS, f"the other leg's {side} still rests")
        return wishes.of(side)

    def _tradable(self, coins: float) -> float:
        """What a leg holds, 0 where it is too little for an order [coins]."""
        return coins if abs(coins) * self.market.mid >= self.instrument.minimum_notional else 0.0

    def _compare(
        self, order: PlannedOrder, resting: RestingOrder | None, restraints: Restraints
    ) -> tuple[bool, Because]:
        """Whether the resting order is good as it is, and why."""
        if resting is None:
            return False, Because(Reason.SIDE_FREE, f"no order rests, placing {_NAMES[order.side]}")
        if resting.side is not order.side:
            return False, Because(Reason.OTHER_SIDE, f"switching to the {order.side}")
        if resting.remaining > order.size * _TOO_LARGE:
            return False, Because(Reason.TOO_LARGE, f"{resting.remaining:g} coins rest, wanted are {order.size:g}")
        if restraints.leaving and order.size > resting.remaining * _TOO_LARGE:
            return False, Because(Reason.TOO_SMALL, f"{resting.remaining:g} coins rest, all {order.size:g} must leave")
        return self._compare_prices(order, resting, restraints)

    def _compare_prices(
        self, order: PlannedOrder, resting: RestingOrder, restraints: Restraints
    ) -> tuple[bool, Because]:
        towards_mid = resting.price - order.price if order.side is Side.BID else order.price - resting.price
        bps = self.market.mid / 1e4
        near_bps, far_bps = self.tolerances_bps(order, restraints.patience)
        if -far_bps <= towards_mid / bps <= near_bps:
            return True, Because(Reason.GOOD, "the resting order is good")
        if towards_mid > 0:
            return False, Because(Reason.TOO_CLOSE, f"{towards_mid / bps:.2f} bps too close")
        return self._too_far(-towards_mid, order, resting, restraints)

    def tolerances_bps(self, order: PlannedOrder, patience: Patience) -> tuple[float, float]:
        """How much closer, and how much farther than planned, a resting order may be [bps of mid].

        However few actions are left, an order comes no closer than by half its depth: there a maker is picked off.
        """
        usual = self.rules.tolerance_bps
        far = usual * patience.tolerance_factor
        return min(far, max(usual, order.terms.depth / self.market.mid * 1e4 / 2)), far

    def _too_far(
        self, distance: float, order: PlannedOrder, resting: RestingOrder, restraints: Restraints
    ) -> tuple[bool, Because]:
        """Whether an order that rests `distance` [price] farther than wanted may stay."""
        too_far = f"{distance / self.market.mid * 1e4:.2f} bps too far"
        if not restraints.leaving:
            if restraints.saving:
                return True, Because(Reason.SAVING_ACTIONS, f"{too_far}, the action budget is spent")
            if self.is_young(resting, restraints.patience):
                return True, Because(Reason.YOUNG, f"{too_far}, the order is young")
            if self._gain_of_moving(distance, order, resting) < MOVE_ACTIONS * restraints.patience.action_price:
                return True, Because(Reason.SAVING_ACTIONS, f"{too_far}, moving would gain less than its actions cost")
        return False, Because(Reason.TOO_FAR, too_far)

    def _gain_of_moving(self, distance: float, order: PlannedOrder, resting: RestingOrder) -> float:
        """What a better price is expected to earn for as long as the order has rested [quote currency]."""
        depth = max(order.terms.depth, 0.0)
        better = expected_gain(self.flow, order.side, depth) - expected_gain(self.flow, order.side, depth + distance)
        return better * order.size * (self.now_ms - resting.placed_ms) / 1e3

    def is_young(self, resting: RestingOrder, patience: Patience) -> bool:
        """Whether an order has not yet rested for its minimum life."""
        return self.now_ms - resting.placed_ms < self.rules.minimum_life_ms * patience.life_factor
