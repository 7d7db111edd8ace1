"""Sessions of a replay, drawn at random, with everything that can be in one."""

from math import fsum

import numpy as np

from market_making.replay.result import Fundings, Orders, Outcome, ReplayResult, Session, Touch, fills_of

START_MS = 1_757_016_000_000
FEE = 0.00015


def session(seed=0, *, seconds=900, fills=60, start_ms=START_MS, edge_bps=1.0, funding=True, drift=0.0):
    """A walk of mid, quotes around it, some of which were filled, in parts and by takers too."""
    random = np.random.default_rng(seed)
    count = seconds * 2
    touch_ms = start_ms + np.sort(random.integers(0, seconds * 1000, count))
    touch_ms[0] = start_ms
    mid = 3000 + np.cumsum(random.normal(drift, 0.1, count))
    touch = Touch(touch_ms, np.round(mid - 0.1, 1), np.round(mid + 0.1, 1))
    number = fills + 20
    placed = start_ms + np.sort(random.integers(0, seconds * 1000 - 5000, number))
    ended = placed + random.integers(500, 5000, number)
    sign = random.choice([-1, 1], number)
    outcome = np.full(number, Outcome.CANCELLED)
    outcome[random.permutation(number)[:fills]] = Outcome.FILLED
    outcome[np.flatnonzero(outcome == Outcome.CANCELLED)[:5]] = Outcome.REFUSED
    price = np.round(touch.mid_at(placed) - sign * 3000 * edge_bps / 1e4, 1)
    size = np.round(random.uniform(0.01, 0.05, number), 4)
    orders = Orders(
        placed - 100, placed, ended, np.zeros(number, int), sign, outcome, price, size, touch.mid_at(placed)
    )
    rows = []
    for order in np.flatnonzero(outcome == Outcome.FILLED):
        for share, part_ms in ((0.4, ended[order] - 200), (0.6, ended[order])):
            coins, is_maker = size[order] * share, random.random() > 0.1
            fee = price[order] * coins * FEE
            before = touch.mid_before(np.array([part_ms])).item()
            rows.append((part_ms, order, 0, sign[order], price[order], coins, fee, is_maker, before))
    filled = fills_of(sorted(rows))
    paid = Fundings(np.array([start_ms + 1000 * (seconds // 2)]), np.zeros(1, int), np.array([-0.01]))
    none = Fundings(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    fundings = paid if funding else none
    cash = -fsum(filled.sign * filled.size * filled.price) - fsum(filled.fee) + fsum(fundings.amount)
    return Session(
        start_ms, start_ms + seconds * 1000, filled, orders, touch, fundings, seconds, seconds, 0.0, 1000,
        fsum(filled.sign * filled.size), cash,
    )  # fmt: skip


def result(*sessions, **changes):
    """A run of these sessions."""
    given = {"strategy": "MarketMaking", "coin": "ETH", "engine": "hftbacktest", "maker_fee": FEE, "wall_s": 2.0}
    return ReplayResult(sessions=tuple(sessions), **(given | changes))


def several(count, **changes):
    """A run of several sessions, one after the other with a gap between them."""
    length_ms = 1000 * changes.get("seconds", 900)
    return result(*(session(n, start_ms=START_MS + n * (length_ms + 60_000), **changes) for n in range(count)))
