"""Events of a market as they reach a program one by one: book snapshots, best quotes, trades."""

from typing import NamedTuple

from market_making.market.sides import Direction


class Level(NamedTuple):
    """Resting size at one price [coins], from `orders` orders."""

    price: float
    size: float
    orders: int = 1


class BookSnapshot(NamedTuple):
    """The book of one coin: bids descending, asks ascending."""

    coin: str
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BestQuote(NamedTuple):
    """Best bid and offer; None where a side is empty."""

    coin: str
    time_ms: int
    bid: Level | None
    ask: Level | None


class Trade(NamedTuple):
    """One print; `direction` is the aggressor's. Empty strings where a source does not tell."""

    coin: str
    time_ms: int
    direction: Direction
    price: float
    size: float
    trade_id: str
    hash: str = ""
    buyer: str = ""
    seller: str = ""


class AssetContext(NamedTuple):
    """What the venue publishes of one market beside its book; the message carries no time.

    `funding` is the rate of the current hour [fraction], `open_interest` is in coins; a spot market has neither, and no
    oracle. `mid_price` is None while a side of the book is empty.
    """

    coin: str
    funding: float | None
    mark_price: float
    oracle_price: float | None
    open_interest: float | None
    mid_price: float | None = None
