"""Candles as Hyperliquid serves them, aggregated from prints; a minute without prints holds the path of mid.

Every minute from the first event on exists: one in which nothing was heard at all is flat at the last price known.
Longer intervals are made of minutes and open at multiples of their length since 1970, in UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from market_making.hyperliquid.numbers import to_wire
from market_making.market.errors import MalformedMessage
from market_making.market.events import Trade

MINUTE_MS = 60_000
INTERVALS_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": 1440 * MINUTE_MS,
}
DAY_MINUTES = 1440
MINUTES_KEPT = 7 * DAY_MINUTES


@dataclass(slots=True)
class Candle:
    """Prices, volume [coins], its value [USDC] and number of prints; without prints the prices are those of mid."""

    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    notional: float = 0.0
    prints: int = 0

    @classmethod
    def flat(cls, price: float) -> "Candle":
        """A candle that has seen one price only."""
        return cls(price, price, price, price)

    def see(self, price: float) -> None:
        """Take in a price."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price


class CandleAggregator:
    """Candles of all coins; events must ascend in time, a late one counts for the newest minute."""

    def __init__(self) -> None:
        self._minutes: dict[str, dict[int, Candle]] = {}
        self._newest: dict[str, int] = {}
        self._past_days: dict[str, tuple[int, Candle]] = {}

    def on_trade(self, trade: Trade) -> None:
        """Count a print."""
        candle = self._candle(trade.coin, trade.time_ms, trade.price)
        if candle.prints == 0:
            # Prints alone make a candle; the mids before the first of them only stood in.
            candle.open = candle.high = candle.low = trade.price
        candle.see(trade.price)
        candle.volume += trade.size
        candle.notional += trade.size * trade.price
        candle.prints += 1

    def on_mid(self, coin: str, time_ms: int, mid: float) -> None:
        """Let mid stand in while the minute has no print."""
        candle = self._candle(coin, time_ms, mid)
        if candle.prints == 0:
            candle.see(mid)

    def minutes(self, coin: str) -> dict[int, Candle]:
        """Candles of one minute by their number since 1970, ascending; empty for an unknown coin."""
        return self._minutes.get(coin, {})

    def prepend(self, coin: str, older: dict[int, Candle]) -> None:
        """Put minutes, ascending, before the first one that is known, as far as so many are kept."""
        known = self._minutes[coin]
        room = max(MINUTES_KEPT - len(known), 0)
        self._minutes[coin] = dict(list(older.items())[-room or len(older) :]) | known

    def snapshot(self, coin: str, interval: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        """Candles that open within [`start_ms`, `end_ms`], ascending, ready for JSON; [] for an unknown coin.

        Raises
        ------
        MalformedMessage
            If the interval is not served.
        """
        length = _length(interval)
        opens = -(-start_ms // length) * length
        return [
            _fields(coin, interval, time_ms, candle)
            for time_ms, candle in _merged(self._minutes.get(coin, {}), length, opens, end_ms)
        ]

    def current(self, coin: str, interval: str) -> dict[str, Any] | None:
        """The newest candle, still growing; None before the first event."""
        newest = self._newest.get(coin)
        if newest is None:
            return None
        opens = newest * MINUTE_MS // _length(interval) * _length(interval)
        return self.snapshot(coin, interval, opens, opens)[-1]

    def day(self, coin: str) -> Candle | None:
        """The last 24 hours as one candle, as far as they are known; None before the first event."""
        newest, minutes = self._newest.get(coin), self._minutes.get(coin)
        if newest is None or minutes is None:
            return None
        kept = self._past_days.get(coin)
        if kept is None or kept[0] != newest:
            past = [minutes[minute] for minute in range(newest - DAY_MINUTES, newest) if minute in minutes]
            kept = newest, _sum(past) if past else Candle.flat(minutes[newest].open)
            self._past_days[coin] = kept
        return _sum([kept[1], minutes[newest]])

    def _candle(self, coin: str, time_ms: int, price: float) -> Candle:
        """Candle of the minute, after those of silent minutes before it."""
        minutes = self._minutes.setdefault(coin, {})
        minute = time_ms // MINUTE_MS
        newest = self._newest.get(coin)
        if newest is not None and minute <= newest:
            return minutes[newest]
        if newest is not None:
            last = minutes[newest].close
            for silent in range(max(newest + 1, minute - MINUTES_KEPT), minute):
                minutes[silent] = Candle.flat(last)
        minutes[minute] = Candle.flat(price)
        self._newest[coin] = minute
        while len(minutes) > MINUTES_KEPT:
            del minutes[next(iter(minutes))]
        return minutes[minute]


def _merged(minutes: dict[int, Candle], length: int, start_ms: int, end_ms: int) -> Iterable[tuple[int, Candle]]:
    """Candles of `length` that open within the bounds, with their opening times."""
    if not minutes:
        return
    first, last = next(iter(minutes)) * MINUTE_MS, next(reversed(minutes)) * MINUTE_MS
    start_ms = max(start_ms, first // length * length)
    for opens in range(start_ms, min(end_ms, last) + 1, length):
        parts = [
            minutes[minute] for minute in range(opens // MINUTE_MS, (opens + length) // MINUTE_MS) if minute in minutes
        ]
        yield opens, _sum(parts)


def _sum(parts: list[Candle]) -> Candle:
    """One candle for several; those without prints do not count where others have some."""
    parts = [part for part in parts if part.prints] or parts
    return Candle(
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=sum(part.volume for part in parts),
        notional=sum(part.notional for part in parts),
        prints=sum(part.prints for part in parts),
    )


def _fields(coin: str, interval: str, time_ms: int, candle: Candle) -> dict[str, Any]:
    return {
        "t": time_ms,
        "T": time_ms + INTERVALS_MS[interval] - 1,
        "s": coin,
        "i": interval,
        "o": _text(candle.open),
        "c": _text(candle.close),
        "h": _text(candle.high),
        "l": _text(candle.low),
        "v": _text(candle.volume),
        "n": candle.prints,
    }


def _text(value: float) -> str:
    """No price or size has more than six decimals; a mid may have one more, a sum has rounding noise."""
    return to_wire(round(value, 8))


def _length(interval: str) -> int:
    length = INTERVALS_MS.get(interval)
    if length is None:
        raise MalformedMessage(f"no candles of {interval!r}; there are {', '.join(INTERVALS_MS)}")
    return length
