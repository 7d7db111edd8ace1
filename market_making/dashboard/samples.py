"""What a page draws over time: mid, inventory and the resting order of each pair, once per second."""

from collections import deque
from typing import Any, NamedTuple

from market_making.safety.state_file import BotState, PairState

LENGTH = 1800  # half an hour


class Sample(NamedTuple):
    """One pair at one moment; None where a value is not known.

    Attributes
    ----------
    time_ms : int
        When the bot wrote it [ms].
    mid : float or None
        [price].
    bid, ask : float or None
        Price of the resting order, on the side where it rests [price].
    inventory : float
        [lots].
    """

    time_ms: int
    mid: float | None
    bid: float | None
    ask: float | None
    inventory: float

    @classmethod
    def of(cls, time_ms: int, pair: PairState) -> "Sample":
        """Take what a state says of a pair."""
        prices = {"bid": None, "ask": None} | ({pair.resting.side: pair.resting.price} if pair.resting else {})
        return cls(time_ms, pair.mid, prices["bid"], prices["ask"], pair.inventory)


class Samples:
    """The last half hour of every pair of every bot."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], deque[Sample]] = {}

    def take(self, bot: BotState) -> None:
        """Add what a bot has written, if it is new."""
        for pair in bot.pairs:
            kept = self._kept.setdefault((bot.bot, pair.pair), deque(maxlen=LENGTH))
            if not kept or kept[-1].time_ms < bot.written_ms:
                kept.append(Sample.of(bot.written_ms, pair))

    def of(self, bot: str, pair: str) -> dict[str, list[Any]]:
        """Return the columns of a pair, oldest first."""
        rows = list(self._kept.get((bot, pair), ()))
        return {name: [getattr(row, name) for row in rows] for name in Sample._fields}
