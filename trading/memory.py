"""What the models remember of each pair: volatility, own fills, and what followed them."""

from dataclasses import replace

from quoting.markouts import OwnFill
from quoting.observer import Observer, ObserverSettings
from quoting.quote import MarketView
from trading.holding import RestingOrder


class Memory:
    """Readings of the past for the models, one set a pair."""

    def __init__(self, settings: ObserverSettings | None = None) -> None:
        self._settings = settings or ObserverSettings()
        self._observers: dict[str, Observer] = {}
        self._filled: dict[str, tuple[str, float]] = {}

    def seen(self, pair: str, market: MarketView, *, bias: float = 0.0) -> MarketView:
        """Take note of the market, and return it with the readings and the trend added."""
        observer = self._observers.get(pair, Observer()).seen(market.time_ms, market.mid, self._settings)
        self._observers[pair] = observer
        readings = observer.observations(market.time_ms, market.mid)
        levels = market.observations
        return market._replace(observations=replace(readings, bids=levels.bids, asks=levels.asks, bias=bias))

    def filled(self, pair: str, order: RestingOrder, market: MarketView, lot: float, now_ms: int) -> None:
        """Take note of what was filled of an order since it was last seen."""
        order_id, before = self._filled.get(pair, ("", 0.0))
        size = order.filled - (before if order_id == order.order_id else 0.0)
        self._filled[pair] = (order.order_id, order.filled)
        if size > 0:
            fill = OwnFill(now_ms, order.side, order.price, size / lot, market.mid)
            self._observers[pair] = self._observers.get(pair, Observer()).filled(fill)
