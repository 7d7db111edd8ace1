"""95 % intervals of sums that are correlated in time: batch means, and the stationary bootstrap beside them.

Batch means: the session is cut into blocks that are long against what correlates fills, and the blocks are taken for
independent; Student's t knows that they are few. benchmarks/replay_accounts.py counts how often it holds the truth in
simulated markets, beside the bootstrap.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from market_making.market.tape import FloatArray

LEAST_BLOCKS, LEAST_FILLS = 12, 30
TOO_SHORT = "too short to tell"
_TAIL = 0.025


class Interval(NamedTuple):
    """Lower and upper end of a 95 % interval."""

    low: float
    high: float


def batch_means(blocks: FloatArray) -> float:
    """Half width of the interval of the mean of a block; NaN of fewer than two blocks."""
    n = len(blocks)
    if n < 2:
        return float("nan")
    return float(stdtrit(n - 1, 1 - _TAIL) * np.std(blocks, ddof=1) / np.sqrt(n))


def batch_ratio(numerators: FloatArray, denominators: FloatArray) -> float:
    """Half width of the interval of a ratio of sums over blocks (first order); NaN of fewer than two blocks.

    Source: Cochran, Sampling Techniques, 3rd ed., section 6.4.
    """
    total = float(np.sum(denominators))
    if len(numerators) < 2 or total == 0:
        return float("nan")
    ratio = float(np.sum(numerators)) / total
    return batch_means(numerators - ratio * denominators) * len(numerators) / abs(total)


def stationary_bootstrap(steps: FloatArray, mean_length: float, *, draws: int = 1000, seed: int = 1) -> Interval | None:
    """Percentile interval of the mean of a step; None of fewer than two steps.

    Source: Politis and Romano (1994): blocks of geometric length start anywhere and wrap around.

    Parameters
    ----------
    steps : FloatArray
        A stationary sequence, shape (n,).
    mean_length : float
        Mean length of a block [steps].
    draws, seed : int
        Number of resampled sequences, and seed of the random numbers.
    """
    n = len(steps)
    if n < 2:
        return None
    random = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        starts = random.random(n) < 1 / mean_length
        starts[0] = True
        first = np.flatnonzero(starts)
        lengths = np.diff(np.append(first, n))
        begin = np.repeat(random.integers(0, n, len(first)), lengths)
        within = np.arange(n) - np.repeat(first, lengths)
        means[draw] = np.mean(steps[(begin + within) % n])
    low, high = np.quantile(means, [_TAIL, 1 - _TAIL])
    return Interval(float(low), float(high))


def wilson(successes: int, n: int) -> Interval | None:
    """Interval of a share; None of nothing. Source: Wilson (1927)."""
    if n == 0:
        return None
    z = 1.959963984540054
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def median_interval(values: FloatArray) -> Interval | None:
    """Interval of the median from order statistics, whatever the distribution; None of fewer than six values."""
    from scipy.stats import binom  # noqa: PLC0415 - loads for half a second, and 25 MB in each worker of a study

    n = len(values)
    rank = int(binom.ppf(_TAIL, n, 0.5))
    if n < 6 or rank < 1:
        return None
    ordered = np.sort(values)
    return Interval(float(ordered[rank - 1]), float(ordered[n - rank]))
