"""Simulated markets with known truth: as arrays for the estimators, as events for the local venue.

Real coins are harsher than the markets simulated by default: their books are tighter than these, a fifth of the
orders goes beyond the touch instead of nearly half, and what a filled quote loses within a second is of the order of
what it could earn. `toxic_truth` is such a market.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from heapq import merge
from itertools import count
from typing import Any

import numpy as np

from market_making.market.errors import ConfigurationError
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.identity import Market
from market_making.market.instrument import Listing
from market_making.market.sides import Direction
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.simulation.order_flow_simulation import MINUTE_MS, Minute, OrderFlowSimulation
from market_making.simulation.truth import LEVELS, MarketTruth

Event = BookSnapshot | Trade

# Far below 2**53 for any number of coins and prints, so that a JSON reader keeps every digit.
TRADE_IDS_PER_COIN = 10**12
MAKERS, TAKERS = 12, 48


def simulate_tape(truth: MarketTruth, *, seed: int, seconds: float, start_ms: int = 0) -> Tape:
    """Simulate a window of one coin.

    Parameters
    ----------
    truth : MarketTruth
        What the market obeys.
    seed : int
        Same seed, same market, event for event that of `SimulatedSource`.
    seconds : float
        Length of the window.
    start_ms : int
        Time of its start.

    Returns
    -------
    Tape
        Without gaps; the first quote stands at the start.
    """
    simulation = OrderFlowSimulation(truth, seed)
    length_ms = round(seconds * 1e3)
    minutes = [simulation.next_minute() for _ in range(-(-length_ms // MINUTE_MS))]
    if not minutes:
        raise ConfigurationError(f"a tape of {seconds} s was asked for, it must have a positive length")
    quotes = [np.concatenate(column) for column in zip(*(minute.quotes for minute in minutes), strict=True)]
    prints = [np.concatenate(column) for column in zip(*(minute.prints for minute in minutes), strict=True)]
    stamp, bid, ask, profile = (column[: np.searchsorted(quotes[0], length_ms)] for column in quotes)
    time, sign, order, price, size = (column[: np.searchsorted(prints[0], length_ms)] for column in prints)
    scale, lots = truth.ticks_per_unit, 10**truth.size_decimals
    bid_size, ask_size = (simulation.level_sizes[profile, side, 0] / lots for side in (0, 1))
    return Tape(
        quotes=QuoteTape(start_ms + stamp, bid / scale, bid_size, ask / scale, ask_size),
        trades=TradeTape(start_ms + time, sign, price / scale, size / lots, order),
        gaps=np.empty((0, 2), np.int64),
        start_ms=start_ms,
        end_ms=start_ms + length_ms,
    )


class SimulatedSource:
    """An endless market of one or several independent coins.

    Parameters
    ----------
    truths : Sequence[MarketTruth]
        One for each coin.
    seed : int
        Same seed, same events.

    Raises
    ------
    ConfigurationError
        If there is no coin, or one appears twice.

    Examples
    --------
    >>> from market_making.simulation.presets import default_truths
    >>> market = SimulatedSource(default_truths(["ETH"]), seed=1)
    >>> first = next(market.events(start_ms=0))
    >>> first.coin, first.time_ms, first.bids[0].price < first.asks[0].price
    ('ETH', 0, True)
    """

    def __init__(self, truths: Sequence[MarketTruth], seed: int = 0) -> None:
        coins = [truth.coin for truth in truths]
        if not coins or len(set(coins)) < len(coins):
            raise ConfigurationError(
                f"the coins of a simulated market must be different coins, at least one, got {coins}"
            )
        self._truths = tuple(truths)
        self._seed = seed

    @property
    def listings(self) -> tuple[Listing | Market, ...]:
        """The coins of this market."""
        return tuple(truth.listing for truth in self._truths)

    def truth(self) -> dict[str, dict[str, Any]]:
        """The true parameters of each coin, under the names of the parameter file."""
        return {truth.coin: truth.published() for truth in self._truths}

    def events(self, start_ms: int) -> Iterator[Event]:
        """Events from `start_ms` on; at equal stamps the trades come before the books."""
        coins = [
            _CoinEvents(truth, self._seed, number).events(start_ms)
            for number, truth in enumerate(self._truths, start=1)
        ]
        return merge(*coins, key=lambda event: (event.time_ms, isinstance(event, BookSnapshot)))


class _CoinEvents:
    """Turns the minutes of one coin into events."""

    def __init__(self, truth: MarketTruth, seed: int, number: int) -> None:
        self._truth = truth
        self._simulation = OrderFlowSimulation(truth, seed)
        self._name = f"{seed}/{truth.coin}"
        self._trade_ids = count(number * TRADE_IDS_PER_COIN)
        lots = 10**truth.size_decimals
        self._profiles = [
            [[(size / lots, 1 + size % 5) for size in side] for side in profile]
            for profile in self._simulation.level_sizes.tolist()
        ]
        self._makers = [self._identity(f"maker/{number}", 20) for number in range(MAKERS)]
        self._takers = [self._identity(f"taker/{number}", 20) for number in range(TAKERS)]

    def events(self, start_ms: int) -> Iterator[Event]:
        while True:
            yield from self._minute(self._simulation.next_minute(), start_ms)

    def _minute(self, minute: Minute, start_ms: int) -> Iterator[Event]:
        trades = self._trades(minute, start_ms)
        trade = next(trades, None)
        for stamp, bid, ask, profile in zip(*(column.tolist() for column in minute.quotes), strict=True):
            while trade is not None and trade.time_ms <= start_ms + stamp:
                yield trade
                trade = next(trades, None)
            yield self._book(start_ms + stamp, bid, ask, profile)

    def _book(self, time_ms: int, bid: int, ask: int, profile: int) -> BookSnapshot:
        scale, spacing = self._truth.ticks_per_unit, self._truth.level_spacing
        bids, asks = self._profiles[profile]
        bid_prices = range(bid, bid - LEVELS * spacing, -spacing)
        ask_prices = range(ask, ask + LEVELS * spacing, spacing)
        return BookSnapshot(
            self._truth.coin,
            time_ms,
            tuple([Level(price / scale, *resting) for price, resting in zip(bid_prices, bids, strict=True)]),
            tuple([Level(price / scale, *resting) for price, resting in zip(ask_prices, asks, strict=True)]),
        )

    def _trades(self, minute: Minute, start_ms: int) -> Iterator[Trade]:
        scale, lots = self._truth.ticks_per_unit, 10**self._truth.size_decimals
        for time, sign, order, price, size in zip(*(column.tolist() for column in minute.prints), strict=True):
            direction = Direction.BUY if sign > 0 else Direction.SELL
            number = next(self._trade_ids)
            taker, maker = self._takers[order * 7919 % TAKERS], self._makers[number * 104729 % MAKERS]
            buyer, seller = (taker, maker) if sign > 0 else (maker, taker)
            yield Trade(
                self._truth.coin, start_ms + time, direction, price / scale, size / lots, str(number),
                self._identity(f"order/{order}", 32), buyer, seller,
            )  # fmt: skip

    def _identity(self, name: str, length: int) -> str:
        return "0x" + blake2b(f"{self._name}/{name}".encode(), digest_size=length).hexdigest()
