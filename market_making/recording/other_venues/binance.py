"""Binance: spot by the name ``binance``, linear perpetuals by the name ``binanceusdm``.

* A spot best quote (``bookTicker``) has no time at all: it is stamped with the receiver's clock, corrected by the
  measured offset, and so is late by the way from the exchange. A futures one has two: ``E``, when it was sent, and
  ``T``, when it came about; prints are stamped with ``T``, so quotes are too.
* ``trade`` prints each fill, with the same ``T`` for all fills of one taker; ``aggTrade`` merges takers on futures.
  The futures stream also holds prints that met no book (``X`` is not ``MARKET``), some of price zero.
* ``m`` means that the buyer was the maker: ccxt turns it into the aggressor's side.
* ccxt spreads subscriptions over up to 50 sockets; three do.
* Books are kept from differences every 100 ms upon a snapshot of 1000 levels by REST.
"""

from collections.abc import Mapping
from typing import Any

from market_making.recording.other_venues.quirks import Print, Ticker, VenueQuirks

_SOCKETS = 3
_OPTIONS = {"streamLimits": {"spot": _SOCKETS, "linear": _SOCKETS}, "fetchMarkets": {"types": ["spot"]}}


class BinanceSpot(VenueQuirks):
    """Spot markets."""

    name = "binance"
    quote = "USDT"
    spot = True
    options: Mapping[str, Any] = _OPTIONS


class BinanceFutures(VenueQuirks):
    """Linear perpetuals."""

    name = "binanceusdm"
    quote = "USDT"
    options: Mapping[str, Any] = _OPTIONS | {"fetchMarkets": {"types": ["linear"]}}

    def quote_ms(self, ticker: Ticker) -> int | None:
        """When the quote came about."""
        time_ms = ticker["info"].get("T")
        return ticker["timestamp"] if time_ms is None else int(time_ms)

    def is_market_order(self, trade: Print) -> bool:
        """Leave out what the insurance fund and deleveraging print."""
        return bool(trade["info"].get("X", "MARKET") == "MARKET")
