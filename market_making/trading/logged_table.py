"""The table behind a quote in a log: a published one as it was, the bot's own by the mid it was solved for."""

from collections.abc import Mapping
from math import nan
from typing import Any

import numpy as np

from market_making.market.errors import ModelError
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray
from market_making.quoting.models.cartea_jaimungal import CarteaJaimungalQuoter
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import Quoter
from market_making.quoting.value.quote_table import QuoteTable, solve_table
from market_making.trading.plain import to_plain


def logged_table(quoter: Quoter, flow: OrderFlow, mid: float) -> dict[str, Any]:
    """What a log says of the table that a quote at this mid [price] came from; nothing where there is none."""
    if not isinstance(quoter, CarteaJaimungalQuoter):
        return {}
    try:
        priced_at, table = quoter.table_for(flow, mid)
    except ModelError:
        return {}
    if quoter.has_own_table:
        return {"mid": priced_at}
    return {
        "mid": priced_at,
        "time_left_s": table.time_left_s.tolist(),
        "inventory": table.inventory.tolist(),
        "value": to_plain(table.value.tolist()),
        "bid_depth": to_plain(table.depths.bid.tolist()),
        "ask_depth": to_plain(table.depths.ask.tolist()),
        "running_penalty": table.running_penalty,
    }


def with_table(quoter: Quoter, flow: OrderFlow, known: Mapping[str, Any]) -> Quoter:
    """The same model over the table that a log tells of.

    Raises
    ------
    ModelError
        If a table was solved then and cannot be solved now.
    """
    if not known or not isinstance(quoter, CarteaJaimungalQuoter):
        return quoter
    mid = float(known["mid"])
    if "inventory" not in known:
        return quoter.over(solve_table(flow, mid, quoter.settings), mid)
    table = QuoteTable(
        time_left_s=np.array(known["time_left_s"], dtype=np.float64),
        inventory=np.array(known["inventory"], dtype=np.int64),
        value=_rows(known["value"]),
        depths=Sides(bid=_rows(known["bid_depth"]), ask=_rows(known["ask_depth"])),
        running_penalty=float(known["running_penalty"]),
    )
    return quoter.over(table, mid)


def _rows(rows: list[list[float | None]]) -> FloatArray:
    return np.array([[nan if number is None else number for number in row] for row in rows], dtype=np.float64)
