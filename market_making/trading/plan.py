"""The plan of one pair for one loop: the one order that should rest now, or why none should.

Stock Freqtrade rests one order a trade and holds one trade a pair. So of a model's two quotes one is chosen: flat, the
side that is expected to earn more among those that may open a position; with a position, the reducing side unless the
model clearly prefers to add. A resting order stays where it is while its price is within tolerance. One that has become
too close to mid is cancelled at once, because that is where a maker is picked off; one that has become too far is moved
only when it has rested for its minimum life and the action budget allows.
"""

from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, NamedTuple, Self

from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.preference import preferred_side
from market_making.quoting.quote import MarketView, Quote, Quoter, Quotes, Withheld
from market_making.quoting.risk.toxicity import WIDEN_FACTOR, Regime
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.rules import QuotingRules, Restraints

_TOO_LARGE = 1.25  # a resting order this much larger than wanted is a risk
_NAMES = {Side.BID: "a bid", Side.ASK: "an ask"}


class PlannedOrder(NamedTuple):
    """An order to rest: valid price [price], valid size [coins], the model's own depth [price].

    `grows` says that a fill enlarges the position, `closes` that it ends it.
    """

    side: Side
    price: float
    size: float
    depth: float
    grows: bool
    closes: bool


class Plan(NamedTuple):
    """What should rest on one pair, given what was held when the plan was made.

    `keep` says that the resting order is good as it is. `reason` and its text `detail` tell why there is no order, or
    why the resting one is kept or replaced. `quotes` are those of the model on both sides, before rounding.
    """

    holding: Holding
    inventory: float
    mid: float
    order: PlannedOrder | None
    keep: bool
    reason: Reason
    detail: str
    quotes: Quotes

    @property
    def because(self) -> Because:
        """The reason together with its text."""
        return Because(self.reason, self.detail)


