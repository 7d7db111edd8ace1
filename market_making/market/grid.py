"""Rounding to a grid of decimal numbers in floating point, exact to the last bit.

A valid number is n units of 10^−k, which one division of whole numbers rounds correctly. The shortest texts of two
numbers compare as the numbers do, so the neighbours of a wish are found by comparing and never by a tolerance: 0.1 +
0.2 loses no tick, and a hair less than 0.3 gains none. That holds as long as n has at most 15 digits.

Nothing but numbers goes in and comes out: these functions are also compiled (`market_making.replay.fast_desk`).
"""

from math import floor, log10

MOST_UNITS = 1e15  # beyond, a whole number and its neighbours have no text of their own
MOST_DECIMALS = 22  # 10^22 is the largest power of ten that floating point knows exactly

_SMALLEST, _LARGEST = 1e-29, 1e29
_LOWEST_POWER = -30
_POWERS = tuple([float(f"1e{power}") for power in range(_LOWEST_POWER, 31)])


def power_of_ten(exponent: int) -> float:
    """10 to a whole exponent from −30 to 30, correctly rounded."""
    return _POWERS[exponent - _LOWEST_POWER]


def magnitude(value: float) -> int:
    """Exponent of the first digit of a positive number: 3 for 1000, 2 for 999.9."""
    exponent = floor(log10(value))
    if value >= power_of_ten(exponent + 1):
        return exponent + 1
    if value < power_of_ten(exponent):
        return exponent - 1
    return exponent


def decimals_at(price: float, figures: int, decimals: int) -> int:
    """Decimals of the prices around `price` that have so many significant figures and decimals at most."""
    if not _SMALLEST < price < _LARGEST:
        return decimals if price < 1 else 0
    return min(max(figures - 1 - magnitude(price), 0), decimals)


def below(value: float, unit: float, scale: float) -> float:
    """The largest n·unit/scale that is not above `value`; `unit` is a whole number, `scale` a power of ten."""
    count = floor(value * scale / unit) * 1.0
    if (count + 1) * unit / scale <= value:
        count += 1
    elif count * unit / scale > value:
        count -= 1
    return count * unit / scale


def above(value: float, unit: float, scale: float) -> float:
    """The smallest n·unit/scale that is not below `value`."""
    highest = below(value, unit, scale)
    return highest if highest == value else (floor(highest * scale / unit + 0.5) + 1) * unit / scale
