"""What the quote guard saves on recordings: one-lot quotes near the touch, with and without it, one run.

Usage: ``python benchmarks/guard_replay.py [ROOT]``, where ROOT is a tick store (default ``../shared/data``).

Every coin's last recorded session is replayed on both sides of the book at half a spread plus 1 and 3 bps: a quote that
follows mid at once; the bot (looks once a second, moves by 0.5 bps, too far only after 2 s, 0.1 s until an order
rests, a second after a fill); and the bot with the shipped guard, whose cancel takes 50, 150 or 400 ms, for an address
that earns its actions and for one whose actions last for a day. No queue, no inventory. A fill is marked at mid one
second after the print. Money is for lots of 100 USDC after the maker fee; a cancel costs the re-quote that follows.
The difference to the quote that follows mid at once is paired minute by minute, with its 95 % interval. The last rows
add a leader that shows the same mid half a second earlier: what such a venue would be worth, not what one is.
"""

import sys
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from market_making.guard.leader import Leader, LedMid
from market_making.guard.quote_guard import Guarded, QuoteGuardRules, too_close
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.events import BestQuote, Level
from market_making.market.sides import Side
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

COINS = ("ETH", "BTC", "SOL", "WLFI")
MAJORS = ("ETH", "BTC", "SOL")
DEPTHS_BPS = (1.0, 3.0)
LATENCIES_MS = (50.0, 150.0, 300.0, 400.0)
CLAIMED_MS, LEAST_UP, LEAD_MS = 150.0, 0.85, 500.0
LOOP_MS, LIFE_MS, PLACED_MS, AFTER_FILL_MS, MARK_MS = 1000.0, 2000.0, 100.0, 1000.0, 1000.0
TOLERANCE_BPS, FEE_BPS, LOT_USDC = 0.5, 1.5, 100.0
SESSION_GAP_MS, VOLATILITY_S, WARM_S = 60_000, 300, 30
TRADE, QUOTE, LOOP, LEAD = range(4)  # trades of a moment come before its quotes, which show the book after them
RULES = QuoteGuardRules()


class Session(NamedTuple):
    """One coin: quotes (time [ms], mid, half spread), trades (time [ms], 1 for a buy, price), σ at each quote."""

    coin: str
    quotes: np.ndarray
    trades: np.ndarray
    volatility: np.ndarray

    @property
    def hours(self) -> float:
        """Its length [h]."""
        return float(self.quotes[-1, 0] - self.quotes[0, 0]) / 3.6e6


class Variant(NamedTuple):
    """Who quotes; the guard's `latency_ms`, None without one, how long actions last [h], how early a leader is [ms]."""

    name: str
    follows: bool = False
    latency_ms: float | None = None
    hours_left: float = inf
    lead_ms: float | None = None


@dataclass
class Result:
    """Fills with time [ms] and gain before the fee [bps], cancels of the guard, and for how long a quote rested."""

    fills: list[tuple[float, float]] = field(default_factory=list)
    cancels: int = 0
    up_ms: float = 0.0


@dataclass
class Quote:
    """The one order of a side: price, from which distance it was planned [price], when it rests and is gone [ms]."""

    price: float
    planned: float
    rests_ms: float
    placed_ms: float
    gone_ms: float = inf


