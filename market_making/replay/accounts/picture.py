"""The picture of a run as a plotly figure: book, quotes and fills; inventory; the money split over time.

A figure is a plain dictionary, so that a page needs plotly's script and nothing else. What is too long for a page is
thinned so that no extreme is lost, and the page says so.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from market_making.market.tape import FloatArray, IntArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.ledger import Equity, FillMoney
from market_making.replay.result import Outcome, Session

MOST_POINTS, MOST_ORDERS, MONEY_POINTS = 40_000, 20_000, 4_000
BID, ASK, MARKET, NET = "#0072b2", "#d55e00", "#9aa0a6", "#111111"
PARTS = {
    "spread captured": "#009e73",
    "adverse selection": "#cc79a7",
    "inventory": "#e69f00",
    "fees": "#7f3c8d",
    "funding": "#56b4e9",
}
Trace = dict[str, Any]


class Line(NamedTuple):
    """A line with breaks: times [ms] and values, NaN where it is interrupted."""

    time_ms: FloatArray
    values: FloatArray


def thinned(time_ms: IntArray, values: FloatArray, most: int) -> tuple[IntArray, FloatArray]:
    """At most about `most` entries of a sequence, the least and the largest of every stretch among them."""
    n = len(values)
    if n <= most:
        return time_ms, values
    edges = np.linspace(0, n, most // 2 + 1).astype(np.int64)[:-1]
    stretch = np.repeat(np.arange(len(edges)), np.diff(np.append(edges, n)))
    # Ordered by stretch and then by value, the first and the last of each are its extremes.
    order = np.lexsort((values, stretch))
    places = np.unique(np.concatenate([order[edges], order[np.append(edges[1:], n) - 1], [0, n - 1]]))
    return time_ms[places], values[places]


def joined(lines: Sequence[tuple[IntArray, FloatArray]]) -> Line:
    """Several lines as one, with a break between them."""
    times = [np.append(time_ms.astype(np.float64), np.nan) for time_ms, _ in lines]
    values = [np.append(value, np.nan) for _, value in lines]
    return Line(np.concatenate(times), np.concatenate(values))


def shown_orders(session: Session, most: int) -> IntArray:
    """Numbers of the orders to show: all, or those that were filled and an even choice of the others."""
    n = len(session.orders.price)
    if n <= most:
        return np.arange(n)
    filled = np.flatnonzero(session.orders.outcome == Outcome.FILLED)[:most]
    others = np.flatnonzero(session.orders.outcome != Outcome.FILLED)
    room = max(most - len(filled), 0)
    chosen = others[np.linspace(0, len(others) - 1, room).astype(np.int64)] if room else others[:0]
    shown: IntArray = np.unique(np.concatenate([filled, chosen]))
    return shown


def figure(accounts: Accounts, horizon_s: float) -> dict[str, Any]:
    """Data and layout for plotly, adverse selection up to a horizon [s]."""
    data = [*_market(accounts), *_orders(accounts), *_fills(accounts), _inventory(accounts)]
    data += _money(accounts, horizon_s)
    return {"data": data, "layout": _layout(accounts.result.coin)}


def money_over_time(session: Session, money: FillMoney, horizon_s: float) -> tuple[IntArray, dict[str, FloatArray]]:
    """What each part has earned by some moments of a session; at each they add up to the net [quote currency].

    Spread, fee and adverse selection count from the fill on, so inventory is what is left of the equity.
    """
    stamps = np.linspace(session.start_ms, session.end_ms, MONEY_POINTS).astype(np.int64)
    stamps = np.unique(np.concatenate([stamps, session.fills.time_ms[:MOST_POINTS]]))
    filled = session.fills.time_ms.searchsorted(stamps, side="right")
    funded = session.fundings.time_ms.searchsorted(stamps, side="right")

    def until(values: FloatArray, entries: IntArray = filled) -> FloatArray:
        return np.asarray(np.concatenate([[0.0], np.cumsum(values)])[entries])

    net = Equity(session).at(stamps)
    parts = {
        "spread captured": until(money.spread),
        "adverse selection": until(money.adverse[horizon_s]),
        "fees": -until(money.fee),
        "funding": until(session.fundings.amount, funded),
    }
    return stamps, {"net": net, **parts, "inventory": net - sum(parts.values(), np.zeros(len(net)))}


def _market(accounts: Accounts) -> list[Trace]:
    most = MOST_POINTS // len(accounts.sessions)
    traces = []
    for name in ("ask", "bid"):
        lines = [thinned(each.touch.time_ms, getattr(each.touch, name), most) for each in accounts.sessions]
        style = {"color": MARKET, "width": 1, "shape": "hv"}
        traces.append(_trace(f"market's best {name}", joined(lines), "y", style))
    return traces


def _orders(accounts: Accounts) -> list[Trace]:
    """Own orders as the time they rested at their price."""
    traces = []
    for sign, name, color in ((-1, "own ask", ASK), (1, "own bid", BID)):
        lines = []
        for session in accounts.sessions:
            orders, chosen = session.orders, shown_orders(session, MOST_ORDERS // len(accounts.sessions))
            mine = chosen[(orders.sign[chosen] == sign) & (orders.outcome[chosen] != Outcome.REFUSED)]
            for number in mine:
                span = np.array([orders.placed_ms[number], orders.ended_ms[number]])
                lines.append((span, np.full(2, orders.price[number])))
        if lines:
            traces.append(_trace(name, joined(lines), "y", {"color": color, "width": 2}))
    return traces


def _fills(accounts: Accounts) -> list[Trace]:
    traces = []
    for sign, name, color, symbol in ((1, "bought", BID, "triangle-up"), (-1, "sold", ASK, "triangle-down")):
        columns: list[list[FloatArray]] = [[], [], [], []]
        for session, money in zip(accounts.sessions, accounts.fills, strict=True):
            mine = session.fills.sign == sign
            values = (session.fills.time_ms, session.fills.price, session.fills.size, money.net)
            for column, value in zip(columns, values, strict=True):
                column.append(value[mine])
        times, prices, sizes, earned = (np.concatenate(column) for column in columns)
        words = [f"{name} {size:g} at {price:g}, {money:+.4f} by the end"
                 for size, price, money in zip(sizes, prices, earned, strict=True)]  # fmt: skip
        marker = {"color": color, "symbol": symbol, "size": 9, "line": {"color": "white", "width": 1}}
        trace = {"type": "scattergl", "mode": "markers", "name": name, "x": times, "y": prices, "text": words}
        traces.append(trace | {"marker": marker, "hoverinfo": "text", "xaxis": "x", "yaxis": "y"})
    return traces


def _inventory(accounts: Accounts) -> Trace:
    lines = []
    for session in accounts.sessions:
        stamps = np.unique(np.concatenate([[session.start_ms, session.end_ms], session.fills.time_ms]))
        lines.append(thinned(stamps, Equity(session).position_at(stamps), MOST_POINTS))
    style = {"color": NET, "width": 1.5, "shape": "hv"}
    return _trace("inventory held", joined(lines), "y2", style) | {"showlegend": False}


def _money(accounts: Accounts, horizon_s: float) -> list[Trace]:
    lines: dict[str, list[tuple[IntArray, FloatArray]]] = {}
    before: dict[str, float] = {}
    for session, money in zip(accounts.sessions, accounts.fills, strict=True):
        stamps, parts = money_over_time(session, money, horizon_s)
        for name, values in parts.items():
            total = values + before.get(name, 0.0)
            before[name] = float(total[-1])
            lines.setdefault(name, []).append((stamps, total))
    traces = []
    for name in ("net", *PARTS):
        style = {"color": PARTS.get(name, NET), "width": 3 if name == "net" else 1.5, "shape": "hv"}
        traces.append(_trace(name, joined(lines[name]), "y3", style))
    return traces


def _trace(name: str, line: Line, axis: str, style: dict[str, Any]) -> Trace:
    trace = {"type": "scattergl", "mode": "lines", "name": name, "x": line.time_ms, "y": line.values, "line": style}
    return trace | {"xaxis": "x", "yaxis": axis, "connectgaps": False, "hoverinfo": "skip"}


def _layout(coin: str) -> dict[str, Any]:
    def axis(title: str, domain: tuple[float, float]) -> dict[str, Any]:
        return {
            "title": {"text": title},
            "domain": domain,
            "zeroline": True,
            "zerolinecolor": "#ccc",
            "gridcolor": "#eee",
        }

    return {
        "height": 900,
        "margin": {"l": 70, "r": 20, "t": 80, "b": 40},
        "plot_bgcolor": "white",
        "paper_bgcolor": "white",
        "hovermode": "closest",
        "dragmode": "zoom",
        "legend": {"orientation": "h", "y": 1.01, "yanchor": "bottom"},
        "xaxis": {
            "type": "date",
            "anchor": "y3",
            "gridcolor": "#eee",
            "title": {"text": "time (UTC)"},
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
        },
        "yaxis": axis(f"price of {coin}", (0.46, 1.0)),
        "yaxis2": axis("inventory [coins]", (0.31, 0.43)),
        "yaxis3": axis("money [quote currency]", (0.0, 0.28)),
    }
