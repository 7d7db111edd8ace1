"""What one account has done, counted for people: the numbers of ``GET /audit``."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from market_making.market.sides import Side

RESTING_STATES = ("bid_only", "ask_only", "both", "none")


@dataclass(slots=True)
class RestingClock:
    """Time [ms] during which an account had only bids, only asks, both or nothing resting in one coin."""

    since_ms: int
    count: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    spent_ms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESTING_STATES, 0))

    def change(self, side: Side, step: int, now_ms: int) -> None:
        """Count an order that begins (+1) or ends (−1) to rest."""
        self.spent_ms = self.until(now_ms)
        self.since_ms = now_ms
        self.count[side] += step

    def until(self, now_ms: int) -> dict[str, int]:
        """Times including the state that lasts now."""
        bid, ask = self.count[Side.BID] > 0, self.count[Side.ASK] > 0
        state = {(True, True): "both", (True, False): "bid_only", (False, True): "ask_only"}.get((bid, ask), "none")
        return {**self.spent_ms, state: self.spent_ms[state] + now_ms - self.since_ms}


@dataclass(slots=True)
class Statistics:
    """Counters of one account."""

    attempted: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    refused_actions: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    maker_fills: int = 0
    taker_fills: int = 0
    maker_volume: Decimal = Decimal(0)
    taker_volume: Decimal = Decimal(0)
    builder_fees: Decimal = Decimal(0)
    round_trips: int = 0
    liquidations: int = 0
    fill_to_quote_ms: list[int] = field(default_factory=list)
    resting: dict[str, RestingClock] = field(default_factory=dict)
    _unanswered: dict[tuple[str, Side], list[int]] = field(default_factory=dict)

    def rests(self, coin: str, side: Side, now_ms: int) -> None:
        """Count an order that goes into the book, and the time since the fills that it answers."""
        self.resting.setdefault(coin, RestingClock(now_ms)).change(side, +1, now_ms)
        self.fill_to_quote_ms += [now_ms - fill_ms for fill_ms in self._unanswered.pop((coin, side), [])]

    def leaves(self, coin: str, side: Side, now_ms: int) -> None:
        """Count an order that leaves the book."""
        self.resting[coin].change(side, -1, now_ms)

    def filled(self, coin: str, side: Side, notional: Decimal, now_ms: int, *, is_maker: bool) -> None:
        """Count a fill of our order on `side`."""
        if is_maker:
            self.maker_fills += 1
            self.maker_volume += notional
        else:
            self.taker_fills += 1
            self.taker_volume += notional
        self._unanswered.setdefault((coin, side.opposite), []).append(now_ms)

    def resting_ms(self, now_ms: int) -> dict[str, int]:
        """Times of each state, summed over the coins."""
        total = dict.fromkeys(RESTING_STATES, 0)
        for clock in self.resting.values():
            for state, spent in clock.until(now_ms).items():
                total[state] += spent
        return total
