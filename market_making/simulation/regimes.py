"""What can come and go in a simulated market: bursts of orders, wider books, one surge that dies down."""

from dataclasses import dataclass
from math import exp, isfinite

import numpy as np
from numpy.typing import NDArray

from market_making.market.errors import ConfigurationError


def require(holds: bool, name: str, seen: float, accepted: str) -> None:
    """Refuse a value a market cannot be simulated with.

    Raises
    ------
    ConfigurationError
        Naming the value and what it must be.
    """
    if not (holds and isfinite(seen)):
        raise ConfigurationError(f"simulated market: {name} must be {accepted}, got {seen}")


@dataclass(frozen=True)
class Alternation:
    """A state that comes and goes: `share` of the time, in spells of `spell_s` seconds on average (exponential)."""

    share: float
    spell_s: float

    def __post_init__(self) -> None:
        require(0 < self.share < 1, "share", self.share, "between 0 and 1")
        require(self.spell_s > 0, "spell_s", self.spell_s, "positive")

    @property
    def pause_s(self) -> float:
        """Mean time between two spells [s]."""
        return self.spell_s * (1 - self.share) / self.share


@dataclass(frozen=True)
class Bursts(Alternation):
    """Spells in which both arrival rates are `ratio` times those of the time between; the mean rates are kept."""

    ratio: float

    @property
    def calm_factor(self) -> float:
        """Rate between bursts, relative to the mean rate."""
        return 1 / (1 - self.share + self.share * self.ratio)

    def fano(self, rate: float, bucket_s: float) -> float:
        """Variance over mean of the number of orders in a bucket (two-state Markov-modulated Poisson process)."""
        step = (self.ratio - 1) * self.calm_factor
        decay = 1 / self.spell_s + 1 / self.pause_s
        memory = bucket_s / decay - (1 - exp(-decay * bucket_s)) / decay**2
        return 1 + 2 * self.share * (1 - self.share) * rate * step**2 * memory / bucket_s


@dataclass(frozen=True)
class Widening(Alternation):
    """Spells in which each side of the book stands `extra_ticks` further away; mid does not move."""

    extra_ticks: int


@dataclass(frozen=True)
class SelfExcitation:
    """Orders that bring others of their direction: `branching` each and after `decay_s`, on average (Hawkes, 1971).

    The mean rate is kept. Orders then come in runs, an order tells of others behind it, and mid has momentum: what is
    measured after an order, and the variance of mid per second, grow with the horizon.
    """

    branching: float
    decay_s: float

    def __post_init__(self) -> None:
        require(0 < self.branching < 1, "branching", self.branching, "between 0 and 1")
        require(0 < self.memory_s <= 10, "decay_s / (1 - branching)", self.memory_s, "at most 10 s")

    @property
    def memory_s(self) -> float:
        """Time constant of the excess of orders around an order [s]."""
        return self.decay_s / (1 - self.branching)

    @property
    def _total(self) -> float:
        return self.branching * (2 - self.branching) / (2 * (1 - self.branching) ** 2)

    def excess_orders(self, horizon_s: float) -> float:
        """Mean number of orders of the same direction within the horizon after an order, above the usual number."""
        return self._total * (1 - exp(-horizon_s / self.memory_s))

    def fano(self, bucket_s: float) -> float:
        """Variance over mean of the number of orders in a bucket."""
        buckets = bucket_s / self.memory_s
        return 1 + 2 * self._total * (1 - (1 - exp(-buckets)) / buckets)

    def descendants(self, times_ms: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        """Times of all orders that these orders bring, and those in turn."""
        generations = [times_ms[:0]]
        while len(times_ms):
            children = random.poisson(self.branching, len(times_ms))
            delays = random.exponential(1e3 * self.decay_s, int(children.sum()))
            times_ms = np.repeat(times_ms, children) + delays
            generations.append(times_ms)
        return np.concatenate(generations)


@dataclass(frozen=True)
class Surge:
    """One burst that dies down: from `start_s` rates and moves are multiplied, decaying back to 1 over `decay_s`."""

    start_s: float
    decay_s: float
    arrival: float = 1.0
    impact: float = 1.0

    def factor(self, time_s: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
        """Multiplier at each time for a multiplier of `peak` at the start."""
        since = np.maximum(time_s - self.start_s, 0.0)
        return np.where(time_s < self.start_s, 1.0, 1.0 + (peak - 1.0) * np.exp(-since / self.decay_s))
