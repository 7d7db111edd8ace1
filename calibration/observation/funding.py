"""The announced funding rate of a coin, from the tick store."""

import logging
from collections.abc import Callable
from zlib import crc32

import numpy as np

from market_making.market.errors import DataError
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

logger = logging.getLogger(__name__)

_HOUR_S = 3600.0
_LOOK_BACK_MS = 2 * 3_600_000
_REFRESH_MS = 300_000


class FundingHistory:
    """What was announced for a coin in a period of the past.

    Parameters
    ----------
    store : TickStore
        Where it is recorded.
    coin : str
        The venue's name.
    start_ms, end_ms : int
        First and last time that will be asked for [ms].

    Raises
    ------
    MalformedMessage
        If a file cannot be read.
    """

    def __init__(self, store: TickStore, coin: str, start_ms: int, end_ms: int) -> None:
        columns = ("exchange_ms", "funding")
        table = store.read(coin, Stream.CONTEXT, start_ms - _LOOK_BACK_MS, end_ms, columns=columns)
        table = table.filter(table["funding"].is_valid())
        self._time_ms, self._hourly = (table[name].to_numpy() for name in columns)

    def at(self, now_ms: int) -> float:
        """Share of its value a long position pays in a second [1/s]: the last announced by now, 0 where none is."""
        position = int(np.searchsorted(self._time_ms, now_ms, side="right")) - 1
        if position < 0 or self._time_ms[position] <= now_ms - _LOOK_BACK_MS:
            return 0.0
        hourly = float(self._hourly[position])
        return hourly / _HOUR_S if np.isfinite(hourly) else 0.0


def funding_rate(store: TickStore, coin: str, now_ms: int) -> float:
    """Share of its value a long position pays in a second [1/s]: the last one announced, 0 where none is recorded."""
    return FundingHistory(store, coin, now_ms, now_ms).at(now_ms)


class FundingRates:
    """Rates of many coins, each looked up again every five minutes, in turn: funding changes slowly."""

    def __init__(self, look_up: Callable[[str, int], float]) -> None:
        self._look_up = look_up
        self._known: dict[str, tuple[int, float]] = {}

    def at(self, coin: str, now_ms: int) -> float:
        """Rate of a coin [1/s]; where it cannot be read, the last that could be, or 0."""
        period = (now_ms + crc32(coin.encode()) % _REFRESH_MS) // _REFRESH_MS
        known = self._known.get(coin)
        if known is None or known[0] != period:
            known = (period, self._read(coin, now_ms))
            self._known[coin] = known
        return known[1]

    def _read(self, coin: str, now_ms: int) -> float:
        try:
            return self._look_up(coin, now_ms)
        except (DataError, OSError) as error:
            _, rate = self._known.get(coin, (0, 0.0))
            logger.warning("the funding of %s is taken to be %.3g per hour: %s", coin, rate * _HOUR_S, error)
            return rate
