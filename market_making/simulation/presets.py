"""Simulated markets by name: one in which making a market pays, one in which it cannot, and a universe to rank.

Characters are written in basis points of the price, as in the literature; `Character.truth` puts them on the grid of
a coin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from market_making.hyperliquid.fees import BASE_TIER
from market_making.market.identity import Market
from market_making.market.instrument import Instrument, Listing
from market_making.market.sides import Directions
from market_making.simulation.known_markets import KNOWN_MARKETS
from market_making.simulation.truth import MarketTruth

# Names, prices and rules of well-known perpetuals; the price is only where the simulated market starts.
KNOWN_COINS: dict[str, tuple[Listing, float]] = {
    "BTC": (Listing("BTC", 5, 40), 111_400.0),
    "ETH": (Listing("ETH", 4, 25), 3_337.0),
    "SOL": (Listing("SOL", 2, 20), 205.0),
    "HYPE": (Listing("HYPE", 2, 10), 45.0),
    "XRP": (Listing("XRP", 0, 20), 2.8),
    "DOGE": (Listing("DOGE", 0, 10), 0.22),
    "AVAX": (Listing("AVAX", 2, 10), 25.0),
    "LINK": (Listing("LINK", 1, 10), 23.0),
    "SUI": (Listing("SUI", 1, 10), 3.3),
    "WLFI": (Listing("WLFI", 0, 5), 0.2),
}


@dataclass(frozen=True)
class Character:
    """What kind of market a coin is; both directions alike [bps of the price, 1/s].

    `reach` is 1/κ, the mean depth beyond the touch. With a maker fee f a quote earns on average
    ``depth − on_fill − f`` and is best placed at ``reach + on_fill + f``; making a market pays while
    ``(on_fill + f) / reach`` is well below 1.

    The default pays at the base fee of 1.5 bps: toxicity 0.8, and a quote at its best depth of about 5.4 bps is
    reached every 7 s on each side.
    """

    half_spread: float = 1.2
    arrival_rate: float = 1.2
    reach_probability: float = 0.45
    reach: float = 3.0
    at_touch: float = 0.1
    on_fill: float = 0.9
    slope: float = 0.0
    diffusion: float = 0.5

    def truth(self, listing: Listing, price: float, market: Market | None = None) -> MarketTruth:
        """Put this character on the grid of a coin that starts at `price`; `market` is what it is listed as."""
        basis_point = price / 1e4
        rules = Instrument.hyperliquid(listing.coin, listing.size_decimals) if market is None else market.instrument
        tick = rules.tick(price)
        return MarketTruth(
            coin=listing.coin,
            size_decimals=listing.size_decimals,
            start_price=price,
            spread_ticks=max(1, round(2 * self.half_spread * basis_point / tick)),
            arrival_rate=_both(self.arrival_rate),
            reach_probability=_both(self.reach_probability),
            fill_decay=_both(1 / (self.reach * basis_point)),
            adverse_selection_at_touch=_both(self.at_touch * basis_point),
            adverse_selection_on_fill=_both(self.on_fill * basis_point),
            adverse_selection_slope=_both(self.slope),
            diffusion=self.diffusion * basis_point,
            level_size=5_000 / price,
            order_size=1_500 / price,
            level_spacing=max(1, round(0.75 * basis_point / tick)),
            maximum_leverage=listing.maximum_leverage,
            market=market,
        )

    def paying_at(self, fee: float) -> "Character":
        """The same with orders that go so deep that a higher fee than the base fee [bps] weighs no more than that."""
        more = (self.on_fill + max(fee, BASE_FEE)) / (self.on_fill + BASE_FEE)
        return replace(self, reach=more * self.reach)


BASE_FEE = 1e4 * BASE_TIER.perpetual.maker
"""What an account without volume pays on a perpetual of the main dex [bps]."""

# No depth pays: a fill is followed by a move of more than any quote further out would gain (slope above 1).
TOXIC = Character(half_spread=0.5, reach_probability=0.2, reach=1.2, on_fill=3.0, slope=1.1, diffusion=1.0)


def default_truths(coins: Sequence[str]) -> tuple[MarketTruth, ...]:
    """A market in which making a market pays at its base fee, for each of these coins; any name has its own fixed one.

    A name of one of `KNOWN_MARKETS`, on the wire, of Freqtrade or of files, means that market.
    """
    return tuple(_default_truth(coin) for coin in coins)


def _default_truth(coin: str) -> MarketTruth:
    for market, price in KNOWN_MARKETS:
        if coin in market.names:
            character = _character(market.wire).paying_at(1e4 * BASE_TIER.on(market).maker)
            return character.truth(market.listing, price, market)
    return _character(coin).truth(*_listing_and_price(coin))


def toxic_truth(coin: str) -> MarketTruth:
    """A market in which no depth pays, whatever the fee."""
    return TOXIC.truth(*_listing_and_price(coin))


def coin_universe(number: int, seed: int) -> tuple[MarketTruth, ...]:
    """Coins of very different character, from profitable to toxic, named C00, C01 and so on."""
    random = np.random.default_rng(seed)
    return tuple(_any_character(random).truth(*_invented(f"C{i:02d}", random)) for i in range(number))


def _any_character(random: np.random.Generator) -> Character:
    return Character(
        half_spread=random.uniform(0.3, 2.0),
        arrival_rate=float(np.exp(random.uniform(np.log(0.2), np.log(3.0)))),
        reach_probability=random.uniform(0.15, 0.6),
        reach=random.uniform(1.0, 6.0),
        at_touch=random.uniform(0.0, 0.2),
        on_fill=random.uniform(0.4, 3.0),
        diffusion=random.uniform(0.2, 1.5),
    )


def _character(coin: str) -> Character:
    """The default, a little different for each name, so that a ranking has something to rank."""
    random = np.random.default_rng(crc32(coin.encode()))
    return replace(
        Character(),
        arrival_rate=random.uniform(1.1, 1.3),
        reach=random.uniform(2.9, 3.3),
        on_fill=random.uniform(0.8, 1.0),
        diffusion=random.uniform(0.4, 0.6),
    )


def _listing_and_price(coin: str) -> tuple[Listing, float]:
    return KNOWN_COINS.get(coin) or _invented(coin, np.random.default_rng(crc32(coin.encode()) + 1))


def _invented(coin: str, random: np.random.Generator) -> tuple[Listing, float]:
    """Price and ``szDecimals`` such that a lot is worth about a dollar, and the price is far from a power of ten."""
    price = float(f"{random.uniform(1.5, 6.0) * 10.0 ** random.integers(-1, 4):.3g}")
    size_decimals = int(np.clip(np.ceil(np.log10(price)), 0, 5))
    return Listing(coin, size_decimals, 10), price


def _both(value: float) -> Directions[float]:
    return Directions(value, value)
