"""Which values the parameters of a strategy may have, without Freqtrade and without what searches through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.market.suggestion import did_you_mean


@dataclass(frozen=True)
class Dimension:
    """One parameter of a strategy.

    Parameters
    ----------
    name, group : str
        Its name and Freqtrade's space, under which a file of parameters holds it.
    default : Any
        Its value without a search; its type is that of all values.
    choices : tuple
        Its values, where they are listed.
    low, high : float
        Its bounds, where they are not.
    step : float or None
        Distance of neighbouring values; None where there is none.
    """

    name: str
    group: str
    default: Any
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its values are integers."""
        return not self.choices and isinstance(self.default, int)

    def within(self, said: Any) -> "Dimension":
        """The same, narrowed to a value, a list of values, or ``{"low": …, "high": …}``.

        Raises
        ------
        ConfigurationError
            If that is none of these, or goes beyond what the strategy accepts.
        """
        if isinstance(said, Mapping):
            return self._between(said)
        values = tuple(said) if isinstance(said, Sequence) and not isinstance(said, str) else (said,)
        if strange := [value for value in values if not self.accepts(value)]:
            raise ConfigurationError(f"{self.name} must be {self.accepted}, got {strange[0]!r}")
        if not values:
            raise ConfigurationError(f"{self.name} must have a value, got an empty list")
        return replace(self, choices=tuple(type(self.default)(value) for value in values))

    def _between(self, said: Mapping[str, Any]) -> "Dimension":
        low, high = said.get("low", self.low), said.get("high", self.high)
        is_range = not self.choices and set(said) <= {"low", "high"}
        if not is_range or not (self.accepts(low) and self.accepts(high) and low <= high):
            raise ConfigurationError(f"{self.name} must be {self.accepted}, got {dict(said)}")
        return replace(self, low=low, high=high)

    def accepts(self, value: Any) -> bool:
        """Whether the strategy accepts a value."""
        if self.choices:
            return value in self.choices
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high and not (self.is_whole and value != round(value))

    @property
    def accepted(self) -> str:
        """What it accepts, in words that follow "must be"."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        return f"a value, a list of values, or low and high, from {self.low:g} to {self.high:g}"


def narrowed(dimensions: Sequence[Dimension], said: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """The dimensions that are named, as far as they are allowed; all of them if none is named.

    Parameters
    ----------
    dimensions : Sequence[Dimension]
        Of a strategy.
    said : Mapping
        Allowed values by name; None for all.

    Raises
    ------
    ConfigurationError
        If a name is none, or a value is not accepted.
    """
    known = {each.name: each for each in dimensions}
    for name in said:
        if name not in known:
            raise ConfigurationError(
                f"a parameter must be one of {', '.join(known)}, got {name}{did_you_mean(name, known)}"
            )
    if not said:
        return tuple(dimensions)
    return tuple(known[name] if value is None else known[name].within(value) for name, value in said.items())