class Maker:
    """One side of one variant over one session."""

    def __init__(self, session: Session, side: Side, depth_bps: float, variant: Variant) -> None:
        self._session, self._side, self._depth_bps, self._variant = session, side, depth_bps, variant
        self._away = -1 if side is Side.BID else 1
        self._quote: Quote | None = None
        self._resumes_ms = self._seen_ms = -inf
        self.result = Result()

    def take(self, kind: int, time_ms: float, number: int, led: LedMid | None) -> None:
        """Take one event; `number` is that of the trade or else of the last quote."""
        if kind == TRADE:
            _, is_buy, price = self._session.trades[number]
            self.on_trade(time_ms, bool(is_buy), float(price))
        elif kind == QUOTE:
            self.on_quote(time_ms, number)
        elif kind == LOOP:
            self.on_loop(time_ms, number)
        elif led is not None:
            self.on_lead(time_ms, number, led)

    def on_quote(self, time_ms: float, number: int) -> None:
        """Mid has moved: who follows it moves, and the guard looks."""
        self._pass_to(time_ms)
        if self._variant.follows:
            if time_ms >= self._resumes_ms:
                self._quote = self._placed(time_ms, number, 0.0)
            return
        self.on_mid(time_ms, number, float(self._session.quotes[number, 1]))

    def on_lead(self, time_ms: float, number: int, led: LedMid) -> None:
        """A leader announces a mid, up to how far its announcements stray."""
        self._pass_to(time_ms)
        self.on_mid(time_ms, number, led.mid - self._away * led.noise)

    def on_mid(self, time_ms: float, number: int, mid: float) -> None:
        """The guard looks at this mid."""
        quote, latency_ms = self._quote, self._variant.latency_ms
        sigma = self._session.volatility[number]
        if quote is None or quote.gone_ms < inf or latency_ms is None or not isfinite(sigma):
            return
        size = LOT_USDC / mid
        order = OpenOrder(1, self._session.coin, self._side, quote.price, size, size, 0)
        if too_close(Guarded(order, quote.planned, sigma), mid, self._variant.hours_left, RULES):
            quote.gone_ms = time_ms + latency_ms
            self.result.cancels += 1

    def on_loop(self, time_ms: float, number: int) -> None:
        """The bot looks."""
        self._pass_to(time_ms)
        if self._variant.follows or time_ms < self._resumes_ms:
            return
        quote = self._quote
        if quote is None:
            self._quote = self._placed(time_ms, number, PLACED_MS)
        elif quote.gone_ms == inf:
            mid = self._session.quotes[number, 1]
            off_bps = (self._wanted(number) - self._away * (quote.price - mid)) / mid * 1e4
            if off_bps > TOLERANCE_BPS or (-off_bps > TOLERANCE_BPS and time_ms - quote.placed_ms >= LIFE_MS):
                self._quote = self._placed(time_ms, number, PLACED_MS)

    def on_trade(self, time_ms: float, is_buy: bool, price: float) -> None:
        """Somebody trades, perhaps with us."""
        self._pass_to(time_ms)
        quote = self._quote
        if quote is None or quote.rests_ms > time_ms or is_buy is (self._side is Side.BID):
            return
        if self._away * (price - quote.price) >= 0:
            times = self._session.quotes[:, 0]
            mark = self._session.quotes[np.searchsorted(times, time_ms + MARK_MS, side="right") - 1, 1]
            self.result.fills.append((time_ms, self._away * (quote.price - mark) / quote.price * 1e4))
            self._quote, self._resumes_ms = None, time_ms + AFTER_FILL_MS

    def _wanted(self, number: int) -> float:
        """Distance from mid [price]."""
        _, mid, half = self._session.quotes[number]
        return float(half + self._depth_bps * mid / 1e4)

    def _placed(self, time_ms: float, number: int, delay_ms: float) -> Quote:
        wanted, mid = self._wanted(number), float(self._session.quotes[number, 1])
        return Quote(mid + self._away * wanted, wanted, time_ms + delay_ms, time_ms)

    def _pass_to(self, time_ms: float) -> None:
        """Let time pass: count how long a quote rested, and let one go that is cancelled."""
        quote = self._quote
        if quote is not None:
            until_ms = min(time_ms, quote.gone_ms)
            self.result.up_ms += max(until_ms - max(self._seen_ms, quote.rests_ms), 0.0)
            if quote.gone_ms <= time_ms:
                self._quote = None
        self._seen_ms = time_ms


def load(store: TickStore, coin: str) -> Session:
    """The last session of the last day of a coin."""
    _, end_ms = store.extent(coin)
    window = end_ms - 86_400_000, end_ms
    columns = ["exchange_ms", "bid_price", "ask_price"]
    bbo = store.read(coin, Stream.BBO, *window, columns=columns).to_pandas().dropna().to_numpy(float)
    gaps = np.flatnonzero(np.diff(bbo[:, 0]) > SESSION_GAP_MS)
    bbo = bbo[gaps[-1] + 1 :] if len(gaps) else bbo
    quotes = np.column_stack([bbo[:, 0], (bbo[:, 1] + bbo[:, 2]) / 2, (bbo[:, 2] - bbo[:, 1]) / 2])
    table = store.read(coin, Stream.TRADES, *window, columns=["exchange_ms", "side", "price"]).to_pandas()
    trades = np.column_stack([table.exchange_ms, table.side == "buy", table.price]).astype(float)
    return Session(coin, quotes, trades[trades[:, 0] >= quotes[0, 0]], volatility(quotes))


