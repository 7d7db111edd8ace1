"""What the state file says of one pair, from its plan and what is known beside it."""

from dataclasses import dataclass, field, replace

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView, Quote, Withheld
from market_making.safety.state_file import BookState, CalibrationState, PairState, QuoteState, RestingState
from market_making.trading.day_result import DAY_MS, DayResult
from market_making.trading.fills import Fill
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.made_plan import MadePlan
from market_making.trading.markouts import MarkoutMeter
from market_making.trading.order_track import AskedOrder

_LEVELS = 5
_UNPLANNED = Because(Reason.UNEXPECTED, "the loop ended before this pair was planned; the bot's log says why")


@dataclass
class PairFigures:
    """What is remembered of one pair for its state: markouts, the day's result, since when it is not quoted.

    `last` is its state in the last loop.
    """

    result: DayResult
    markouts: MarkoutMeter = field(default_factory=MarkoutMeter)
    fills: int = 0
    since_ms: int = 0
    last: PairState | None = None

    @classmethod
    def begun(cls, now_ms: int, before: PairState | None, written_ms: int) -> "PairFigures":
        """Begin, with what the run before has left if it is of the same day."""
        day = now_ms // DAY_MS
        return cls(DayResult(day, before if written_ms // DAY_MS == day else None))

    def filled(self, fill: Fill) -> None:
        """Add a fill."""
        self.fills += 1
        self.markouts.filled(fill)
        self.result.filled(fill)

    def planned(self, made: MadePlan) -> None:
        """Take note of the market of a plan and of what was held."""
        market = made.planner.market
        self.markouts.seen(made.planner.now_ms, market.mid)
        self.result.seen(made.planner.now_ms, market.mid, made.holding.coins)

    def not_quoted(self, now_ms: int, *, quoting: bool) -> int:
        """Since when no order is wanted, for whatever reasons [ms]; 0 while one is."""
        self.since_ms = 0 if quoting else self.since_ms or now_ms
        return self.since_ms


@dataclass(frozen=True)
class PairNow:
    """One pair in this loop: what it holds, its plan and calibration if it has them, why it has none.

    `asked` is the request that the resting order answers.
    """

    pair: str
    coin: str
    holding: Holding
    made: MadePlan | None = None
    calibration: CalibrationState | None = None
    withheld: Because | None = None
    asked: AskedOrder | None = None


def pair_state(now: PairNow, figures: PairFigures, now_ms: int) -> PairState:
    """Say what holds for a pair."""
    if now.made is not None:
        figures.planned(now.made)
    state = _unplanned(now, figures.last) if now.made is None else _planned(now, now.made)
    since_ms = figures.not_quoted(now_ms, quoting=state.quoting)
    money, markouts = figures.result.money(), figures.markouts.states()
    state = replace(state, since_ms=since_ms, money=money, markouts=markouts, fills=figures.fills)
    figures.last = state
    return state


def _planned(now: PairNow, made: MadePlan) -> PairState:
    plan, planner = made.plan, made.planner
    is_wanted, restraints = plan.order is not None, made.restraints
    volatility = planner.market.observations.volatility
    return PairState(
        pair=now.pair,
        coin=planner.instrument.coin,
        quoting=is_wanted,
        reason=None if is_wanted else plan.reason,
        detail="" if is_wanted else plan.detail,
        mid=plan.mid,
        fair_value=made.fair_value,
        tick=planner.instrument.tick(plan.mid),
        lot=planner.lot,
        book=_book(planner.market),
        bid=_quote(plan.quotes.sides.bid, restraints.closed.bid),
        ask=_quote(plan.quotes.sides.ask, restraints.closed.ask),
        resting=_resting(now.holding.resting, now.asked),
        coins=now.holding.coins,
        inventory=plan.inventory,
        maximum_inventory=planner.rules.maximum_inventory,
        volatility=planner.flow.volatility if volatility is None else volatility,
        calibration=now.calibration or CalibrationState(),
        risk=tuple(because.reason for because in made.rules_said),
        risk_detail="; ".join(because.detail for because in made.rules_said),
        leaving=restraints.leaving and now.holding.coins != 0,
    )


def _unplanned(now: PairNow, last: PairState | None) -> PairState:
    """Without a plan neither prices nor quotes are known; lot, bound and calibration are those of before."""
    because, coins = now.withheld or _UNPLANNED, now.holding.coins
    known = PairState(now.pair, now.coin, quoting=False) if last is None else last
    inventory = coins / known.lot if known.lot else 0.0
    return replace(
        known,
        quoting=False,
        reason=because.reason,
        detail=because.detail,
        mid=None,
        fair_value=None,
        book=None,
        bid=QuoteState(),
        ask=QuoteState(),
        resting=_resting(now.holding.resting, now.asked),
        coins=coins,
        inventory=inventory,
        risk=(),
        risk_detail="",
        leaving=False,
    )


def _book(market: MarketView) -> BookState:
    levels = market.observations
    sides = ([(level.price, level.size) for level in side[:_LEVELS]] for side in (levels.bids, levels.asks))
    return BookState(market.time_ms, *(tuple(side) for side in sides))


def _quote(quote: Quote | Withheld, closed: Because | None) -> QuoteState:
    if isinstance(quote, Withheld):
        return QuoteState(reason=quote.reason, detail=quote.detail)
    said = QuoteState(quote.price, quote.depth, quote.size, quote.terms.as_dict())
    return said if closed is None else replace(said, reason=closed.reason, detail=closed.detail)


def _resting(order: RestingOrder | None, asked: AskedOrder | None) -> RestingState | None:
    if order is None:
        return None
    values = RestingState(
        side=Side(order.side).value,
        price=order.price,
        size=order.size,
        filled=order.filled,
        order_id=order.order_id,
        placed_ms=order.placed_ms,
        tag=order.tag,
    )
    if asked is None:
        return values
    return replace(values, planned_mid=asked.mid, terms=asked.order.terms.as_dict())
