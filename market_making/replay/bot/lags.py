"""How long everything takes between the exchange and the bot: constant, or drawn from what a live run has measured."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from market_making.market.errors import ConfigurationError
from market_making.market.tape import FloatArray


@dataclass(frozen=True)
class Lags:
    """Times of one loop [ms].

    Parameters
    ----------
    feed_ms : int
        Age of what the bot sees: a book, or the state of an order.
    decide_ms : int
        From the start of a loop, at which the book is read, until its orders are looked after.
    entry_ms, response_ms : int
        Of a request on its way to the exchange, and of the answer on its way back.
    period_ms : int
        From the start of a loop to the start of the next.
    pause_ms : int
        From the end of a loop to the start of the next at least.
    """

    feed_ms: int = 50
    decide_ms: int = 50
    entry_ms: int = 50
    response_ms: int = 50
    period_ms: int = 1_000
    pause_ms: int = 20

    def __post_init__(self) -> None:
        """Refuse times that cannot be.

        Raises
        ------
        ConfigurationError
            Naming the time.
        """
        for name, value in vars(self).items():
            least = 1 if name == "period_ms" else 0
            if not least <= value <= 600_000:
                raise ConfigurationError(f"{name} must be from {least} to 600000, got {value}")


LAG_NAMES = tuple(field.name for field in fields(Lags))


class LagProfile:
    """Lags loop by loop.

    Parameters
    ----------
    usual : Lags
        What holds for a time that was not measured.
    measured : Mapping[str, FloatArray], optional
        Samples of some of the times [ms]; each loop draws one of each.
    seed : int
        Of the draws: the same seed, the same run.

    Raises
    ------
    ConfigurationError
        If a name is none, or a sample is no time.
    """

    def __init__(self, usual: Lags, measured: Mapping[str, FloatArray] | None = None, seed: int = 1) -> None:
        self._usual = usual
        self._measured = {name: np.asarray(samples, dtype=np.float64) for name, samples in (measured or {}).items()}
        for name, samples in self._measured.items():
            if name not in LAG_NAMES:
                raise ConfigurationError(f"a latency profile must have {', '.join(LAG_NAMES)}, got {name}")
            if not len(samples) or not np.all((samples >= 0) & (samples <= 600_000)):
                raise ConfigurationError(f"{name} of a latency profile must be times from 0 to 600000 ms")
        self._random = np.random.default_rng(seed)

    def drawn_by(self, seed: int) -> "LagProfile":
        """The same times, drawn in another sequence."""
        return LagProfile(self._usual, self._measured, seed)

    @property
    def is_measured(self) -> bool:
        """Whether the times differ from loop to loop."""
        return bool(self._measured)

    def draw(self) -> Lags:
        """Times of the next loop."""
        if not self._measured:
            return self._usual
        drawn = {name: round(float(self._random.choice(samples))) for name, samples in self._measured.items()}
        return Lags(**vars(self._usual) | drawn)
