"""What a chart shows of a maker: its quotes, mid, its inventory, and the calibration behind them."""

from collections.abc import Hashable, Iterable
from math import nan
from typing import NamedTuple

from market_making.quoting.risk.toxicity import toxicity
from market_making.trading.plan import Plan, Planner

_CANDLES_KEPT = 1500


class ChartRow(NamedTuple):
    """One row of a chart; NaN where there is nothing to show.

    `bid` and `ask` are where either side would rest [price]; one of them does. `fill_decay` [1/price] and
    `adverse_selection` [price] are means of both directions, `toxicity` is that of the worse one.
    """

    bid: float = nan
    ask: float = nan
    mid: float = nan
    inventory: float = nan
    fill_decay: float = nan
    adverse_selection: float = nan
    toxicity: float = nan

    @classmethod
    def of(cls, planner: Planner, plan: Plan, maker_fee: float) -> "ChartRow":
        """The row of a plan and of what it was made from."""
        flow, bid, ask = planner.flow, plan.quotes.bid, plan.quotes.ask
        return cls(
            bid=nan if bid is None else bid.price,
            ask=nan if ask is None else ask.price,
            mid=plan.mid,
            inventory=plan.inventory,
            fill_decay=sum(flow.fill_decay) / 2,
            adverse_selection=sum(flow.adverse_selection_on_fill) / 2,
            toxicity=max(toxicity(flow, plan.mid, maker_fee)),
        )


NOTHING_SHOWN = ChartRow()


class ChartHistory:
    """The chart rows of a running bot: per pair the last one of each candle."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Hashable, ChartRow]] = {}

    def take(self, pair: str, candle: Hashable, row: ChartRow) -> None:
        """Keep a row instead of an earlier one of the same candle."""
        rows = self._rows.setdefault(pair, {})
        rows[candle] = row
        if len(rows) > _CANDLES_KEPT:
            del rows[next(iter(rows))]

    def of(self, pair: str, candles: Iterable[Hashable]) -> list[ChartRow]:
        """Rows of these candles, in their order."""
        rows = self._rows.get(pair, {})
        return [rows.get(candle, NOTHING_SHOWN) for candle in candles]

    def with_last(self, pair: str, candles: Iterable[Hashable], row: ChartRow) -> list[ChartRow]:
        """Keep a row of the last of these candles, and return the rows of all."""
        known = list(candles)
        self.take(pair, known[-1], row)
        return self.of(pair, known)
