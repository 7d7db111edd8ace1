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
    └── SafetyError               a safety check refused
"""


class MarketMakingError(Exception):
    """Base of all errors a caller may want to catch."""


class ConfigurationError(MarketMakingError):
    """A setting is wrong; the message names the key, the value seen and the values accepted."""


class DataError(MarketMakingError):
    """Recorded or received data cannot be used."""


class NotEnoughData(DataError):
    """Too few observations; the message says how many were seen and how many are needed."""


class MalformedMessage(DataError):
    """A message or a file does not have the form it must have."""


class UnknownCoin(DataError):
    """The venue does not list this coin."""


class ParameterError(MarketMakingError):
    """A parameter file must not be quoted from."""


class MissingParameters(ParameterError):
    """There is no parameter file."""


class InvalidParameters(ParameterError):
    """The parameter file is torn, of another schema, venue or coin, or out of bounds."""


class StaleParameters(ParameterError):
    """The parameter file is past its ``valid_until_ms``."""


class ModelError(MarketMakingError):
    """The equations have no usable solution for these numbers."""


class InvalidFlow(ModelError):
    """A model input is not positive or not finite."""


class NoSolution(ModelError):
    """The solver did not converge, or there is no stationary limit."""


class SafetyError(MarketMakingError):
    """A safety check refused."""