@dataclass(frozen=True)
class Planner:
    """Everything a plan depends on but what is held: one pair at one moment.

    Parameters
    ----------
    lot : float
        Coins in one lot of inventory.
    other_leg : float or None
        Position of the other leg [coins, signed]; 0 for a bot on its own, None if the other leg does not answer.
    regime : Regime
        The calibration's own judgement: paused, nothing is opened; widened, quotes are further away, unless the model
        has seen to that itself.
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

    def with_readings(self, **readings: Any) -> Self:
        """Return the same with more for the model to know; see `Observations`."""
        return replace(self, market=self.market._replace(observations=replace(self.market.observations, **readings)))

    def plan(self, holding: Holding, restraints: Restraints) -> Plan:
        """Choose the order that should rest.

        Raises
        ------
        MarketMakingError
            If the model has no quotes for these numbers.
        """
        inventory = (holding.coins + (self.other_leg or 0.0)) / self.lot
        quotes = self._faded(self.quoter(self.market, inventory, self.flow, self.now_ms), restraints)
        wishes = Sides(
            bid=self._wish(Side.BID, quotes, holding, restraints),
            ask=self._wish(Side.ASK, quotes, holding, restraints),
        )
        chosen = self._choose(wishes, holding, restraints)
        if isinstance(chosen, Withheld):
            return Plan(holding, inventory, self.market.mid, None, False, *chosen, quotes=quotes)
        keep, because = self._compare(chosen, holding.resting, restraints)
        return Plan(holding, inventory, self.market.mid, chosen, keep, *because, quotes=quotes)

    def _faded(self, quotes: Quotes, restraints: Restraints) -> Quotes:
        """Move the quotes away from mid as far as the risk rules and the calibration ask."""
        factor = 1.0 if quotes.faded else restraints.depth_factor
        if self.regime is Regime.WIDEN and not quotes.widened:
            factor *= WIDEN_FACTOR
        return quotes if factor == 1 else replace(quotes.further(factor), widened=True)

    def _wish(self, side: Side, quotes: Quotes, holding: Holding, restraints: Restraints) -> "PlannedOrder | Withheld":
        """Turn the model's quote on one side into a valid order, or say why not."""
        grows = holding.grows_with(side)
        leaves = restraints.leaving and not grows
        # A position that must be left is not the model's to keep, however thin the book or unknown the flow.
        quote = self._touch(holding) if leaves else quotes.sides.of(side)
        if isinstance(quote, Withheld):
            return quote
        if not (isfinite(quote.depth) and isfinite(quote.size)):
            return Withheld(Reason.NUMBERS_UNUSABLE, f"the model gives depth {quote.depth} and size {quote.size}")
        refusal = restraints.closed.of(side) or (self._refusal(side, restraints) if grows else None)
        if refusal is not None:
            return Withheld(*refusal)
        price = self._price(side, quote.depth, at_touch=leaves or (quotes.hedging and not grows))
        if grows:
            size = self._opening_size(side, quote, price, holding)
        else:
            size = self._closing_size(quote, price, holding, restraints)
        if isinstance(size, Withheld):
            return size
        closes = not grows and size >= self.instrument.size(abs(holding.coins))
        return PlannedOrder(side, price, size, quote.depth, grows, closes)

    def _touch(self, holding: Holding) -> Quote:
        """The whole position as far from mid as the touch; the price is still to be found."""
        return Quote(nan, self._half_spread, abs(holding.coins) / self.lot)

    @property
    def _half_spread(self) -> float:
        return (self.market.ask_price - self.market.bid_price) / 2

    def _price(self, side: Side, depth: float, *, at_touch: bool) -> float:
        """A valid price that does not cross, rounded away from mid."""
        market, rules, bps = self.market, self.rules, self.market.mid / 1e4
        depth = min(
            max(depth * rules.depth_factor, rules.minimum_half_spread_bps * bps), rules.maximum_half_spread_bps * bps
        )
        if at_touch:
            depth = self._half_spread
        # Floating point must not cost a tick: 3000.05 + 0.05 is a hair above 3000.1.
        if side is Side.BID:
            wished = self.instrument.bid_price(float(f"{market.mid - depth:.12g}"))
            return wished if wished < market.ask_price else self.instrument.next_below(market.ask_price)
        wished = self.instrument.ask_price(float(f"{market.mid + depth:.12g}"))
        return wished if wished > market.bid_price else self.instrument.next_above(market.bid_price)

    def _opening_size(self, side: Side, quote: Quote, price: float, holding: Holding) -> float | Withheld:
        inventory = (holding.coins + (self.other_leg or 0.0)) / self.lot
        room = self.rules.maximum_inventory - (inventory if side is Side.BID else -inventory)
        size = self.instrument.size(max(min(quote.size, room), 0.0) * self.lot)
        if size * price < self.rules.smallest_notional:
            detail = f"{size:g} coins at {price:g} are below the smallest order, room is {room:.2f} lots"
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

    def _closing_size(self, quote: Quote, price: float, holding: Holding, restraints: Restraints) -> float | Withheld:
        whole = self.instrument.size(abs(holding.coins))
        size = self.instrument.size(min(abs(holding.coins), max(quote.size, 0.0) * self.lot))
        if restraints.leaving or (whole - size) * price < self.rules.smallest_notional:
            size = whole
        if size * price < self.instrument.minimum_notional:
            detail = f"{size:g} coins at {price:g} are below the exchange's smallest order"
            return Withheld(Reason.BELOW_SMALLEST_ORDER, detail)
        return size

    def _choose(
        self, wishes: "Sides[PlannedOrder | Withheld]", holding: Holding, restraints: Restraints
    ) -> "PlannedOrder | Withheld":
        bid, ask = wishes
        if isinstance(bid, Withheld) and isinstance(ask, Withheld):
            return self._neither(bid, ask, holding)
        if isinstance(bid, Withheld):
            return ask
        if isinstance(ask, Withheld):
            return bid
        resting = holding.resting
        if resting is not None and (restraints.saving or self._is_young(resting)):
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
        if self.rules.role.leg is None:
            usual = reducing if holding.resting is None else holding.resting.side
            is_held = holding.resting is not None or holding.coins != 0
            depths = Sides(orders.bid.depth, orders.ask.depth)
            return preferred_side(self.flow, depths, usual=usual, is_held=is_held)
        # With a position on either leg both leave, so that the gross position shrinks; else this leg holds its own side
        # of the quote and the other leg the opposite one.
        return reducing if self.other_leg else reducing.opposite

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
        towards_mid = resting.price - order.price if order.side is Side.BID else order.price - resting.price
        return self._within_tolerance(towards_mid / self.market.mid * 1e4, resting, restraints)

    def _within_tolerance(
        self, closer_bps: float, resting: RestingOrder, restraints: Restraints
    ) -> tuple[bool, Because]:
        if abs(closer_bps) <= self.rules.tolerance_bps:
            return True, Because(Reason.GOOD, "the resting order is good")
        if closer_bps > 0:
            return False, Because(Reason.TOO_CLOSE, f"{closer_bps:.2f} bps too close")
        too_far = f"{-closer_bps:.2f} bps too far"
        if not restraints.leaving:
            if restraints.saving:
                return True, Because(Reason.SAVING_ACTIONS, f"{too_far}, the action budget is spent")
            if self._is_young(resting):
                return True, Because(Reason.YOUNG, f"{too_far}, the order is young")
        return False, Because(Reason.TOO_FAR, too_far)

    def _is_young(self, resting: RestingOrder) -> bool:
        return self.now_ms - resting.placed_ms < self.rules.minimum_life_ms