def volatility(quotes: np.ndarray) -> np.ndarray:
    """σ at each quote from mids of the last minutes, one a second [price/√s]; NaN before there are enough."""
    seconds = np.arange(quotes[0, 0], quotes[-1, 0], 1000.0)
    moves = np.diff(quotes[np.searchsorted(quotes[:, 0], seconds, side="right") - 1, 1])
    sums = np.concatenate([[0.0], np.cumsum(moves**2)])
    last = ((quotes[:, 0] - quotes[0, 0]) // 1000).astype(int).clip(0, len(moves))
    first = (last - VOLATILITY_S).clip(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.sqrt((sums[last] - sums[first]) / (last - first))
    return np.where(last >= WARM_S, sigma, np.nan)


def heard(leader: Leader, session: Session, kind: int, place: int, now_s: float) -> LedMid | None:
    """Tell the leader's view of an event, and return what it announces if the event is its own."""
    _, mid, half = session.quotes[place if kind in (QUOTE, LEAD) else 0]
    if kind == QUOTE:
        leader.followed(session.coin, float(mid), now_s)
    if kind != LEAD:
        return None
    leader.led(BestQuote(session.coin, 0, Level(mid - half, 1.0), Level(mid + half, 1.0)), now_s)
    return leader.mid(session.coin, now_s)


def replay(session: Session, depth_bps: float, variant: Variant) -> Result:
    """Both sides of one variant."""
    makers = [Maker(session, side, depth_bps, variant) for side in Side]
    times, trades = session.quotes[:, 0], session.trades
    loops = np.arange(times[0], times[-1], LOOP_MS)
    leads = times[:0] if variant.lead_ms is None else times - variant.lead_ms
    each = (trades[:, 0], times, loops, leads)
    stamps, places = np.concatenate(each), np.concatenate([np.arange(len(part)) for part in each])
    kinds = np.repeat([TRADE, QUOTE, LOOP, LEAD], [len(part) for part in each])
    quote, leader = -1, Leader("half a second early")
    for event in np.lexsort((kinds, stamps)):
        kind, stamp, place = int(kinds[event]), float(stamps[event]), int(places[event])
        quote = place if kind == QUOTE else quote
        led = heard(leader, session, kind, place, stamp / 1e3)
        for maker in makers if quote >= 0 else ():
            maker.take(kind, stamp, place if kind == TRADE else quote, led)
    fills = [fill for maker in makers for fill in maker.result.fills]
    return Result(fills, sum(maker.result.cancels for maker in makers), sum(maker.result.up_ms for maker in makers) / 2)


VARIANTS = (
    Variant("follows mid at once", follows=True),
    Variant("bot"),
    *(Variant(f"guard, {latency:.0f} ms", latency_ms=latency) for latency in LATENCIES_MS),
    *(Variant(f"guard, {latency:.0f} ms, a day left", latency_ms=latency, hours_left=24.0) for latency in LATENCIES_MS),
    *(Variant(f"guard, {latency:.0f} ms, leader", latency_ms=latency, lead_ms=LEAD_MS) for latency in LATENCIES_MS[1:]),
)


def earned(result: Result, hours: float) -> float:
    """Money an hour after the fee [USDC]."""
    return sum(gain - FEE_BPS for _, gain in result.fills) / 1e4 * LOT_USDC / hours


def minutes(result: Result, session: Session) -> np.ndarray:
    """Money of each minute after the fee [USDC]."""
    money = np.zeros(int(session.hours * 60) + 1)
    for time_ms, gain in result.fills:
        money[int((time_ms - session.quotes[0, 0]) // 60_000)] += (gain - FEE_BPS) / 1e4 * LOT_USDC
    return money


def difference(result: Result, base: Result, session: Session) -> str:
    """What a variant earns more than the base an hour [USDC], paired by minutes, with the 95 % interval."""
    more = (minutes(result, session) - minutes(base, session)) * 60
    error = float(student.ppf(0.975, len(more) - 1) * np.std(more, ddof=1) / np.sqrt(len(more)))
    return f"{np.mean(more):+6.2f} ± {error:4.2f} USDC/h to following at once"


def shown(session: Session, depth_bps: float) -> list[str]:
    """Print every variant of one coin and depth; return what of the claim does not hold."""
    price, base, missed = RULES.actions * RULES.action_price, None, []
    print(f"\n{session.coin}, half a spread + {depth_bps:g} bps, {session.hours * 60:.0f} minutes")
    for variant in VARIANTS:
        result = replay(session, depth_bps, variant)
        base = base or result
        money, at_once = earned(result, session.hours), earned(base, session.hours)
        gain = float(np.mean([gain for _, gain in result.fills])) if result.fills else 0.0
        cancels, up = result.cancels / session.hours, result.up_ms / (session.hours * 3.6e6)
        told = f"{money / at_once:5.2f} of it, " if at_once < 0 else ""
        print(
            f"  {variant.name:26s} {len(result.fills) / session.hours:5.0f} fills/h {gain:+6.2f} bps "
            f"{money:+7.2f} USDC/h {told}{difference(result, base, session)}"
            f"  {cancels:5.0f} cancels/h = {cancels * price:4.2f} USDC/h  up {up:4.0%}"
        )
        if depth_bps == DEPTHS_BPS[0] and variant == Variant(variant.name, latency_ms=CLAIMED_MS):
            missed += [f"{session.coin} loses {money / at_once:.2f} of following at once"] if money < at_once else []
            missed += [f"{session.coin} is up {up:.0%}"] if session.coin in MAJORS and up < LEAST_UP else []
    return missed


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not root.is_dir():
        sys.exit(f"no recorded market data at {root}")
    store = TickStore(root)
    sessions = [load(store, coin) for coin in COINS if coin in store.coins()]
    missed = [text for depth_bps in DEPTHS_BPS for session in sessions for text in shown(session, depth_bps)]
    claim = f"no more loss than following at once, majors up {LEAST_UP:.0%}"
    print(f"\nnear the touch, cancels in {CLAIMED_MS:g} ms: {claim}: {'; '.join(missed) or 'yes'}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
