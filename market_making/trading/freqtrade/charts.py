"""What FreqUI draws under and over the candles of a maker. Freqtrade itself is not needed for it."""

from collections.abc import Iterable, Sequence
from typing import Any

from market_making.trading.chart_rows import ChartRow

PLOT_CONFIG: dict[str, Any] = {
    "main_plot": {"bid": {"color": "#2ca02c"}, "ask": {"color": "#d62728"}, "mid": {"color": "#7f7f7f"}},
    "subplots": {
        "inventory [lots]": {"inventory": {"color": "#1f77b4"}},
        "κ, fill decay [1/price]": {"fill_decay": {"color": "#9467bd"}},
        "ε, adverse selection [price]": {"adverse_selection": {"color": "#8c564b"}},
        "toxicity": {"toxicity": {"color": "#ff7f0e"}},
    },
}


def show(dataframe: Any, rows: Sequence[ChartRow]) -> None:
    """Add the columns of `PLOT_CONFIG`, one chart row per candle."""
    for position, name in enumerate(ChartRow._fields):
        dataframe[name] = [row[position] for row in rows]


def annotations(dataframe: Any) -> list[dict[str, Any]]:
    """Mark the stretches in which neither side is quoted."""
    if not {"bid", "ask"} <= set(dataframe):
        return []
    dates, label = dataframe["date"], {"type": "area", "label": "no quote", "color": "rgba(128, 128, 128, 0.2)"}
    quiet = _spells(dataframe["bid"].isna() & dataframe["ask"].isna())
    return [label | {"start": dates.iloc[first], "end": dates.iloc[last]} for first, last in quiet]


def _spells(are_quiet: Iterable[bool]) -> list[tuple[int, int]]:
    """First and last position of every stretch of True."""
    found: list[tuple[int, int]] = []
    for position, is_quiet in enumerate(are_quiet):
        if is_quiet and found and found[-1][1] == position - 1:
            found[-1] = (found[-1][0], position)
        elif is_quiet:
            found.append((position, position))
    return found
