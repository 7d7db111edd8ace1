"""Every error this project raises on purpose.

::

    MarketMakingError
    ├── ConfigurationError        a setting is wrong: key, value seen, values accepted
    ├── DataError                 recorded or received data cannot be used
    │   ├── NotEnoughData         too few observations: how many were seen, how many are needed
    │   ├── MalformedMessage      a message or a file does not have the form it must have
    │   └── UnknownCoin           the venue does not list it
    ├── ParameterError            a parameter file must not be quoted from
    │   ├── MissingParameters     there is no such file
    │   ├── InvalidParameters     torn, wrong schema, another venue or coin, out of bounds
    │   └── StaleParameters       past its valid_until
    ├── ModelError                the equations have no usable solution for these numbers
    │   ├── InvalidFlow           an input is not positive or not finite
    │   └── NoSolution            the solver did not converge, or no stationary limit exists
    ├── SafetyError               a safety check refused
    └── LostRows                  rows were received and could not be written

Each error has a `reason` to count by; one that has many causes is told its reason when it is raised.
"""

from market_making.market.reasons import Because, Reason


class MarketMakingError(Exception):
    """Base of all errors a caller may want to catch; `reason` is what logs and state files group by."""

    reason = Reason.UNEXPECTED

    def __init__(self, message: str = "", *, reason: Reason | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason

    @property
    def because(self) -> Because:
        """The reason together with the message."""
        return Because(self.reason, str(self))


class ConfigurationError(MarketMakingError):
    """A setting is wrong; the message names the key, the value seen and the values accepted."""


class DataError(MarketMakingError):
    """Recorded or received data cannot be used."""

    reason = Reason.NUMBERS_UNUSABLE


class NotEnoughData(DataError):
    """Too few observations; the message says how many were seen and how many are needed."""

    reason = Reason.NO_HISTORY


class MalformedMessage(DataError):
    """A message or a file does not have the form it must have."""


class UnknownCoin(DataError):
    """The venue does not list this coin."""

    reason = Reason.MARKET_UNKNOWN


class ParameterError(MarketMakingError):
    """A parameter file must not be quoted from."""


class MissingParameters(ParameterError):
    """There is no parameter file."""

    reason = Reason.PARAMETERS_MISSING


class InvalidParameters(ParameterError):
    """The parameter file is torn, of another schema, venue or coin, or out of bounds."""

    reason = Reason.PARAMETERS_INVALID


class StaleParameters(ParameterError):
    """The parameter file is past its ``valid_until_ms``."""

    reason = Reason.PARAMETERS_STALE


class ModelError(MarketMakingError):
    """The equations have no usable solution for these numbers."""

    reason = Reason.NO_SOLUTION


class InvalidFlow(ModelError):
    """A model input is not positive or not finite."""

    reason = Reason.NUMBERS_UNUSABLE


class NoSolution(ModelError):
    """The solver did not converge, or there is no stationary limit."""


class SafetyError(MarketMakingError):
    """A safety check refused."""


class LostRows(MarketMakingError):
    """Rows were received and could not be written; the message says how many."""
