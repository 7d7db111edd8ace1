"""What two legs have resting together, sampled from the venue's own account of both."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson

from market_making.market.sides import Side

_AFTER_FILL_S = 3.0
_LOT_SLACK = 0.05  # a lot follows the calibration, so what is held is rarely a round number of today's
_SIDES = {"B": Side.BID, "A": Side.ASK}


class LegNow(NamedTuple):
    """One leg of one coin: its orders (side, price), what it holds [coins, signed]."""

    orders: tuple[tuple[Side, float], ...] = ()
    coins: float = 0.0


class Sample(NamedTuple):
    """One coin at one moment [s]; `filled_s` is the time of its last fill, `during` what is done on purpose."""

    time_s: float
    coin: str
    long: LegNow
    short: LegNow
    lot: float
    filled_s: float | None = None
    during: str = ""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Sides of all resting orders of both legs."""
        return tuple(side for leg in (self.long, self.short) for side, _ in leg.orders)

    @property
    def state(self) -> str:
        """``both``, ``one``, ``none``, or ``same`` where both legs rest on one side."""
        sides = self.sides
        if len(set(sides)) == 2:
            return "both"
        return ("none", "one")[len(sides)] if len(sides) < 2 else "same"

    @property
    def crosses(self) -> bool:
        """Whether one leg bids as much as the other asks."""
        orders = (*self.long.orders, *self.short.orders)
        bids = [price for side, price in orders if side is Side.BID]
        asks = [price for side, price in orders if side is Side.ASK]
        return bool(bids and asks) and max(bids) >= min(asks)

    @property
    def net(self) -> float:
        """Position of both legs together [lots]."""
        return (self.long.coins + self.short.coins) / self.lot

    @property
    def gross(self) -> float:
        """What both legs hold, without regard to sign [lots]."""
        return (abs(self.long.coins) + abs(self.short.coins)) / self.lot

    @property
    def is_idle_capital(self) -> bool:
        """Whether the legs hold two lots or more and nothing together."""
        return self.gross >= 2 - 2 * _LOT_SLACK and abs(self.net) < 2 * _LOT_SLACK


class LegFigures(NamedTuple):
    """What the samples say.

    Shares are of time; times in seconds; `back_s` is the median time from a fill until both sides rest again,
    `settled` the share with both sides of the time later than three seconds after a fill.
    """

    seconds: float
    both: float
    one: float
    none: float
    same: float
    same_longest_s: float
    settled: float
    back_s: float | None
    fills: int
    crossings: int
    double_orders: int
    gross_beyond: int
    idle_capital: float

    @property
    def fills_per_minute(self) -> float:
        """Fills of both legs together."""
        return 60 * self.fills / self.seconds if self.seconds else 0.0


