"""Sums that are the same to the last bit in every version of Python."""

from collections.abc import Iterable
from functools import reduce
from operator import add


def in_sequence(values: Iterable[float]) -> float:
    """The sum, each added to what has been summed before.

    Since Python 3.12 `sum` corrects what rounding has lost of floats. A plan that one version has logged must come out
    of another bit for bit, and out of the compiled desk too, which adds in sequence.

    Examples
    --------
    The 1 is lost in rounding:

    >>> in_sequence([1e16, 1.0, -1e16])
    0.0
    """
    return reduce(add, values, 0.0)
