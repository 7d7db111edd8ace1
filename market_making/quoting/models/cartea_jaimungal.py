"""The quoter of the Cartea–Jaimungal model: table, toxicity gate, inventory bound."""

from collections.abc import Callable, Hashable
from functools import lru_cache

from market_making.market.errors import ModelError
from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow, OrderFlows
from market_making.quoting.placement import SMALLEST_SIZE, fault, numbers_only, observation_fault, offers, sizes_within
from market_making.quoting.quote import MarketView, Quoter, Quotes, Withheld
from market_making.quoting.risk.toxicity import Regime, regime, toxicity
from market_making.quoting.terms import Terms
from market_making.quoting.value.depth_terms import depth_terms
from market_making.quoting.value.fill_costs import fill_costs
from market_making.quoting.value.quote_table import (
    CarteaJaimungalSettings,
    QuoteTable,
    QuoteTables,
    solve_table,
    solve_together,
)

# The fee in the cost follows mid: after a move of 1 % the depths are off by 1 % of the fee, and are solved again.
_MID_TOLERANCE = 0.01
_TABLES_KEPT = 64
TOGETHER = 1024  # tables solved in one go cost a three-hundredth of one solved alone
_PARTS_KEPT = 1024  # without sessions a part takes 0.2 MB: this keeps the tables of two years of minutes


def cartea_jaimungal_quoter(settings: CarteaJaimungalSettings) -> "CarteaJaimungalQuoter":
    """Quoter of the Cartea–Jaimungal model, which solves a table once for every order flow.

    Examples
    --------
    With one lot held the ask is nearer to mid than the bid:

    >>> from market_making.market.sides import Directions
    >>> both = Directions(1.0, 1.0)
    >>> flow = OrderFlow(
    ...     arrival_rate=both, fill_intensity=both, fill_decay=both, adverse_selection=Directions(0.1, 0.1),
    ...     adverse_selection_on_fill=Directions(0.1, 0.1), adverse_selection_slope=Directions(0.0, 0.0),
    ...     volatility=0.2, half_spread=0.05,
    ... )
    >>> market = MarketView(bid_price=999.95, bid_size=5.0, ask_price=1000.05, ask_size=5.0, time_ms=0)
    >>> quoter = cartea_jaimungal_quoter(CarteaJaimungalSettings(maximum_inventory=3, maker_fee=0.0))
    >>> bid, ask = quoter(market, 1.0, flow, 0).sides
    >>> ask.depth < bid.depth
    True
    """
    return CarteaJaimungalQuoter(settings)


class CarteaJaimungalQuoter:
    """Quoter of the Cartea–Jaimungal model.

    Parameters
    ----------
    settings : CarteaJaimungalSettings
        Of the model.
    table : QuoteTable, optional
        A table already solved; it is then used whatever the flow. Without it a table is solved once for every flow.
    mid : float, optional
        At which the fee of that table was priced [price]; without it, the mid of each market.

    Notes
    -----
    A side that would take inventory beyond the bound is withheld, and its size is cut to what is left up to the bound.
    A paused maker still leaves: with inventory, the side that reduces it stays, at most in the size of the inventory.
    """

    def __init__(
        self, settings: CarteaJaimungalSettings, table: QuoteTable | None = None, mid: float | None = None
    ) -> None:
        self.settings = settings
        self._table = table
        self._mid = mid
        self._solved: dict[OrderFlow, tuple[float, QuoteTable]] = {}
        self._read: tuple[QuoteTable, OrderFlow, object, Sides[Terms]] | None = None

    def over(self, table: QuoteTable, mid: float) -> "CarteaJaimungalQuoter":
        """The same model over a table that is there already, such as the published one, priced at this mid [price]."""
        return CarteaJaimungalQuoter(self.settings, table, mid)

    @property
    def has_own_table(self) -> bool:
        """Whether it solves its tables, and was given none."""
        return self._table is None

    def table_for(self, flow: OrderFlow, mid: float) -> tuple[float, QuoteTable]:
        """The table that a quote at this mid [price] comes from, and the mid that its fee was priced at [price].

        Raises
        ------
        ModelError
            If there is none.
        """
        return self._table_of(flow, mid)

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        """Quotes for an inventory [lots, signed] at a time [ms]."""
        if because := fault(market, inventory, flow):
            return Quotes.none(because)
        try:
            mid, table = self._table_of(flow, market.mid)
        except ModelError as error:
            return Quotes.none(error.because)
        terms = self._terms(table, mid, flow, (inventory, self.settings.time_left_s(now_ms)))
        state = self._regime(flow, market.mid)
        return Quotes(offers(market, terms, self._sizes(inventory, state)).map(numbers_only), regime=state)

    def _terms(self, table: QuoteTable, mid: float, flow: OrderFlow, place: tuple[float, float]) -> Sides[Terms]:
        """Terms at an inventory and a time left; while all of it stays the same they are read from the table once."""
        known = self._read
        if known is not None and known[0] is table and known[1] is flow and known[2] == (mid, place):
            return known[3]
        terms = depth_terms(table, *place, fill_costs(flow, mid, self.settings.maker_fee))
        self._read = table, flow, (mid, place), terms
        return terms

    def reads(self, market: MarketView, now_ms: int) -> Hashable | None:
        """The touch and the time left; a model that solves its own tables remembers some of them."""
        if self._table is None:
            return None
        return market.bid_price, market.ask_price, self.settings.time_left_s(now_ms), observation_fault(market)

    def prepare(self, flows: OrderFlows, mids: FloatArray) -> Callable[[int], Quoter]:
        """Solve the tables of many moments together, instead of one by one; each only once, unless it has sessions."""
        settings, own = self.settings, self._table

        @lru_cache(_PARTS_KEPT if settings.session_s is None else 1)
        def part(number: int) -> QuoteTables:
            chosen = slice(number * TOGETHER, (number + 1) * TOGETHER)
            return solve_together(flows.part(chosen), mids[chosen], settings)

        def quoter(position: int) -> Quoter:
            if own is not None:
                return self
            table = part(position // TOGETHER).of(position % TOGETHER)
            # Without a table it solves alone, and says why it cannot.
            known = table if isinstance(table, QuoteTable) else None
            return CarteaJaimungalQuoter(settings, known, mids.item(position))

        return quoter

    def _table_of(self, flow: OrderFlow, mid: float) -> tuple[float, QuoteTable]:
        """The table for a flow, and the mid that its fee was priced at [price]."""
        if self._table is not None:
            return mid if self._mid is None else self._mid, self._table
        known = self._solved.get(flow)
        if known is not None and abs(mid / known[0] - 1) <= _MID_TOLERANCE:
            return known
        table = solve_table(flow, mid, self.settings)
        while len(self._solved) >= _TABLES_KEPT:
            del self._solved[next(iter(self._solved))]
        self._solved[flow] = (mid, table)
        return mid, table

    def _regime(self, flow: OrderFlow, mid: float) -> Regime:
        settings = self.settings
        toxicities = toxicity(flow, mid, settings.maker_fee)
        return regime(toxicities, widen=settings.widen_toxicity, pause=settings.pause_toxicity)

    def _sizes(self, inventory: float, state: Regime) -> Sides[float | Withheld]:
        """Size of each side [lots], or why it is not quoted."""
        if state is not Regime.PAUSE:
            return sizes_within(inventory, self.settings.maximum_inventory)

        def size(excess: float) -> float | Withheld:
            return (
                min(1.0, excess) if excess > SMALLEST_SIZE else Withheld(Reason.TOXIC_FLOW, "paused: the flow is toxic")
            )

        return Sides(bid=size(-inventory), ask=size(inventory))
