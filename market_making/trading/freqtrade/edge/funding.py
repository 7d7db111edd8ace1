"""Funding is asked for once an hour: it is paid on the hour, so within the hour of the last fill there is none.

Freqtrade asks for the funding since the last fill before every order of a trade that exists: two questions of weight 41
and half a second. A few pairs that hold something would have spent the limit of requests on it alone. Where the
exchange does not answer, Freqtrade would ask five times for 10 s each while an order rests, and book that there was
none.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

FUNDING_WEIGHT = 41.0
"""Of the rates and the prices that Freqtrade asks for."""

_TOLD_AFTER_S = 60
_ANSWER_S = 2.0


class _Known(NamedTuple):
    """What was asked, until when no further payment can have been made [Unix s], and the answer."""

    question: tuple[Any, ...]
    until_s: float
    fees: float


def _now() -> datetime:
    return datetime.now(UTC)


class Funding:
    """Stands in the place of the exchange's ``get_funding_fees``, and sees that its answer comes soon or not at all.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        Whose methods it replaces.
    now : Callable[[], datetime]
        Time of this machine (UTC).
    has_room : Callable[[], bool]
        Whether there is weight for the question now: an order must not wait for what is only booked.
    """

    def __init__(
        self, exchange: Any, now: Callable[[], datetime] = _now, has_room: Callable[[], bool] = lambda: True
    ) -> None:
        self._exchange = exchange
        self._stock = exchange.get_funding_fees
        self._now = now
        self._has_room = has_room
        self._known: dict[str, _Known] = {}
        self._is_asking = False
        self._history = exchange._async_get_candle_history
        exchange.get_funding_fees, exchange._async_get_candle_history = self.fees, self._history_in_time

    def fees(self, pair: str, amount: float, is_short: bool, open_date: datetime) -> float:
        """Funding since `open_date` [quote currency]; what was known last where the exchange does not answer."""
        if self._is_within_an_hour(open_date):
            return 0.0
        now_s, question = self._now().timestamp(), (amount, is_short, open_date)
        known = self._known.get(pair)
        if known is not None and known.question != question:
            known = None
        if known is not None and now_s < known.until_s:
            return known.fees
        last = 0.0 if known is None else known.fees  # zero is what Freqtrade says without an answer, too
        if not self._has_room():
            return last
        self._is_asking = True
        try:
            told: float = self._stock(pair=pair, amount=amount, is_short=is_short, open_date=open_date)
        finally:
            self._is_asking = False
        fees = told or last
        # Zero may be no answer; and a payment is told of a little after the hour.
        period_s = 3600 if told and now_s % 3600 > _TOLD_AFTER_S else _TOLD_AFTER_S
        self._known[pair] = _Known(question, (now_s // period_s + 1) * period_s, fees)
        return fees

    async def _history_in_time(self, *args: Any, **more: Any) -> Any:
        """Rates and prices, through Freqtrade's own tries; candles that it asks for besides are not concerned."""
        async with asyncio.timeout(_ANSWER_S if self._is_asking else None):
            return await self._history(*args, **more)

    def _is_within_an_hour(self, opened: datetime | None) -> bool:
        if opened is None or opened.tzinfo is None or self._exchange.funding_fee_cutoff(opened):
            return False  # at the very second of the payment Freqtrade counts it
        return _hour(opened) == _hour(self._now())


def _hour(time: datetime) -> int:
    return int(time.timestamp() // 3600)
