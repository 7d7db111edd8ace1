"""What can come and go in a simulated market: bursts of orders, wider books, one surge that dies down."""

from dataclasses import dataclass
from math import exp, isfinite

import numpy as np
from numpy.typing import NDArray

from market.errors import ConfigurationError


def require(holds: bool, name: str, seen: float, accepted: str) -> None:
    """Refuse a value a market cannot be simulated with.

    Raises
    ------
    ConfigurationError
        Naming the value and what it must be.
    """
    if not (holds and isfinite(seen)):
        raise ConfigurationError(f"simulated market: {name} is {seen}, it must be {accepted}")


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
