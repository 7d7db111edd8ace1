"""What the models remember of each pair: volatility, own fills, and what followed them."""

from market_making.quoting.quote import MarketView, Quotes
from market_making.quoting.readings.markouts import OwnFill, is_losing
from market_making.quoting.readings.observer import Beside, Observer, ObserverSettings
from market_making.trading.fills import Fill


class PairObservers:
    """Readings of the past for the models, one set a pair.

    Parameters
    ----------
    maker_fee : float
        Share of the value of a fill, which it must earn not to have lost, where a pair has no fee of its own.
    """

    def __init__(self, maker_fee: float, settings: ObserverSettings | None = None) -> None:
        self._maker_fee = maker_fee
        self._fees: dict[str, float] = {}
        self._settings = settings or ObserverSettings()
        self._lost: dict[str, tuple[bool, ...]] = {}
        self._observers: dict[str, Observer] = {}
        self._hedging: set[str] = set()

    def charge(self, pair: str, maker_fee: float) -> None:
        """Take note of the fee of a pair."""
        self._fees[pair] = maker_fee

    def seen(self, pair: str, market: MarketView, *, bias: float = 0.0, margin_used: float = 0.0) -> MarketView:
        """Take note of the market, and return it with the readings, the trend and the share of margin in use added."""
        observer, time_ms, mid = self._observer(pair), market.time_ms, market.mid
        waiting = observer.markouts.pending
        observer.seen(time_ms, mid, self._settings)
        due = waiting[: len(waiting) - len(observer.markouts.pending)]
        if due:
            fee = self._fees.get(pair, self._maker_fee)
            judged = tuple(is_losing(fill, mid, fee) for fill in due)
            self._lost[pair] = self._lost.get(pair, ()) + judged
        beside = Beside(bias, margin_used, pair in self._hedging)
        return market._replace(observations=observer.observations(time_ms, mid, market.observations, beside))

    def planned(self, pair: str, quotes: Quotes) -> None:
        """Take note of whether a model is bringing the inventory back, which it is told the next time."""
        (self._hedging.add if quotes.hedging else self._hedging.discard)(pair)

    def take_lost(self, pair: str) -> tuple[bool, ...]:
        """Whether each fill that has been judged since this was last asked has lost, oldest first."""
        return self._lost.pop(pair, ())

    def filled(self, fill: Fill) -> None:
        """Take note of a fill; one at an unknown mid cannot be judged."""
        if fill.mid is not None and fill.lots is not None:
            own = OwnFill(fill.time_ms, fill.side, fill.price, fill.lots, fill.mid)
            self._observer(fill.pair).filled(own)

    def _observer(self, pair: str) -> Observer:
        if pair not in self._observers:
            self._observers[pair] = Observer()
        return self._observers[pair]
