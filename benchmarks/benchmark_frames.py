"""Frames in the proportions of a live feed of many coins, for the benchmarks of this folder; prints nothing."""

import random

from market_making.hyperliquid.market_data import Frame, format_frame
from market_making.market.events import BestQuote, BookSnapshot, Level, Trade
from market_making.market.sides import Direction

COINS = [f"C{number}" for number in range(50)]
START_MS = 1_757_000_000_000


def make_frames(count: int) -> list[bytes]:
    """Frames in the proportions of a live feed: 55 % quotes, 27 % fast books, 3 % slow ones, 15 % trades."""
    chance = random.Random(1)
    return [format_frame(_frame(chance, number)) for number in range(count)]


def _frame(chance: random.Random, number: int) -> Frame:
    coin, time_ms, mid = chance.choice(COINS), START_MS + number, round(chance.uniform(100, 200), 2)

    def levels(depth: int, sign: int) -> tuple[Level, ...]:
        return tuple(
            Level(round(mid + sign * (1 + level) / 100, 2), round(chance.uniform(0.01, 50), 3), 3)
            for level in range(depth)
        )

    kind = chance.random()
    if kind < 0.55:
        return BestQuote(coin, time_ms, levels(1, -1)[0], levels(1, 1)[0])
    if kind < 0.85:
        depth = 5 if kind < 0.82 else 20
        return BookSnapshot(coin, time_ms, levels(depth, -1), levels(depth, 1))
    prints = range(chance.randint(1, 4))
    user, transaction = f"0x{chance.getrandbits(160):040x}", f"0x{chance.getrandbits(256):064x}"
    return tuple(
        Trade(coin, time_ms, Direction.BUY, mid, 0.1, str(4 * number + each), transaction, user, user)
        for each in prints
    )
