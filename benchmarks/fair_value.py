"""What a quote gains per fill if it is anchored at mid + β·imbalance (+ γ·the leader's last second) and not at mid.

β and γ are fitted every minute to all seconds of the half hour before it (least squares of mid's next second on the
imbalance of the best sizes and on the last second of the leading coin, shrunk by their standard errors), so nothing
looks ahead. A quote on each side stands at the anchor as it was a while ago, 1 bp beyond the mean half-spread, and is
filled by orders that reach its price; a fill makes its price against mid a second later. Printed for each session and
age of the quote: the gain per fill in bp with its 95 % interval (clusters of 15 s) and the fills of both. A microprice,
mid moved by the half-spread times the imbalance, is printed as well. A gain counts where its interval lies above 0.

    python benchmarks/fair_value.py STORE [LEADER]      # BTC leads if no coin is named
"""

import sys
from typing import NamedTuple

import numpy as np
from forecast_skill import sessions

from calibration.estimators.shadow_maker import Fills, age_cost
from calibration.observation.increments import infer_increments
from calibration.observation.observations import observe, usable_quotes
from market_making.market.clock import utc_text
from market_making.market.tape import FloatArray, IntArray, QuoteTape, Tape
from market_making.recording.store.tick_store import TickStore

AGES_MS = (0, 250, 500, 1000, 2000)
DEPTH_BPS = 1.0
FEWEST_QUOTES = 1500
SECOND_MS, MINUTE_MS, WINDOW_MS, WARMUP_MS = 1000, 60_000, 1_800_000, 240_000
OLDEST_MS = 5000  # a quote of the leader that is older says nothing


class Market(NamedTuple):
    """Quotes of a session and those of the leader."""

    quotes: QuoteTape
    leader: QuoteTape | None

    def at(self, time_ms: IntArray) -> FloatArray:
        """Imbalance, and the leader's last second if there is one, known just before each time, shape (n, 1 or 2)."""
        last = before(self.quotes, time_ms)
        bid, ask = self.quotes.bid_size[last], self.quotes.ask_size[last]
        columns = [(bid - ask) / (bid + ask)]
        if self.leader is not None:
            now, then = before(self.leader, time_ms), before(self.leader, time_ms - SECOND_MS)
            move = np.log(self.leader.mid[now] / self.leader.mid[then]) * self.quotes.mid[last]
            columns.append(np.where(time_ms - self.leader.time_ms[then] > OLDEST_MS, 0.0, move))
        return np.column_stack(columns)


def before(quotes: QuoteTape, time_ms: IntArray) -> IntArray:
    """Position of the last quote strictly before each time, the first where there is none."""
    return np.maximum(np.searchsorted(quotes.time_ms, time_ms, side="left") - 1, 0)


def coefficients(market: Market) -> tuple[IntArray, FloatArray]:
    """Begins of the minutes, and β and γ known there; 0 before `WARMUP_MS` have been seen."""
    quotes = market.quotes
    second = np.arange(quotes.time_ms[0] + SECOND_MS, quotes.time_ms[-1] - SECOND_MS, SECOND_MS)
    signs = market.at(second)
    move = quotes.mid[before(quotes, second + SECOND_MS)] - quotes.mid[before(quotes, second)]
    fresh = second - quotes.time_ms[before(quotes, second)] < OLDEST_MS
    minutes = np.arange(quotes.time_ms[0], quotes.time_ms[-1], MINUTE_MS)
    found = np.zeros((len(minutes), signs.shape[1]))
    for row, minute in enumerate(minutes):
        known = fresh & (second + SECOND_MS <= minute) & (second > minute - WINDOW_MS)
        if minute - quotes.time_ms[0] >= WARMUP_MS and np.count_nonzero(known) > 2 * signs.shape[1]:
            found[row] = shrunk(signs[known], move[known])
    return minutes, found


def shrunk(signs: FloatArray, move: FloatArray) -> FloatArray:
    """Least squares, each coefficient times β²/(β² + s.e.²)."""
    inverse = np.linalg.pinv(signs.T @ signs)
    beta = inverse @ (signs.T @ move)
    error = float((move - signs @ beta).var()) * np.diag(inverse)
    return np.asarray(beta * beta**2 / np.maximum(beta**2 + error, 1e-300))


def filled(tape: Tape, tick: float, anchor: FloatArray, since_ms: int) -> Fills:
    """Fills of quotes around `anchor`, one entry an order of the tape."""
    observed = observe(tape, tick)
    orders, depth = observed.orders, observed.seconds.mean_half_spread + DEPTH_BPS * observed.mid / 1e4
    sign = orders.sign.astype(float)
    price = np.ceil((sign * anchor + depth) / tick - 1e-6) * tick
    met = (sign * orders.mid + orders.reach >= price - 1e-6 * tick) & (orders.time_ms >= since_ms)
    return Fills(orders.time_ms[met], (price - sign * orders.mid - orders.markout)[met])


def report(name: str, tape: Tape, leader: QuoteTape | None) -> None:
    """Print a line an age."""
    quotes = usable_quotes(tape.quotes)
    tick = infer_increments(tape.quotes).tick
    observed = observe(tape, tick)
    orders, bp = observed.orders, observed.mid / 1e4
    minutes, found = coefficients(Market(quotes, leader))
    own = coefficients(Market(quotes, None))[1]
    minute = np.maximum(np.searchsorted(minutes, orders.time_ms, side="right") - 1, 0)
    told = ", ".join(f"{value:.3f}" for value in own.mean(axis=0) / bp)
    print(f"{name}: β {told} bp per unit of imbalance on average, {len(orders)} orders")
    for age_ms in AGES_MS:
        then = orders.time_ms - age_ms
        last = before(quotes, then)
        mid, since_ms = quotes.mid[last], int(quotes.time_ms[0]) + WARMUP_MS
        plain = filled(tape, tick, mid, since_ms)
        anchors = {"imbalance": mid + (Market(quotes, None).at(then) * own[minute]).sum(axis=1)}
        if leader is not None:
            anchors["with leader"] = mid + (Market(quotes, leader).at(then) * found[minute]).sum(axis=1)
        anchors["microprice"] = mid + Market(quotes, None).at(then)[:, 0] * quotes.half_spread[last]
        line = []
        for kind, anchor in anchors.items():
            fills = filled(tape, tick, anchor, since_ms)
            gain = age_cost(fills, plain)
            gained = f"{gain.value / bp:+.2f} ± {(gain.high - gain.value) / bp:.2f}" if gain else "-"
            line.append(f"{kind} {gained} ({len(plain.net)} -> {len(fills.net)})")
        print(f"   {age_ms / 1e3:4.2f} s  " + "; ".join(line))


def main() -> None:
    store, leader = TickStore(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "BTC"
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) >= FEWEST_QUOTES:
                other = usable_quotes(store.tape(leader, tape.start_ms, tape.end_ms).quotes) if coin != leader else None
                led = other if other is not None and len(other.time_ms) else None
                report(f"{coin} {utc_text(tape.start_ms)}", tape, led)


if __name__ == "__main__":
    main()
