"""What the models remember of each pair: volatility, own fills, and what followed them."""

from dataclasses import replace

from market_making.quoting.quote import MarketView, Quotes
from market_making.quoting.readings.markouts import OwnFill, is_losing
from market_making.quoting.readings.observer import Observer, ObserverSettings
from market_making.trading.holding import RestingOrder


class PairObservers:
    """Readings of the past for the models, one set a pair.

    Parameters
    ----------
    maker_fee : float
        Share of the value of a fill, which it must earn not to have lost.
    """

    def __init__(self, maker_fee: float, settings: ObserverSettings | None = None) -> None:
        self.maker_fee = maker_fee
        self._settings = settings or ObserverSettings()
        self._lost: dict[str, tuple[bool, ...]] = {}
        self._observers: dict[str, Observer] = {}
        self._filled: dict[str, tuple[str, float]] = {}
        self._hedging: set[str] = set()

    def seen(self, pair: str, market: MarketView, *, bias: float = 0.0, margin_used: float = 0.0) -> MarketView:
        """Take note of the market, and return it with the readings, the trend and the share of margin in use added."""
        before = self._observers.get(pair, Observer())
        observer = before.seen(market.time_ms, market.mid, self._settings)
        self._observers[pair] = observer
        waiting = before.markouts.pending
        due = waiting[: len(waiting) - len(observer.markouts.pending)]
        judged = tuple(is_losing(fill, market.mid, self.maker_fee) for fill in due)
        self._lost[pair] = self._lost.get(pair, ()) + judged
        readings = observer.observations(market.time_ms, market.mid)
        levels = market.observations
        told = replace(
            readings,
            bids=levels.bids,
            asks=levels.asks,
            bias=bias,
            margin_used=margin_used,
            hedging=pair in self._hedging,
        )
        return market._replace(observations=told)

    def planned(self, pair: str, quotes: Quotes) -> None:
        """Take note of whether a model is bringing the inventory back, which it is told the next time."""
        (self._hedging.add if quotes.hedging else self._hedging.discard)(pair)

    def take_lost(self, pair: str) -> tuple[bool, ...]:
        """Whether each fill that has been judged since this was last asked has lost, oldest first."""
        return self._lost.pop(pair, ())

    def filled(self, pair: str, order: RestingOrder, market: MarketView, lot: float, now_ms: int) -> None:
        """Take note of what was filled of an order since it was last seen."""
        order_id, before = self._filled.get(pair, ("", 0.0))
        size = order.filled - (before if order_id == order.order_id else 0.0)
        self._filled[pair] = (order.order_id, order.filled)
        if size > 0:
            fill = OwnFill(now_ms, order.side, order.price, size / lot, market.mid)
            self._observers[pair] = self._observers.get(pair, Observer()).filled(fill)
