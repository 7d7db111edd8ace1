"""Freqtrade's dataframe of candles: from its rows to the opens to plan at, and from the plans to its signals."""

import logging
from collections import Counter
from collections.abc import Iterable
from math import isfinite
from typing import Any

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.trading.freqtrade.charts import show
from market_making.trading.freqtrade.trade import direction_of
from market_making.trading.past.planner import CandleOpen, OpeningPlan

logger = logging.getLogger(__name__)

_OPENING = "open"  # the tag of an order that opens a position
_NO_CALIBRATION = Because(Reason.NO_HISTORY, "there is no calibration to quote from")


def last_bias(dataframe: Any) -> float:
    """Trend at the last closed candle, if a variant has added the column `bias`."""
    bias = float(dataframe["bias"].iloc[-1]) if "bias" in dataframe and len(dataframe) else 0.0
    return bias if isfinite(bias) else 0.0


def opens_of(dataframe: Any, candle_ms: int) -> list[CandleOpen]:
    """The end of each candle, where the next one opens, with its close and the trend at that time, if there is one."""
    ends_ms = dataframe["date"].dt.tz_convert(None).to_numpy("datetime64[ms]").astype("int64") + candle_ms
    biases = dataframe["bias"].fillna(0.0).tolist() if "bias" in dataframe else [0.0] * len(dataframe)
    return list(map(CandleOpen, ends_ms.tolist(), dataframe["close"].tolist(), biases))


def signal_last(dataframe: Any, side: Side | None) -> None:
    """Signal on the last candle the side that would be opened, and nothing on the others."""
    for each in Side:
        dataframe[f"enter_{direction_of(each)}"] = 0
    dataframe["enter_tag"] = _OPENING
    if side is not None:
        dataframe.loc[dataframe.index[-1], f"enter_{direction_of(side)}"] = 1


def signal_each(dataframe: Any, plans: Iterable[OpeningPlan], *, drawn: bool = False, logged: bool = False) -> None:
    """Signal on each candle the side that would be opened after it.

    `drawn` adds the columns of the chart; `logged` writes to the log why nothing would be opened on any candle.
    """
    sides, rows, reasons, details = [], [], Counter[Reason](), dict[Reason, str]()
    for opening in plans:
        sides.append(opening.side)
        if drawn:
            rows.append(opening.chart_row)
        if opening.side is None:
            because = _NO_CALIBRATION if opening.plan is None else opening.plan.because
            reasons[because.reason] += 1
            details.setdefault(because.reason, because.detail)
    if logged and reasons and not any(sides):
        reason, times = reasons.most_common(1)[0]
        message = "nothing is quoted after any of %d candles; after %d because: %s"
        logger.warning(message, len(sides), times, details[reason])
    for side in Side:
        dataframe[f"enter_{direction_of(side)}"] = [int(chosen is side) for chosen in sides]
    dataframe["enter_tag"] = _OPENING
    if drawn:
        show(dataframe, rows)