class LegSamples:
    """Samples of both legs, in their order.

    Attributes
    ----------
    samples : list[Sample]
        Everything seen so far.
    during : str
        What is done on purpose from now on; it is noted with each sample.
    """

    def __init__(self, order_notional: float = 100.0) -> None:
        self.samples: list[Sample] = []
        self.during = ""
        self._notional = order_notional
        self._lots: dict[str, float] = {}
        self.fills_s: list[tuple[float, str]] = []

    def take(self, time_s: float, audits: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the venue's account of both legs at one moment."""
        fills = [fill for audit in audits.values() for fill in audit["fills"]]
        self.fills_s = sorted((fill["time_ms"] / 1e3, fill["coin"]) for fill in fills)
        last = {coin: filled_s for filled_s, coin in self.fills_s}
        for coin in self._coins(audits, fills):
            long, short = (_leg_now(audits[name], coin) for name in ("long", "short"))
            lot = self._lot(coin, (long, short))
            if lot is not None:
                self.samples.append(Sample(time_s, coin, long, short, lot, last.get(coin), self.during))

    def figures(self, *, undisturbed: bool = False) -> LegFigures:
        """Sum up; `undisturbed`, without the times in which something was done on purpose."""
        spans = [span for span in self._spans() if not (undisturbed and span[0].during)]
        seconds = sum(length for _, length in spans)
        shares = {state: _share(spans, lambda sample, state=state: sample.state == state) for state in _STATES}
        late = [span for span in spans if _is_settled(span[0])]
        samples = [sample for sample, _ in spans]
        return LegFigures(
            seconds,
            **shares,
            same_longest_s=_longest(self.samples if not undisturbed else samples),
            settled=_share(late, lambda sample: sample.state == "both"),
            back_s=self._back_s({(sample.coin, sample.time_s) for sample in samples}),
            fills=self._fills_within(spans),
            crossings=sum(sample.crosses for sample in samples),
            double_orders=sum(max(len(sample.long.orders), len(sample.short.orders)) > 1 for sample in samples),
            gross_beyond=sum(sample.gross > abs(sample.net) + 2 + 2 * _LOT_SLACK for sample in samples),
            idle_capital=_share(spans, lambda sample: sample.is_idle_capital),
        )

    def share_during(self, what: str) -> float:
        """Share of all time in which this was so or done on purpose."""
        return _share(list(self._spans()), lambda sample: sample.during == what)

    def write(self, path: Path) -> None:
        """Write every sample as a line of JSON."""
        with path.open("wb") as file:
            for each in self.samples:
                orders = [[str(side), price] for leg in (each.long, each.short) for side, price in leg.orders]
                coins = {"long": each.long.coins, "short": each.short.coins}
                told = {"time_s": each.time_s, "coin": each.coin, "state": each.state, **coins, "orders": orders}
                told |= {"filled_s": each.filled_s, "during": each.during}
                file.write(orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE))

    def in_short(self) -> str:
        """Return the main figures in one line."""
        both = _share(list(self._spans()), lambda sample: sample.state == "both")
        return f"both sides rest {both:.0%} of the time, {len(self.fills_s)} fills"

    def _spans(self) -> Iterator[tuple[Sample, float]]:
        """Each sample with the time until the next of its coin [s]."""
        for coin in dict.fromkeys(sample.coin for sample in self.samples):
            of_coin = [sample for sample in self.samples if sample.coin == coin]
            yield from ((now, after.time_s - now.time_s) for now, after in pairwise(of_coin))

    def _back_s(self, counted: set[tuple[str, float]]) -> float | None:
        times = []
        for coin in dict.fromkeys(coin for _, coin in self.fills_s):
            samples = [sample for sample in self.samples if sample.coin == coin]
            seen_s = [sample.time_s for sample in samples]
            for filled_s in (filled_s for filled_s, of in self.fills_s if of == coin):
                first = bisect_left(seen_s, filled_s)
                if first < len(samples) and (coin, seen_s[first]) in counted:
                    back = (sample.time_s for sample in islice(samples, first, None) if sample.state == "both")
                    times += [back_s - filled_s for back_s in islice(back, 1)]
        return median(times) if times else None

    def _fills_within(self, spans: Sequence[tuple[Sample, float]]) -> int:
        times_s: dict[str, list[float]] = {}
        for filled_s, coin in self.fills_s:
            times_s.setdefault(coin, []).append(filled_s)
        return sum(
            bisect_left(known, sample.time_s + length) - bisect_left(known, sample.time_s)
            for sample, length in spans
            if (known := times_s.get(sample.coin))
        )

    def _coins(self, audits: Mapping[str, Mapping[str, Any]], fills: Iterable[Mapping[str, Any]]) -> list[str]:
        resting = {order["coin"] for audit in audits.values() for order in audit["orders"]}
        return sorted(resting | {fill["coin"] for fill in fills} | set(self._lots))

    def _lot(self, coin: str, legs: Iterable[LegNow]) -> float | None:
        price = next((price for leg in legs for _, price in leg.orders), None)
        if price is not None:
            self._lots[coin] = self._notional / price
        return self._lots.get(coin)


_STATES = ("both", "one", "none", "same")


def self_trades(audits: Mapping[str, Mapping[str, Any]]) -> int:
    """How many fills of one leg took an order of the other."""
    makers = {
        (leg, fill["coin"], fill["time_ms"], fill["price"])
        for leg, audit in audits.items()
        for fill in audit["fills"]
        if not fill["is_taker"]
    }
    other = {"long": "short", "short": "long"}
    return sum(
        (other[leg], fill["coin"], fill["time_ms"], fill["price"]) in makers
        for leg, audit in audits.items()
        for fill in audit["fills"]
        if fill["is_taker"]
    )


def _leg_now(audit: Mapping[str, Any], coin: str) -> LegNow:
    orders = tuple(
        (_SIDES[order["side"]], float(order["limitPx"])) for order in audit["orders"] if order["coin"] == coin
    )
    return LegNow(orders, float(audit["positions"].get(coin, 0.0)))


def _is_settled(sample: Sample) -> bool:
    return sample.filled_s is None or sample.time_s - sample.filled_s > _AFTER_FILL_S


def _share(spans: Sequence[tuple[Sample, float]], holds: Any) -> float:
    total = sum(length for _, length in spans)
    return sum(length for sample, length in spans if holds(sample)) / total if total else 0.0


def _longest(samples: Sequence[Sample]) -> float:
    """Longest time without a break with both legs on one side [s]."""
    began: dict[str, float] = {}
    longest = 0.0
    for sample in samples:
        if sample.state == "same":
            longest = max(longest, sample.time_s - began.setdefault(sample.coin, sample.time_s))
        elif sample.coin in began:
            longest = max(longest, sample.time_s - began.pop(sample.coin))
    return longest
