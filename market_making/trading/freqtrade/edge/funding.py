"""No funding is asked for within the hour of the last fill: it is paid on the hour, so there is none.

Freqtrade asks for the funding since the last fill before every order of a trade that exists: two questions of weight 40
and half a second.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


def _now() -> datetime:
    return datetime.now(UTC)


class Funding:
    """Stands in the place of the exchange's ``get_funding_fees``."""

    def __init__(self, exchange: Any, now: Callable[[], datetime] = _now) -> None:
        self._exchange = exchange
        self._stock = exchange.get_funding_fees
        self._now = now
        exchange.get_funding_fees = self.fees

    def fees(self, pair: str, amount: float, is_short: bool, open_date: datetime) -> float:
        """Funding since `open_date` [quote currency]; errors are Freqtrade's."""
        if self._is_within_an_hour(open_date):
            return 0.0
        fees: float = self._stock(pair=pair, amount=amount, is_short=is_short, open_date=open_date)
        return fees

    def _is_within_an_hour(self, opened: datetime | None) -> bool:
        if opened is None or opened.tzinfo is None or self._exchange.funding_fee_cutoff(opened):
            return False  # at the very second of the payment Freqtrade counts it
        return _hour(opened) == _hour(self._now())


def _hour(time: datetime) -> int:
    return int(time.timestamp() // 3600)
