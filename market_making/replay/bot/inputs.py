"""What the plan of a loop is made from: the market as it is seen, and the calibration of the time."""

from collections.abc import Sequence

from market_making.market.errors import DataError
from market_making.market.events import Level
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Observations
from market_making.replay.bot.as_of import Published
from market_making.trading.plan import Planner
from market_making.trading.rules import QuotingRules
from market_making.trading.strategy_model import StrategyModel

_HEARD, _DEEP = 5, 10  # levels of the books: what a bot hears, and what a model looks at that needs more


def book_levels(model: StrategyModel) -> int:
    """How many levels of the book a strategy sees."""
    return _DEEP if model.needs_deep_book else _HEARD


def market_of(bids: Sequence[Level], asks: Sequence[Level], heard_ms: int) -> MarketView:
    """The market of these books, as of a time [ms].

    Raises
    ------
    DataError
        If the book has no two sides, or they cross.
    """
    if not bids or not asks or bids[0].price >= asks[0].price:
        raise DataError(f"the book has {len(bids)} bids and {len(asks)} asks", reason=Reason.BOOK_UNUSABLE)
    return MarketView(*bids[0][:2], *asks[0][:2], heard_ms, Observations(bids=tuple(bids), asks=tuple(asks)))


def planner_of(
    published: Published, instrument: Instrument, market: MarketView, rules: QuotingRules, now_ms: int
) -> Planner:
    """Everything that a plan depends on except what is held."""
    return Planner(
        instrument=instrument,
        market=market,
        flow=published.flow,
        quoter=published.quoter,
        lot=published.lot,
        rules=rules,
        now_ms=now_ms,
        regime=published.regime,
    )
