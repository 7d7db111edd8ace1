r"""What a quote gains if it is anchored where mid is going and not at mid.

.. math:: \hat S_t = S_t + \beta I_t + \gamma S_t (\ln S^{leader}_t - \ln S^{leader}_{t - 1 s})

with I the imbalance of the best sizes, (bid − ask) / (bid + ask), and β, γ by least squares of mid's next second on
both, fitted every minute to the seconds of the half hour before it and each shrunk by β² / (β² + s.e.²). Nothing looks
ahead: the gain is out of sample. A quote on each side stands at the anchor as it was a while ago; orders that reach its
price fill it, and a fill makes its price against mid a second later.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from calibration.estimators.adverse_selection import CLUSTER_MS, cluster_spread
from calibration.estimators.best_quotes import BestQuotes
from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.lead_time import OLDEST_MS, last_before
from calibration.estimators.market_orders import HORIZON_MS, MarketOrders
from calibration.estimators.shadow_maker import Fills
from market_making.market.tape import FloatArray, IntArray, QuoteTape

AGES_MS = (0, 250, 500, 1000, 2000)
WINDOW_MS, REFIT_MS, WARMUP_MS = 1_800_000, 60_000, 240_000
FEWEST_FILLS = 10
FEWEST_SECONDS = 60
_ROUNDING = 1e-6  # of a tick
# Quotes stand at several depths within a tick, as far from where rounding turns on either side: mid is on the grid or
# half a tick beside it, and an anchor that is not would be rounded outwards more often, which looks like a gain.
_STAGGER = (np.arange(4) + 0.5) / 4 - 0.5


class Signs(NamedTuple):
    """Quotes of a market, and those of a leader if there is one, stamped by one clock."""

    quotes: BestQuotes
    leader: BestQuotes | None = None

    def at(self, time_ms: IntArray) -> FloatArray:
        """What was known just before each time, shape (n, 1 or 2): imbalance [1], the leader's last second [price].

        A leader that has been silent says 0.
        """
        last = last_before(self.quotes, time_ms)
        columns = [self.quotes.imbalance[last].astype(np.float64)]
        if self.leader is not None and len(self.leader):
            now, then = last_before(self.leader, time_ms), last_before(self.leader, time_ms - HORIZON_MS)
            move = np.log(self.leader.mid[now] / self.leader.mid[then]) * self.quotes.mid[last]
            is_old = time_ms - HORIZON_MS - self.leader.time_ms[then] > OLDEST_MS
            columns.append(np.where(is_old, 0.0, move))
        return np.column_stack(columns)


class Coefficients(NamedTuple):
    """β, and γ if there is a leader, as they were known from each minute on.

    Attributes
    ----------
    since_ms : IntArray, shape (m,)
        Begins of the minutes.
    values : FloatArray, shape (m, 1 or 2)
        Shrunk; 0 before `WARMUP_MS` have been seen.
    overall, shrunk : tuple of Estimate
        Of all seconds, errors clustered by 15 s; as they are, and shrunk as `values` are.
    """

    since_ms: IntArray
    values: FloatArray
    overall: tuple[Estimate, ...] = ()
    shrunk: tuple[Estimate, ...] = ()

    def at(self, time_ms: IntArray) -> FloatArray:
        """Those known at each time, shape (n, 1 or 2)."""
        known: FloatArray = self.values[np.maximum(np.searchsorted(self.since_ms, time_ms, side="right") - 1, 0)]
        return known


class Placement(NamedTuple):
    """Where a quote stands: beyond its anchor, on the grid [price]."""

    depth: float
    tick: float


class Gain(NamedTuple):
    """What anchoring gains at one age of the quote.

    Attributes
    ----------
    age_ms : int
        How old the anchor is when an order comes.
    per_fill : Estimate or None
        Net per fill against a quote around mid of the same age [price]; None where nothing was filled.
    plain, anchored : int
        Fills of both.
    """

    age_ms: int
    per_fill: Estimate | None
    plain: int
    anchored: int

    @property
    def is_sure(self) -> bool:
        """Whether it may be relied on: the interval lies above 0, and enough fills stand behind it."""
        enough = min(self.plain, self.anchored) >= FEWEST_FILLS
        return enough and self.per_fill is not None and self.per_fill.low > 0


def fit(signs: Signs) -> Coefficients:
    """Fit the coefficients every minute to what came before."""
    quotes = signs.quotes
    second = np.arange(quotes.time_ms[0] + HORIZON_MS, quotes.time_ms[-1] - HORIZON_MS, HORIZON_MS)
    last, coming = last_before(quotes, second), last_before(quotes, second + HORIZON_MS)
    is_fresh = (second - quotes.time_ms[last] < OLDEST_MS) & (second + HORIZON_MS - quotes.time_ms[coming] < OLDEST_MS)
    second, last, coming = second[is_fresh], last[is_fresh], coming[is_fresh]
    known, move = signs.at(second), quotes.mid[coming] - quotes.mid[last]
    minutes = np.arange(quotes.time_ms[0], quotes.time_ms[-1], REFIT_MS)
    values = np.zeros((len(minutes), known.shape[1]))
    for row, minute in enumerate(minutes):
        first, end = np.searchsorted(second, [minute - WINDOW_MS, minute - HORIZON_MS], side="right")
        if minute - quotes.time_ms[0] >= WARMUP_MS and end - first >= FEWEST_SECONDS:
            values[row] = _least_squares(known[first:end], move[first:end], second[first:end]).shrunk
    return Coefficients(minutes, values, *_estimates(known, move, second))


def gains(
    signs: Signs, orders: MarketOrders, placement: Placement, known: Coefficients, ages_ms: Sequence[int] = AGES_MS
) -> tuple[Gain, ...]:
    """Out-of-sample gain of quotes that stand at mid + β·imbalance + γ·leader, by the age of the quote.

    Parameters
    ----------
    signs : Signs
        What the anchor is made of.
    orders : MarketOrders
        Of both directions; those before `WARMUP_MS` do not count.
    placement : Placement
        Where quotes stand.
    known : Coefficients
        Of `fit`.
    ages_ms : sequence of int
        Ages of the quote.
    """
    found, since_ms = [], int(signs.quotes.time_ms[0]) + WARMUP_MS
    met = orders.where(orders.time_ms >= since_ms)
    for age_ms in ages_ms:
        then = met.time_ms - age_ms
        mid = signs.quotes.mid[last_before(signs.quotes, then)]
        anchor = mid + (signs.at(then) * known.at(then)).sum(axis=1)
        plain, anchored = (_fills(met, price, placement) for price in (mid, anchor))
        found.append(Gain(age_ms, _difference(anchored, plain), _count(plain), _count(anchored)))
    return tuple(found)


def microprice(quotes: QuoteTape) -> Coefficients:
    """The anchor that needs no fit: mid and the imbalance times the half-spread."""
    return Coefficients(quotes.time_ms + 1, quotes.half_spread[:, None])


def _fills(orders: MarketOrders, anchor: FloatArray, placement: Placement) -> Fills:
    """Fills of quotes around an anchor, one entry an order and quote that fills and whose outcome was seen."""
    sign, tick = orders.sign.astype(float)[:, None], placement.tick
    depth = max(round(2 * placement.depth / tick), 1) / 2
    price = np.ceil(sign * anchor[:, None] / tick + depth + _STAGGER - _ROUNDING) * tick
    met = sign * orders.mid[:, None] + orders.reach[:, None] >= price - _ROUNDING * tick
    time_ms = np.broadcast_to(orders.time_ms[:, None], met.shape)[met]
    return Fills(time_ms, (price - sign * orders.mid[:, None] - orders.markout[:, None])[met]).known


def _count(fills: Fills) -> int:
    """How many fills a single quote has had."""
    return round(len(fills.net) / len(_STAGGER))


def _difference(one: Fills, other: Fills) -> Estimate | None:
    """Difference of the means of two records that met the same bursts, errors clustered by 15 s."""
    if min(len(one.net), len(other.net)) == 0:
        return None
    origin = min(int(part.time_ms[0]) for part in (one, other)) // CLUSTER_MS
    size = max(int(part.time_ms[-1]) for part in (one, other)) // CLUSTER_MS - origin + 1
    residual, used = np.zeros(size), np.zeros(size, dtype=bool)
    for part, weight in ((one, 1.0), (other, -1.0)):
        cluster = part.time_ms // CLUSTER_MS - origin
        residual += np.bincount(cluster, weights=weight * (part.net - part.net.mean()) / len(part.net), minlength=size)
        used[cluster] = True
    value, clusters = float(one.net.mean() - other.net.mean()), int(np.count_nonzero(used))
    if clusters < 2:
        return None
    spread = cluster_spread(residual, clusters)
    width = float(stdtrit(max(spread.freedom, 1.0), 0.975)) * spread.error
    return Estimate(value, value - width, value + width, min(_count(one), _count(other)))


class _Fit(NamedTuple):
    """Coefficients, their standard errors, and the degrees of freedom of these."""

    values: FloatArray
    errors: FloatArray
    freedom: int

    @property
    def shrunk(self) -> FloatArray:
        """Each coefficient times β² / (β² + s.e.²)."""
        return self.values * self._weights

    def estimates(self, n: int) -> tuple[Estimate, ...]:
        """Each coefficient with its 95 % interval."""
        return _with_intervals(self.values, self._quantile * self.errors, n)

    def shrunk_estimates(self, n: int) -> tuple[Estimate, ...]:
        """The same shrunk; what pulls them towards 0 makes their intervals shorter, too."""
        return _with_intervals(self.shrunk, self._quantile * self.errors * np.sqrt(self._weights), n)

    @property
    def _quantile(self) -> float:
        return float(stdtrit(self.freedom, 0.975))

    @property
    def _weights(self) -> FloatArray:
        square = self.values**2
        weights: FloatArray = square / np.maximum(square + self.errors**2, 1e-300)
        return weights


def _least_squares(signs: FloatArray, move: FloatArray, time_ms: IntArray) -> _Fit:
    """Fit some seconds, errors clustered by 15 s; 0 ± 0 for a sign that never differs from 0."""
    inverse = np.linalg.pinv(signs.T @ signs)
    values = inverse @ (signs.T @ move)
    score = signs * (move - signs @ values)[:, None]
    cluster = np.unique(time_ms // CLUSTER_MS, return_inverse=True)[1]
    clusters = int(cluster[-1]) + 1
    summed = np.zeros((clusters, signs.shape[1]))
    np.add.at(summed, cluster, score)
    variance = np.diag(inverse @ (summed.T @ summed) @ inverse) * clusters / max(clusters - 1, 1)
    return _Fit(values, np.sqrt(np.maximum(variance, 0.0)), max(clusters - 1, 1))


def _with_intervals(values: FloatArray, widths: FloatArray, n: int) -> tuple[Estimate, ...]:
    return tuple(
        Estimate(value, value - width, value + width, n)
        for value, width in zip(values.tolist(), widths.tolist(), strict=True)
    )


def _estimates(
    signs: FloatArray, move: FloatArray, time_ms: IntArray
) -> tuple[tuple[Estimate, ...], tuple[Estimate, ...]]:
    """Coefficients of all seconds, and the same shrunk; 0 where there are too few seconds to tell."""
    if len(move) < FEWEST_SECONDS:
        unknown = (Estimate(0.0, 0.0, 0.0, len(move), EstimateSource.PRIOR),) * signs.shape[1]
        return unknown, unknown
    found = _least_squares(signs, move, time_ms)
    return found.estimates(len(move)), found.shrunk_estimates(len(move))
