"""When a resting quote is cancelled because mid has come closer to it than planned. It cancels, and does nothing else.

A bot that looks once a second leaves a quote standing that informed flow takes. The quote is cancelled when mid has
come closer to it than planned by more than mid moves by itself, and when the loss that this avoids is worth more than
the actions of a re-quote::

    closer > moves · σ · √reaction
    P(mid reaches the quote within `exposed_s`) · closer · size > actions · action_price · scarcity
    scarcity = max(hours / hours_left, earned)

with P = erfc(depth / (σ √(2 exposed))), the first passage of a Brownian mid. Actions that are left for `hours` cost
what the exchange sells them for, fewer cost more, and those of an address that earns them faster than it spends them
cost a part of it: a cancel that avoids nothing is worth nothing either. What is doubtful is never cancelled: without a
mid since the last connection, without a volatility, or without knowing from which distance the order was planned.
"""

from dataclasses import dataclass
from math import erfc, isfinite, sqrt
from typing import NamedTuple

from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.events import BestQuote, Level
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.safety.state_file import PairState


@dataclass(frozen=True)
class QuoteGuardRules:
    """How close is too close.

    Parameters
    ----------
    moves : float
        Part of the standard deviation of mid over `reaction_s` that is allowed; on recordings the
        loss near the touch comes close to that of a quote that follows mid at once from 0.3 on, and fewer are no
        better than 0.25 (benchmarks/guard_replay.py).
    reaction_s : float
        How long the bot takes to see a move itself [s].
    exposed_s : float
        How long a quote rests on until the bot has moved it [s].
    actions : float
        Actions of a re-quote: cancel, leverage, place.
    action_price : float
        For which the exchange sells an action [USDC].
    hours : float
        For how long the actions left should last [h].
    earned : float
        Price of an action that the account earns anyway, as a part of `action_price` [–].
    reserve : int
        Actions that are left for the bot's own cancels and exits.
    """

    moves: float = 0.25
    reaction_s: float = 1.0
    exposed_s: float = 2.0
    actions: float = 3.0
    action_price: float = 0.0005
    hours: float = 24.0
    earned: float = 0.1
    reserve: int = 500


class Guarded(NamedTuple):
    """A resting order, the distance to mid from which it was planned [price], and σ of mid [price/√s]."""

    order: OpenOrder
    planned: float
    volatility: float


def too_close(guarded: Guarded, mid: float, hours_left: float, rules: QuoteGuardRules) -> Because | None:
    """Why a quote must go at this mid, if it must.

    Parameters
    ----------
    guarded : Guarded
        The quote.
    mid : float
        Mid of now [price].
    hours_left : float
        For how long the actions of the account last at the present rate [h]; infinite where it earns them.
    rules : QuoteGuardRules
        The weights.
    """
    order, planned, volatility = guarded
    depth = _distance(order, mid)
    closer, allowed = planned - depth, rules.moves * volatility * sqrt(rules.reaction_s)
    if not closer > allowed:
        return None
    avoided = _reached(depth, volatility, rules.exposed_s) * closer * order.original
    price = rules.actions * rules.action_price * max(rules.hours / hours_left, rules.earned)
    if not avoided > price:
        return None
    bps = 1e4 / mid
    return Because(
        Reason.GUARD,
        f"mid {mid:g} is {closer * bps:.2f} bps closer to the {order.side} at {order.price:g} than the planned "
        f"{planned * bps:.2f} bps, allowed are {allowed * bps:.2f}; {avoided:.4f} USDC are at stake",
    )


def _reached(depth: float, volatility: float, seconds: float) -> float:
    """Probability that a Brownian mid comes to a quote within a time."""
    return erfc(max(depth, 0.0) / (volatility * sqrt(2 * seconds)))


def planned_distance(order: OpenOrder, pair: PairState | None, first_mid: float | None) -> float | None:
    """From which distance to mid an order was planned [price]; None where that is not known.

    An order that the state file does not mention yet is measured from `first_mid`, or from the plan of the last loop
    where that was closer.

    Parameters
    ----------
    order : OpenOrder
        The quote.
    pair : PairState or None
        What the bot says about its pair.
    first_mid : float or None
        The closest of the mids that the order may have been priced from, seen before it was [price].
    """
    if pair is None or pair.leaving:
        return None  # what leaves at the touch is close on purpose
    resting = pair.resting
    if resting is not None and resting.order_id == str(order.oid):
        if resting.planned_mid is None:
            return None
        # The price has followed mid since the plan, and the mid that it is as far from has moved as much. An order
        # further away because mid is expected to come is not too close when it comes.
        ahead = resting.terms.get("fresh", 0.0) + max(resting.terms.get("imbalance", 0.0), 0.0)
        return _usable(abs(order.price - resting.planned_mid) - ahead)
    quote = pair.bid if order.side is Side.BID else pair.ask
    known = [] if first_mid is None else [_distance(order, first_mid)]
    if known and quote.price is not None and pair.mid is not None:
        known.append(abs(quote.price - pair.mid) - max(quote.terms.get("imbalance", 0.0), 0.0))
    return _usable(min(known)) if known else None


def external_mid(quote: BestQuote, own: list[OpenOrder], before: tuple[float, float] | None) -> tuple[float, float]:
    """Best bid and ask without own orders [price].

    A side on which nothing but own orders is best shows what was there before, but not beyond them.

    Parameters
    ----------
    quote : BestQuote
        With both sides.
    own : list of OpenOrder
        Own orders of the coin.
    before : (float, float) or None
        What this function returned last.
    """
    bid, ask = quote.bid, quote.ask
    if bid is None or ask is None:
        raise ValueError("both sides are needed")
    if before is None:
        return bid.price, ask.price
    return (
        min(bid.price, before[0]) if _is_own(bid, Side.BID, own) else bid.price,
        max(ask.price, before[1]) if _is_own(ask, Side.ASK, own) else ask.price,
    )


def _is_own(level: Level, side: Side, own: list[OpenOrder]) -> bool:
    """Whether a level holds nothing but own orders."""
    ours = sum(order.size for order in own if order.side is side and order.price == level.price)
    return 0 < level.size <= ours * (1 + 1e-9)


def _distance(order: OpenOrder, mid: float) -> float:
    return mid - order.price if order.side is Side.BID else order.price - mid


def _usable(distance: float) -> float | None:
    return distance if isfinite(distance) and distance > 0 else None
