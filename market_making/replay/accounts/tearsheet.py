"""One self-contained page of a run: verdict, measures with intervals, and the picture with decisions at the cursor.

The page holds plotly's own script and asks nobody for anything, so it opens without a network and can be kept.
"""

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from market_making.market.clock import utc_text
from market_making.market.durable_file import replace_file
from market_making.market.errors import ConfigurationError
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.metric import Measured
from market_making.replay.accounts.metrics import METRICS, verdict
from market_making.replay.accounts.picture import MOST_ORDERS, MOST_POINTS, figure, shown_orders
from market_making.replay.accounts.summary import SPLIT_S
from market_making.replay.result import Outcome, Session

_PAGE = "tearsheet.html"
CAVEATS = (
    "Own orders never moved this market, and nobody answered them: large orders look better than they are.",
    "The queue ahead of an order is an assumption; so are latencies, unless they were measured.",
    "An interval is about runs like this one. It says nothing of another market, another week, or a choice among many.",
)


def write_tearsheet(accounts: Accounts, path: Path) -> None:
    """Write the page; a file of that name is replaced.

    Raises
    ------
    ConfigurationError
        If plotly is not installed.
    OSError
        If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, tearsheet(accounts).encode())


def tearsheet(accounts: Accounts) -> str:
    """The page.

    Raises
    ------
    ConfigurationError
        If plotly is not installed.
    """
    page = files("market_making.replay.accounts").joinpath(_PAGE).read_text("utf-8")
    result = accounts.result
    title = f"{result.strategy} on {result.coin}"
    for name, content in (
        ("title", escape(title)),
        ("summary", escape(_sentence(accounts))),
        ("measures", "\n".join(_row(metric.name, metric.compute(accounts)) for metric in METRICS)),
        ("parameters", _parameters(result.parameters)),
        ("notes", "\n".join(f"<li>{escape(note)}</li>" for note in (*CAVEATS, *_thinned(accounts)))),
        ("figure", _json(figure(accounts, SPLIT_S))),
        ("decisions", _json(decisions(accounts))),
        ("plotly", _plotly()),  # last: nothing of it is looked at
    ):
        page = page.replace(f"<!--{name}-->", content)
    return page


def decisions(accounts: Accounts) -> list[dict[str, Any]]:
    """What the page tells at the cursor, session by session: orders in the sequence of their arrival, fills, touch."""
    share = len(accounts.sessions)
    return [_session_document(session, MOST_ORDERS // share, MOST_POINTS // share) for session in accounts.sessions]


def _session_document(session: Session, most_orders: int, most_points: int) -> dict[str, Any]:
    orders, fills, touch = session.orders, session.fills, session.touch
    chosen = shown_orders(session, most_orders)
    chosen = chosen[np.argsort(orders.placed_ms[chosen], kind="stable")]
    step = max(-(-len(touch.time_ms) // most_points), 1)
    columns = {
        name: getattr(orders, name)[chosen]
        for name in ("asked_ms", "placed_ms", "ended_ms", "sign", "price", "size", "mid")
    }
    return {
        "start_ms": session.start_ms,
        "end_ms": session.end_ms,
        "orders": columns | {"outcome": [Outcome(value).name.lower() for value in orders.outcome[chosen].tolist()]},
        "fills": {"time_ms": fills.time_ms, "sign": fills.sign, "price": fills.price, "size": fills.size},
        "touch": {"time_ms": touch.time_ms[::step], "bid": touch.bid[::step], "ask": touch.ask[::step]},
    }


def _sentence(accounts: Accounts) -> str:
    money, result = accounts.money(SPLIT_S), accounts.result
    start, end = accounts.sessions[0].start_ms, accounts.sessions[-1].end_ms
    return (
        f"{utc_text(start)} to {utc_text(end)}, {accounts.seconds / 3600:.2f} hours in {len(accounts.sessions)} "
        f"session(s), engine {result.engine}. {accounts.fill_count} fills, volume {accounts.volume:.0f}. "
        f"Net {money.net:+.4f} = spread {money.spread:+.4f} {_signed('adverse selection', money.adverse)} "
        f"{_signed('inventory', money.inventory)} {_signed('funding', money.funding)} "
        f"{_signed('fees', -money.fees)}. Verdict: {verdict(accounts)}."
    )


def _signed(name: str, value: float) -> str:
    return f"{'−' if value < 0 else '+'} {name} {abs(value):.4f}"


def _row(name: str, measured: Measured) -> str:
    value = "–" if measured.value is None else f"{measured.value:.4g}"
    known = measured.low is not None and measured.high is not None
    interval = f"{measured.low:.4g} … {measured.high:.4g}" if known else ""
    cells = (name, value, interval, str(measured.n), measured.note)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _parameters(parameters: dict[str, object]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(k))}</td><td>{escape(str(v))}</td></tr>" for k, v in sorted(parameters.items())
    )
    return f"<details><summary>Parameters</summary><table>{rows}</table></details>"


def _thinned(accounts: Accounts) -> list[str]:
    points = sum(len(session.touch.time_ms) for session in accounts.sessions)
    notes = []
    if points > MOST_POINTS:
        notes.append(f"The picture shows the extremes of {points:,} changes of the book, not each of them.")
    if accounts.order_count > MOST_ORDERS:
        notes.append(f"It shows {MOST_ORDERS:,} of {accounts.order_count:,} orders, those that were filled first.")
    return notes


def _json(document: Any) -> str:
    """JSON that may stand in a script: nothing in it ends one. NaN becomes null."""
    text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY, default=_listed).decode()
    return text.replace("<", "\\u003c")


def _listed(value: Any) -> Any:
    """Arrays that orjson does not take as they are, such as a step through another one."""
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value).tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - an optional package, and a large one
    except ImportError:
        raise ConfigurationError("a tear-sheet needs plotly: pip install -e '.[plot]'") from None
    return str(get_plotlyjs())
